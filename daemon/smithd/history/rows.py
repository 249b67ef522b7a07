"""Remembered samples on disk: their tables, and every statement on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, UniqueConstraint, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from smithd.database import metadata
from smithd.plugin.sample import Series

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
    Column("series", Integer, primary_key=True),
    Column("at", Float, primary_key=True),
    Column("value", Float, nullable=False),
    sqlite_with_rowid=False,
)

_ADD_SERIES = _SERIES.insert()
_FORGET_SERIES = _SERIES.delete().where(_SERIES.c.id == bindparam("gone"))
_UPSERT = insert(_SAMPLES)
_ADD = _UPSERT.on_conflict_do_update(index_elements=["series", "at"], set_={"value": _UPSERT.excluded.value})
_REMOVE = _SAMPLES.delete().where(_SAMPLES.c.series == bindparam("row"), _SAMPLES.c.at == bindparam("moment"))
_REMOVE_ALL = _SAMPLES.delete().where(_SAMPLES.c.series == bindparam("gone"))


def all_series(connection: Connection) -> Iterator[tuple[int, Series]]:
    """Every series that has samples, with its id."""
    for row in connection.execute(select(_SERIES)):
        labels = tuple((str(name), str(value)) for name, value in json.loads(row.labels))
        yield row.id, Series(row.metric, labels)


def all_samples(connection: Connection) -> Iterator[tuple[int, float, float]]:
    """Every sample (the id of its series, its time, its value), the oldest of each series first."""
    for row in connection.execute(select(_SAMPLES).order_by(_SAMPLES.c.series, _SAMPLES.c.at)):
        yield row.series, row.at, row.value


def add_series(connection: Connection, series: Series) -> int:
    """A new series; returns its id."""
    labels = json.dumps(series.labels, separators=(",", ":"))
    key = connection.execute(_ADD_SERIES, {"metric": series.metric, "labels": labels}).inserted_primary_key
    assert key is not None
    return int(key[0])


def forget_series(connection: Connection, ids: Iterable[int]) -> None:
    """Drop series with all their samples."""
    gone = [{"gone": row} for row in ids]
    if gone:
        connection.execute(_REMOVE_ALL, gone)
        connection.execute(_FORGET_SERIES, gone)


def add(connection: Connection, samples: Iterable[tuple[int, float, float]]) -> None:
    """Write samples down: the id of their series, time and value."""
    new = [{"series": row, "at": at, "value": value} for row, at, value in samples]
    if new:
        connection.execute(_ADD, new)


def remove(connection: Connection, samples: Iterable[tuple[int, float]]) -> None:
    """Drop samples: the id of their series, and their time."""
    gone = [{"row": row, "moment": at} for row, at in samples]
    if gone:
        connection.execute(_REMOVE, gone)
