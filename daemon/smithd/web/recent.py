"""What just happened, for the page: the last events, secrets masked. No I/O."""

from __future__ import annotations

import logging

from smithd.clock import Clock
from smithd.events import AlertChanged, Event, SendAccepted
from smithd.formatting import readable
from smithd.keys import PushKey
from smithd.lockscreen.screen import Line
from smithd.redactor import Redactor

_ALERT_LEVELS = {"fired": "warning", "raised": "error", "resolved": "good"}
LINES = 12


class Recent:
    """A listener to events that keeps the last lines. A widget's next value takes the place of the one before."""

    def __init__(self, clock: Clock, redactor: Redactor, size: int = LINES) -> None:
        self._clock = clock
        self._redactor = redactor
        self._size = size
        self._lines: list[tuple[str | None, Line]] = []

    def __call__(self, event: Event) -> None:
        if event.level < logging.INFO:
            return
        subject = None
        if isinstance(event, SendAccepted) and not isinstance(event.key, PushKey):
            subject = f"{event.key} {event.operation}"
            self._lines = [line for line in self._lines if line[0] != subject]
        if isinstance(event, AlertChanged):
            level = _ALERT_LEVELS.get(event.change, "info")
        elif event.level >= logging.ERROR:
            level = "error"
        else:
            level = "warning" if event.level >= logging.WARNING else "info"
        line = Line(self._clock.now(), self._redactor.clean(readable(str(event))), level)
        self._lines = [*self._lines, (subject, line)][-self._size :]

    def lines(self) -> tuple[Line, ...]:
        """The last lines, the oldest first."""
        return tuple(line for _, line in self._lines)
