"""Removes from a state what is kept no longer. A running daemon does that by itself; what it leaves is unused space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from smithd import journal
from smithd.outbox import deliveries
from smithd.series import rows as series_rows
from smithd.series.intervals import prune as prune_intervals
from smithd.setup import Setup
from smithd.storage import sqlite
from smithd.storage.database import Database
from smithd.stored.parts import PARTS


@dataclass(frozen=True, slots=True)
class Pruned:
    """``removed``: how many rows, by part. ``size_before`` and ``size_after``: of the file, in bytes."""

    removed: Mapping[str, int]
    size_before: int
    size_after: int


def prune(database: Database, setup: Setup, now: float) -> Pruned:
    """Remove what this configuration keeps no longer at ``now``, and give the space back to the disk."""
    with database.transaction() as connection:
        size_before = sqlite.used_size(connection)
        before = _counts(connection)
        _remove(connection, setup, now)
        after = _counts(connection)
    database.reclaim()
    with database.transaction() as connection:
        size_after = sqlite.used_size(connection)
    removed = {name: before[name] - after[name] for name in before if before[name] != after[name]}
    return Pruned(removed, size_before, size_after)


def _remove(connection: Connection, setup: Setup, now: float) -> None:
    history = series_rows.load(connection, setup.history, setup.config.history, now)
    history.forget(now)
    series_rows.write_all(connection, history)
    _, changes = prune_intervals(series_rows.load_intervals(connection), now)
    series_rows.write_intervals(connection, changes)
    journal.prune(connection, now)
    deliveries.prune(connection, now)


def _counts(connection: Connection) -> dict[str, int]:
    return {
        name: connection.execute(select(func.count()).select_from(sqlite.untyped(connection, part.table))).scalar_one()
        for name, part in PARTS.items()
    }
