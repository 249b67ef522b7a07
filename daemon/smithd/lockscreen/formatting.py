"""How times and values read on a Lock Screen. No I/O."""

from __future__ import annotations

from datetime import datetime, tzinfo

from smithd.formatting import ForeignZone

_FILMS = frozenset({"mp4", "m4v", "mov", "mpg", "mpeg", "avi", "webm"})
_SOUNDS = frozenset({"mp3", "m4a", "aac", "wav", "aif", "aiff", "caf", "ogg"})


def clock(at: float, zone: tzinfo) -> str:
    """``9:41``, as the phone's big clock has it."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local.hour}:{local.minute:02}"


def exact(at: float, now: float, zone: tzinfo) -> str:
    """``09:41:07``, for what happened; with the weekday where it was not today."""
    moment = datetime.fromtimestamp(at, zone)
    return (
        f"{moment:%H:%M:%S}" if moment.date() == datetime.fromtimestamp(now, zone).date() else f"{moment:%a %H:%M:%S}"
    )


def foreign(zone: tzinfo) -> str:
    """``times in Europe/Berlin``, where that is not this machine's zone; else nothing."""
    return f"times in {zone.key}" if isinstance(zone, ForeignZone) else ""


def date(at: float, zone: tzinfo) -> str:
    """``Monday, 23 November``."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%A}, {local.day} {local:%B}"


def short_date(at: float, zone: tzinfo) -> str:
    """``Mon 23``, where the line above the clock has a widget, too."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%a} {local.day}"


def ago(at: float, now: float) -> str:
    """``now``, ``2m ago``, ``3h ago``, ``2d ago``; a time to come is now."""
    passed = max(0.0, now - at)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if passed >= size:
            return f"{int(passed // size)}{unit} ago"
    return "now"


def duration(seconds: float) -> str:
    """``4:59``, ``1:04:59``, as a timer has it."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def figure(value: str | float) -> str:
    """A number with its thousands apart and two decimals at most; a text as it is."""
    if isinstance(value, str):
        return value
    if abs(value) >= 1e15:
        return f"{value:.3g}"
    shown = f"{value:,.2f}"
    shown = shown.rstrip("0").rstrip(".")
    # A small number below zero rounds to "-0".
    return "0" if shown == "-0" else shown


def caption(key: str) -> str:
    """What a widget is probably called: ``shop.open_orders`` is ``Open orders``. (The name is set in the app only.)"""
    words = key.rpartition(".")[2].replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] if words else key


def media_kind(address: str) -> str:
    """What an address of media leads to, by its ending: ``photo``, ``film`` or ``speaker``."""
    ending = address.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return "film" if ending in _FILMS else "speaker" if ending in _SOUNDS else "photo"
