"""The window of a timer activity: restarted by a duration, kept without one, frozen and resumed. Pure."""

from __future__ import annotations

from dataclasses import replace

from smithd.simulator.exchange import Json
from smithd.simulator.state import Timer


def moved(timer: Timer | None, content: Json, now: float) -> Timer | None:
    """The window after this content came (None: not a timer)."""
    if content["type"] != "timer":
        return None
    if timer is None or "duration_seconds" in content:
        timer = Timer(now, content.get("duration_seconds"))
    return _resumed(timer, now) if content.get("is_running", True) else _frozen(timer, now)


def ended(timer: Timer | None, content: Json, now: float) -> Timer | None:
    """The window after the end: frozen where it stands, unless the end's own content sets another."""
    if timer is not None and "duration_seconds" in content:
        timer = Timer(now, content["duration_seconds"])
    return _frozen(timer, now) if timer else None


def _frozen(timer: Timer, now: float) -> Timer:
    return timer if timer.frozen_at is not None else replace(timer, frozen_at=now)


def _resumed(timer: Timer, now: float) -> Timer:
    if timer.frozen_at is None:
        return timer
    return replace(timer, began=timer.began + now - timer.frozen_at, frozen_at=None)
