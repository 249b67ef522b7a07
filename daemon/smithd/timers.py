"""Timers: what is to be looked at again, and when. No I/O."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from smithd.keys import StreamKey, SurfaceKey
from smithd.plugin.sample import Labels


class AlertDue(NamedTuple):
    """An alert whose ``for``, ``keep_firing_for`` or ``after`` ends."""

    rule: str
    labels: Labels


class StaleDue(NamedTuple):
    """A metric whose samples become stale, or a source that becomes silent."""

    name: str


class WindowDue(NamedTuple):
    """A time window that opens or closes."""

    name: str


class SilenceDue(NamedTuple):
    """A silence that ends."""

    id: int


class NoDataDue(NamedTuple):
    """A Live Activity whose sources may all have been down for too long."""

    stream: StreamKey


class SurfaceDue(NamedTuple):
    """A surface to be rendered again."""

    surface: SurfaceKey


Timer = TypeVar("Timer")


class TimerQueue(Generic[Timer]):
    """Timers by time. A timer may be set twice, or without need: its owner checks whether something is really due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0

    def next_at(self) -> float | None:
        """When the next timer is due (seconds since 1970); None where there is none."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[tuple[float, Timer]]:
        """The timers that are due, the earliest first; they stay in the queue."""
        found, places = [], [0]
        # In a heap, what is due stands together at its top: nothing below a timer is earlier than that timer.
        while places:
            place = places.pop()
            if place < len(self._heap) and self._heap[place][0] <= now:
                found.append(self._heap[place])
                places += (2 * place + 1, 2 * place + 2)
        found.sort(key=lambda each: each[:2])
        return [(at, timer) for at, _, timer in found]

    def apply(self, changes: TimerChanges[Timer]) -> None:
        """Take out what a step took, and set what it set."""
        if changes.is_reset:
            # All at once, since they may be tens of thousands.
            self._heap = [(at, self._count + number, timer) for number, (at, timer) in enumerate(changes.added, 1)]
            self._count += len(self._heap)
            heapq.heapify(self._heap)
            return
        while self._heap and changes.taken_until is not None and self._heap[0][0] <= changes.taken_until:
            heapq.heappop(self._heap)
        for at, timer in changes.added:
            # The count decides between two of one time: timers themselves cannot be compared.
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, timer))


class TimerChanges(Generic[Timer]):
    """What one step does to a queue, which stays as it is until the step is applied.

    ``taken_until``: all timers of the queue up to then were taken. ``added``: those that were set and are not due yet.
    ``is_reset``: the queue's timers do not count any more.
    """

    def __init__(self, queue: TimerQueue[Timer]) -> None:
        self._queue = queue
        self.taken_until: float | None = None
        self.added: list[tuple[float, Timer]] = []
        self.is_reset = False

    def add(self, timers: Iterable[tuple[float, Timer]]) -> None:
        """Set timers."""
        self.added += timers

    def reset(self) -> None:
        """Forget all timers."""
        self.is_reset = True
        self.added.clear()

    def take(self, now: float) -> list[Timer]:
        """The timers that are due at ``now``, each once, the earliest first."""
        due = [] if self.is_reset else self._queue.due(now)
        # The queue stays as it is until the step is applied, so it has still what this step took before.
        if self.taken_until is not None:
            due = [each for each in due if each[0] > self.taken_until]
        due += [each for each in self.added if each[0] <= now]
        self.added = [each for each in self.added if each[0] > now]
        if not self.is_reset:
            self.taken_until = now if self.taken_until is None else max(now, self.taken_until)
        due.sort(key=lambda each: each[0])
        return list(dict.fromkeys(timer for _, timer in due))
