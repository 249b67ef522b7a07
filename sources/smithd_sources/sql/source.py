"""A source that polls a database for numbers by SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from smithd.plugin import BadResponse, Context, MetricOptions, RawSample, Source, SourceError
from smithd_sources.http_errors import OWN_DEADLINE
from smithd_sources.masking import masked
from smithd_sources.partial_failure import settle
from smithd_sources.sql.database_url import kind_of
from smithd_sources.sql.options import SqlOptions
from smithd_sources.sql.query import moments, parse
from smithd_sources.sql.rows import read_rows
from smithd_sources.values import TimeContext

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from smithd_sources.sql.database import QueriedDatabase

MAX_TEXTS = 10
"""The failures that an error names: each query may have one of its own."""
QUERYING = 0.85
"""The part of a poll's deadline that the queries share; the rest is for noticing in time that no answer comes."""


class Sql(Source[SqlOptions]):
    """Numbers from a database, by SQL: PostgreSQL, MySQL and MariaDB, SQLite, and what else SQLAlchemy knows."""

    Options = SqlOptions
    masks_errors = True
    # SQLite's connection has a file, its log, and the index of that.
    own_descriptors = 3

    def __init__(self, options: SqlOptions, context: Context) -> None:
        super().__init__(options, context)
        kind = kind_of(options.url)
        self._queries = {name: parse(metric.query, kind) for name, metric in options.metrics.items()}
        self._slow: frozenset[str] = frozenset()
        self._noted: set[tuple[str, str]] = set()
        """The metrics, and their labels, of which the log has said that they are empty."""
        self._database: QueriedDatabase | None = None

    @classmethod
    def metrics(cls, options: SqlOptions) -> Collection[str]:
        return [each for name, metric in options.metrics.items() for each in metric.columns(name)]

    @classmethod
    def metric_options(cls, options: SqlOptions) -> Mapping[str, MetricOptions]:
        return {each: metric for name, metric in options.metrics.items() for each in metric.columns(name)}

    async def open(self) -> None:
        from smithd_sources.sql.drivers import open_database

        with masked(self.context, self.options.secrets):
            self._database = open_database(self.options, self.context)

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()

    async def poll(self) -> Iterable[RawSample]:
        with masked(self.context, self.options.secrets):
            return await self._query()

    async def _query(self) -> Iterable[RawSample]:
        database, timeout = self._database, self.context.timeout
        assert database is not None  # open comes first
        answers = _Answers()
        end = self.context.clock.monotonic() + QUERYING * timeout
        # First the database is asked to abort, so that the connection fails and says why. Only where that does not help
        # is the work cancelled.
        aborting = asyncio.get_running_loop().call_later(OWN_DEADLINE * timeout, database.abort)
        try:
            async with asyncio.timeout((1 + OWN_DEADLINE) / 2 * timeout):
                await database.run(lambda connection: self._query_all(database, connection, end, answers))
        except TimeoutError:
            answers.failures.append(database.no_answer(OWN_DEADLINE * timeout))
        except SourceError as error:
            answers.failures.append(database.no_answer(OWN_DEADLINE * timeout) if database.aborted else error)
        finally:
            aborting.cancel()
        return settle(answers.samples, [*answers.failures, *answers.more], MAX_TEXTS)

    def _query_all(self, database: QueriedDatabase, connection: Connection, end: float, answers: _Answers) -> None:
        """Run one query after another. All see the data of one moment. Those that were slow the last time come last."""
        now, clock = self.context.clock.now(), self.context.clock
        # Today begins where the user is.
        parameters = moments(now, self.context.home or database.zone)
        given = {name: database.parameter(moment) for name, moment in parameters.items()}
        asked = TimeContext(now, database.zone)
        database.begin(connection)
        left = sorted(self._queries, key=self._slow.__contains__)
        while left:
            name, *left = left
            metric = self.options.metrics[name]
            started = clock.monotonic()
            # No query may take more than half of the time that is left, so that one slow query does not cost the others
            # their values.
            share = (end - started) / (2 if left else 1)
            with answers.of(name):
                result = database.fetch(connection, metric, self._queries[name], given, share)
                samples = read_rows(name, metric, result, asked, answers.report)
                self._note_empty_labels(name, samples)
                answers.samples += samples
            is_slow = clock.monotonic() - started > OWN_DEADLINE * share
            self._slow = self._slow | {name} if is_slow else self._slow - {name}

    def _note_empty_labels(self, name: str, samples: Iterable[RawSample]) -> None:
        """Say once of each label that it was NULL or empty, which may be a gap in the data."""
        for column in sorted({label for sample in samples for label, text in sample.labels.items() if not text}):
            if (name, column) not in self._noted:
                self._noted.add((name, column))
                self.context.log.info(
                    "%s.%s: the column %s is NULL or empty: the label is empty there", self.context.name, name, column
                )


class _Answers:
    """What has come so far. It counts even where the rest fails."""

    def __init__(self) -> None:
        self.samples: list[RawSample] = []
        self.failures: list[SourceError] = []
        """One of each query."""
        self.more: list[SourceError] = []
        self._has_reported = False

    def report(self, text: str) -> None:
        """Note that a single value could not be read."""
        (self.more if self._has_reported else self.failures).append(BadResponse(text))
        self._has_reported = True

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """A SourceError in this block is noted as a failure of this metric."""
        self._has_reported = False
        try:
            yield
        except SourceError as error:
            self.failures.append(type(error)(f"{name}: {error}"))
