"""The rows of a list that are shown: those with the words and the state that are asked for. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smithd.web.visit import MOST_ROWS, Visit

Found = Mapping[str, Any]
"""A part of an answer of the daemon, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """``shown`` of ``matching`` rows, of ``total``. ``states``: how many of those with the words asked for are in each
    state.
    """

    shown: Sequence[Found]
    matching: int
    total: int
    states: Sequence[tuple[str, int]]

    @property
    def more(self) -> int | None:
        """How many rows to ask for to see more of them; None where there are none, or no more can be shown."""
        left, asked = self.matching - len(self.shown), len(self.shown)
        return min(asked * 5, MOST_ROWS) if left and asked < MOST_ROWS else None


def choose(
    rows: Sequence[Found],
    visit: Visit,
    states: Sequence[str],
    state: Callable[[Found], str],
    text: Callable[[Found], str],
) -> Choice:
    """The rows that a visit asks for, in their order. ``states``: those there are; ``text``: where words of a row are
    looked for.
    """
    words = visit.q.casefold().split()
    met = [row for row in rows if has_all(words, text(row))] if words else list(rows)
    counts = Counter(map(state, met))
    wanted = [row for row in met if not visit.state or state(row) == visit.state]
    counted = [(name, counts[name]) for name in states if counts[name] or name == visit.state]
    return Choice(wanted[: visit.most], len(wanted), len(rows), counted)


def by_urgency(rows: Iterable[Found], states: Sequence[str], state: Callable[[Found], str]) -> list[Found]:
    """Rows in the order of their states, the most urgent first; those of one state keep their order."""
    urgency = {name: place for place, name in enumerate(states)}
    return sorted(rows, key=lambda row: urgency.get(state(row), len(urgency)))


def has_all(words: Sequence[str], text: str) -> bool:
    """Whether a text has all these words, whatever their case; a word may be a part of one."""
    folded = text.casefold()
    return all(word in folded for word in words)
