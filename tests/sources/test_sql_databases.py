"""What a user relies on when smithd asks a database: against real PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from databases import QUEUED, TABLES, DatabaseServer, Pooler, mariadb, postgresql
from fakes import FakeClock
from servers import Certificate
from smithd.clock import SystemClock
from smithd.plugin import BadResponse, Clock, Context, Http, Misconfigured, RawSample, SourceError, Unavailable
from smithd_sources.sql import database
from smithd_sources.sql.options import SqlOptions
from smithd_sources.sql.query import SqlQuery
from smithd_sources.sql.rows import QueryResult
from smithd_sources.sql.source import Sql

BERLIN = ZoneInfo("Europe/Berlin")
DEADLINE = 20.0


@pytest.fixture(scope="session")
def pg(certificate: Certificate) -> Iterator[DatabaseServer]:
    with postgresql(certificate) as server:
        yield server


@pytest.fixture(scope="session")
def my(certificate: Certificate) -> Iterator[DatabaseServer]:
    with mariadb(certificate) as server:
        yield server


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sqlite") / "warehouse.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES)
    return f"sqlite:///{path}"


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of each database in turn."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("lite"))
    server = request.getfixturevalue({"postgresql": "pg", "mariadb": "my"}[request.param])
    assert isinstance(server, DatabaseServer)
    return server.url


@dataclass
class Asked:
    """What one poll brought."""

    samples: list[RawSample] = field(default_factory=list)
    error: SourceError | None = None

    @property
    def values(self) -> dict[str, float]:
        return {sample.metric: sample.value for sample in self.samples}

    @property
    def said(self) -> str:
        return str(self.error)


async def poll(source: Sql) -> Asked:
    try:
        return Asked(list(await source.poll()))
    except SourceError as error:
        return Asked(list(error.samples), error)


Script = Callable[[Sql], Any]


def with_source(url: str, metrics: dict[str, Any], script: Script, **more: Any) -> Any:
    """What ``script`` makes of a source on this database; the source is closed in the end."""
    return asyncio.run(opened(url, metrics, script, **more))


async def opened(
    url: str,
    metrics: dict[str, Any],
    script: Script,
    *,
    clock: Clock | None = None,
    deadline: float = DEADLINE,
    zone: tzinfo | None = None,
    **more: Any,
) -> Any:
    """The same, within an event loop."""
    http, log = Http(), logging.getLogger("smithd.sources.shop")
    options = SqlOptions.model_validate({"url": url, "metrics": metrics, **more})
    source = Sql(options, Context("shop", deadline, clock or SystemClock(), http, log, zone or BERLIN, BERLIN))
    try:
        await source.open()
        return await script(source)
    finally:
        await source.close()
        await http.aclose()


def ask(url: str, metrics: dict[str, Any], **more: Any) -> Asked:
    asked = with_source(url, metrics, poll, **more)
    assert isinstance(asked, Asked)
    return asked


def value(url: str, query: str, **more: Any) -> float | None:
    asked = ask(url, {"value": {"query": query, **more.pop("metric", {})}}, **more)
    assert asked.error is None, asked.said
    return asked.values.get("value")


def test_a_null_label_is_said_once_with_its_source(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sqlite3.connect(tmp_path / "x.db").close()
    query = {"query": "SELECT NULL AS zone, 1 AS n UNION ALL SELECT 'a', 2", "labels": ["zone"], "value": "n"}

    async def twice(source: Sql) -> None:
        for _ in range(2):
            assert len(list(await source.poll())) == 2

    with caplog.at_level(logging.INFO, "smithd"):
        with_source(f"sqlite:///{tmp_path}/x.db", {"load": query}, twice)
    assert caplog.messages == ["shop.load: the column zone is NULL or empty: the label is empty there"]


class TestWhatIsRead:
    def test_a_scalar_and_a_series_for_each_row(self, url: str) -> None:
        query = "SELECT queue, count(*) AS depth, max(age_seconds) AS oldest FROM jobs GROUP BY queue ORDER BY queue"
        metrics = {
            "backlog": "SELECT count(*) FROM jobs WHERE state = 'queued'",
            "jobs": {"query": query, "labels": ["queue"], "values": ["depth", "oldest"]},
            "depth": {"query": query, "labels": ["queue"], "value": "depth"},
            "shape": {
                "query": "SELECT min(age_seconds) AS least, max(age_seconds) AS most FROM jobs",
                "values": ["most"],
            },
        }
        asked = ask(url, metrics)
        assert asked.error is None
        assert sorted(asked.samples, key=str) == [
            RawSample("backlog", QUEUED),
            RawSample("depth", 1.0, {"queue": ""}),  # NULL
            RawSample("depth", 1.0, {"queue": "pdf"}),
            RawSample("depth", 2.0, {"queue": "mail"}),
            RawSample("jobs.depth", 1.0, {"queue": ""}),
            RawSample("jobs.depth", 1.0, {"queue": "pdf"}),
            RawSample("jobs.depth", 2.0, {"queue": "mail"}),
            RawSample("jobs.oldest", 3.0, {"queue": ""}),
            RawSample("jobs.oldest", 7.25, {"queue": "pdf"}),
            RawSample("jobs.oldest", 90.0, {"queue": "mail"}),
            RawSample("shape.most", 90.0),
        ]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("SELECT sum(age_seconds) FROM jobs", 101.75),
            ("SELECT 1.5e0", 1.5),
            ("SELECT '42'", 42.0),
            ("SELECT '11110101'", 11110101.0),  # also a day, as ISO 8601 writes it
            ("SELECT 1 = 1", 1.0),
            ("SELECT NULL", None),
            ("SELECT 'NaN'", None),
            ("SELECT max(age_seconds) FROM jobs WHERE state = 'lost'", None),
            ("SELECT age_seconds FROM jobs WHERE state = 'lost'", None),
            ("SELECT count(*) FROM jobs WHERE queue LIKE 'm%'; -- a % and a ; at the end", 2.0),
            ("SELECT count(*) FROM jobs WHERE '12:30' <> ':now' /* :today; */ AND state <> 'it''s :x'", 4.0),
            ("WITH q AS (SELECT * FROM jobs) SELECT count(*) FROM q -- the last line", 4.0),
        ],
    )
    def test_values(self, url: str, query: str, expected: float | None) -> None:
        assert value(url, query) == expected

    @pytest.mark.parametrize(
        ("parameter", "age"), [("now", 0.0), ("today", 12 * 3600.0), ("yesterday", (12 + 23) * 3600.0)]
    )
    def test_days_begin_at_midnight_in_the_configured_zone(self, url: str, parameter: str, age: float) -> None:
        noon = FakeClock(1_774_864_800.0)  # 30 March 2026, 12:00 in Berlin; the day before had 23 hours
        assert value(url, f"SELECT :{parameter}", metric={"as": "age"}, clock=noon) == age

    def test_a_database_may_mean_its_times_in_another_zone(self, url: str) -> None:
        clock = FakeClock(1_774_864_800.0)
        query = {"query": "SELECT '2026-03-30 10:00:00'", "as": "age"}
        assert ask(url, {"age": query}, clock=clock, zone=ZoneInfo("UTC")).values == {"age": 0.0}
        assert ask(url, {"age": query}, clock=clock).values == {"age": 7200.0}
        assert ask(url, {"age": {"query": "SELECT :today", "as": "age"}}, clock=clock, zone=ZoneInfo("UTC")).values == {
            "age": 12 * 3600.0  # today begins where the user is
        }

    def test_a_moment_that_python_has_not_is_no_value_for_its_row(self, pg: DatabaseServer) -> None:
        moments = {
            "ok": "timestamptz '2026-03-30 10:00:00+00'",
            "infinity": "'infinity'",
            "past": "'-infinity'",
            "far": "'20000-01-01'",
            "christ": "'0044-03-15 BC'",
            "null": "NULL",
        }
        rows = ", ".join(f"('{name}', {moment})" for name, moment in moments.items())
        for kind, number in (("timestamptz", 1_774_864_800.0), ("timestamp", 1_774_864_800.0), ("date", 1_774_821_600)):
            query = f"SELECT name, moment::{kind} AS moment FROM (VALUES {rows}) AS v(name, moment)"  # noqa: S608
            asked = ask(pg.url, {"m": {"query": query, "labels": ["name"], "value": "moment"}})
            assert asked.error is None, asked.said
            assert asked.samples == [RawSample("m", number, {"name": "ok"})]
        late = "SELECT n, n * interval '1000000000 days' AS l FROM (VALUES (0), (1)) AS v(n)"
        assert len(ask(pg.url, {"m": {"query": late, "labels": ["n"], "value": "l"}}).samples) == 1

    def test_a_day_that_there_is_not_is_no_value_for_its_row(self, my: DatabaseServer) -> None:
        query = "SELECT 'ok' AS name, DATE('2026-03-30') AS d UNION SELECT 'zero', CAST('0000-00-00' AS DATE)"
        asked = ask(my.url, {"m": {"query": query, "labels": ["name"], "value": "d", "as": "age"}})
        assert asked.error is None, asked.said
        assert [each.labels["name"] for each in asked.samples] == ["ok"]

    def test_more_rows_than_wanted_are_refused(self, url: str) -> None:
        metrics = {
            "three": {
                "query": "SELECT queue, count(*) AS n FROM jobs GROUP BY queue",
                "labels": ["queue"],
                "value": "n",
            },
            "one": "SELECT 1",
        }
        assert len(ask(url, metrics, max_rows=3).samples) == 4
        asked = ask(url, metrics, max_rows=2)
        assert asked.said.startswith("three: the query brings more than 2 rows: aggregate")
        assert asked.values == {"one": 1.0}

    def test_rows_without_an_end_are_not_waited_for(self, url: str) -> None:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 1 AS one FROM n"
        asked = ask(url, {"endless": {"query": endless, "labels": ["i"], "value": "one"}})
        assert asked.said.startswith("endless: the query brings more than 1000 rows")

    @pytest.mark.parametrize("kind", ["postgresql", "mysql", "sqlite"])
    def test_a_text_beyond_all_measure_does_not_come(self, request: pytest.FixtureRequest, kind: str) -> None:
        query = {
            "postgresql": "SELECT repeat('x', 20000000)",
            "mysql": "SELECT repeat('x', 10000000)",
            "sqlite": "SELECT hex(zeroblob(30000000))",
        }[kind]
        fixture = request.getfixturevalue({"postgresql": "pg", "mysql": "my", "sqlite": "lite"}[kind])
        asked = ask(fixture if kind == "sqlite" else fixture.url, {"text": query, "one": "SELECT 1"})
        assert isinstance(asked.error, BadResponse)
        assert len(asked.said) < 200
        assert asked.values == {"one": 1.0}


@pytest.fixture
def _unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing were looked at before the server is asked: the walls behind must hold alone."""
    for place in ("options", "source"):
        as_it_is = lambda written, kind: SqlQuery(written, "?", frozenset())  # noqa: ARG005, E731 # as `parse` takes them
        monkeypatch.setattr(f"smithd_sources.sql.{place}.parse", as_it_is)


class TestReadOnly:
    def test_a_query_that_writes_is_refused_and_the_others_arrive(self, url: str) -> None:
        query = "WITH gone AS (DELETE FROM jobs RETURNING 1) SELECT count(*) FROM gone"
        asked = ask(url, {"writes": query, "count": "SELECT count(*) FROM jobs"})
        assert isinstance(asked.error, Misconfigured)
        assert asked.said.startswith("writes: ")
        assert "refuses the query" in asked.said
        assert asked.values == {"count": 4.0}
        assert ask(url, {"count": "SELECT count(*) FROM jobs"}).values == {"count": 4.0}

    @pytest.mark.usefixtures("_unread")
    @pytest.mark.parametrize(
        "query",
        [
            "DELETE FROM jobs",
            "INSERT INTO jobs VALUES ('x', 'y', 1)",
            "DROP TABLE jobs",
            "CREATE TABLE more (a int)",
            "SELECT 1; COMMIT; DELETE FROM jobs",
        ],
    )
    def test_the_server_refuses_what_the_reader_of_queries_would_miss(self, url: str, query: str) -> None:
        asked = ask(url, {"writes": query, "count": "SELECT count(*) FROM jobs"})
        assert asked.said.startswith("writes: ")
        assert asked.values == {"count": 4.0}
        assert ask(url, {"count": "SELECT count(*) FROM jobs"}).values == {"count": 4.0}

    @pytest.mark.usefixtures("_unread")
    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_the_session_reads_only_when_a_transaction_was_ended(
        self, request: pytest.FixtureRequest, name: str
    ) -> None:
        url = request.getfixturevalue(name).url
        metrics = {"ends": "COMMIT", "writes": "INSERT INTO jobs VALUES ('x', 'y', 1)"}
        assert "writes: " in ask(url, metrics).said
        assert ask(url, {"count": "SELECT count(*) FROM jobs"}).values == {"count": 4.0}

    def test_behind_a_pooler_that_takes_no_options(self, pg: DatabaseServer) -> None:
        """As PgBouncer is by default: then the transaction alone reads only, and nothing is left in the session."""
        metrics = {
            "transaction": "SELECT current_setting('transaction_read_only')::bool",
            "session": "SELECT current_setting('default_transaction_read_only')::bool",
        }

        async def through_the_pooler() -> list[Asked]:
            async with Pooler(pg.port) as pooler:
                url = part(pg.url, str(pg.port), str(pooler.port))
                return [await opened(url, metrics, poll) for _ in range(2)]

        assert [each.values for each in asyncio.run(through_the_pooler())] == [{"transaction": 1, "session": 0}] * 2
        assert ask(pg.url, metrics).values == {"transaction": 1, "session": 1}

    def test_a_function_that_writes_is_refused(self, pg: DatabaseServer, my: DatabaseServer) -> None:
        for address, query in ((pg.url, "SELECT nextval('numbers')"), (my.url, "SELECT nextval(numbers)")):
            assert "it writes, and smithd only reads" in ask(address, {"next": query}).said

    def test_what_postgresql_has_of_its_own(self, pg: DatabaseServer) -> None:
        metrics = {
            "cast": "SELECT '5'::int + length($$;:now'$$) + length(E'\\':now;')",
            "shown": "SHOW max_connections",
            "length": "SELECT interval '90 minutes'",
            "moment": "SELECT timestamptz '2026-01-01 00:00:00+00'",
            "infinite": "SELECT 'infinity'::float8",
            "huge": "SELECT 1e400::numeric",
            "json": "SELECT '{\"a\": 11110101}'::jsonb -> 'a'",
            "true": "SELECT '{\"a\": true}'::jsonb -> 'a'",
            "started": "SELECT now() >= :yesterday AND now()::date = :now::date",
        }
        asked = ask(pg.url, metrics)
        assert asked.error is None, asked.said
        assert asked.values == {
            "cast": 5.0 + 6 + 6,
            "shown": 100.0,
            "length": 5400.0,
            "moment": 1_767_225_600.0,
            "json": 11110101.0,
            "true": 1.0,
            "started": 1.0,
        }

    def test_what_mariadb_has_of_its_own(self, my: DatabaseServer) -> None:
        metrics = {
            "uptime": {"query": "SHOW STATUS LIKE 'Uptime'", "value": "Value"},
            "bit": "SELECT b'101'+0 # :now; it's a comment",
            "escaped": "SELECT length('it\\'s :now;')",
            "divided": "SELECT 1 / 0",
            "length": "SELECT timediff('10:00:00', '08:30:00')",
            "session": {"query": "SELECT now()", "as": "age"},
        }
        asked = ask(my.url, metrics)
        assert asked.error is None, asked.said
        assert asked.values.pop("uptime") >= 0
        assert abs(asked.values["session"]) < 600  # the session's clock is in the zone that we read it in
        assert asked.values["length"] == 5400.0
        assert (asked.values["bit"], asked.values["escaped"]) == (5.0, 10.0)
        assert "divided" not in asked.values

    def test_all_queries_of_a_poll_see_one_moment(self, pg: DatabaseServer) -> None:
        values = ask(pg.url, {"a": "SELECT now()", "wrong": "SELECT x", "b": "SELECT now()"}).values
        assert values["a"] == values["b"]

    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_what_others_write_meanwhile_is_not_seen(self, request: pytest.FixtureRequest, name: str) -> None:
        """Also where MariaDB is set to READ COMMITTED, as many are."""
        server: DatabaseServer = request.getfixturevalue(name)
        kind = " ENGINE=InnoDB" if name == "my" else ""
        server.execute("DROP TABLE IF EXISTS seen", f"CREATE TABLE seen (n int){kind}", server.grant("seen"))

        async def with_a_row_in_between(source: Sql) -> list[Asked]:
            def fetch(*given: Any) -> QueryResult:
                grid = ask_it(*given)
                server.execute("INSERT INTO seen VALUES (1)")
                return grid

            assert source._database is not None
            ask_it = source._database.fetch
            source._database.fetch = fetch  # type: ignore[method-assign,assignment] # to do something in between
            return [await poll(source), await poll(source)]

        count = "SELECT count(*) FROM seen"
        try:
            if name == "my":
                server.execute("SET GLOBAL tx_isolation = 'READ-COMMITTED'")
            polls = with_source(server.url, {"a": count, "b": count}, with_a_row_in_between)
        finally:
            if name == "my":
                server.execute("SET GLOBAL tx_isolation = 'REPEATABLE-READ'")
        assert [each.values for each in polls] == [{"a": 0, "b": 0}, {"a": 2, "b": 2}]

    def test_mysql_is_given_its_limits_in_a_hint_and_the_query_as_it_is(
        self, my: DatabaseServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """MariaDB takes the hint for a comment."""
        asked: list[str] = []
        query = "WITH x AS (\nSELECT 1 AS n\n) SELECT * FROM x"

        async def listened(source: Sql) -> Asked:
            database: Any = source._database
            monkeypatch.setattr(type(database), "_is_mariadb", property(lambda _: False, lambda *_: None))
            event.listen(database._engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
            return await poll(source)

        assert with_source(my.url, {"n": query}, listened).values == {"n": 1.0}
        shape, answer = asked[-2:]
        limits = r"/\*\+ MAX_EXECUTION_TIME\(\d+\) SET_VAR\(time_zone='[+-]\d\d:\d\d'\) \*/"
        assert [re.sub(limits, "LIMITS", each.replace(query, "QUERY")) for each in (shape, answer)] == [
            "SELECT LIMITS * FROM (\nQUERY\n) AS smithd LIMIT 0",
            "WITH smithd(c0) AS (\nQUERY\n) SELECT LIMITS c0 FROM smithd LIMIT %s",
        ]

    def test_mariadb_works_out_a_constant_once(self, my: DatabaseServer) -> None:
        async def twice(source: Sql) -> list[Asked]:
            return [await poll(source), await poll(source)]

        polls = with_source(my.url, {"n": "SELECT @n := coalesce(@n, 0) + 1"}, twice)
        assert [each.values for each in polls] == [{"n": 1.0}, {"n": 2.0}]

    def test_one_connection_is_kept_and_no_statement_is_left_in_it(self, pg: DatabaseServer) -> None:
        metrics = {
            "connections": "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'smithd'",
            "prepared": "SELECT count(*) FROM pg_prepared_statements",
            "ours": "SELECT pg_backend_pid()",
        }

        async def three_times(source: Sql) -> list[Asked]:
            return [await poll(source) for _ in range(8)]

        polls = with_source(pg.url, metrics, three_times)
        assert {each.values["ours"] for each in polls} == {polls[0].values["ours"]}
        assert {(each.values["connections"], each.values["prepared"]) for each in polls} == {(1.0, 0.0)}


class TestWhatChanges:
    """A view or a table that is made anew while smithd runs."""

    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_columns_are_found_by_their_names_each_time(self, request: pytest.FixtureRequest, name: str) -> None:
        server: DatabaseServer = request.getfixturevalue(name)

        async def across_a_change(source: Sql) -> list[Asked]:
            polls = []
            for columns in ("1 AS a, 2 AS b", "2 AS b, 1 AS a", "'x' AS x, 1 AS a, 2 AS b", "2 AS b"):
                server.execute("DROP VIEW IF EXISTS v", f"CREATE VIEW v AS SELECT {columns}", server.grant("v"))
                polls.append(await poll(source))
            return polls

        polls = with_source(server.url, {"a": {"query": "SELECT * FROM v", "value": "a"}}, across_a_change)
        assert [each.values for each in polls] == [{"a": 1.0}] * 3 + [{}]
        assert polls[-1].said.startswith("a: the query brings no column 'a', but b")

    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_a_number_that_became_a_long_text_comes_cut(self, request: pytest.FixtureRequest, name: str) -> None:
        server: DatabaseServer = request.getfixturevalue(name)
        metric = {"query": "SELECT k, 1 AS one FROM keys_of", "labels": ["k"], "value": "one"}

        async def across_a_change(source: Sql) -> list[int]:
            lengths = []
            for kind, content in (("int", "5"), ("text", "repeat('x', 60000)")):
                server.execute(
                    "DROP TABLE IF EXISTS keys_of",
                    f"CREATE TABLE keys_of (k {kind})",
                    f"INSERT INTO keys_of VALUES ({content})",  # noqa: S608 # the test's own
                    server.grant("keys_of"),
                )
                lengths += [len(sample.labels["k"]) for sample in (await poll(source)).samples]
            return lengths

        seen: list[int] = []
        cut = database._cut

        def looked_at(value: Any) -> Any:
            seen.extend([len(value)] if isinstance(value, str) else [])
            return cut(value)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "_cut", looked_at)
            assert with_source(server.url, {"keys": metric}, across_a_change) == [1, 256]
        assert seen == [257]

    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_only_the_columns_that_are_named_come(self, request: pytest.FixtureRequest, name: str) -> None:
        server: DatabaseServer = request.getfixturevalue(name)
        query = "SELECT repeat('y', 300) AS wide, queue, 1 AS one, state FROM jobs WHERE queue = 'pdf'"
        metric = {"query": query, "labels": ["queue"], "value": "one"}
        grids: list[QueryResult] = []

        async def watched(source: Sql) -> Asked:
            assert source._database is not None
            fetch = source._database.fetch
            source._database.fetch = lambda *given: grids.append(fetch(*given)) or grids[-1]  # type: ignore[method-assign, func-returns-value] # watched
            return await poll(source)

        with_source(server.url, {"one": metric}, watched)
        assert grids == [QueryResult(["queue", "one"], [["pdf", 1]])]


FOREVER = {
    "postgresql": "SELECT pg_sleep(1000)",
    "mysql": "SELECT sleep(1000)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}


class TestWhenThingsGoWrong:
    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("SELECT depht FROM jobs", "refuses the query: .*depht.*: check the column's name"),
            ("SELECT count(*) FROM nojobs", "refuses the query: .*nojobs"),
            ("SELECT 1 FRM jobs WHERE", "refuses the query: .*"),
            (
                {"query": "SELECT count(*) AS depth FROM jobs", "value": "depht"},
                "no column 'depht', but depth; did you",
            ),
            ("SELECT 1 AS a, 2 AS b", r"brings 2 columns \(a, b\): say under 'value' which has the number"),
            ("SELECT age_seconds FROM jobs", "brings 4 rows: name the columns that tell them apart in 'labels'"),
        ],
    )
    def test_a_wrong_query_is_named_and_the_others_arrive(self, url: str, query: Any, said: str) -> None:
        asked = ask(url, {"one": "SELECT 1", "wrong": query, "two": "SELECT 2"})
        assert isinstance(asked.error, Misconfigured)
        with pytest.raises(Misconfigured, match=f"^wrong: .*{said}"):
            raise asked.error
        assert asked.values == {"one": 1.0, "two": 2.0}

    def test_each_of_several_wrong_queries_is_named(self, lite: str) -> None:
        rows = "SELECT queue, 'x' || queue AS n FROM jobs WHERE queue IS NOT NULL GROUP BY queue"
        many = {"query": rows, "labels": ["queue"], "value": "n"}
        metrics = {"many": many} | {f"wrong_{number}": f"SELECT c{number}" for number in range(8)}
        said = ask(lite, metrics).said
        assert all(f"wrong_{number}: " in said for number in range(8))
        assert said.count("many{") == 2
        metrics |= {f"more_{number}": f"SELECT d{number}" for number in range(5)}
        assert ask(lite, metrics).said.endswith("; and 5 more like these")

    def test_a_text_that_is_no_number(self, url: str) -> None:
        asked = ask(url, {"wrong": "SELECT 'many'", "one": "SELECT 1"})
        assert isinstance(asked.error, BadResponse)
        assert asked.said == 'wrong is "many", not a number'
        assert asked.values == {"one": 1.0}

    def test_a_query_without_an_end_costs_its_own_metric_only(self, url: str) -> None:
        asked = ask(url, {"forever": FOREVER[url.partition(":")[0]], "one": "SELECT 1"}, deadline=4.0)
        assert isinstance(asked.error, Unavailable)
        assert asked.said.startswith("forever: no answer within ")
        assert asked.values == {"one": 1.0}

    def test_a_slow_query_comes_last_the_next_time(self, lite: str) -> None:
        async def twice(source: Sql) -> list[Asked]:
            return [await poll(source), await poll(source)]

        metrics = {"forever": FOREVER["sqlite"], "wrong": "SELECT x"}
        first, second = with_source(lite, metrics, twice, deadline=2.0)
        assert first.said.startswith("forever: ")
        assert second.said.startswith("wrong: ")

    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_a_restart_of_the_server_costs_no_poll(self, request: pytest.FixtureRequest, name: str) -> None:
        server: DatabaseServer = request.getfixturevalue(name)

        async def across_a_restart(source: Sql) -> list[Asked]:
            polls = [await poll(source)]
            server.stop()
            polls.append(await poll(source))
            server.start()
            return [*polls, await poll(source)]

        before, meanwhile, after = with_source(server.url, {"one": "SELECT 1"}, across_a_restart)
        assert (before.values, after.values) == ({"one": 1.0}, {"one": 1.0})
        assert isinstance(meanwhile.error, Unavailable)
        assert meanwhile.said.startswith(f"{server.place}: nothing listens there")

    @pytest.mark.parametrize("name", ["pg", "my"])
    def test_a_server_that_hangs_in_the_middle(self, request: pytest.FixtureRequest, name: str) -> None:
        server: DatabaseServer = request.getfixturevalue(name)

        async def until_it_answers(source: Sql) -> Asked:
            for _ in range(20):
                if (asked := await poll(source)).error is None:
                    break
            return asked

        async def while_it_hangs(source: Sql) -> list[Asked]:
            before = await until_it_answers(source)
            with server.hanging():
                hung = await poll(source)
            return [before, hung, await until_it_answers(source)]

        before, hung, after = with_source(server.url, {"one": "SELECT 1"}, while_it_hangs, deadline=1.0)
        assert (before.values, after.values) == ({"one": 1.0}, {"one": 1.0})
        assert isinstance(hung.error, Unavailable)
        assert hung.said == f"{server.place}: no answer within 0.9 s"


def part(url: str, old: str, new: str) -> str:
    assert old in url
    return url.replace(old, new)


@pytest.mark.parametrize("name", ["pg", "my"])
class TestWhoIsLetIn:
    def server(self, request: pytest.FixtureRequest, name: str) -> DatabaseServer:
        server = request.getfixturevalue(name)
        assert isinstance(server, DatabaseServer)
        return server

    @pytest.mark.parametrize(
        ("old", "new", "kind", "said"),
        [
            ("pw-s3cret", "wr0ng-one", Misconfigured, "does not let us in: wrong password, or no such user: check"),
            (":pw-s3cret", "", Misconfigured, "password"),
            ("reader", "nobody", Misconfigured, "does not let us in"),
            ("/warehouse", "/wherehouse", Misconfigured, "wherehouse.* check (the|its) name"),
            ("127.0.0.1", "no-such-host.invalid", Unavailable, "its name is not known: check the host in 'url'"),
        ],
    )
    def test_each_mistake_says_what_to_do_next(
        self, request: pytest.FixtureRequest, name: str, old: str, new: str, kind: type[SourceError], said: str
    ) -> None:
        asked = ask(part(self.server(request, name).url, old, new), {"one": "SELECT 1"})
        with pytest.raises(kind, match=said):
            raise asked.error or AssertionError("no error")
        assert "s3cret" not in asked.said
        assert "wr0ng" not in asked.said

    def test_an_option_that_the_driver_does_not_know(self, request: pytest.FixtureRequest, name: str) -> None:
        asked = ask(f"{self.server(request, name).url}?colour=blue", {"one": "SELECT 1"})
        assert isinstance(asked.error, Misconfigured)
        assert "what stands after the ? in 'url' cannot be used" in asked.said

    def test_options_that_cannot_be_used(self, request: pytest.FixtureRequest, name: str) -> None:
        url = self.server(request, name).url
        wrong = {"pg": "connect_timeout=soon", "my": "connect_timeout=soon charset=latin99"}[name]
        for option in wrong.split():
            try:
                error = ask(f"{url}?{option}", {"one": "SELECT 1"}).error
            except SourceError as raised:
                error = raised
            assert isinstance(error, Misconfigured)
            assert option.partition("=")[2] in str(error)

    def test_an_at_in_an_option_begins_no_host(self, request: pytest.FixtureRequest, name: str) -> None:
        server = self.server(request, name)
        url = f"{server.scheme}://{server.place}/warehouse?application_name=a@b"
        options = SqlOptions.model_validate({"url": url, "metrics": {"one": "SELECT 1"}})
        assert (options.url, options.password) == (url, None)

    def test_the_password_may_stand_for_itself(self, request: pytest.FixtureRequest, name: str) -> None:
        url = part(self.server(request, name).url, ":pw-s3cret", "")
        assert ask(url, {"one": "SELECT 1"}, password="pw-s3cret").values == {"one": 1.0}

    def test_a_password_of_any_letters(self, request: pytest.FixtureRequest, name: str) -> None:
        server, password = self.server(request, name), "gehé€m \u202f✓"
        user = "polyglot" + ("@'127.0.0.1'" if name == "my" else "")
        server.execute(
            f"DROP {'USER' if name == 'my' else 'ROLE'} IF EXISTS {user}",
            f"CREATE USER {user} {'IDENTIFIED BY' if name == 'my' else 'PASSWORD'} '{password}'",
            f"GRANT SELECT ON jobs TO {user}",
        )
        url = part(server.url, "reader:pw-s3cret", "polyglot")
        assert ask(url, {"one": "SELECT 1"}, password=password).values == {"one": 1.0}
        wrong = ask(url, {"one": "SELECT 1"}, password="gehé€")
        assert "wrong password" in wrong.said
        assert "é" not in wrong.said

    def test_a_password_that_cannot_be_sent_is_not_shown(self, request: pytest.FixtureRequest, name: str) -> None:
        server = self.server(request, name)
        try:
            error = ask(part(server.url, ":pw-s3cret", ""), {"one": "SELECT 1"}, password="a\ud8ffb").error
        except SourceError as raised:
            error = raised
        assert isinstance(error, Misconfigured)
        assert (
            str(error)
            == f"{server.place}: the user, the password or the database's name has a character that cannot be encoded"
        )

    def test_a_trusted_certificate(self, request: pytest.FixtureRequest, name: str, certificate: Certificate) -> None:
        tls = {"ca_file": str(certificate.cert_file)}
        encrypted = {
            "pg": "SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl",
            "my": "SELECT count(*) FROM information_schema.session_status "
            "WHERE variable_name = 'Ssl_version' AND variable_value LIKE 'TLS%'",
        }[name]
        assert ask(self.server(request, name).url, {"encrypted": encrypted}, tls=tls).values == {"encrypted": 1.0}

    def test_a_certificate_of_unknown_origin(self, request: pytest.FixtureRequest, name: str) -> None:
        server = self.server(request, name)
        asked = ask(server.url, {"one": "SELECT 1"}, tls={})
        assert isinstance(asked.error, Misconfigured)
        assert asked.said.startswith(
            f"{server.place}: its certificate is not trusted: name its authority's file in tls"
        )
        assert ask(server.url, {"one": "SELECT 1"}, tls={"verify": False}).values == {"one": 1.0}

    def test_a_file_that_is_not_there(self, request: pytest.FixtureRequest, name: str) -> None:
        with pytest.raises(Misconfigured, match=r"the files under tls cannot be used: .*'/nowhere/ca\.pem'"):
            ask(self.server(request, name).url, {"one": "SELECT 1"}, tls={"ca_file": "/nowhere/ca.pem"})

    def test_rights_that_are_missing(self, request: pytest.FixtureRequest, name: str) -> None:
        asked = ask(self.server(request, name).url, {"secrets": "SELECT count(*) FROM secrets"})
        assert isinstance(asked.error, Misconfigured)
        assert asked.said.endswith("the user needs the right to read it (GRANT SELECT)")

    def test_a_query_that_writes_elsewhere_is_said_to_write(self, request: pytest.FixtureRequest, name: str) -> None:
        query = {
            "pg": "WITH gone AS (DELETE FROM jobs RETURNING 1) SELECT count(*) FROM gone",
            "my": "SELECT 1 INTO OUTFILE '/tmp/smithd-none'",
        }[name]
        assert "it writes, and smithd only reads" in ask(self.server(request, name).url, {"writes": query}).said

    def test_another_server_listens_there(self, request: pytest.FixtureRequest, name: str) -> None:
        server, other = self.server(request, name), self.server(request, "my" if name == "pg" else "pg")
        asked = ask(part(server.url, str(server.port), str(other.port)), {"one": "SELECT 1"}, deadline=1.0)
        assert isinstance(asked.error, SourceError)
        assert asked.said.startswith(other.place)


class TestPostgreSQLOnly:
    def test_a_user_whom_its_rules_let_in_from_nowhere(self, pg: DatabaseServer) -> None:
        url = part(pg.url, "reader", "outsider")
        for more in ({}, {"tls": {"verify": False}}):
            said = ask(url, {"one": "SELECT 1"}, **more).said
            assert "does not let this user in from this machine to this database" in said
            assert "its administrator must allow it in pg_hba.conf" in said

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("SELECT n FROM inner_room.t", "needs the right to look into it (GRANT USAGE ON SCHEMA)"),
            ("SELECT own_number()", "needs the right to call it (GRANT EXECUTE)"),
        ],
    )
    def test_each_right_that_is_missing_is_named(self, pg: DatabaseServer, query: str, said: str) -> None:
        pg.execute(
            "CREATE SCHEMA IF NOT EXISTS inner_room",
            "CREATE TABLE IF NOT EXISTS inner_room.t (n int)",
            "CREATE OR REPLACE FUNCTION own_number() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "REVOKE EXECUTE ON FUNCTION own_number() FROM public",
        )
        assert said in ask(pg.url, {"n": query}).said


class TestSQLite:
    def test_a_day_stands_right_among_dates_and_among_moments(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
            connection.executescript("CREATE TABLE t (at TEXT);")
            moments = ["2026-03-29", "2026-03-29 23:59:59", "2026-03-29T23:59:59"]
            moments += ["2026-03-30", "2026-03-30 00:00:00", "2026-03-30T08:00:00"]
            connection.executemany("INSERT INTO t VALUES (?)", [(moment,) for moment in moments])
            connection.commit()
        noon = FakeClock(1_774_864_800.0)  # 30 March 2026, 12:00 in Berlin
        url = f"sqlite:///{tmp_path}/a.db"
        for compared in ("at >= :today", "at < :today AND at >= :yesterday", "date(at) = date(:today)"):
            assert value(url, f"SELECT count(*) FROM t WHERE {compared}", clock=noon) == 3.0  # noqa: S608 # the test's

    def test_a_folder_is_no_database(self, tmp_path: Path) -> None:
        asked = ask(f"sqlite:///{tmp_path}", {"one": "SELECT 1"})
        assert isinstance(asked.error, Misconfigured)
        assert asked.said == f"{tmp_path} is no file that a database could be in: check the path in 'url'"

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        asked = ask(f"sqlite:///{tmp_path}/no.db", {"one": "SELECT 1"})
        assert isinstance(asked.error, Misconfigured)
        assert asked.said == f"{tmp_path}/no.db: there is no such file: check the path in 'url'"

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
        asked = ask(f"sqlite:///{tmp_path}/a.db", {"one": "SELECT count(*) FROM jobs"})
        assert isinstance(asked.error, Misconfigured)
        assert "file is not a database" in asked.said

    def test_a_file_in_the_place_of_another_is_read(self, tmp_path: Path) -> None:
        def write(name: str, number: int) -> Path:
            with closing(sqlite3.connect(tmp_path / name)) as connection:
                connection.execute("CREATE TABLE t (n)")
                connection.execute("INSERT INTO t VALUES (?)", (number,))
                connection.commit()
            return tmp_path / name

        async def twice(source: Sql) -> list[Asked]:
            first = await poll(source)
            write("b.db", 2).replace(tmp_path / "a.db")
            return [first, await poll(source)]

        write("a.db", 1)
        first, second = with_source(f"sqlite:///{tmp_path}/a.db", {"n": "SELECT n FROM t"}, twice)
        assert (first.values, second.values) == ({"n": 1.0}, {"n": 2.0})

    def test_a_file_that_others_write_to_is_read(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "a.db")) as writer:
            writer.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1);")
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO t VALUES (2)")
            assert value(f"sqlite:///{tmp_path}/a.db", "SELECT count(*) FROM t") == 1.0

    def test_a_file_that_another_program_keeps_for_itself(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "a.db")) as writer:
            writer.executescript("CREATE TABLE t (n);")
            writer.execute("BEGIN EXCLUSIVE")
            metrics = {"n": "SELECT count(*) FROM t", "one": "SELECT 1"}
            asked = ask(f"sqlite:///{tmp_path}/a.db", metrics, deadline=4.0)
        assert isinstance(asked.error, Unavailable)
        assert asked.said == "n: another program keeps the file locked"
        assert asked.values == {"one": 1.0}

    @pytest.mark.usefixtures("_unread")
    def test_no_other_file_is_opened(self, lite: str, tmp_path: Path) -> None:
        asked = ask(lite, {"one": f"ATTACH DATABASE '{tmp_path}/other.db' AS other"})
        assert isinstance(asked.error, Misconfigured)
        assert not (tmp_path / "other.db").exists()


class TestOthers:
    def test_what_sqlalchemy_knows_is_asked_and_said_to_be_untested(
        self, lite: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = lite.replace("sqlite:", "sqlite+pysqlite:")
        assert value(url, "SELECT count(*) FROM jobs WHERE queue <> ':x'") == 3.0
        assert caplog.messages == [
            "sqlite+pysqlite:// is not tested with smithd; let its user have no rights but to read"
        ]
        assert ask(url, {"wrong": "SELECT x"}).said.startswith("wrong: the query failed: no such column: x")

    def test_a_driver_that_is_missing_is_named(self) -> None:
        with pytest.raises(Misconfigured, match=r"the driver for mssql\+pyodbc:// is missing \(.*pyodbc.*\): install"):
            ask("mssql+pyodbc://reader@127.0.0.1/warehouse", {"one": "SELECT 1"})
