"""Checked options as YAML could say them: numbers, texts, lists and mappings. No I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr

from smithd.config import fields
from smithd.expression.option import InlineMetric
from smithd.template import Text

_UNITS = {"d": 86400, "h": 3600, "m": 60}


def plain(value: Any, *, seconds: bool = False) -> Any:
    """What a file would say for a checked value; secrets stay as they are, so that two can be compared. ``seconds``:
    numbers are durations.
    """
    if isinstance(value, BaseModel):
        named = {
            key: plain(getattr(value, name), seconds=fields.is_duration(field))
            for name, (key, field) in fields.by_attribute(type(value)).items()
        }
        return {key: each for key, each in named.items() if each is not None}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each, seconds=seconds) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(plain, value), key=str)
    # A tuple with names is one value, as an address and a port.
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [plain(each, seconds=seconds) for each in value]
    return _single(value, seconds=seconds)


def _single(value: Any, *, seconds: bool) -> Any:
    match value:
        case InlineMetric():
            return str(value.expression)
        case Enum():
            return value.value
        case float() if seconds:
            return written_duration(value)
        case None | bool() | int() | float() | str() | SecretStr():
            return value
        case Text():
            return value.source
    if dataclasses.is_dataclass(value) and type(value).__str__ is object.__str__:
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    # Conditions, expressions, zones and paths have the text of the file.
    return str(value)


def written_duration(seconds: float) -> str:
    """A duration as a file says it, exactly: ``90s``, ``5m``."""
    for unit, size in _UNITS.items():
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.10g}s"
