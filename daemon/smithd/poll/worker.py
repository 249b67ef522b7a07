"""A thread with an event loop of its own, for the code of one source that nobody here vouches for."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

Make = Callable[[], Coroutine[Any, Any, Any]]

SWEEPING = 1.0
"""The seconds that tasks which are left have to end when they are cancelled."""


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
        self.leftovers: tuple[str, ...] = ()
        """The names of the tasks that ran on when the last coroutine had ended."""
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()  # asyncio's own holds those of every thread
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(self._make_task)
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

    async def sweep(self) -> None:
        """Cancel the tasks that still run, so that none is found pending at the end. Not while the worker is busy."""
        await self.run(self._sweep)

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
        _forget(self._tasks)
        self._loop.close()

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **more)
        self._tasks.add(task)
        return task

    async def _sweep(self) -> None:
        left = [task for task in self._tasks if not task.done() and task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        ended, stubborn = await asyncio.wait(left, timeout=SWEEPING) if left else (set(), set())
        for task in ended:
            _ = task.cancelled() or task.exception()  # else asyncio complains that nobody asked for it
        _forget(stubborn)

    def _start(self, make: Make, caller: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
        def ended(task: asyncio.Task[Any]) -> None:
            self._task = None  # nothing of a poll is kept until the next one
            self.leftovers = tuple(_name(task) for task in self._tasks if not task.done())
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


def _forget(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Have asyncio not complain of tasks that nothing can end."""
    for task in tasks:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # as it does for its own


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", None) or task.get_name()
