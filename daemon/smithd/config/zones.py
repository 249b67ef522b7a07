"""Time zones by name, and the machine's own."""

from __future__ import annotations

import warnings
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from smithd.formatting import ForeignZone
from smithd.suggestion import did_you_mean

_COMPARED = tuple(datetime(2026, month, day) for month in range(1, 13) for day in (1, 15))
"""The moments at which the clocks of two zones are compared."""


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


def local_zone() -> ZoneInfo | None:
    """The machine's own zone; None where it has none with a name."""
    from tzlocal import get_localzone_name

    with warnings.catch_warnings():
        # tzlocal warns of unusual machines; the caller warns itself, and says what is used instead.
        warnings.simplefilter("ignore")
        try:
            return ZoneInfo(get_localzone_name() or "")
        except (OSError, ValueError, KeyError):
            return None


def shown_zone(zone: ZoneInfo) -> ZoneInfo:
    """The zone as times in it are shown: foreign, where its clocks are not those of this machine."""
    system = local_zone() or ZoneInfo("UTC")
    same = zone.key == system.key or all(zone.utcoffset(at) == system.utcoffset(at) for at in _COMPARED)
    return zone if same else ForeignZone(zone.key)
