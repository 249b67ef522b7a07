"""PostgreSQL, by psycopg. Works behind a pooler that gives each transaction another connection: see ``begin``."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.datetime import (
    DateBinaryLoader,
    IntervalBinaryLoader,
    TimestampBinaryLoader,
    TimestamptzBinaryLoader,
)
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from smithd.plugin import Misconfigured
from smithd_sources.http_errors import OWN_DEADLINE
from smithd_sources.sql.certificates import certificate_problem, tls_context
from smithd_sources.sql.database import POOL, AsyncDatabase, Work, code_and_message, sqlalchemy_url
from smithd_sources.sql.rows import LONGEST

_SHORT = frozenset({16, 20, 21, 23, 26, 700, 701, 1082, 1114, 1184, 1186, 1700, 2950})
"""Types whose values are short: bool, integers, oid, floats, dates, interval, numeric, uuid (pg_type.oid)."""
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


_NO_OPTIONS = "unsupported startup parameter"
"""In PgBouncer's error for a connection that sets an option of its session."""


class OneStatement(psycopg.AsyncCursor[Any]):
    """Asks for results in binary: psycopg then uses the protocol in which a server accepts one statement only."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.format = Format.BINARY


class _Bounded(Loader):
    """Values outside the range of Python's dates, like 'infinity' and years before Christ, are no values."""

    format = Format.BINARY
    real: type[Loader]

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._real = self.real(oid, context)

    def load(self, data: Buffer) -> Any:
        try:
            return self._real.load(data)
        except (psycopg.DataError, OverflowError):
            return None


class _Date(_Bounded):
    real = DateBinaryLoader


class _Timestamp(_Bounded):
    real = TimestampBinaryLoader


class _Timestamptz(_Bounded):
    real = TimestamptzBinaryLoader


class _Interval(_Bounded):
    real = IntervalBinaryLoader


_LOADERS = {"date": _Date, "timestamp": _Timestamp, "timestamptz": _Timestamptz, "interval": _Interval}


class PostgreSQL(AsyncDatabase):
    """Every transaction is READ ONLY and REPEATABLE READ, so that all the queries of a poll see the same data."""

    kind = "postgresql"
    wraps = True
    _pooled = False
    """Whether a pooler refuses options of the session."""

    def _make_engine(self) -> AsyncEngine:
        url = sqlalchemy_url(self._options).set(drivername="postgresql+psycopg")
        given: dict[str, Any] = {
            "application_name": "smithd",
            "connect_timeout": int(OWN_DEADLINE * self._context.timeout),
            # Poolers keep no prepared statements.
            "prepare_threshold": None,
            "cursor_factory": OneStatement,
        }
        if self._options.tls is not None:
            tls = self._options.tls.settings()
            # Only for its check: it raises where a file cannot be used.
            tls_context(tls)
            given["sslmode"] = "verify-full" if tls.verify else "require"
            if tls.verify:
                # Where no file of an authority is configured, the system's is used. libpq itself would look for one in
                # the user's home.
                system = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
                found = next((path for path in system if path and os.path.exists(path)), "system")
                given["sslrootcert"] = tls.ca_file or found
            if tls.cert_file is not None:
                given |= {"sslcert": tls.cert_file, "sslkey": tls.key_file or tls.cert_file}
        engine = create_async_engine(
            url,
            connect_args={name: value for name, value in given.items() if name not in url.query},
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
            **POOL,
        )
        event.listen(engine.sync_engine, "do_connect", self._with_options)
        return engine

    async def _do(self, work: Work) -> None:
        try:
            await super()._do(work)
        except DBAPIError as error:
            if self._pooled or _NO_OPTIONS not in code_and_message(error)[1]:
                raise
            # A pooler in between refuses options of the session: connect again without them.
            self._pooled = True
            await super()._do(work)

    def _with_options(self, _dialect: object, _record: object, _args: object, given: dict[str, Any]) -> None:
        """Make the session read-only too, where no pooler is in between: a pooler would give the session to others."""
        if not self._pooled:
            given["options"] = f"{given.get('options', '')} -c default_transaction_read_only=on".lstrip()

    def _keep(self, connection: Any, record: object) -> None:
        super()._keep(connection, record)
        for name, loader in _LOADERS.items():
            connection.adapters.register_loader(name, loader)

    def abort(self) -> None:
        """Shut the connection down. psycopg would first ask the server to cancel, and the server may be what hangs."""
        super().abort()
        if self._connection is not None:
            # The socket is made of a duplicate: the descriptor itself is psycopg's, and must not be closed here.
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as handle:
                handle.shutdown(socket.SHUT_RDWR)

    async def _explained(self, error: DBAPIError) -> tuple[str, str]:
        """As usual, but libpq does not say what is wrong with a certificate."""
        code, message = code_and_message(error)
        url, tls = sqlalchemy_url(self._options), self._options.tls
        if "certificate verify failed" in message and tls is not None and url.host is not None:
            message = await certificate_problem(url.host, url.port or 5432, tls.settings()) or message
        return code, message

    def begin(self, connection: Connection) -> None:
        """All settings are for the transaction only: a pooler may give the session to another client next."""
        zone = self.zone.key if isinstance(self.zone, ZoneInfo) else "UTC"
        began = "SELECT current_setting('transaction_read_only') FROM set_config('TimeZone', :zone, true)"
        if connection.execute(text(began), {"zone": zone}).scalar() != "on":
            raise Misconfigured(f"{self._place}: it began no transaction that only reads: what stands in between?")

    def parameter(self, moment: datetime) -> Any:
        return moment

    def _savepoint(self, connection: Connection) -> AbstractContextManager[Any]:
        return connection.begin_nested()

    def _limit(self, connection: Connection, seconds: float) -> None:
        limit = {"limit": f"{max(1, int(seconds * 1000))}ms"}
        connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), limit)

    def _column(self, name: str, kind: Any) -> str:
        return name if kind in _SHORT else f"left(CAST({name} AS text), {LONGEST + 1})"
