"""Timers: what is to be looked at again, and when. No I/O."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from smithd.keys import SurfaceKey
from smithd.plugin.sample import Labels


class AlertDue(NamedTuple):
    """An alert whose ``for``, ``keep_firing_for`` or ``after`` ends."""

    rule: str
    labels: Labels


class Ageing(NamedTuple):
    """A metric whose samples become stale, or a source that becomes silent."""

    name: str


class Look(NamedTuple):
    """A surface to be rendered again."""

    surface: SurfaceKey


EngineTimer = AlertDue | Ageing | Look

Timer = TypeVar("Timer")


class TimerQueue(Generic[Timer]):
    """Timers by time. A timer may be set more than once, or for nothing: whoever takes it looks at how things are."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0

    def add(self, at: float, timer: Timer) -> None:
        """Set a timer for ``at`` (seconds since 1970)."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, timer))

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()

    def next_at(self) -> float | None:
        """When the next timer is due; None where there is none."""
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> Iterator[Timer]:
        """The timers that are due, each removed as it is taken."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]
