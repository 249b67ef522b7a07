"""Databases through SQLAlchemy: how each is opened, made to read only, and kept from taking too long or too much.

Imported when a source is first opened. What asks is written once, in SQLAlchemy's plain style: it runs on the event
loop by way of an asynchronous driver where there is one, else in a thread.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, CursorResult, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from smithd.plugin import TLS, Context, Misconfigured, SourceError, Threads, Unavailable
from smithd_sources.sql.address import file_of, kind_of, place
from smithd_sources.sql.options import SqlOptions
from smithd_sources.sql.query import Query
from smithd_sources.sql.refusals import not_connected, one_line, refused
from smithd_sources.sql.rows import LONGEST, Grid

Work = Callable[[Connection], None]
POOL: Mapping[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_pre_ping": True}
LARGEST = 20_000_000
"""The bytes that one value of SQLite may have; the others cut texts themselves."""
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class Database(ABC):
    """One database, and the one connection to it that is kept."""

    kind: str
    wraps = False
    """Whether a query is put into another one, which takes no more rows and no longer texts than we want."""

    def __init__(self, options: SqlOptions, context: Context) -> None:
        """Raises SourceError where the driver or a file is missing."""
        self._options = options
        self._context = context
        self._place = place(options.url)
        self.zone = options.timezone or context.zone
        self.aborted = False
        self._shapes: dict[str, Sequence[tuple[str, Any]]] = {}

    async def ask(self, work: Work) -> None:
        """Do the work with a connection that is known to answer. Raises SourceError where there is none."""
        self.aborted = False
        try:
            await self._run(work)
        except (DBAPIError, PoolTimeout, OSError) as error:
            said = _said(error)[1] if isinstance(error, DBAPIError) else str(error)
            raise not_connected(self._place, said) from None

    def silent(self, seconds: float) -> SourceError:
        """What it means that there was no answer within so many seconds."""
        return Unavailable(f"{self._place}: no answer within {seconds:.3g} s")

    @abstractmethod
    async def _run(self, work: Work) -> None:
        """The same, with what SQLAlchemy and the driver raise."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection."""

    def abort(self) -> None:
        """Have whatever waits for the server fail at once; the next time we connect anew."""
        self.aborted = True

    def begin(self, connection: Connection) -> None:
        """Begin a transaction that only reads, and sees one moment of the data."""

    def limit(self, connection: Connection, seconds: float) -> None:
        """Have the server give up the next statement after so many seconds."""

    def parameter(self, moment: datetime) -> Any:
        """A moment as it is compared with the columns of this database."""
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def fetch(self, connection: Connection, name: str, query: Query, given: dict[str, Any], seconds: float) -> Grid:
        """Ask one query, which may take so many seconds of the server's time."""
        try:
            with self._apart(connection):
                self.limit(connection, seconds)
                if self.wraps and query.selects:
                    return self._fetch_wrapped(connection, name, query, given, seconds)
                return self._fetch_plain(connection, query, given, seconds)
        except DBAPIError as error:
            self._shapes.pop(name, None)
            if error.connection_invalidated:
                raise
            raise refused(self.kind, *_said(error), seconds) from None

    @contextmanager
    def _apart(self, connection: Connection) -> Iterator[None]:
        """So that a query that fails costs no other one anything."""
        yield

    def _statement(self, sql: str, seconds: float) -> str:
        del seconds
        return sql

    def _columns(self, shape: Sequence[tuple[str, Any]]) -> str:
        """What to take of a query's columns ``c0``, ``c1``...: values of any length are cut."""
        raise NotImplementedError

    def _fetch_wrapped(
        self, connection: Connection, name: str, query: Query, given: dict[str, Any], seconds: float
    ) -> Grid:
        shape = self._shapes.get(name) or self._shape(connection, query, given, seconds)
        names = ", ".join(f"c{index}" for index in range(len(shape)))
        sql = f"WITH smithd({names}) AS (\n{query.text}\n) SELECT {self._columns(shape)} FROM smithd LIMIT :smithd_most"
        most = {"smithd_most": self._options.max_rows + 1}
        result = connection.execute(text(self._statement(sql, seconds)), given | most)
        self._shapes[name] = shape
        return self._grid([column for column, _ in shape], result)

    def _shape(
        self, connection: Connection, query: Query, given: dict[str, Any], seconds: float
    ) -> Sequence[tuple[str, Any]]:
        """The names and types of a query's columns."""
        sql = f"SELECT * FROM (\n{query.text}\n) AS smithd LIMIT 0"
        with connection.execute(text(self._statement(sql, seconds)), given) as result:
            assert result.cursor is not None  # a SELECT has one
            return [(column[0], column[1]) for column in result.cursor.description]

    def _fetch_plain(self, connection: Connection, query: Query, given: dict[str, Any], seconds: float) -> Grid:
        result = connection.execute(text(self._statement(query.text, seconds)), given)
        if not result.returns_rows:
            raise Misconfigured(f"the query brings no rows: expected one that reads, like SELECT count(*) ...")
        return self._grid(list(result.keys()), result)

    def _grid(self, columns: list[str], result: CursorResult[Any]) -> Grid:
        with result:
            rows = []
            for row in result:
                rows.append([_cut(value) for value in row])
                if len(rows) > self._options.max_rows:
                    raise Misconfigured(
                        f"the query brings more than {self._options.max_rows} rows: aggregate, add a LIMIT, "
                        "or raise 'max_rows'"
                    )
        return Grid(columns, rows)


class _Asynchronous(Database):
    """A database with an asynchronous driver."""

    def __init__(self, options: SqlOptions, context: Context) -> None:
        super().__init__(options, context)
        self._engine = self._made()
        self._connection: Any = None

    def _made(self) -> AsyncEngine:
        raise NotImplementedError

    async def _run(self, work: Work) -> None:
        async with self._engine.connect() as connection:
            self._connection = await _driver(connection)
            try:
                await connection.run_sync(work)
            finally:
                self._connection = None

    async def close(self) -> None:
        self.abort()
        await self._engine.dispose()


class PostgreSQL(_Asynchronous):
    kind = "postgresql"
    wraps = True
    _SHORT: Mapping[int, str] = dict.fromkeys(
        (16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950), "{0}"
    )
    """The types whose values are short: bool, int8, int2, int4, oid, float4, float8, dates and times, numeric, uuid."""

    def _made(self) -> AsyncEngine:
        given: dict[str, Any] = {"application_name": "smithd", "prepare_threshold": None}  # poolers keep no statements
        if self._options.tls is not None:
            given |= _for_libpq(self._options.tls.settings())
        url = make_url(self._options.url).set(drivername="postgresql+psycopg")
        return create_async_engine(
            _with_password(url, self._options),
            connect_args={name: value for name, value in given.items() if name not in url.query},
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
            **POOL,
        )

    def abort(self) -> None:
        """Cut the line: psycopg would first ask a server that may not answer to cancel the query."""
        super().abort()
        if self._connection is not None:
            with suppress(OSError, ValueError), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    def begin(self, connection: Connection) -> None:
        zone = self.zone.key if isinstance(self.zone, ZoneInfo) else "UTC"
        connection.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})

    def limit(self, connection: Connection, seconds: float) -> None:
        limit = {"limit": f"{max(1, int(seconds * 1000))}ms"}
        connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), limit)

    def parameter(self, moment: datetime) -> Any:
        return moment

    @contextmanager
    def _apart(self, connection: Connection) -> Iterator[None]:
        with connection.begin_nested():
            yield

    def _columns(self, shape: Sequence[tuple[str, Any]]) -> str:
        cut = f"left(CAST({{0}} AS text), {LONGEST + 1})"
        return ", ".join(self._SHORT.get(kind, cut).format(f"c{index}") for index, (_, kind) in enumerate(shape))


class MySQL(_Asynchronous):
    """MariaDB, or MySQL from 8.0 on."""

    kind = "mysql"
    wraps = True
    _BIT = 16
    _SHORT = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 246)
    """The types whose values are short: numbers, and dates and times."""

    def _made(self) -> AsyncEngine:
        given: dict[str, Any] = {}
        if self._options.tls is not None:
            given["ssl"] = _tls(self._options.tls.settings())
        url = make_url(self._options.url).set(drivername="mysql+asyncmy")
        return create_async_engine(_with_password(url, self._options), connect_args=given, **POOL)

    def begin(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")  # without it, MariaDB lets DROP TABLE pass
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        self._is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))

    def _statement(self, sql: str, seconds: float) -> str:
        """The limits go with the statement, and leave nothing behind in the session."""
        offset = datetime.fromtimestamp(self._context.clock.now(), self.zone).strftime("%z")
        zone = f"'{offset[:3]}\\:{offset[3:5]}'"
        if self._is_mariadb:
            return f"SET STATEMENT max_statement_time={max(seconds, 0.001):.3f}, time_zone={zone} FOR {sql}"
        hint = f"/*+ MAX_EXECUTION_TIME({max(1, int(seconds * 1000))}) SET_VAR(time_zone={zone}) */"
        head, select, tail = sql.partition("\n) SELECT " if sql.startswith("WITH smithd(") else "SELECT ")
        return f"{head}{select}{hint} {tail}" if select else sql

    def _columns(self, shape: Sequence[tuple[str, Any]]) -> str:
        return ", ".join(self._column(f"c{index}", kind) for index, (_, kind) in enumerate(shape))

    def _column(self, column: str, kind: int) -> str:
        if kind == self._BIT:
            return f"{column} + 0"
        return column if kind in self._SHORT else f"LEFT({column}, {LONGEST + 1})"


class _InThread(Database):
    """A database whose driver blocks."""

    def __init__(self, options: SqlOptions, context: Context) -> None:
        super().__init__(options, context)
        self._threads = Threads(f"ask {context.name}", places=1)
        self._engine = self._made()

    def _made(self) -> Engine:
        raise NotImplementedError

    async def _run(self, work: Work) -> None:
        await self._threads.run(lambda: self._work(work))

    def _work(self, work: Work) -> None:
        with self._engine.connect() as connection:
            work(connection)

    async def close(self) -> None:
        self._engine.dispose()


class SQLite(_InThread):
    kind = "sqlite"

    def _made(self) -> Engine:
        file = file_of(self._options.url)
        if not file.exists():
            raise Misconfigured(f"{file}: there is no such file: check the path in 'url'")
        self._until = float("inf")
        return create_engine("sqlite://", creator=lambda: self._connected(file), poolclass=QueuePool, **POOL)

    def _connected(self, file: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_progress_handler(lambda: self._context.clock.monotonic() > self._until, 10_000)
        return connection

    def begin(self, connection: Connection) -> None:
        self._until = float("inf")
        connection.exec_driver_sql("BEGIN")

    def limit(self, connection: Connection, seconds: float) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {max(1, int(seconds * 1000))}")
        self._until = self._context.clock.monotonic() + seconds

    def parameter(self, moment: datetime) -> Any:
        return super().parameter(moment).isoformat(" ", "seconds")

    def abort(self) -> None:
        super().abort()
        self._until = 0.0


class OtherInThread(_InThread):
    """What SQLAlchemy knows beyond those: asked as it is, without any promise."""

    kind = "other"

    def _made(self) -> Engine:
        url = _with_password(make_url(self._options.url), self._options)
        return create_engine(url, execution_options={"stream_results": True}, **POOL)


class OtherAsynchronous(_Asynchronous):
    """The same, by an asynchronous driver."""

    kind = "other"

    def _made(self) -> AsyncEngine:
        return create_async_engine(_with_password(make_url(self._options.url), self._options), **POOL)


def open_database(options: SqlOptions, context: Context) -> Database:
    """The database that the options name; nothing is asked yet. Raises SourceError where it cannot be."""
    kinds: Mapping[str, type[Database]] = {"postgresql": PostgreSQL, "mysql": MySQL, "sqlite": SQLite}
    try:
        kind = kinds.get(kind_of(options.url))
        if kind is None:
            kind = OtherAsynchronous if make_url(options.url).get_dialect().is_async else OtherInThread
        return kind(options, context)
    except (NoSuchModuleError, ImportError) as error:
        raise Misconfigured(
            f"the driver for {options.url.partition(':')[0]}:// is missing ({one_line(str(error))}): install its package"
        ) from None
    except ArgumentError as error:
        raise Misconfigured(f"the address cannot be used: {one_line(str(error))}") from None


def _with_password(url: Any, options: SqlOptions) -> Any:
    return url.set(password=options.password.get_secret_value()) if options.password is not None else url


def _tls(tls: TLS) -> ssl.SSLContext:
    try:
        return tls.context()
    except OSError as error:
        raise Misconfigured(f"the files under tls cannot be used: {error}") from None


def _for_libpq(tls: TLS) -> dict[str, str]:
    """The same, as libpq takes it; without an authority's file, the system's."""
    _tls(tls)
    given = {"sslmode": "verify-full" if tls.verify else "require"}
    if tls.verify:
        system = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
        found = next((path for path in system if path and os.path.exists(path)), "system")
        given["sslrootcert"] = tls.ca_file or found
    if tls.cert_file is not None:
        given |= {"sslcert": tls.cert_file, "sslkey": tls.key_file or tls.cert_file}
    return given


async def _driver(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


def _said(error: DBAPIError) -> tuple[str, str]:
    """The code of a database's error, where it has one, and what it said."""
    cause = error.orig
    if cause is None:
        return "", str(error)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        said = getattr(getattr(cause, "diag", None), "message_primary", None)
        return state, said or str(cause)
    if len(cause.args) > 1 and isinstance(cause.args[0], int):
        return str(cause.args[0]), f"{cause.args[1]}"
    return "", str(cause)


def _cut(value: Any) -> Any:
    return value[: LONGEST + 1] if isinstance(value, str | bytes | memoryview) else value
