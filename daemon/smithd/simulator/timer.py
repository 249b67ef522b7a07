"""The window of a timer activity: restarted by a duration, kept without one, frozen and resumed. No I/O."""

from __future__ import annotations

from dataclasses import replace

from smithd.simulator.exchange import Json
from smithd.simulator.state import Timer


def moved(timer: Timer | None, content: Json, now: float) -> Timer | None:
    """The window once this content has come (None: not a timer). With neither a duration nor a direction in it, the
    direction stays.
    """
    if content["type"] != "timer":
        return None
    if timer is None or "duration_seconds" in content:
        timer = Timer(now, content.get("duration_seconds"))
    timer = replace(timer, counts_down=content.get("counts_down", timer.counts_down))
    # Left out, it is taken for its documented default, so that a frozen timer goes on. The service leaves that open.
    if not content.get("is_running", True):
        return timer.frozen(now)
    if timer.frozen_at is None:
        return timer
    # Resumed: the time for which it stood still does not count.
    return replace(timer, began=timer.began + now - timer.frozen_at, frozen_at=None)
