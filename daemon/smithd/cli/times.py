"""Times as a command shows them, where the daemon's answer names the configured zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from smithd.config.zones import shown_zone
from smithd.formatting import ForeignZone


def zone_of(found: Mapping[str, Any]) -> ZoneInfo:
    """The configured zone that an answer names. Of a daemon of an earlier version, which names none: UTC."""
    return shown_zone(ZoneInfo(found.get("timezone", "UTC")))


def zone_lines(found: Mapping[str, Any]) -> list[str]:
    """The line that says in which zone an answer's times are, where that is not the system's."""
    zone = zone_of(found)
    return [f"Times are in {zone.key}."] if isinstance(zone, ForeignZone) and "timezone" in found else []
