"""Opens the database that the options name, and imports only its driver."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from smithd.plugin import Context, Misconfigured
from smithd_sources.sql.database import POOL, AsyncDatabase, QueriedDatabase, ThreadedDatabase, sqlalchemy_url
from smithd_sources.sql.database_url import kind_of, place
from smithd_sources.sql.errors import encoding_error, one_line
from smithd_sources.sql.options import SqlOptions


class OtherThreadedDatabase(ThreadedDatabase):
    """Another database of SQLAlchemy. Nothing keeps a query from writing, or the server from going on with it."""

    def _make_engine(self) -> Engine:
        return create_engine(sqlalchemy_url(self._options), execution_options={"stream_results": True}, **POOL)


class OtherAsyncDatabase(AsyncDatabase):
    """The same with an asynchronous driver."""

    def _make_engine(self) -> AsyncEngine:
        return create_async_engine(sqlalchemy_url(self._options), **POOL)


def open_database(options: SqlOptions, context: Context) -> QueriedDatabase:
    """The database, not yet connected. Raises Misconfigured where its driver is missing."""
    scheme = options.url.partition(":")[0]
    try:
        opened = _class_for(options)(options, context)
    except (NoSuchModuleError, ImportError) as error:
        why = one_line(str(error))
        raise Misconfigured(f"the driver for {scheme}:// is missing ({why}): install its package") from None
    except UnicodeError:
        raise encoding_error(place(options.url)) from None
    except (ArgumentError, TypeError, ValueError) as error:
        raise Misconfigured(f"the address cannot be used: {one_line(str(error))}") from None
    if opened.kind == "other":
        context.log.warning("%s:// is not tested with smithd; let its user have no rights but to read", scheme)
    return opened


def _class_for(options: SqlOptions) -> type[QueriedDatabase]:
    # Each module imports its driver, and only the one that is used should be loaded.
    kind = kind_of(options.url)
    if kind == "postgresql":
        from smithd_sources.sql.postgresql import PostgreSQL

        return PostgreSQL
    if kind == "mysql":
        from smithd_sources.sql.mysql import MySQL

        return MySQL
    if kind == "sqlite":
        from smithd_sources.sql.sqlite import SQLite

        return SQLite
    return OtherAsyncDatabase if sqlalchemy_url(options).get_dialect().is_async else OtherThreadedDatabase
