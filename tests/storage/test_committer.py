"""The committer, in both forms: all or nothing, in this daemon's term; and the thread delays nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from smithd.errors import DatabaseError, TermLost, Unwritable
from smithd.storage.committer import Committer, InlineCommitter, ThreadCommitter, finish
from smithd.storage.database import Database

FORMS = [InlineCommitter, ThreadCommitter]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path / "state.db")) as database:
        yield database


@asynccontextmanager
async def opened(form: Callable[[Database], Committer], database: Database) -> AsyncIterator[Committer]:
    committer = form(database)
    yield committer
    assert await committer.close(60)


def put(number: float) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT OR REPLACE INTO alive VALUES (1, ?)", (number,))

    return write


def on_disk(database: Database) -> float | None:
    with database.read_only() as connection:
        return connection.exec_driver_sql("SELECT at FROM alive").scalar()


@pytest.mark.parametrize("form", FORMS)
def test_a_commit_is_on_disk_once_it_was_awaited(form: type[Committer], database: Database) -> None:
    async def run() -> None:
        async with opened(form, database) as committer:
            for number in (1.0, 2.0, 3.0):
                await committer.commit(put(number))
                assert on_disk(database) == number

    asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
def test_a_commit_that_fails_leaves_the_disk_as_it_was_and_the_next_one_succeeds(
    form: type[Committer], database: Database
) -> None:
    def fails(connection: Connection) -> None:
        put(2.0)(connection)
        raise ZeroDivisionError

    async def run() -> None:
        async with opened(form, database) as committer:
            await committer.commit(put(1.0))
            with pytest.raises(ZeroDivisionError):
                await committer.commit(fails)
            assert on_disk(database) == 1.0
            await committer.commit(put(3.0))
            assert on_disk(database) == 3.0

    asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_and_a_lost_term_are_different_errors(form: type[Committer], database: Database) -> None:
    def much(connection: Connection) -> None:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        for number in range(50):
            connection.exec_driver_sql("INSERT INTO alerts VALUES ('', ?, '[]', ?)", (str(number), "x" * 1000))

    async def run() -> None:
        async with opened(form, database) as committer:
            with pytest.raises(Unwritable, match="the disk is full"):
                await committer.commit(much)
            await committer.commit(put(1.0))
            with closing(sqlite3.connect(database.path)) as other, other:
                other.execute("UPDATE owner SET term = 'theirs'")
            with pytest.raises(TermLost):
                await committer.commit(put(2.0))
            assert on_disk(database) == 1.0

    asyncio.run(run())


def test_an_inline_commit_is_done_when_it_returns_so_no_loop_is_needed(database: Database) -> None:
    committer = InlineCommitter(database)
    committer.commit(put(1.0))
    assert on_disk(database) == 1.0

    async def step() -> str:
        await committer.commit(put(2.0))
        await committer.commit(put(3.0))
        return "done"

    assert finish(step()) == "done"
    assert on_disk(database) == 3.0
    with pytest.raises(RuntimeError, match="not done yet"):
        finish(asyncio.sleep(0))


def test_an_inline_commit_works_in_memory() -> None:
    with closing(Database.in_memory()) as database:
        InlineCommitter(database).commit(put(1.0))
        assert on_disk(database) == 1.0


def test_a_commit_that_takes_long_holds_up_neither_the_loop_nor_a_reader(database: Database) -> None:
    may_end = threading.Event()

    def slow(connection: Connection) -> None:
        put(2.0)(connection)
        assert may_end.wait(60)

    async def run() -> None:
        async with opened(ThreadCommitter, database) as committer:
            await committer.commit(put(1.0))
            commit = asyncio.ensure_future(committer.commit(slow))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not commit.done()
            assert on_disk(database) == 1.0
            may_end.set()
            await commit
            assert on_disk(database) == 2.0

    asyncio.run(run())


def test_one_who_stops_waiting_does_not_stop_the_commit(database: Database) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        begun.set()
        assert may_end.wait(60)
        put(1.0)(connection)

    async def wait_for(commit: Awaitable[None]) -> None:
        await commit

    async def run() -> None:
        async with opened(ThreadCommitter, database) as committer:
            waiting = asyncio.create_task(wait_for(committer.commit(slow)))
            await asyncio.to_thread(begun.wait, 60)
            waiting.cancel()
            may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert on_disk(database) == 1.0

    asyncio.run(run())


def test_the_end_waits_for_a_commit_but_not_for_ever(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state.db")
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def hangs(connection: Connection) -> None:
        begun.set()
        assert may_end.wait(60)
        put(1.0)(connection)

    async def run() -> None:
        committer = ThreadCommitter(database)
        commit = asyncio.ensure_future(committer.commit(hangs))
        commit.add_done_callback(lambda _: ended.set())
        await asyncio.to_thread(begun.wait, 60)
        assert await committer.close(0.05) is False
        database.close()  # does nothing: the lock must not go before SQLite has closed the file
        with pytest.raises(DatabaseError, match="another smithd"):
            Database.open(tmp_path / "state.db")
        may_end.set()
        await commit

    asyncio.run(run())
    assert ended.is_set()
    database._is_left_open = False  # what the end of the process does
    database.close()


def test_the_daemon_does_not_wait_for_seconds_where_another_program_holds_the_file(database: Database) -> None:
    async def run() -> None:
        async with opened(ThreadCommitter, database) as committer:
            with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                # Steps wait for it: while the daemon goes on without commits, this is how long each try holds them up.
                with pytest.raises(Unwritable, match="held by another program"):
                    await asyncio.wait_for(committer.commit(put(1.0)), 3)

    asyncio.run(run())
