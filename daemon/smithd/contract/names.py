"""The names in the service's paths (contract section 2). No I/O."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from smithd.contract.values import whole

_METRIC = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_STREAM = re.compile(r"[A-Za-z0-9_-]{1,255}")


def matching(pattern: re.Pattern[str], what: str, expected: str) -> AfterValidator:
    """The annotation of a name that must match; the error proposes a similar name that matches."""

    def check(name: str) -> str:
        if pattern.fullmatch(name):
            return name
        # What people write, like "Nightly job", becomes a name with one of these signs for all that a name cannot have.
        proposals = [re.sub(r"[^a-z0-9]+", sign, name.lower()).strip(sign) for sign in "_-"]
        similar = next((proposal for proposal in proposals if proposal and pattern.fullmatch(proposal)), None)
        instead = "" if similar is None else f", like '{similar}'"
        raise ValueError(f"'{whole(name)}' cannot be {what}: expected {expected}{instead}")

    return AfterValidator(check)


def _of_a_notification(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        name = ""
    # "." and ".." mean something else in a path.
    if not name.strip("."):
        raise ValueError("expected the service's name of a notification")
    return name


MetricKey = Annotated[
    str,
    matching(_METRIC, "a metric key of ActivitySmith", "1 to 64 small letters, digits, '_', '.' and '-'"),
]
StreamKey = Annotated[str, matching(_STREAM, "a stream key of ActivitySmith", "1 to 255 letters, digits, '_' and '-'")]
NotificationId = Annotated[str, AfterValidator(_of_a_notification)]
