"""The log: readable on a terminal, with priorities in the journal."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TextIO

from smithd.cli.progress import above
from smithd.formatting import CONTROLS, DIRECTIONS, zoned
from smithd.redactor import Redactor

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Syslog's numbers, which the journal reads at a line's start (sd-daemon(3))."""

_UNSAFE = dict.fromkeys([*CONTROLS, *DIRECTIONS, 0x2028, 0x2029], " ")
"""Polled texts may hold anything: they must neither forge a line nor control the terminal."""

_COLORS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}


@dataclass
class LogZone:
    """The zone of the log's times. ``read``: the one of now, which a reload may change."""

    read: Callable[[], tzinfo]


UTC_LOG = LogZone(lambda: UTC)


def write_logs(redactor: Redactor, zone: LogZone = UTC_LOG) -> None:
    """Write smithd's log to stderr, without secrets."""
    handler = _Lines()
    if _is_journal():
        handler.setFormatter(_Journal(redactor, zone, "%(message)s"))
    else:
        handler.setFormatter(_Terminal(redactor, zone, in_color=sys.stderr.isatty() and "NO_COLOR" not in os.environ))
    log = logging.getLogger("smithd")
    log.addHandler(handler)
    # A handler of the root logger would write each line again, with its secrets.
    log.propagate = False


def _is_journal() -> bool:
    """Whether stderr is the journal: systemd names its device and inode (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class _Lines(logging.StreamHandler[TextIO]):
    """Writes to stderr, above a bar that is shown there."""

    def emit(self, record: logging.LogRecord) -> None:
        with above():
            super().emit(record)


class _Clean(logging.Formatter):
    """One line for each record, without secrets."""

    def __init__(self, redactor: Redactor, zone: LogZone, form: str) -> None:
        super().__init__(form)
        self._redactor = redactor
        self._zone = zone

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - logging's
        return zoned(record.created, self._zone.read(), "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(super().format(record)).translate(_UNSAFE)


class _Journal(_Clean):
    """With a priority for each line; the journal itself knows the time."""

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 5)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


class _Terminal(_Clean):
    """With date and time, and in colour where the terminal has it."""

    def __init__(self, redactor: Redactor, zone: LogZone, in_color: bool) -> None:
        super().__init__(redactor, zone, "%(asctime)s %(levelname)-7s %(message)s")
        self._in_color = in_color

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        color = _COLORS.get(record.levelno) if self._in_color else None
        return f"\033[{color}m{line}\033[0m" if color else line
