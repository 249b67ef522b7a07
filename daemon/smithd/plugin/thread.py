"""Blocking calls in threads, beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Runs blocking calls in threads, at most ``places`` of them at once.

    They are daemon threads: a call that hangs occupies its place, and never delays the end of the process (which waits
    for the threads of an executor).
    """

    def __init__(self, name: str, places: int) -> None:
        self._name = name
        self._places = asyncio.Semaphore(places)

    async def run(self, call: Callable[[], T]) -> T:
        """What the call returns or raises. Cancelling ends the waiting; the call keeps its place until it ends."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        outcome: Future[T] = Future()
        # A future that runs cannot be cancelled, so cancelling the waiting does not free the place.
        outcome.set_running_or_notify_cancel()

        def leave(_: Future[T]) -> None:
            # A call that hangs may end only after the loop was closed.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._places.release)

        outcome.add_done_callback(leave)
        threading.Thread(target=_work, args=(call, outcome), name=self._name, daemon=True).start()
        try:
            return await asyncio.wrap_future(outcome)
        finally:
            # An error and the frames that it passed through would keep each other, and what the call worked on.
            del outcome


def _work(call: Callable[[], T], outcome: Future[T]) -> None:
    try:
        outcome.set_result(call())
    except BaseException as error:  # noqa: BLE001 # it is not lost: the caller that waits gets it
        outcome.set_exception(error)
    finally:
        del call, outcome
