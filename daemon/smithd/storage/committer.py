"""The committer: writes all that a step changed in one transaction, or none of it.

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
from typing import Any, Generic, Protocol, TypeVar

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

        DatabaseError where it failed, and then the disk is as it was: Unwritable where it may succeed
        later, TermLost where the state is another daemon's. Cancelling the wait does not stop the commit.
        """

    def run(self, compute: Callable[[], T]) -> Awaitable[T]:
        """What ``compute`` returns or raises: it takes longer than the loop may wait, and runs where commits do."""

    async def close(self, within: float) -> bool:
        """Wait for a commit that runs, ``within`` seconds at most; False where it does not end. Nothing is committed
        after.
        """


class InlineCommitter:
    """Commits in the thread that calls, on the connection that the state holds; raises where it is called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def commit(self, write: Write) -> Awaitable[None]:
        with self._database.transaction() as connection:
            write(connection)
        return _Done(None)

    def run(self, compute: Callable[[], T]) -> Awaitable[T]:
        return _Done(compute())

    async def close(self, within: float) -> bool:  # noqa: ARG002 - the protocol's
        return True


class ThreadCommitter:
    """Commits in a thread of its own, on a connection of its own. To be closed before the state is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect()
        self._waiting: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
        self._thread.start()

    def commit(self, write: Write) -> Awaitable[None]:
        def transaction() -> None:
            with RESERVE.lent(), self._database.transaction(self._connection) as connection:
                write(connection)

        return self.run(transaction)

    def run(self, compute: Callable[[], T]) -> Awaitable[T]:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put((compute, done))
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
            work, done = item
            result, failed = None, None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it is raised where the commit is awaited
                failed = error
            # The loop may be closed by now, and then nobody waits for the commit.
            with suppress(RuntimeError):
                done.get_loop().call_soon_threadsafe(_settle, done, result, failed)
            # While it waits for the next, the thread keeps nothing alive.
            del item, work, done, result, failed


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing but commits of an ``InlineCommitter``; no loop is needed."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("this coroutine waits for something that is not done yet")


class _Done(Generic[T]):
    """What was awaited has happened already."""

    def __init__(self, result: T) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, None, T]:
        yield from ()
        return self._result


def _settle(done: asyncio.Future[Any], result: Any, failed: BaseException | None) -> None:
    if done.done():
        return  # the wait was cancelled
    if failed is None:
        done.set_result(result)
    else:
        done.set_exception(failed)
