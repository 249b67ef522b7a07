"""Writes the log: each record in the format that was asked for, without secrets, and not too much of the same."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from smithd.cli.logs.entry import LogMessage, entry, is_change, is_limited, sort, told
from smithd.cli.logs.formats import UTC_LOG, LogZone, as_json, text, with_priority
from smithd.cli.logs.journal import SOCKET, is_stderr, send
from smithd.cli.logs.limit import LeftOut, RepeatLimit
from smithd.cli.progress import above
from smithd.clock import Clock
from smithd.redactor import Redactor

Write = Callable[[LogMessage], None]


def write_logs(
    redactor: Redactor, clock: Clock, zone: LogZone = UTC_LOG, form: str = "auto", to_journal: Path = SOCKET
) -> LogHandler:
    """Write smithd's log, without secrets, as ``form`` says (an option of ``--log-format``); returns what writes it."""
    handler = LogHandler(redactor, clock, _writer(form, zone, to_journal))
    log = logging.getLogger("smithd")
    log.addHandler(handler)
    # A handler of the root logger would write each line again, with its secrets.
    log.propagate = False
    return handler


def _writer(form: str, zone: LogZone, to_journal: Path) -> Write:
    if form == "auto":
        form = "journal" if is_stderr() else "text"
    if form == "journal":
        return _journal(to_journal)
    if form == "json":
        return _stderr(lambda entry: as_json(entry, zone.read()))
    in_color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return _stderr(lambda entry: text(entry, zone.read(), in_color))


def _stderr(shown: Callable[[LogMessage], str]) -> Write:
    stream = sys.stderr

    def write(entry: LogMessage) -> None:
        # Where nobody reads any more, there is nobody to say so.
        with above(), suppress(OSError, ValueError):
            stream.write(shown(entry) + "\n")
            stream.flush()

    return write


def _journal(path: Path) -> Write:
    """To the journal's socket, and where nobody listens there, as lines that the journal reads from stderr."""
    lines = _stderr(with_priority)

    def write(entry: LogMessage) -> None:
        try:
            send(entry, path)
        except OSError:
            lines(entry)

    return write


class LogHandler(logging.Handler):
    """Hands each record to ``write``, but for what is left out; of that it says how much."""

    def __init__(self, redactor: Redactor, clock: Clock, write: Write) -> None:
        super().__init__()
        self._redactor = redactor
        self._clock = clock
        self._write = write
        self._limit: RepeatLimit[logging.LogRecord] = RepeatLimit()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after what is to be told of those before it."""
        now, kind = self._clock.monotonic(), sort(record)
        self._tell(self._limit.due(now))
        if is_change(record):
            self._tell(self._limit.end(kind.subject, now))
        if not is_limited(record) or self._limit.admits(kind, record, now):
            self._write(entry(record, self._redactor))

    def tell(self, *_: object) -> None:
        """Write what is due to be told of what was left out; to be called now and then."""
        self.acquire()
        try:
            self._tell(self._limit.due(self._clock.monotonic()))
        finally:
            self.release()

    def close(self) -> None:
        """Write what was left out and not told yet."""
        self._tell(self._limit.end_all(self._clock.monotonic()))
        super().close()

    def _tell(self, what: Iterable[LeftOut[logging.LogRecord]]) -> None:
        for each in what:
            self._write(entry(told(each), self._redactor))
