"""Queries to a database through SQLAlchemy: what all kinds of databases share.

The queries are written once, in SQLAlchemy's synchronous style. They run on the event loop where the database has an
asynchronous driver, else in a thread. Imported when a source is first opened.

Three limits hold for each query: the server ends it after its share of the time, where it can; it brings no more rows
than configured; and no text is longer than a label. Where the database can, the query is put into another one, so that
the server itself cuts rows and texts (``_fetch_wrapped``).
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import URL, Connection, CursorResult, Engine, event, make_url, text
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine

from smithd.plugin import Context, Misconfigured, SourceError, Threads, TimedOut
from smithd_sources.sql.database_url import place
from smithd_sources.sql.errors import connection_error, encoding_error, query_error
from smithd_sources.sql.options import SqlMetric, SqlOptions
from smithd_sources.sql.query import SqlQuery
from smithd_sources.sql.rows import LONGEST, QueryResult, needed

Work = Callable[[Connection], None]
POOL: Mapping[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_pre_ping": True}
_CODE_OF_BAD_DATA = "22000"
_UNKNOWN_OPTION = "unexpected keyword argument"
"""In the error of drivers for an option of the address that they do not know."""

# They log every connection that breaks, and smithd does so too.
for _name in ("sqlalchemy.pool", "psycopg", "asyncmy"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class QueriedDatabase(ABC):
    """One database, with the one connection to it that is kept."""

    kind = "other"
    wraps = False
    """Whether a query is put into another one, which limits the number of rows and the length of texts."""

    def __init__(self, options: SqlOptions, context: Context) -> None:
        """Does not connect. Raises SourceError, or what SQLAlchemy raises, where a driver or a file is missing."""
        self.zone = context.zone
        self.aborted = False
        self._options = options
        self._context = context
        self._place = place(options.url)

    async def run(self, work: Work) -> None:
        """Do the work on a connection that is known to answer. Raises SourceError where there is none."""
        self.aborted = False
        try:
            await self._do(work)
        except DBAPIError as error:
            raise connection_error(self._place, *await self._explained(error)) from None
        except (NoConnectionFree, OSError) as error:
            raise connection_error(self._place, "", str(error)) from None
        except UnicodeError:
            raise encoding_error(self._place) from None
        except TypeError as error:
            if _UNKNOWN_OPTION not in str(error):
                raise
            raise connection_error(self._place, "", str(error)) from None

    def no_answer(self, seconds: float) -> SourceError:
        """The error for no answer within this many seconds."""
        return TimedOut(f"{self._place}: no answer within {seconds:.3g} s")

    async def _explained(self, error: DBAPIError) -> tuple[str, str]:
        """The code of an error, and its message, or what could be found out about it."""
        return code_and_message(error)

    @abstractmethod
    async def _do(self, work: Work) -> None:
        """Do the work, and raise what SQLAlchemy and the driver raise."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection."""

    def abort(self) -> None:
        """Have what waits for the server fail at once, as far as possible. The next ``run`` connects again."""
        self.aborted = True

    def begin(self, connection: Connection) -> None:  # noqa: B027 # not every database can
        """Begin a transaction that is read-only and sees the data of one moment, as far as the database can."""

    def parameter(self, moment: datetime) -> Any:
        """A moment in the form that can be compared with this database's columns."""
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def fetch(
        self, connection: Connection, metric: SqlMetric, query: SqlQuery, given: dict[str, Any], seconds: float
    ) -> QueryResult:
        """Run one query, which may take this many seconds of the server's time.

        The result has only the columns that ``metric`` names. ``given`` are the values of all parameters. Raises
        SourceError where the query fails, and SQLAlchemy's DBAPIError where the connection is lost.
        """
        if seconds <= 0:
            raise TimedOut("the queries before it took all the time: raise 'timeout', or make them faster")
        given = {parameter: given[parameter] for parameter in query.parameters}
        try:
            with self._savepoint(connection):
                self._limit(connection, seconds)
                if self.wraps and query.selects:
                    return self._fetch_wrapped(connection, metric, query, given, seconds)
                result = connection.execute(text(self._statement(query.text, seconds)), given)
                if not result.returns_rows:
                    raise Misconfigured(
                        "the query brings no rows: expected one that reads, like SELECT count(*) FROM jobs"
                    )
                columns = list(result.keys())
                chosen = needed(metric, columns)
                return self._result([columns[index] for index in chosen], chosen, result)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            raise query_error(self.kind, *code_and_message(error), seconds) from None

    def _savepoint(self, connection: Connection) -> AbstractContextManager[Any]:  # noqa: ARG002 # PostgreSQL uses it
        """A block in which a query may fail without ending the transaction."""
        return nullcontext()

    def _limit(self, connection: Connection, seconds: float) -> None:  # noqa: B027 # not every database can
        """Have the server end the next statement after this many seconds, where a statement of its own says that."""

    def _statement(self, sql: str, seconds: float) -> str:  # noqa: ARG002 # MySQL uses it
        """The statement with its limits, where they are written around it."""
        return sql

    def _hint(self, seconds: float) -> str:  # noqa: ARG002 # MySQL uses it
        """The limits, where they are written after the first SELECT."""
        return ""

    def _column(self, name: str, kind: Any) -> str:
        """The expression that selects a column of this type, and cuts long values."""
        raise NotImplementedError

    def _fetch_wrapped(
        self, connection: Connection, metric: SqlMetric, query: SqlQuery, given: dict[str, Any], seconds: float
    ) -> QueryResult:
        """Have the server cut the result.

        The columns are asked for each time, since the view or table may have changed. Asking locks its definition until
        the transaction ends.
        """
        sql = self._statement(self._without_rows(query, seconds), seconds)
        with connection.execute(text(sql), given) as result:
            assert result.cursor is not None  # a SELECT has one
            shape = [(column[0], column[1]) for column in result.cursor.description]
        chosen = needed(metric, [column for column, _ in shape])
        names = ", ".join(f"c{index}" for index in range(len(shape)))
        columns = ", ".join(self._column(f"c{index}", shape[index][1]) for index in chosen)
        sql = (
            f"WITH smithd({names}) AS (\n{query.text}\n) "  # noqa: S608 # the query is the configuration's
            f"SELECT {self._hint(seconds)}{columns} FROM smithd LIMIT :smithd_most"
        )
        # One row more than is allowed shows that there are too many.
        most = {"smithd_most": self._options.max_rows + 1}
        result = connection.execute(text(self._statement(sql, seconds)), given | most)
        return self._result([shape[index][0] for index in chosen], range(len(chosen)), result)

    def _without_rows(self, query: SqlQuery, seconds: float) -> str:
        """A statement that brings the names and types of the query's columns at almost no cost."""
        return f"SELECT {self._hint(seconds)}* FROM (\n{query.text}\n) AS smithd LIMIT 0"  # noqa: S608 # as above

    def _result(self, columns: Sequence[str], chosen: Sequence[int], result: CursorResult[Any]) -> QueryResult:
        most = self._options.max_rows
        rows: list[list[Any]] = []
        with result:
            for row in result:
                if len(rows) == most:
                    raise Misconfigured(
                        f"the query brings more than {most} rows: aggregate, add a LIMIT, or raise 'max_rows'"
                    )
                rows.append([_cut(row[index]) for index in chosen])
        return QueryResult(columns, rows)


class AsyncDatabase(QueriedDatabase):
    """A database with an asynchronous driver."""

    def __init__(self, options: SqlOptions, context: Context) -> None:
        super().__init__(options, context)
        self._connection: Any = None
        """The driver's own connection, the last one that was made."""
        self._engine = self._make_engine()
        event.listen(self._engine.sync_engine, "connect", self._keep, insert=True)

    @abstractmethod
    def _make_engine(self) -> AsyncEngine:
        """The engine, which has at most one connection."""

    async def _do(self, work: Work) -> None:
        async with self._engine.connect() as connection:
            await connection.run_sync(work)

    def _keep(self, connection: Any, _: object) -> None:
        self._connection = connection.driver_connection

    async def close(self) -> None:
        # First the connection is cut: closing it in the regular way would wait for a server that hangs.
        self.abort()
        await self._engine.dispose()


class ThreadedDatabase(QueriedDatabase):
    """A database whose driver blocks."""

    def __init__(self, options: SqlOptions, context: Context) -> None:
        super().__init__(options, context)
        self._engine = self._make_engine()
        self._threads = Threads(f"ask {context.name}", places=1)

    @abstractmethod
    def _make_engine(self) -> Engine:
        """The engine, which has at most one connection."""

    async def _do(self, work: Work) -> None:
        def connect_and_work() -> None:
            with self._engine.connect() as connection:
                work(connection)

        await self._threads.run(connect_and_work)

    async def close(self) -> None:
        self.abort()
        self._engine.dispose()


def sqlalchemy_url(options: SqlOptions) -> URL:
    """The address in SQLAlchemy's form, with the password."""
    url = make_url(options.url)
    return url.set(password=options.password.get_secret_value()) if options.password is not None else url


def code_and_message(error: DBAPIError) -> tuple[str, str]:
    """The code of a database's error ("" where it has none), and its message."""
    cause: Any = error.orig
    if cause is not None and len(cause.args) > 1 and isinstance(cause.args[0], int):
        return str(cause.args[0]), str(cause.args[1])
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    code = getattr(cause, "sqlstate", None) or (_CODE_OF_BAD_DATA if isinstance(error, DataError) else "")
    return code, primary or str(cause)


def _cut(value: Any) -> Any:
    # One character more than is read, so that a text which is too long can be recognized.
    return value[: LONGEST + 1] if isinstance(value, str | bytes | memoryview) else value
