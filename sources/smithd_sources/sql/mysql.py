"""MariaDB, and MySQL from 8.0 on, by asyncmy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from smithd_sources.sql.certificates import usable
from smithd_sources.sql.database import POOL, Asynchronous, Shape, address
from smithd_sources.sql.rows import LONGEST

_BIT = 16
_SHORT = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 246})
"""Types whose values are short: numbers, dates and times (the protocol's column types)."""


class MySQL(Asynchronous):
    """The transaction is READ ONLY; time limit and time zone go with each statement."""

    kind = "mysql"
    wraps = True
    _is_mariadb = False

    def _made(self) -> AsyncEngine:
        url = address(self._options).set(drivername="mysql+asyncmy")
        given: dict[str, Any] = {}
        if self._options.tls is not None:
            given["ssl"] = usable(self._options.tls.settings())
        return create_async_engine(url, connect_args=given, **POOL)

    def begin(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")  # else MariaDB lets DROP TABLE pass
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        self._is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))

    def _statement(self, sql: str, seconds: float) -> str:
        offset = datetime.fromtimestamp(self._context.clock.now(), self.zone).strftime("%z")
        zone = f"'{offset[:3]}\\:{offset[3:5]}'"  # the colon is no parameter
        if self._is_mariadb:
            return f"SET STATEMENT max_statement_time={max(seconds, 0.001):.3f}, time_zone={zone} FOR {sql}"
        hint = f"SELECT /*+ MAX_EXECUTION_TIME({max(1, int(seconds * 1000))}) SET_VAR(time_zone={zone}) */ "
        outer = "\n) SELECT " if sql.startswith("WITH smithd(") else "SELECT "
        return sql.replace(outer, outer.removesuffix("SELECT ") + hint, 1)

    def _columns(self, shape: Shape) -> str:
        return ", ".join(_column(f"c{index}", kind) for index, (_, kind) in enumerate(shape))


def _column(name: str, kind: int) -> str:
    if kind == _BIT:
        return f"{name} + 0"
    return name if kind in _SHORT else f"LEFT({name}, {LONGEST + 1})"
