"""How the pages say times, states and values. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from smithd.formatting import duration, number
from smithd.notify.matcher import AlertMatcher


class Mark(NamedTuple):
    """How a state is told, never by its colour alone: a sign before its word, and one of the page's tones."""

    sign: str
    tone: str


MARKS = {
    "critical": Mark("!!", "bad"),
    "warning": Mark("!", "warn"),
    "info": Mark("i", "note"),
    "pending": Mark("…", "quiet"),
    "failing": Mark("✕", "bad"),
    "silent": Mark("?", "warn"),
    "unseen": Mark("·", "quiet"),
    "up": Mark("✓", "good"),
    "clear": Mark("✓", "good"),
    "problem": Mark("✕", "bad"),
    "differs": Mark("≠", "warn"),
    "waiting": Mark("…", "quiet"),
    "same": Mark("✓", "good"),
    "correct": Mark("✓", "good"),
    "nothing": Mark("·", "quiet"),
    "stale": Mark("?", "warn"),
    "refused": Mark("✕", "bad"),
    "blocked": Mark("✕", "warn"),
    "in flight": Mark("→", "note"),
    "suppressed": Mark("–", "quiet"),
}
UNKNOWN = Mark("·", "quiet")


def mark(state: str) -> Mark:
    """How a state is told; one that is not known has a quiet mark."""
    return MARKS.get(state, UNKNOWN)


def clock(at: str, now: str) -> str:
    """A time for a person, with the day only where it is not today's: ``14:05:07``, ``Sat 28 Nov 14:05:07``."""
    moment, today = datetime.fromisoformat(at), datetime.fromisoformat(now)
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%a %d %b %H:%M:%S")


def age(at: str, now: str) -> str:
    """How long ago a time was, or how far ahead it lies: ``4m ago``, ``in 2h``, ``now``."""
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(at)).total_seconds()
    said = duration(abs(_coarse(seconds)))
    return "now" if abs(seconds) < 1 else f"{said} ago" if seconds > 0 else f"in {said}"


def _coarse(seconds: float) -> float:
    """Without what changes at each look: whole minutes from one on, whole hours from one day on."""
    size = 3600 if abs(seconds) >= 86400 else 60 if abs(seconds) >= 60 else 1
    return seconds // size * size


def value(given: Any) -> str:
    """A value as it is read: numbers with their thousands apart."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return str(given)
    return number(given)


def matchers(labels: Mapping[str, str]) -> str:
    """Matchers that an alert with these labels meets, as they may be written."""
    return ", ".join(str(AlertMatcher(name, "=", value, value.__eq__)) for name, value in labels.items())
