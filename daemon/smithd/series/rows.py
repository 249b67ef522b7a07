"""Remembered samples and firing intervals in the state: their tables, and every statement on them.

Samples lie in the order of time: those of one batch share few pages, and so do those that grow old together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from rpds import HashTrieMap
from sqlalchemy import Column, Connection, Float, Integer, Table, Text, UniqueConstraint, bindparam, func, select

from smithd.plugin.sample import Series
from smithd.series.counters import starts_again
from smithd.series.history import History, HistoryRows
from smithd.series.intervals import FiringInterval, FiringIntervals, IntervalChanges
from smithd.storage import (
    ORDERED_BY_KEY,
    delete_by_key,
    execute_many,
    key_parameters,
    labels_of_text,
    metadata,
    text_of_labels,
    upsert,
)

_SERIES = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("metric", Text, nullable=False),
    Column("labels", Text, nullable=False),
    UniqueConstraint("metric", "labels"),
)
_SAMPLES = Table(
    "samples",
    metadata,
    Column("at", Float, primary_key=True),
    Column("series", Integer, primary_key=True),
    Column("value", Float, nullable=False),
    **ORDERED_BY_KEY,
)
_INTERVALS = Table(
    "firing_intervals",
    metadata,
    Column("metric", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("start", Float, primary_key=True),
    Column("end", Float),
)

_ADD_SERIES = _SERIES.insert()
_FORGET_SERIES = delete_by_key(_SERIES)
_REMOVE_STRAYS = _SAMPLES.delete().where(_SAMPLES.c.series.not_in(select(_SERIES.c.id)))
_ADD = upsert(_SAMPLES)
_REMOVE = _SAMPLES.delete().where(_SAMPLES.c.series == bindparam("of"), _SAMPLES.c.at == bindparam("when"))
_KEEP_INTERVAL = upsert(_INTERVALS)
_REMOVE_INTERVAL = delete_by_key(_INTERVALS)
_AT_ONCE = 10_000
"""Samples that one statement writes."""


def load(connection: Connection, kept_for: Mapping[str, float], longest: float, now: float) -> History:
    """The history that the last run wrote, as far as it is still wanted; the arguments are those of ``History``."""
    history = History(kept_for, longest, now)
    series = {row.id: Series(row.metric, labels_of_text(row.labels)) for row in connection.execute(select(_SERIES))}
    columns = (_SAMPLES.c.series, _SAMPLES.c.at, _SAMPLES.c.value)
    history.restore(series, (tuple(row) for row in connection.execute(select(*columns).order_by(_SAMPLES.c.at))))
    return history


def write(connection: Connection, rows: HistoryRows) -> None:
    """Write what came since the last time, or all of it."""
    if rows.replaces:
        connection.execute(_SAMPLES.delete())
        connection.execute(_SERIES.delete())
    if rows.ended:
        connection.execute(_FORGET_SERIES, [key_parameters({"id": row}) for row in rows.ended])
    if rows.series:
        added = [{"id": row, "metric": each.metric, "labels": text_of_labels(each.labels)} for row, each in rows.series]
        connection.execute(_ADD_SERIES, added)
    # In parts: all that is remembered may be millions of samples, which are read while they are written.
    samples = iter(rows.samples)
    while part := list(islice(samples, _AT_ONCE)):
        execute_many(connection, _ADD, [(at, series, value) for series, at, value in part])
    # After the samples: one that is among both is dropped.
    execute_many(connection, _REMOVE, rows.removed)
    if rows.strays:
        # Looks at every sample; only for series that end while some of their samples are left.
        connection.execute(_REMOVE_STRAYS)


def write_all(connection: Connection, history: History) -> None:
    """Replace the tables by all that is remembered."""
    write(connection, history.everything())


def read_samples(
    connection: Connection, metrics: Collection[str] = (), since: float | None = None, until: float | None = None
) -> Iterator[tuple[Series, float, float]]:
    """Series, time and value of what was written, in the order of time, row by row; KeyError for a sample of a series
    that is not there. Of these metrics (none: of all), from ``since`` to before ``until``.
    """
    series = {row.id: Series(row.metric, labels_of_text(row.labels)) for row in connection.execute(select(_SERIES))}
    wanted = {row: each for row, each in series.items() if not metrics or each.metric in metrics}
    read = select(_SAMPLES.c.series, _SAMPLES.c.at, _SAMPLES.c.value).order_by(_SAMPLES.c.at)
    if since is not None:
        read = read.where(_SAMPLES.c.at >= since)
    if until is not None:
        read = read.where(_SAMPLES.c.at < until)
    for row, at, value in connection.execute(read):
        if row in wanted or row not in series:
            yield wanted[row], float(at), float(value)


def amounts(connection: Connection) -> list[tuple[str, int, float, float]]:
    """Of each metric, how many samples were written, and the times of the first and the last; the most first."""
    count = func.count()
    read = select(_SERIES.c.metric, count, func.min(_SAMPLES.c.at), func.max(_SAMPLES.c.at))
    of_series = read.join(_SAMPLES, _SAMPLES.c.series == _SERIES.c.id).group_by(_SERIES.c.metric)
    return [tuple(row) for row in connection.execute(of_series.order_by(count.desc(), _SERIES.c.metric))]


def looks_like_counters(connection: Connection, metrics: Collection[str]) -> set[str]:
    """Those of these metrics of which a series rises and starts again, as far as it was written."""
    ids = {row.id: row.metric for row in connection.execute(select(_SERIES).where(_SERIES.c.metric.in_(metrics)))}
    read = select(_SAMPLES.c.series, _SAMPLES.c.value).where(_SAMPLES.c.series.in_(ids)).order_by(_SAMPLES.c.at)
    values: dict[int, list[float]] = defaultdict(list)
    for series, value in connection.execute(read):
        values[series].append(value)
    return {ids[series] for series, those in values.items() if starts_again(those)}


def load_intervals(connection: Connection) -> FiringIntervals:
    """The firing intervals that the last run wrote."""
    by_series: dict[Series, tuple[FiringInterval, ...]] = {}
    columns = _INTERVALS.c
    read = select(columns.metric, columns.labels, columns.rule, columns.start, columns.end).order_by(columns.start)
    for metric, labels, rule, start, end in connection.execute(read):
        series = Series(metric, labels_of_text(labels))
        by_series[series] = (*by_series.get(series, ()), FiringInterval(rule, series, start, end))
    return FiringIntervals(HashTrieMap(by_series))


def write_intervals(connection: Connection, changes: IntervalChanges) -> None:
    """Write what became of firing intervals."""
    if changes.written:
        connection.execute(_KEEP_INTERVAL, [{**_key(each), "end": each.end} for each in changes.written])
    if changes.removed:
        connection.execute(_REMOVE_INTERVAL, [key_parameters(_key(each)) for each in changes.removed])


def write_all_intervals(connection: Connection, intervals: FiringIntervals) -> None:
    """Replace the table by all intervals there are."""
    connection.execute(_INTERVALS.delete())
    write_intervals(connection, IntervalChanges(tuple(intervals.all())))


def _key(interval: FiringInterval) -> dict[str, object]:
    metric, labels = interval.series
    return {"metric": metric, "labels": text_of_labels(labels), "rule": interval.rule, "start": interval.start}
