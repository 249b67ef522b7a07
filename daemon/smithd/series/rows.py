"""Remembered samples on disk: their tables, and every statement on them.

Samples lie in the order of time: those of one batch share few pages, and so do those that grow old together.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, UniqueConstraint, bindparam, select

from smithd.plugin.sample import Series
from smithd.storage import ORDERED_BY_KEY, execute_many, metadata, upsert

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

_ADD_SERIES = _SERIES.insert()
_FORGET_SERIES = _SERIES.delete().where(_SERIES.c.id == bindparam("gone"))
_REMOVE_STRAYS = _SAMPLES.delete().where(_SAMPLES.c.series.not_in(select(_SERIES.c.id)))
_ADD = upsert(_SAMPLES)
_REMOVE = _SAMPLES.delete().where(_SAMPLES.c.series == bindparam("of"), _SAMPLES.c.at == bindparam("when"))


def all_series(connection: Connection) -> Iterator[tuple[int, Series]]:
    """Every series that is remembered, with its id."""
    for row in connection.execute(select(_SERIES)):
        labels = tuple((str(name), str(value)) for name, value in json.loads(row.labels))
        yield row.id, Series(row.metric, labels)


def all_samples(connection: Connection) -> Iterable[tuple[int, float, float]]:
    """Every sample (the id of its series, its time, its value), the oldest first."""
    columns = (_SAMPLES.c.series, _SAMPLES.c.at, _SAMPLES.c.value)
    return connection.execute(select(*columns).order_by(_SAMPLES.c.at))


def add_series(connection: Connection, series: Series) -> int:
    """A new series; returns its id."""
    labels = json.dumps(series.labels, separators=(",", ":"))
    key = connection.execute(_ADD_SERIES, {"metric": series.metric, "labels": labels}).inserted_primary_key
    assert key is not None
    return int(key[0])


def forget_series(connection: Connection, ids: Collection[int]) -> None:
    """Drop series; samples of theirs that are left become strays."""
    if ids:
        connection.execute(_FORGET_SERIES, [{"gone": row} for row in ids])


def remove_strays(connection: Connection) -> None:
    """Drop the samples of no series. Looks at every sample."""
    connection.execute(_REMOVE_STRAYS)


def add(connection: Connection, samples: Iterable[tuple[int, float, float]]) -> None:
    """Write samples down: the id of their series, time and value."""
    execute_many(connection, _ADD, [(at, series, value) for series, at, value in samples])


def remove(connection: Connection, samples: Iterable[tuple[int, float]]) -> None:
    """Drop samples: the id of their series, and their time."""
    execute_many(connection, _REMOVE, list(samples))
