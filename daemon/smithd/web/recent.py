"""What just happened, for the page: the last facts, secrets taken out."""

from __future__ import annotations

import logging

from smithd.clock import Clock
from smithd.lockscreen.screen import Line
from smithd.telemetry import Accepted, AlertMoved, Fact, Redactor

_ALERT_LEVELS = {"fired": "warning", "raised": "error", "resolved": "good"}
LINES = 12


class Recent:
    """A telemetry listener that keeps the last lines. A widget's next value takes the place of the one before."""

    def __init__(self, clock: Clock, redactor: Redactor, size: int = LINES) -> None:
        self._clock = clock
        self._redactor = redactor
        self._size = size
        self._lines: list[tuple[str | None, Line]] = []

    def __call__(self, fact: Fact) -> None:
        if fact.level < logging.INFO:
            return
        subject = _subject(fact)
        if subject is not None:
            self._lines = [line for line in self._lines if line[0] != subject]
        line = Line(self._clock.now(), self._redactor.clean(str(fact)), _level(fact))
        self._lines = [*self._lines, (subject, line)][-self._size :]

    def lines(self) -> tuple[Line, ...]:
        """The last lines, the oldest first."""
        return tuple(line for _, line in self._lines)


def _subject(fact: Fact) -> str | None:
    routine = isinstance(fact, Accepted) and not fact.key.startswith("push:")
    return f"{fact.key} {fact.operation}" if routine and isinstance(fact, Accepted) else None


def _level(fact: Fact) -> str:
    if isinstance(fact, AlertMoved):
        return _ALERT_LEVELS.get(fact.change, "info")
    if fact.level >= logging.ERROR:
        return "error"
    return "warning" if fact.level >= logging.WARNING else "info"
