"""How the pages say times, states and values. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from smithd.formatting import duration, number
from smithd.notify.matcher import AlertMatcher


class Sign(NamedTuple):
    """How a state is shown, never by its colour alone: a sign before its word, and one of the page's tones."""

    sign: str
    tone: str


MARKS = {
    "critical": Sign("!!", "bad"),
    "warning": Sign("!", "warn"),
    "info": Sign("i", "note"),
    "pending": Sign("…", "quiet"),
    "failing": Sign("✕", "bad"),
    "silent": Sign("?", "warn"),
    "unseen": Sign("·", "quiet"),
    "up": Sign("✓", "good"),
    "clear": Sign("✓", "good"),
    "problem": Sign("✕", "bad"),
    "differs": Sign("≠", "warn"),
    "waiting": Sign("…", "quiet"),
    "same": Sign("✓", "good"),
    "correct": Sign("✓", "good"),
    "nothing": Sign("·", "quiet"),
    "stale": Sign("?", "warn"),
    "refused": Sign("✕", "bad"),
    "blocked": Sign("✕", "warn"),
    "in flight": Sign("→", "note"),
    "suppressed": Sign("–", "quiet"),
}
UNKNOWN = Sign("·", "quiet")


def mark(state: str) -> Sign:
    """How a state is shown; one that is not known has a quiet mark."""
    return MARKS.get(state, UNKNOWN)


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
