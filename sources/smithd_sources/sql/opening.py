"""From the options to the database that they name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from smithd.plugin import Context, Misconfigured
from smithd_sources.sql.address import kind_of
from smithd_sources.sql.database import POOL, Asynchronous, Database, InThread, address
from smithd_sources.sql.mysql import MySQL
from smithd_sources.sql.options import SqlOptions
from smithd_sources.sql.postgresql import PostgreSQL
from smithd_sources.sql.refusals import one_line
from smithd_sources.sql.sqlite import SQLite

_TESTED: Mapping[str, type[Database]] = {"postgresql": PostgreSQL, "mysql": MySQL, "sqlite": SQLite}


class OtherInThread(InThread):
    """What else SQLAlchemy knows, asked as it is: nothing keeps a query from writing, or the server from working on."""

    def _made(self) -> Engine:
        return create_engine(address(self._options), execution_options={"stream_results": True}, **POOL)


class OtherAsynchronous(Asynchronous):
    """The same, where its driver is asynchronous."""

    def _made(self) -> AsyncEngine:
        return create_async_engine(address(self._options), **POOL)


def open_database(options: SqlOptions, context: Context) -> Database:
    """The database; nothing is asked yet. Raises Misconfigured where its driver is missing."""
    scheme = options.url.partition(":")[0]
    try:
        database = _TESTED.get(kind_of(options.url)) or _other(options)
        opened = database(options, context)
    except (NoSuchModuleError, ImportError) as error:
        why = one_line(str(error))
        raise Misconfigured(f"the driver for {scheme}:// is missing ({why}): install its package") from None
    except (ArgumentError, TypeError) as error:
        raise Misconfigured(f"the address cannot be used: {one_line(str(error))}") from None
    if opened.kind == "other":
        context.log.warning("%s:// is not tested with smithd; let its user have no rights but to read", scheme)
    return opened


def _other(options: SqlOptions) -> type[Database]:
    return OtherAsynchronous if address(options).get_dialect().is_async else OtherInThread
