"""SQLite, by Python's own sqlite3."""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from smithd.plugin import Context, Misconfigured
from smithd_sources.sql.database import ThreadedDatabase
from smithd_sources.sql.database_url import file_of
from smithd_sources.sql.options import SqlOptions

LARGEST = 20_000_000
"""The bytes of a value or a row."""
_STEPS = 10_000
"""The steps of SQLite between two checks of the clock."""


class SQLite(ThreadedDatabase):
    """The file is opened read-only, and again for each poll, since it may have been replaced."""

    kind = "sqlite"

    def __init__(self, options: SqlOptions, context: Context) -> None:
        self._file = file_of(options.url)
        self._deadline = math.inf
        super().__init__(options, context)

    def _make_engine(self) -> Engine:
        return create_engine("sqlite://", creator=self._connected, poolclass=NullPool)

    def _connected(self) -> sqlite3.Connection:
        if not self._file.exists():
            raise Misconfigured(f"{self._file}: there is no such file: check the path in 'url'")
        if not self._file.is_file():
            raise Misconfigured(f"{self._file} is no file that a database could be in: check the path in 'url'")
        self._deadline = math.inf
        connection = sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True)
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        # With ATTACH, a query could open other files.
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        # SQLite has no time limit of its own: this handler ends a query when it returns true.
        connection.set_progress_handler(lambda: self._context.clock.monotonic() > self._deadline, _STEPS)
        # By default, sqlite3 fails the whole query over a text that is no UTF-8.
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return connection

    def abort(self) -> None:
        super().abort()
        self._deadline = 0.0

    def begin(self, connection: Connection) -> None:
        # sqlite3 itself begins a transaction only before it writes, and all queries are to see the same data.
        connection.exec_driver_sql("BEGIN")

    def parameter(self, moment: datetime) -> Any:
        """As a text. A midnight is its date alone, which sorts correctly among dates and among moments."""
        local = super().parameter(moment)
        return local.isoformat(" ", "seconds") if local.time() != time() else local.date().isoformat()

    def _limit(self, connection: Connection, seconds: float) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {max(1, int(seconds * 1000))}")
        self._deadline = self._context.clock.monotonic() + seconds
