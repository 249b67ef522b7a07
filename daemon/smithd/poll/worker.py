"""A thread with an event loop of its own, for the code of one source that nobody here vouches for."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

Make = Callable[[], Coroutine[Any, Any, Any]]


class Worker:
    """Runs one coroutine after another in its thread; what blocks there holds up nobody else.

    A coroutine that blocks, or swallows its cancellation, cannot be stopped from outside: the worker is ``busy`` until
    it ends. The thread is a daemon's: one that hangs does not keep the process from ending. It is always the same
    thread and loop, so that a source may keep what must not change them (a connection of sqlite3, an HTTP client).
    """

    def __init__(self, name: str) -> None:
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._task: asyncio.Task[Any] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return not self._idle.is_set()

    async def rested(self, patience: float) -> bool:
        """Whether it is idle, within so many seconds."""
        resting = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait((resting,), timeout=patience)
        resting.cancel()
        return not self.busy

    async def run(self, make: Make) -> Any:
        """What the coroutine returns or raises, in the thread. Not while the worker is busy.

        Cancelling this cancels the coroutine, and does not wait for it.
        """
        assert not self.busy
        self._idle.clear()
        here = asyncio.get_running_loop()
        future: asyncio.Future[Any] = here.create_future()
        self._loop.call_soon_threadsafe(self._start, make, here, future)
        try:
            return await future
        except asyncio.CancelledError:
            if self.busy:
                self._loop.call_soon_threadsafe(self._cancel)
            raise

    def stop(self) -> None:
        """Let the thread end, once it is not busy."""
        self._stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def place(self, file: str | None) -> str | None:
        """Where in this source file the thread is right now, as ``name.py:12``; None where it is not in there."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        while frame is not None and frame.f_code.co_filename != file:
            frame = frame.f_back
        return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame is not None else None

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._stopping:
            with suppress(BaseException):  # a plugin may stop the loop, or raise SystemExit in a callback of its own
                self._loop.run_forever()
        self._loop.close()

    def _start(self, make: Make, caller: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
        def ended(task: asyncio.Task[Any]) -> None:
            self._task = None  # nothing of a poll is kept until the next one
            with suppress(RuntimeError):  # the caller's loop was closed meanwhile
                caller.call_soon_threadsafe(self._settle, future, task)

        self._task = self._loop.create_task(make())
        self._task.add_done_callback(ended)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _settle(self, future: asyncio.Future[Any], task: asyncio.Task[Any]) -> None:
        self._idle.set()
        if future.done():
            return
        if task.cancelled():
            future.cancel()
        elif (error := task.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())
