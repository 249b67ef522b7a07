"""What a test sent, as JSON lines: one object for each request. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, tzinfo

from smithd.redactor import Redactor
from smithd.ruletest.played import Played


def recorded(file: str, test: str, played: Played, zone: tzinfo, redactor: Redactor) -> Iterator[str]:
    """A line for each request, in the order of sending: the test's file and name, ``at`` (seconds since its start) and
    the same as ``time`` in ``zone``, the account, the method, the path below the base address, the body
    as it was on the wire but for its secrets, and why the service refused it ("": it did not).
    """
    for sent in played.sent:
        line = {
            "file": file,
            "test": test,
            "at": round(sent.at, 3),
            "time": datetime.fromtimestamp(played.start + sent.at, zone).isoformat(timespec="milliseconds"),
            "account": sent.account,
            "method": sent.endpoint.method,
            "path": sent.endpoint.path(sent.name),
            "body": redactor.clean_all(sent.body),
            "refused": sent.refused,
        }
        yield json.dumps(line, ensure_ascii=False)
