"""A thread with an event loop of its own, for the code of one isolated source."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from smithd.poll.leaks import Made

Make = Callable[[], Coroutine[Any, Any, Any]]

CANCELLING = 1.0
"""The seconds that tasks which a plugin left running have to end after they are cancelled."""


class Worker:
    """Runs one coroutine after another in its thread. Code that blocks there holds up no other code.

    A coroutine that blocks, or swallows its cancellation, cannot be stopped from outside: the worker is ``busy`` until
    it ends. The thread is a daemon thread: one that hangs does not keep the process from ending. Thread and loop stay
    the same, so that a source may keep what is bound to them (a connection of sqlite3, an HTTP client).
    """

    def __init__(self, name: str) -> None:
        """Raises OSError or RuntimeError where the system has no descriptor, or no thread, left for it."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._task: asyncio.Task[Any] | None = None
        self.leftovers: tuple[str, ...] = ()
        """The names of the tasks that ran on when the last coroutine had ended."""
        self.threads_left = 0
        self.descriptors_left = 0
        """How many of its threads ran on at that moment, and how many of its descriptors were open."""
        # asyncio's own set holds the tasks of every thread.
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(self._make_task)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # The system has no thread left; of this worker nothing remains then.
            self._loop.close()
            raise

    @property
    def busy(self) -> bool:
        return not self._idle.is_set()

    async def is_idle_within(self, seconds: float) -> bool:
        """Wait until it is idle, for this many seconds at most; returns whether it is."""
        waiting = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait((waiting,), timeout=seconds)
        waiting.cancel()
        return not self.busy

    async def run(self, make: Make) -> Any:
        """What the coroutine returns or raises; it runs in the thread. Must not be called while the worker is busy.

        Cancelling this call cancels the coroutine, and does not wait for its end.
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
        """Have the thread end as soon as it is not busy."""
        self._stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def cancel_leftovers(self) -> None:
        """Cancel the tasks that still run, so that none is pending at the end. Not while the worker is busy."""

        # Tasks may only be cancelled in the thread of their loop.
        async def cancel() -> None:
            left = [task for task in self._tasks if not task.done() and task is not asyncio.current_task()]
            for task in left:
                task.cancel()
            ended, stubborn = await asyncio.wait(left, timeout=CANCELLING) if left else (set(), set())
            for task in ended:
                # asyncio logs an exception that nobody has read.
                _ = task.cancelled() or task.exception()
            _forget(stubborn)

        await self.run(cancel)

    def current_line(self, file: str | None) -> str | None:
        """The line of this source file that the thread runs now, as ``name.py:12``; None where it runs none of it."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        while frame is not None and frame.f_code.co_filename != file:
            frame = frame.f_back
        return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame is not None else None

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._made = Made()
        while not self._stopping:
            # A plugin may stop the loop, or raise SystemExit in a callback of its own.
            with suppress(BaseException):
                self._loop.run_forever()
        self._made.end()
        _forget(self._tasks)
        self._loop.close()

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **more)
        self._tasks.add(task)
        return task

    def _start(self, make: Make, caller: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
        def ended(task: asyncio.Task[Any]) -> None:
            # Nothing of a poll is kept in memory until the next one.
            self._task = None
            self.leftovers = tuple(
                getattr(left.get_coro(), "__qualname__", None) or left.get_name()
                for left in self._tasks
                if not left.done()
            )
            self.threads_left, self.descriptors_left = self._made.threads_left(), self._made.descriptors_left()
            # The caller's loop may have been closed meanwhile.
            with suppress(RuntimeError):
                caller.call_soon_threadsafe(self._settle, future, task)

        self._task = self._loop.create_task(make())
        self._task.add_done_callback(ended)

    def _cancel(self) -> None:
        # It may have ended while this call waited for its turn in the loop.
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
    """Keep asyncio from logging tasks that cannot be ended."""
    for task in tasks:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # as it does for its own
