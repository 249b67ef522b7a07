"""The agenda: what time alone will move, and when. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from smithd.alerts.notice import AlertId, Group
from smithd.plugin.sample import Labels


class Alarm(NamedTuple):
    """An alert whose clock runs out."""

    rule: str
    labels: Labels


class Ageing(NamedTuple):
    """A metric whose readings grow too old, or a source that falls silent."""

    name: str


class Look(NamedTuple):
    """A surface to be looked at again."""

    surface: str


class Hushed(NamedTuple):
    """An alert whose telling was held back until now."""

    alert: AlertId


class Speak(NamedTuple):
    """A notice that may speak now."""

    group: Group


Item = Alarm | Ageing | Look | Hushed | Speak


class Agenda:
    """Items by time. An item may stand here more than once, or for nothing: whoever takes it looks again."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._count = 0

    def add(self, at: float, item: Item) -> None:
        """Have an item come up at ``at`` (seconds since 1970)."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, item))

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()

    def next_at(self) -> float | None:
        """When the next item comes up; None where nothing waits."""
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> Iterator[Item]:
        """The items that are due, each taken out."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]
