"""All that only SQLite knows: how it is opened, its statements, and what its errors mean."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.compiler import SQLCompiler

from smithd.errors import DatabaseError
from smithd.storage.tables import Upsert

BUSY_TIMEOUT = 5000
"""Milliseconds to wait for another program that looks into the file."""


def engine(path: Path) -> Engine:
    """An engine with one connection to the file at ``path``."""
    made = create_engine("sqlite://", creator=lambda: _connect(path), poolclass=StaticPool)
    # The driver's own idea of when a transaction begins would leave reads outside of it.
    event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return made


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000, isolation_level=None)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise DatabaseError(damaged(path, found))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def tables(connection: Connection) -> set[str]:
    """The names of the tables that the file has."""
    return set(connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'").scalars())


def schema(connection: Connection) -> dict[str, str]:
    """What made each table and index of the file, in the order of their names."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, name"
    )
    return {name: sql for name, sql in rows if not name.startswith("sqlite_")}


def copy(state: Path, target: Path) -> str | None:
    """Copy the state as it is now, beside a daemon too; returns what is wrong where it cannot be read."""
    try:
        with (
            closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(target)) as made,
        ):
            original.backup(made)
    except sqlite3.Error as error:
        return str(error)
    return None


_WRITE_REFUSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def explain(path: Path, error: BaseException | None) -> str:
    """An error of SQLite's, for a person."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits only tell kinds of the same error apart
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    if code in _WRITE_REFUSED:
        return f"the state in {path} cannot be written: {error}"
    if code == sqlite3.SQLITE_FULL:
        return f"the state in {path} cannot be written: the disk is full"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"the state in {path} is held by another program"
    return f"the state in {path} cannot be used: {error}"


def damaged(path: Path, found: str) -> str:
    """That the file makes no sense, for a person."""
    return (
        f"{path} is damaged, or no state of smithd's ({found}): move it away to start afresh "
        "(alerts that are open and messages that wait are lost with it)"
    )


@compiles(Upsert, "sqlite")
def _write_upsert(statement: Upsert, compiler: SQLCompiler, **options: Any) -> str:
    insert = compiler.visit_insert(statement, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's
    columns = list(statement.table.columns)
    keys = [compiler.preparer.format_column(column) for column in columns if column.primary_key]
    others = [compiler.preparer.format_column(column) for column in columns if not column.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f"{insert} ON CONFLICT ({', '.join(keys)}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")
