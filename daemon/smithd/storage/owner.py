"""The owner of a state: which daemon writes it (its version, its term), and for which configuration; the table, its
statements.

A start draws a new random term and writes it; every commit then compares. A daemon that finds another term than its own
writes nothing any more: the file was replaced by another one, or another daemon has taken it over.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, Table, Text, select

from smithd import __version__
from smithd.storage import sqlite
from smithd.storage.tables import metadata, upsert

_OWNER = Table(
    "owner",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("term", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("version", Text, nullable=False, server_default=""),
)
_TAKE_OVER = upsert(_OWNER)
_CONFIGURATION = select(_OWNER.c.configuration)


def take_over(connection: Connection, pid: int, configuration: Path | None) -> tuple[str, str]:
    """Become the owner; returns the new term, and the configuration that used the state before ("": none).

    A ``configuration`` of None, a command that only looks or a test, leaves the one that is recorded.
    """
    before = connection.execute(_CONFIGURATION).scalar() or ""
    term = secrets.token_hex(16)
    recorded = before if configuration is None else str(configuration)
    row = {"id": 1, "term": term, "pid": pid, "configuration": recorded, "version": __version__}
    connection.execute(_TAKE_OVER, row)
    return term, before


def version(connection: Connection) -> str:
    """Which smithd has taken the state over last, whatever else its tables are by now; "" where that is not known."""
    if "version" not in sqlite.columns(connection, "owner"):
        return ""
    return str(connection.exec_driver_sql("SELECT version FROM owner").scalar() or "")


def configuration(connection: Connection) -> str:
    """The configuration that used the state last; "" where that is not known."""
    return str(connection.execute(_CONFIGURATION).scalar() or "") if sqlite.columns(connection, "owner") else ""


def current_term(connection: Connection) -> str | None:
    """The term of the daemon that took the state over last."""
    # In plain SQL: every commit asks for it, and a select of SQLAlchemy's costs three times as much.
    found = connection.exec_driver_sql("SELECT term FROM owner").scalar()
    return None if found is None else str(found)
