"""How many streams may start in an hour. iOS has an undocumented budget for starts. No I/O."""

from __future__ import annotations

from collections.abc import Collection

from smithd.surfaces.slots.memory import Start

STARTS_WINDOW = 3601.0
"""Seconds within which starts are counted: an hour, and a second for the way of a request."""

KEPT_FOR_CRITICALS = 2
MOST_STARTS = 10
"""Of the starts in an hour: those that only criticals may take, and the most that they may take."""


def within_window(starts: tuple[Start, ...], now: float) -> tuple[Start, ...]:
    """The starts that still count."""
    if all(start.at + STARTS_WINDOW > now for start in starts):
        return starts
    return tuple(start for start in starts if start.at + STARTS_WINDOW > now)


def may_start_at(starts: Collection[Start], at_most: int, now: float, *, critical: bool) -> float:
    """When one more stream may start after these, of ``at_most`` in an hour."""
    # Of a limit of one or two, fewer are kept: something must be able to start.
    others = at_most - min(KEPT_FOR_CRITICALS, at_most - 1)

    def is_allowed(at: float) -> bool:
        recent = [start for start in starts if start.at + STARTS_WINDOW > at]
        if critical:
            return len(recent) < max(MOST_STARTS, at_most)
        return len(recent) < at_most and sum(not start.critical for start in recent) < others

    times = [now, *sorted(start.at + STARTS_WINDOW for start in starts)]
    return next(at for at in times if at >= now and is_allowed(at))
