"""What the rooms declare their tables with, and the statements that no two kinds of database write alike. No I/O."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Delete, Executable, MetaData, Table, bindparam
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.dml import Insert

metadata = MetaData()
"""Every table of the state; each is declared by the room that owns it."""

# Options of a table. A kind of database that does not know one ignores it.
ORDERED_BY_KEY: Mapping[str, Any] = {"sqlite_with_rowid": False}
"""Rows lie on disk in the order of the primary key: those that are written and dropped together share pages."""

IDS_USED_ONCE: Mapping[str, Any] = {"sqlite_autoincrement": True}
"""An id that was given is not given again after its row was deleted."""


class Upsert(Insert):
    """An insert that takes the place of the row with the same primary key, if there is one."""

    inherit_cache = True


def upsert(table: Table) -> Upsert:
    """A statement that writes whole rows of ``table``, new or in place of those with the same primary key.

    Made once, it is executed with a mapping of all columns, or with a list of such mappings.
    """
    return Upsert(table).inline()


def delete_by_key(table: Table) -> Delete:
    """A statement that deletes rows of ``table``, executed with their keys as ``key_parameters`` has them."""
    return table.delete().where(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))


def key_parameters(key: Mapping[str, Any]) -> dict[str, Any]:
    """A primary key by its columns, as parameters of a condition: they may not have the columns' own names."""
    return {f"key_{name}": value for name, value in key.items()}


def text_of_labels(labels: Collection[tuple[str, str]]) -> str:
    """Labels as one column has them, which can be a part of a key."""
    return json.dumps(labels, separators=(",", ":"))


def labels_of_text(text: str) -> tuple[tuple[str, str], ...]:
    """What ``text_of_labels`` was given."""
    # A list first: a start may read tens of thousands, and to unpack a generator takes longer.
    return tuple([(name, value) for name, value in json.loads(text)])


def execute_many(connection: Connection, statement: Executable, rows: Collection[tuple[Any, ...]]) -> None:
    """Run a statement for each of thousands of rows, without what SQLAlchemy's parameters would cost for each.

    A row has the statement's parameters in their order: for an upsert, the table's columns.
    """
    assert isinstance(statement, ClauseElement)
    if rows:
        connection.exec_driver_sql(str(statement.compile(dialect=connection.dialect)), list(rows))
