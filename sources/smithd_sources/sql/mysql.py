"""MariaDB, and MySQL from 8.0 on, by asyncmy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asyncmy.charset import charset_by_name
from asyncmy.constants.COMMAND import COM_SET_OPTION
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from smithd.plugin import Misconfigured, SourceError, TimedOut
from smithd_sources.sql.certificates import tls_context
from smithd_sources.sql.database import POOL, AsyncDatabase, sqlalchemy_url
from smithd_sources.sql.query import SqlQuery
from smithd_sources.sql.rows import LONGEST

_BIT = 16
_SHORT = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 246})
"""Types whose values are short: numbers, dates and times (the protocol's column types)."""
_ONE_ONLY = b"\x01\x00"
"""For COM_SET_OPTION: MYSQL_OPTION_MULTI_STATEMENTS_OFF (the protocol's enum_mysql_set_option)."""


class MySQL(AsyncDatabase):
    """Session and transaction are READ ONLY; each statement carries its time limit and the time zone."""

    kind = "mysql"
    wraps = True
    _is_mariadb = False
    _has_greeted = False

    def _make_engine(self) -> AsyncEngine:
        url = sqlalchemy_url(self._options).set(drivername="mysql+asyncmy")
        given: dict[str, Any] = {}
        if isinstance(charset := url.query.get("charset"), str) and charset_by_name(charset) is None:
            raise Misconfigured(f"what stands after the ? in 'url' cannot be used (there is no charset '{charset}')")
        # The driver would send a text in Latin-1, and the password may have other letters.
        if url.password is not None:
            url, given["password"] = url.set(password=None), str(url.password).encode()
        if self._options.tls is not None:
            given["ssl"] = tls_context(self._options.tls.settings())
        return create_async_engine(url, connect_args=given, **POOL)

    def _keep(self, connection: Any, record: object) -> None:
        super()._keep(connection, record)
        self._has_greeted = True
        connection.run_async(_refuse_several)

    def no_answer(self, seconds: float) -> SourceError:
        if self._has_greeted:
            return super().no_answer(seconds)
        # PostgreSQL waits for the client to begin, as MySQL's clients wait for the server.
        return TimedOut(
            f"{self._place}: no greeting within {seconds:.3g} s: is this the port of MySQL? "
            "PostgreSQL's is 5432, and its url begins with postgresql://"
        )

    def begin(self, connection: Connection) -> None:
        # Without these, MariaDB would let DROP TABLE pass, and each query might see the data of another moment.
        connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        self._is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))

    def _statement(self, sql: str, seconds: float) -> str:
        if not self._is_mariadb:
            return sql
        return f"SET STATEMENT max_statement_time={max(seconds, 0.001):.3f}, time_zone={self._offset()} FOR {sql}"

    def _hint(self, seconds: float) -> str:
        if self._is_mariadb:
            return ""
        return f"/*+ MAX_EXECUTION_TIME({max(1, int(seconds * 1000))}) SET_VAR(time_zone={self._offset()}) */ "

    def _without_rows(self, query: SqlQuery, seconds: float) -> str:
        """MariaDB computes what is constant in a derived table even where no row of it is wanted."""
        if self._is_mariadb and query.first != "WITH":
            return f"({query.text}\n) LIMIT 0"
        return super()._without_rows(query, seconds)

    def _offset(self) -> str:
        offset = datetime.fromtimestamp(self._context.clock.now(), self.zone).strftime("%z")
        # The colon is escaped, since it begins no parameter.
        return f"'{offset[:3]}\\:{offset[3:5]}'"

    def _column(self, name: str, kind: Any) -> str:
        if kind == _BIT:
            return f"{name} + 0"
        return name if kind in _SHORT else f"LEFT({name}, {LONGEST + 1})"


async def _refuse_several(connection: Any) -> None:
    """Have the server accept one statement at a time; the driver asks it to accept several."""
    # The driver has no public function that sends this command.
    await connection._execute_command(COM_SET_OPTION, _ONE_ONLY)
    await connection.read_packet()
