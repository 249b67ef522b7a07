"""The names that sources, metrics, rules and time windows may have. No I/O."""

from __future__ import annotations

import re
from typing import Annotated

from smithd.contract.names import matching

METRIC_NAME = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*")

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RULE = re.compile(r"[a-z0-9_][a-z0-9_-]*")

_SMALL = "small letters, digits and _, and no digit first"
SourceName = Annotated[str, matching(_NAME, "the name of a source", _SMALL)]
DerivedName = Annotated[str, matching(_NAME, "the name of a derived metric", _SMALL)]
RuleName = Annotated[str, matching(_RULE, "the name of a rule", "small letters, digits, _ and -")]
WindowName = Annotated[str, matching(_RULE, "the name of a time window", "small letters, digits, _ and -")]


def is_metric_name(name: str) -> bool:
    """Whether a metric may have this name within its source."""
    return METRIC_NAME.fullmatch(name) is not None
