"""What things may be called. Sources and metrics stand in expressions; widgets and streams have the service's keys."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

METRIC_NAME = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*")

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RULE = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_WIDGET = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_STREAM = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _matching(pattern: re.Pattern[str], what: str, expected: str) -> AfterValidator:
    def check(name: str) -> str:
        if not pattern.fullmatch(name):
            raise ValueError(f"'{name}' cannot be {what}: expected {expected}{_instead(name, pattern)}")
        return name

    return AfterValidator(check)


def _instead(name: str, pattern: re.Pattern[str]) -> str:
    """A name like this one that would do, as the end of a sentence."""
    for sign in "_-":
        proposal = re.sub(r"[^a-z0-9]+", sign, name.lower()).strip(sign)
        if proposal and pattern.fullmatch(proposal):
            return f", like '{proposal}'"
    return ""


_SMALL = "small letters, digits and _, and no digit first"
SourceName = Annotated[str, _matching(_NAME, "the name of a source", _SMALL)]
DerivedName = Annotated[str, _matching(_NAME, "the name of a derived metric", _SMALL)]
RuleName = Annotated[str, _matching(_RULE, "the name of a rule", "small letters, digits, _ and -")]
WindowName = Annotated[str, _matching(_RULE, "the name of a time window", "small letters, digits, _ and -")]
WidgetKey = Annotated[
    str,
    _matching(_WIDGET, "a metric key of ActivitySmith", "1 to 64 small letters, digits, '_', '.' and '-'"),
]
StreamKey = Annotated[str, _matching(_STREAM, "a stream key of ActivitySmith", "1 to 255 letters, digits, '_' and '-'")]


def is_metric_name(name: str) -> bool:
    """Whether a metric may have this name within its source."""
    return METRIC_NAME.fullmatch(name) is not None
