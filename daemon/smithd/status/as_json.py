"""The read model as JSON has it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import tzinfo
from functools import cache
from typing import Any

from smithd.formatting import iso_time


def as_json(value: Any, zone: tzinfo) -> Any:
    """A part of the read model, or all of it: what is a time by its name is written in this zone, ISO 8601."""
    # Most are one of these.
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((name, getattr(value, name), is_time) for name, is_time in _names(type(value)))
        return {
            name: iso_time(part, zone) if is_time and part is not None else as_json(part, zone)
            for name, part, is_time in parts
        }
    if isinstance(value, Mapping):
        return {str(name): as_json(each, zone) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each, zone) for each in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


@cache
def _names(kind: type[Any]) -> tuple[tuple[str, bool], ...]:
    """The fields of a dataclass, and whether each is a time."""
    names = [field.name for field in fields(kind)]
    return tuple(
        (name, name in ("at", "since", "until") or name.endswith(("_at", "_since", "_until"))) for name in names
    )
