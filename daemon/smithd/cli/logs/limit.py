"""How much of the same a log says. No I/O.

A line belongs to a *kind* of lines about a *subject*: the skipped polls of a source. Of each kind the log has

- the same line at once, and then at most once in ten minutes, with how often it came;
- different lines as a token bucket lets them pass: twenty at once, then two a minute; of the others, every ten minutes,
  how many there were, and the last.

What says that a subject changed is never limited, and ends what was counted before it: the same line after it is news.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

WINDOW = 600.0
"""Seconds for which lines are left out, until it is said how many."""
AT_ONCE = 20
"""Different lines of a kind that pass without a pause."""
PAUSE = 30.0
"""Seconds after which one more passes."""
LOOK = 10.0
"""Seconds between two looks for what is due to be told."""

LineT = TypeVar("LineT")


@dataclass(frozen=True, slots=True)
class Sort:
    """What a line is about, which kind of line it is, and what it says: lines with the same content are alike."""

    subject: Hashable
    kind: Hashable
    content: Hashable


@dataclass(frozen=True, slots=True)
class LeftOut(Generic[LineT]):
    """So many lines that were left out in so many ``seconds``, with the last of them; ``alike``: all said the same."""

    last: LineT
    count: int
    seconds: float
    alike: bool


@dataclass(slots=True)
class _Tally(Generic[LineT]):
    """What is left out since a moment."""

    since: float
    count: int = 0
    last: LineT | None = None

    def add(self, line: LineT) -> None:
        self.count += 1
        self.last = line

    def told(self, now: float, alike: bool) -> Iterator[LeftOut[LineT]]:
        if self.last is not None:
            yield LeftOut(self.last, self.count, now - self.since, alike)


@dataclass(slots=True)
class _Kind(Generic[LineT]):
    """The lines of one kind: the bucket's tokens as they were ``at`` a moment, what was said, and what was not."""

    at: float
    tokens: float = AT_ONCE
    said: dict[Hashable, _Tally[LineT]] = field(default_factory=dict)
    others: _Tally[LineT] | None = None

    def admits(self, content: Hashable, line: LineT, now: float) -> bool:
        tally = self.said.get(content)
        if tally is not None and (tally.count or now < tally.since + WINDOW):
            tally.add(line)
            return False
        self.tokens, self.at = min(AT_ONCE, self.tokens + (now - self.at) / PAUSE), now
        if self.tokens < 1:
            self.others = self.others or _Tally(now)
            self.others.add(line)
            return False
        self.tokens -= 1
        self.said[content] = _Tally(now)
        return True

    def tell(self, now: float, began: float) -> Iterator[LeftOut[LineT]]:
        """What was left out since ``began`` or before; it is counted anew from now on."""
        for content, tally in [(content, tally) for content, tally in self.said.items() if tally.since <= began]:
            yield from tally.told(now, alike=True)
            if tally.count:
                self.said[content] = _Tally(now)
            else:
                del self.said[content]
        if self.others is not None and self.others.since <= began:
            yield from self.others.told(now, alike=False)
            self.others = None

    def is_forgotten(self, now: float) -> bool:
        """Whether nothing is left to remember of it."""
        return not self.said and self.others is None and self.tokens + (now - self.at) / PAUSE >= AT_ONCE


class RepeatLimit(Generic[LineT]):
    """Decides of each line whether the log has it. ``now`` is in seconds, and never goes back."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, dict[Hashable, _Kind[LineT]]] = {}
        """By their subject, and their name."""
        self._looked_at = float("-inf")

    def admits(self, sort: Sort, line: LineT, now: float) -> bool:
        """Whether the log has a line now; otherwise it is counted."""
        kinds = self._kinds.setdefault(sort.subject, {})
        if sort.kind not in kinds:
            kinds[sort.kind] = _Kind(now)
        return kinds[sort.kind].admits(sort.content, line, now)

    def due(self, now: float) -> list[LeftOut[LineT]]:
        """What was left out for long enough to be told now."""
        if now < self._looked_at + LOOK:
            return []
        self._looked_at = now
        began, found = now - WINDOW, list[LeftOut[LineT]]()
        for subject, kinds in list(self._kinds.items()):
            found += [told for kind in kinds.values() for told in kind.tell(now, began)]
            self._kinds[subject] = left = {name: kind for name, kind in kinds.items() if not kind.is_forgotten(now)}
            if not left:
                del self._kinds[subject]
        return found

    def end(self, subject: Hashable, now: float) -> list[LeftOut[LineT]]:
        """What was left out of a subject that has changed. Its lines are news from now on."""
        found: list[LeftOut[LineT]] = []
        for kind in self._kinds.get(subject, {}).values():
            found += kind.tell(now, now)
            kind.said.clear()
        return found

    def end_all(self, now: float) -> list[LeftOut[LineT]]:
        """What was left out and not told yet."""
        return [told for subject in list(self._kinds) for told in self.end(subject, now)]
