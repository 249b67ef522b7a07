"""PostgreSQL, by psycopg. Works behind a pooler that gives every transaction another connection: see ``begin``."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from smithd.plugin import TLS
from smithd_sources.connection import PATIENCE
from smithd_sources.sql.certificates import flaw, usable
from smithd_sources.sql.database import POOL, Asynchronous, Shape, address, said
from smithd_sources.sql.rows import LONGEST

_SHORT = frozenset({16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950})
"""Types whose values are short: bool, integers, oid, floats, dates and times, interval, numeric, uuid (pg_type.oid)."""
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class PostgreSQL(Asynchronous):
    """Every transaction is READ ONLY and REPEATABLE READ, so that all the queries of a poll see the same data."""

    kind = "postgresql"
    wraps = True

    def _made(self) -> AsyncEngine:
        url = address(self._options).set(drivername="postgresql+psycopg")
        given: dict[str, Any] = {
            "application_name": "smithd",
            "connect_timeout": int(PATIENCE * self._context.timeout),
            "prepare_threshold": None,  # poolers keep no statements
        }
        if self._options.tls is not None:
            given |= _for_libpq(self._options.tls.settings())
        return create_async_engine(
            url,
            connect_args={name: value for name, value in given.items() if name not in url.query},
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
            **POOL,
        )

    def abort(self) -> None:
        """Cut the line. psycopg would first ask the server to cancel, and it may be the server that hangs."""
        super().abort()
        if self._connection is not None:
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    async def _explained(self, error: DBAPIError) -> tuple[str, str]:
        """libpq does not say what is wrong with a certificate."""
        code, words = said(error)
        url, tls = address(self._options), self._options.tls
        if "certificate verify failed" in words and tls is not None and url.host is not None:
            words = await flaw(url.host, url.port or 5432, tls.settings()) or words
        return code, words

    def begin(self, connection: Connection) -> None:
        """All settings are the transaction's own: nothing is left in a session that may be another's next."""
        zone = self.zone.key if isinstance(self.zone, ZoneInfo) else "UTC"
        connection.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})

    def parameter(self, moment: datetime) -> Any:
        return moment

    def _apart(self, connection: Connection) -> AbstractContextManager[Any]:
        return connection.begin_nested()

    def _limit(self, connection: Connection, seconds: float) -> None:
        limit = {"limit": f"{max(1, int(seconds * 1000))}ms"}
        connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), limit)

    def _columns(self, shape: Shape) -> str:
        return ", ".join(
            f"c{index}" if kind in _SHORT else f"left(CAST(c{index} AS text), {LONGEST + 1})"
            for index, (_, kind) in enumerate(shape)
        )


def _for_libpq(tls: TLS) -> Mapping[str, str]:
    """The same, as libpq takes it. Where no authority's file is named, the system's is."""
    usable(tls)
    given = {"sslmode": "verify-full" if tls.verify else "require"}
    if tls.verify:
        system = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
        given["sslrootcert"] = tls.ca_file or next((path for path in system if path and os.path.exists(path)), "system")
    if tls.cert_file is not None:
        given |= {"sslcert": tls.cert_file, "sslkey": tls.key_file or tls.cert_file}
    return given
