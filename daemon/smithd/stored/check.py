"""Looks through a state: is the file whole, are its tables those of its version, and is every row understood?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, TableClause, select

from smithd.errors import DatabaseError
from smithd.storage import migration, sqlite
from smithd.storage.backup import Upgrade
from smithd.storage.database import Database
from smithd.stored.parts import READERS, Reader

MOST_NAMED = 20
"""Rows that are named of one table."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateFinding:
    """What was looked at, and what is ``wrong`` with it: nothing, or a sentence for each thing."""

    about: str
    wrong: list[str]


def check(state: Path, copy: Path, done: Callable[[int], None]) -> Iterator[StateFinding]:
    """Look through a copy of a state, which is changed by that; texts name the ``state`` itself. ``done`` is called
    with each of ``STEPS``.
    """
    found = sqlite.damage(copy)
    done(1)
    yield StateFinding("integrity", [found] if found else [])
    if found:
        return
    try:
        with sqlite.reading(copy) as connection:
            version = migration.found_version(connection, state)
        # Opened, an empty file would be made a state, and be fine.
        if version is None:
            raise DatabaseError("nothing is in it, not even tables: no smithd has begun it, or it was emptied")
        database = Database.open(copy)
    except DatabaseError as error:
        yield StateFinding("version", [str(error)])
        return
    yield StateFinding(_version(database.upgrade), [])
    try:
        with database.transaction() as connection:
            yield StateFinding("foreign keys", sqlite.foreign_key_violations(connection))
            yield StateFinding("tables", _schema_differences(connection))
        done(1)
        with database.transaction() as connection:
            wrong = []
            for reader in READERS:
                wrong += _not_understood(connection, reader)
                done(1)
        yield StateFinding("rows", wrong)
    finally:
        database.close()


STEPS = 2 + len(READERS)


def _version(upgrade: Upgrade | None) -> str:
    if upgrade is None:
        return f"version {migration.HEAD}"
    return f"version {upgrade.before}, which an upgrade to {upgrade.after} understands"


def _schema_differences(connection: Connection) -> list[str]:
    """How the tables and indexes differ from those that the migrations make."""
    made, wanted = sqlite.schema(connection), migration.head_schema()
    return [
        *(f"{name} is missing" for name in wanted if name not in made),
        *(f"{name} is none of smithd's" for name in made if name not in wanted),
        *(
            f"{name} differs from what it should be: {_flat(made[name])}"
            for name in wanted
            if name in made and _flat(made[name]) != _flat(wanted[name])
        ),
    ]


def _flat(sql: str) -> str:
    return " ".join(sql.split())


def _not_understood(connection: Connection, reader: Reader) -> list[str]:
    """The rows that a reader does not understand, each with why. They are removed, so that the others can be read."""
    if _error(connection, reader) is None:
        return []
    tables = [sqlite.untyped(connection, name) for name in reader.tables]
    rows = [[row._asdict() for row in connection.execute(select(table))] for table in tables]
    for table in tables:
        connection.execute(table.delete())
    found = []
    for table, given in zip(tables, rows, strict=True):
        good, bad = _sorted_out(connection, reader, table, given)
        _put(connection, table, good)
        found += [f"{table.name}: {_shown(row)}: {why}" for row, why in bad[:MOST_NAMED]]
        found += [f"{table.name}: and {len(bad) - MOST_NAMED} more"] if len(bad) > MOST_NAMED else []
    return found


def _sorted_out(
    connection: Connection, reader: Reader, table: TableClause, rows: Sequence[Row]
) -> tuple[list[Row], list[tuple[Row, str]]]:
    """The rows that are understood, and those that are not: halves that are understood are not looked at further."""
    _put(connection, table, rows)
    error = _error(connection, reader)
    connection.execute(table.delete())
    if error is None:
        return list(rows), []
    if len(rows) == 1:
        return [], [(rows[0], error)]
    middle = len(rows) // 2
    (good, bad), (more_good, more_bad) = (
        _sorted_out(connection, reader, table, half) for half in (rows[:middle], rows[middle:])
    )
    return good + more_good, bad + more_bad


def _error(connection: Connection, reader: Reader) -> str | None:
    """What a reader raises, if anything; what it writes is undone."""
    tried = connection.begin_nested()
    try:
        reader.read(connection)
    except Exception as error:  # noqa: BLE001 - whatever it is, the row is not understood
        return " ".join(f"{type(error).__name__}: {error}".split())
    finally:
        tried.rollback()
    return None


def _put(connection: Connection, table: TableClause, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def _shown(row: Row) -> str:
    """A row as far as it says which one it is: its first columns."""
    return " ".join(f"{name}={value!r}" for name, value in row.items())[:200]
