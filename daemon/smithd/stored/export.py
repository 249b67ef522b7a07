"""What a state has, row by row, for other programs: as JSON has it, or samples as CSV. Each row is read when used."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from smithd.series import rows as series_rows
from smithd.storage import sqlite
from smithd.stored.parts import PARTS, StatePart

_TIMES = frozenset({"at", "opened", "created", "due", "starts", "ends", "start", "end", "over_at"})
"""Columns with seconds since 1970; 0 stands for none."""

_PACKED = frozenset({"labels", "state", "content", "evidence"})
"""Columns with JSON."""

COLUMNS = ("time", "metric", "labels", "value")
"""Of samples as CSV."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which ``parts``, and of samples which ``metrics`` (none: all), from ``since`` to before ``until`` (seconds since
    1970). What has no time is always wanted.
    """

    parts: Collection[str]
    metrics: Collection[str] = ()
    since: float | None = None
    until: float | None = None


def rows(connection: Connection, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Each row as JSON has it, with the name of its ``part``. Times are ISO 8601, in UTC."""
    there = sqlite.tables(connection)
    for name, part in PARTS.items():
        if name in wanted.parts and part.table in there:
            made = _samples(connection, wanted) if name == "samples" else _of_part(connection, part, wanted)
            yield from ({"part": name, **row} for row in made)


def csv_lines(connection: Connection, wanted: Wanted) -> Iterator[str]:
    """Samples as lines of CSV, each with its end; labels are written as in PromQL."""
    yield _csv(COLUMNS)
    for series, at, value in series_rows.read_samples(connection, wanted.metrics, wanted.since, wanted.until):
        labels = ",".join(f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in series.labels)
        yield _csv((_time(at), series.metric, labels, repr(value)))


def json_line(row: dict[str, Any], clean: Callable[[Any], Any]) -> str:
    """A row as one line, whose texts were cleaned of secrets; nothing in it controls a terminal."""
    return json.dumps(clean(row)) + "\n"


def _csv(fields: tuple[str | None, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


def _samples(connection: Connection, wanted: Wanted) -> Iterator[dict[str, Any]]:
    for series, at, value in series_rows.read_samples(connection, wanted.metrics, wanted.since, wanted.until):
        yield {"at": _time(at), "metric": series.metric, "labels": dict(series.labels), "value": value}


def _of_part(connection: Connection, part: StatePart, wanted: Wanted) -> Iterator[dict[str, Any]]:
    found = sqlite.untyped(connection, part.table)
    read, time = select(found), found.c.get(part.time or "")
    if time is not None and wanted.since is not None:
        read = read.where(time >= wanted.since)
    if time is not None and wanted.until is not None:
        read = read.where(time < wanted.until)
    for row in connection.execute(read):
        yield {name: _plain(name, value) for name, value in row._mapping.items()}


def _plain(name: str, value: Any) -> Any:
    if name in _TIMES and isinstance(value, int | float):
        return _time(value) if value else None
    if name in _PACKED and isinstance(value, str) and value[:1] in "[{":
        try:
            found = json.loads(value)
            return dict(found) if name == "labels" else found
        except (TypeError, ValueError):
            # It is exported as it is: 'state check' says what is wrong with it.
            return value
    return value


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
