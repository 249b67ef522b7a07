"""The committer: writes what a step changed in one transaction, or nothing of it.

One protocol, two forms. ``ThreadCommitter`` has a thread and a connection of its own, so that a slow disk holds up
messages and nothing else. ``InlineCommitter`` writes at once, in the thread that calls: for tests, rehearsals and
commands. What it returns is done already, so a coroutine that awaits nothing else runs to its end without a loop
(``finish``).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from smithd.descriptors import RESERVE
from smithd.storage.database import Database

T = TypeVar("T")

Write = Callable[[Connection], None]
"""Runs the statements of one transaction. It may run in another thread: it reads frozen values only."""


class Committer(Protocol):
    """Writes the changes of a step. The caller waits for one commit before it begins the next."""

    def commit(self, write: Write) -> Awaitable[None]:
        """Run ``write`` in one transaction that belongs to this daemon's term.

        DatabaseError where it did not come to be, and then the disk is as it was: Unwritable where it may succeed
        later, TermLost where the state is another daemon's. Cancelling the wait does not stop the commit.
        """

    async def close(self, within: float) -> bool:
        """Wait for a commit that runs, at most so many seconds; False where it would not end. Nothing is committed
        after.
        """


class InlineCommitter:
    """Commits in the thread that calls, on the connection that the state holds; raises where it is called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def commit(self, write: Write) -> Awaitable[None]:
        with self._database.transaction() as connection:
            write(connection)
        return _Done()

    async def close(self, within: float) -> bool:  # noqa: ARG002 - the protocol's
        return True


class ThreadCommitter:
    """Commits in a thread of its own, on a connection of its own. To be closed before the state is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect()
        self._waiting: SimpleQueue[tuple[Write, asyncio.Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
        self._thread.start()

    def commit(self, write: Write) -> Awaitable[None]:
        done = asyncio.get_running_loop().create_future()
        self._waiting.put((write, done))
        return done

    async def close(self, within: float) -> bool:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join, within)
        # A thread that hangs in a commit still uses its connection, so that must not be closed from here.
        if self._thread.is_alive():
            self._database.leave_open()
            return False
        return True

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            write, done = item
            failed: BaseException | None = None
            try:
                with RESERVE.lent(), self._database.transaction(self._connection) as connection:
                    write(connection)
            except BaseException as error:  # noqa: BLE001 - it is raised where the commit is awaited
                failed = error
            with suppress(RuntimeError):  # the loop may be closed by now
                done.get_loop().call_soon_threadsafe(_settle, done, failed)


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing but commits of an ``InlineCommitter``; no loop is needed."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("this coroutine waits for something that is not done yet")


class _Done:
    """What was awaited has happened already."""

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


def _settle(done: asyncio.Future[None], failed: BaseException | None) -> None:
    if done.done():
        return  # the wait was cancelled
    if failed is None:
        done.set_result(None)
    else:
        done.set_exception(failed)
