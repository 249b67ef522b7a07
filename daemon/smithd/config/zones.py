"""The machine's own time zone."""

from __future__ import annotations

import warnings
from datetime import datetime
from zoneinfo import ZoneInfo

from smithd.formatting import ForeignZone

_COMPARED = tuple(datetime(2026, month, day) for month in range(1, 13) for day in (1, 15))
"""The moments at which the clocks of two zones are compared."""


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
