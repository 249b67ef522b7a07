"""A thread of its own for a source whose ``poll`` is a plain ``def``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Worker:
    """One thread, which makes one call after another.

    A call cannot be stopped from outside: after a cancelled ``run`` the worker is ``busy`` until the call returns.
    The thread is a daemon's: one that hangs does not keep the process from ending. It is always the same thread, so
    that a source may keep what must not change threads (a connection of sqlite3).
    """

    def __init__(self, name: str) -> None:
        self.busy = False
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], Any]) -> Any:
        """What ``call`` returns or raises, in the thread. Not while the worker is busy."""
        assert not self.busy
        self.busy = True
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls.put((call, future))
        returned, outcome = await future
        if returned:
            return outcome
        raise outcome

    def stop(self) -> None:
        """Let the thread end, once its call has returned."""
        self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            call, future = item
            outcome = _outcome(call)
            try:
                future.get_loop().call_soon_threadsafe(self._settle, future, outcome)
            except RuntimeError:  # the loop was closed meanwhile
                return
            del item, call, future, outcome  # nothing of a poll is kept until the next one

    def _settle(self, future: asyncio.Future[Any], outcome: tuple[bool, Any]) -> None:
        self.busy = False
        if not future.done():
            future.set_result(outcome)


def _outcome(call: Callable[[], Any]) -> tuple[bool, Any]:
    """Whether the call returned, and what it returned or raised."""
    try:
        return True, call()
    except BaseException as error:  # noqa: BLE001 - carried to the poller, which contains it
        return False, error
