"""The names that sources, metrics, rules, time windows and accounts may have. No I/O."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from smithd.contract.names import StreamKey, matching
from smithd.surfaces.slots.demand import FOLD_KEY

METRIC_NAME = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*")

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RULE = re.compile(r"[a-z0-9_][a-z0-9_-]*")

_SMALL = "small letters, digits and _, and no digit first"
SourceName = Annotated[str, matching(_NAME, "the name of a source", _SMALL)]
DerivedName = Annotated[str, matching(_NAME, "the name of a derived metric", _SMALL)]
RuleName = Annotated[str, matching(_RULE, "the name of a rule", "small letters, digits, _ and -")]
AccountName = Annotated[str, matching(_RULE, "the name of an account", "small letters, digits, _ and -")]
WindowName = Annotated[str, matching(_RULE, "the name of a time window", "small letters, digits, _ and -")]


def _not_reserved(key: str) -> str:
    # Where keys differ in case alone, whether the service tells them apart is not documented.
    if key.lower() == FOLD_KEY:
        raise ValueError(f"'{key}' is the stream key of the activity that folded ones share: choose another")
    return key


ActivityKey = Annotated[StreamKey, AfterValidator(_not_reserved)]
"""The stream key of a Live Activity."""


def is_metric_name(name: str) -> bool:
    """Whether a metric may have this name within its source."""
    return METRIC_NAME.fullmatch(name) is not None
