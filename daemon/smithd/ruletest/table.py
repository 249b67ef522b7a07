"""Series of a test from a CSV file: a column of times, and one for each series. No I/O.

Times are seconds since the start, or dates; they rise. An empty cell is no sample: nothing is said of its series, as in
an answer that is known to be a part.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smithd.config.diagnostic import Diagnostic, Position
from smithd.config.report.diagnostics import Report
from smithd.plugin.options import parse_duration
from smithd.plugin.sample import Series
from smithd.ruletest.series import MOST_STEPS, PollMark, parse_series, parse_values

MOST_MISTAKES = 20
"""Rows with mistakes after which the rest of a file is not looked at: all of it is likely wrong."""

_CELL = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*|(?P<plain>[^,]*))(?P<end>,|$)')

Cell = float | PollMark | None
"""What a poll has of a series: a number, that it is missing, that the poll failed; None: nothing is said of it."""


class Written(NamedTuple):
    """A cell as it is written, and its column, from 0."""

    column: int
    text: str


class TableRow(NamedTuple):
    """The cells of a time, in seconds since the start."""

    at: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The series of a file. ``start``: when the test begins, on the clocks of the configuration's time zone; None: the
    file does not say.
    """

    series: tuple[Series, ...] = ()
    rows: tuple[TableRow, ...] = ()
    start: datetime | None = None


NO_TABLE = Table()


def parse_table(
    path: Path, lines: Sequence[str], start: datetime | None, zone: ZoneInfo, check: Callable[[Series], str | None]
) -> tuple[Table, Report]:
    """The series in the lines of a file, and its mistakes. ``start``: when the test begins, where that is written (else
    the first date of the file is its start); ``check`` says what is wrong with a series, if anything.
    """
    reader = _Reader(path, lines, start, zone)
    heading = tuple(reader.heading(check))
    # Where no column is known, the rows are likely not of a table.
    rows = tuple(reader.rows(len(heading))) if heading else ()
    return Table(tuple(each for each in heading if each is not None), rows, reader.start), reader.report


class _Reader:
    def __init__(self, path: Path, lines: Sequence[str], start: datetime | None, zone: ZoneInfo) -> None:
        self.report = Report(path, lines)
        self.start = start
        self._path = path
        self._zone = zone
        self._uses_dates: bool | None = None
        written = ((number, line.rstrip("\r")) for number, line in enumerate(lines))
        self._lines = [(number, line) for number, line in written if line.strip()]

    def heading(self, check: Callable[[Series], str | None]) -> Iterator[Series | None]:
        """The series that the first line names; None in the place of a mistake."""
        if not self._lines:
            self.report.at_start("the file is empty: expected a first line like: time,shop.orders,shop.errors")
            return
        number, line = self._lines[0]
        first, *rest = self._cells(number, line)
        if "." in first.text or not rest:
            self._mistake(number, first, "expected a column of times, then one for each series: time,shop.orders")
            return
        seen: set[Series] = set()
        for each in rest:
            try:
                series = parse_series(each.text)
                problem = f"the series {series} is there twice" if series in seen else check(series)
                if problem is not None:
                    raise ValueError(problem)
            except ValueError as error:
                self._mistake(number, each, str(error))
                yield None
            else:
                seen.add(series)
                yield series

    def rows(self, columns: int) -> Iterator[TableRow]:
        """The rows below the first line; those with mistakes are left out."""
        if len(self._lines) > MOST_STEPS:
            self.report.at_start(f"a file has at most {MOST_STEPS} rows, and this one has {len(self._lines) - 1}")
            return
        before, mistakes = -math.inf, 0
        for number, line in self._lines[1:]:
            first, *rest = self._cells(number, line)
            at = self._time(number, first, before)
            cells = [self._value(number, each) for each in rest]
            if len(rest) != columns:
                found = len(rest) + 1
                self._mistake(number, first, f"expected {columns + 1} cells, as in the first line, found {found}")
            elif at is not None and not any(isinstance(cell, str) for cell in cells):
                before = at
                yield TableRow(at, tuple(cell for cell in cells if not isinstance(cell, str)))
                continue
            mistakes += 1
            if mistakes == MOST_MISTAKES:
                return

    def _cells(self, number: int, line: str) -> Iterator[Written]:
        at, more = 0, True
        while more:
            match = _CELL.match(line, at)
            # A quote that does not end, or is followed by something, is in no cell.
            if match is None or (match["plain"] or "").startswith('"'):
                self._mistake(number, Written(at, line[at:]), 'expected a cell like 5 or "shop.cpu{host=""a""}"')
                yield Written(at, "")
                return
            quoted, group = match["quoted"], "plain" if match["quoted"] is None else "quoted"
            text = match["plain"] if quoted is None else quoted.replace('""', '"')
            yield Written(match.start(group), text.strip())
            at, more = match.end(), bool(match["end"])

    def _time(self, number: int, written: Written, before: float) -> float | None:
        """The time of a row, in seconds since the start; None where that is a mistake."""
        try:
            at = self._since_start(written.text)
            if at <= before:
                raise ValueError("the times do not rise: expected one after that of the row above")
        except ValueError as error:
            self._mistake(number, written, str(error))
            return None
        return at

    def _since_start(self, text: str) -> float:
        seconds = _seconds(text)
        date = _date(text) if seconds is None else None
        if seconds is None and date is None:
            raise ValueError(
                "expected a time since the start like 90 (seconds) or 1m30s, or a date like 2026-03-29T01:30"
            )
        if self._uses_dates not in (None, date is not None):
            raise ValueError("expected a time like those above: either seconds since the start, or dates")
        self._uses_dates = date is not None
        if date is None:
            return seconds or 0.0
        moment = (date if date.tzinfo is not None else date.replace(tzinfo=self._zone)).timestamp()
        if self.start is None:
            self.start = datetime.fromtimestamp(moment, self._zone).replace(tzinfo=None)
        since = moment - self.start.replace(tzinfo=self._zone).timestamp()
        if since < 0:
            raise ValueError(f"this is before the test begins, at {self.start:%Y-%m-%d %H:%M}")
        return since

    def _value(self, number: int, written: Written) -> Cell | str:
        """A cell; a text where it is a mistake, which is then reported."""
        if not written.text:
            return None
        try:
            (value,) = parse_values(written.text)
        except ValueError:
            message = f"'{written.text}' is no value: expected a number, stale (not in the answer), error, or nothing"
            self._mistake(number, written, message)
            return written.text
        return None if value is PollMark.NO_POLL else value

    def _mistake(self, number: int, written: Written, message: str) -> None:
        position = Position(self._path, number, written.column)
        self.report.add(Diagnostic(position, message, width=max(len(written.text), 1)))


def _seconds(text: str) -> float | None:
    """``90``, ``90.5`` or ``1m30s`` in seconds; None for anything else."""
    try:
        seconds = float(text) if re.fullmatch(r"\d+(\.\d*)?", text) else parse_duration(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _date(text: str) -> datetime | None:
    """``2026-03-29T01:30``, with or without an offset from UTC; None for anything else."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if 2000 <= date.year < 2200 else None
