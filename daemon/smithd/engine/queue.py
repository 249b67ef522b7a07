"""The one queue into the engine: what waits for a step, in the order of arrival. No I/O.

It is bounded. Where it is full and two answers of one source wait, the older one is dropped if it gives every rule the
same verdicts as the newer one: no alert depends on it. Else both stay, and the source is not polled again until one of
them was taken, or there is room. Ticks, commands, claims and settlements are few by their nature, and never dropped.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from smithd.poll.intake import Poll

Entry = TypeVar("Entry")


@dataclass(slots=True)
class _Waiting(Generic[Entry]):
    """``entry`` is None once it was dropped: taking it out of the middle would cost a walk."""

    entry: Entry | Poll | None


class Queue(Generic[Entry]):
    """Entries in the order of arrival. ``dropped`` counts the answers of each source that were dropped."""

    def __init__(self, most: Callable[[], int], same_verdicts: Callable[[Poll, Poll], bool]) -> None:
        """``most``: how many answers may wait. ``same_verdicts``: whether two answers of one source give every rule on
        it the same verdicts.
        """
        self.dropped: Counter[str] = Counter()
        self._most = most
        self._same_verdicts = same_verdicts
        self._waiting: deque[_Waiting[Entry]] = deque()
        self._answers: dict[str, deque[_Waiting[Entry]]] = {}
        self._crowded: set[str] = set()
        self._count = 0
        self._polls = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether as many answers wait as may."""
        return self._polls >= self._most()

    def has_room(self, source: str) -> bool:
        """Whether a source may be polled: not while the queue is full and holds two answers of it that differ."""
        return source not in self._crowded or not self.is_full

    def put(self, entry: Entry) -> None:
        """Add an entry that is not a poll."""
        self._waiting.append(_Waiting(entry))
        self._count += 1

    def put_poll(self, poll: Poll) -> None:
        """Add an answer; where there is no room, an older one of its source gives way if nothing depends on it."""
        of_source = self._answers.setdefault(poll.source, deque())
        if of_source and self.is_full:
            older = of_source[-1]
            assert isinstance(older.entry, Poll)
            if self._same_verdicts(older.entry, poll):
                of_source.pop()
                older.entry = None
                self.dropped[poll.source] += 1
                self._count -= 1
                self._polls -= 1
                # The dropped ones are taken out once they are the larger part: while a disk hangs, they would pile up.
                if len(self._waiting) > 2 * self._count + 100:
                    self._waiting = deque(waiting for waiting in self._waiting if waiting.entry is not None)
            else:
                self._crowded.add(poll.source)
        waiting: _Waiting[Entry] = _Waiting(poll)
        of_source.append(waiting)
        self._waiting.append(waiting)
        self._count += 1
        self._polls += 1

    def take(self) -> Iterator[Entry | Poll]:
        """The entries, each removed as it is taken, for as long as the caller asks for more."""
        while self._waiting:
            entry = self._waiting.popleft().entry
            if entry is None:
                continue
            self._count -= 1
            if isinstance(entry, Poll):
                of_source = self._answers[entry.source]
                of_source.popleft()
                self._crowded.discard(entry.source)
                if not of_source:
                    del self._answers[entry.source]
                self._polls -= 1
            yield entry
