"""What a timer on the phone counts, from what was accepted of it: each update, and what was known before. No I/O.

An update says neither how long a window was at its start nor when a clock was stopped, so that this is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass

from smithd.delivery.window import is_timer
from smithd.lockscreen.content import DrawnTimer
from smithd.outbox.shown import ShownActivity, TimerWindow


@dataclass(frozen=True, slots=True)
class SeenTimer:
    """A timer as it is drawn. ``of`` tells its window from others: by its name, or by when a clock was started."""

    of: str | float
    drawn: DrawnTimer


def seen(row: ShownActivity, before: SeenTimer | None) -> SeenTimer | None:
    """The timer that a row shows; None where it shows none. One that has ended stays as it was."""
    if row.content is None or row.ended:
        return before
    state = row.content.content_state
    if not is_timer(state):
        return None
    of = row.window.name if row.window is not None else row.since
    same = before.drawn if before is not None and before.of == of else None
    if row.window is not None:
        return SeenTimer(of, _countdown(row.window, same, counts_down=state.get("counts_down") is not False))
    return SeenTimer(of, _stopwatch(row, same, runs=state.get("is_running") is not False))


def _countdown(window: TimerWindow, same: DrawnTimer | None, *, counts_down: bool) -> DrawnTimer:
    """A window with an end. The longest time that was ever left of it is its length, as far as is known."""
    length = max(window.left, (same.duration if same is not None else None) or 0.0)
    began = window.at - (length - window.left)
    return DrawnTimer(began, length, None if window.runs else window.at, counts_down)


def _stopwatch(row: ShownActivity, same: DrawnTimer | None, *, runs: bool) -> DrawnTimer:
    """A clock that counts up from its start, less the time that it stood."""
    if same is None:
        same = DrawnTimer(row.since or row.at, None, counts_down=False)
    if runs and same.frozen_at is not None:
        return DrawnTimer(same.began + row.at - same.frozen_at, None, counts_down=False)
    frozen_at = None if runs else row.at if same.frozen_at is None else same.frozen_at
    return DrawnTimer(same.began, None, frozen_at, counts_down=False)
