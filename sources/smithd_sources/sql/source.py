"""A source that asks a database for numbers in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from smithd.plugin import BadAnswer, Context, Sample, Source, SourceError, Unavailable
from smithd_sources.connection import PATIENCE
from smithd_sources.partly import settle
from smithd_sources.sql.address import kind_of
from smithd_sources.sql.options import SqlOptions
from smithd_sources.sql.query import moments, parse
from smithd_sources.sql.rows import Moment, read_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from smithd_sources.sql.database import Database

ASKED = 0.85
"""The part of a poll's deadline that the queries share; the rest is for the answer to be missed in good time."""


class Sql(Source[SqlOptions]):
    """Numbers from a database, by SQL: PostgreSQL, MySQL and MariaDB, SQLite, and what else SQLAlchemy knows."""

    Options = SqlOptions

    def __init__(self, options: SqlOptions, context: Context) -> None:
        super().__init__(options, context)
        kind = kind_of(options.url)
        self._queries = {name: parse(metric.query, kind) for name, metric in options.metrics.items()}
        self._slow: set[str] = set()
        self._database: Database | None = None

    @classmethod
    def metrics(cls, options: SqlOptions) -> Collection[str]:
        return [each for name, metric in options.metrics.items() for each in metric.columns(name)]

    async def open(self) -> None:
        from smithd_sources.sql.opening import open_database

        self._database = open_database(self.options, self.context)

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()

    async def poll(self) -> Iterable[Sample]:
        database = self._database
        assert database is not None  # open comes first
        samples: list[Sample] = []
        failures: list[SourceError] = []
        patience = PATIENCE * self.context.timeout
        giving_up = asyncio.get_running_loop().call_later(patience, database.abort)
        try:
            async with asyncio.timeout((1 + PATIENCE) / 2 * self.context.timeout):
                await database.ask(lambda connection: self._ask_all(connection, samples, failures))
        except TimeoutError:
            failures.append(database.silent(patience))
        except SourceError as error:
            failures.append(database.silent(patience) if database.aborted else error)
        finally:
            giving_up.cancel()
        return settle(samples, failures)

    def _ask_all(self, connection: Connection, samples: list[Sample], failures: list[SourceError]) -> None:
        """Ask one query after another, those last that were slow the last time: all see the data of one moment."""
        database, clock = self._database, self.context.clock
        assert database is not None
        asked = Moment(clock.now(), database.zone)
        end = clock.monotonic() + ASKED * self.context.timeout
        given = {name: database.parameter(moment) for name, moment in moments(asked.now, self.context.zone).items()}
        database.begin(connection)
        names = sorted(self._queries, key=self._slow.__contains__)
        for position, name in enumerate(names):
            query, metric = self._queries[name], self.options.metrics[name]
            started = clock.monotonic()
            share = (end - started) / (1 if position == len(names) - 1 else 2)
            if share <= 0:
                failures.append(Unavailable(f"{name}: the queries before it took all the time: raise 'timeout'"))
                continue
            used = {parameter: given[parameter] for parameter in query.parameters}
            try:
                grid = database.fetch(connection, name, query, used, share)
                samples += read_rows(name, metric, grid, asked, lambda text: failures.append(BadAnswer(text)))
            except SourceError as error:
                failures.append(type(error)(f"{name}: {error}"))
            slow = clock.monotonic() - started > PATIENCE * share
            self._slow = self._slow | {name} if slow else self._slow - {name}
