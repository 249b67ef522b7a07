"""Time zones by name, as an option. No I/O but for reading the zone's rules."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, WithJsonSchema

from smithd.suggestion import did_you_mean


def parse_zone(name: Any) -> ZoneInfo:
    """The zone of an IANA name like Europe/Berlin; ValueError for anything else."""
    if isinstance(name, ZoneInfo):
        return name
    if not isinstance(name, str) or not name:
        raise ValueError("expected the name of a time zone, like Europe/Berlin or UTC")
    try:
        return ZoneInfo(name)
    # A directory, a path and an unknown name: ZoneInfo has a different error for each.
    except (OSError, ValueError, KeyError):
        hint = did_you_mean(name, available_timezones()) or "expected one like Europe/Berlin or UTC"
        raise ValueError(f"there is no time zone '{name}'; {hint}") from None


Zone = Annotated[ZoneInfo, BeforeValidator(parse_zone), WithJsonSchema({"type": "string"})]
"""A time zone: written as its IANA name."""
