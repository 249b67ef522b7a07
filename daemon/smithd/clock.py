"""The only file that asks the time or waits for it; everything else takes ``now`` as an argument."""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

STALL = 1.0
"""Seconds without any sign of the loop after which it counts as stalled: the process was stopped, or the machine was
suspended or out of memory.
"""
COUNTED = 0.5
"""Seconds of a stall that count as passed, once all that came meanwhile is read: where stalls follow each other, timers
are late, but they come.
"""
PULSE = 0.5
"""Seconds after which a loop that waits looks at the clock again, so that a longer silence is a stall."""

BREAK = 0.0002
"""Seconds that a thread which computes leaves to the loop, now and then."""


class Clock(Protocol):
    """Tells the time. Tests have one of their own."""

    def now(self) -> float:
        """The calendar's time, in seconds since 1970 (UTC)."""

    def monotonic(self) -> float:
        """Seconds that never step, and pass only while smithd can run; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``, on the monotonic clock."""


@cache
def _boot_id() -> str | None:
    # Only Linux has this clock and this file.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() if hasattr(time, "CLOCK_BOOTTIME") else None
    except OSError:
        return None


class SystemClock:
    """The machine's own clocks.

    Linux' monotonic clock stands still while the machine is suspended. In a loop that this clock runs, it stands still
    during every other stall as well. So a time-out never ends by time in which nothing could be read, and all that
    follows the wall clock sees the stall as it sees a suspend: the wall clock has gone ahead.
    """

    def __init__(self) -> None:
        self._stalled = 0.0
        self._uncounted = 0.0
        self._seen_at: float | None = None
        # Sources ask for the time in threads of their own.
        self._lock = threading.Lock()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        with self._lock:
            at = time.monotonic()
            # Without a loop of ours the clock is not looked at twice a second.
            if self._seen_at is not None:
                if at - self._seen_at > STALL:
                    self._stalled += at - self._seen_at
                    self._uncounted = COUNTED
                self._seen_at = at
            return at - self._stalled

    @property
    def was_stalled(self) -> bool:
        """Whether there was a stall of which nothing is counted yet."""
        return self._uncounted > 0

    def count_stall(self) -> None:
        """Count a part of the last stall as passed."""
        with self._lock:
            self._stalled -= self._uncounted
            self._uncounted = 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run ``main`` as asyncio.run does, in a loop whose time stands still while the loop is stalled."""
        with asyncio.Runner(loop_factory=lambda: _SteadyLoop(self)) as runner:
            self._seen_at = time.monotonic()
            try:
                return runner.run(main())
            finally:
                self._seen_at = None


def boot(clock: Clock) -> tuple[str, float] | None:
    """The name of this machine's boot, and the seconds since it, suspensions counted; None where it cannot be told, or
    where the clock is not the machine's own.
    """
    boot_id = _boot_id() if isinstance(clock, SystemClock) else None
    return (boot_id, time.clock_gettime(time.CLOCK_BOOTTIME)) if boot_id is not None else None


def unbroken(clock: Clock) -> float:
    """Seconds of the monotonic clock that pass also while the loop is stalled, though not while the machine sleeps."""
    return time.monotonic() if isinstance(clock, SystemClock) else clock.monotonic()


def give_way() -> None:
    """Let the loop have a turn. For what computes in a thread: while it does, it has the interpreter's lock, and each
    turn of the loop would wait for that.
    """
    time.sleep(BREAK)


class VirtualClock:
    """Time that jumps to whatever is due next: a day passes in about a second. It begins at ``start`` (since 1970).

    ``real_wait``: real seconds that threads and sockets are given before each jump; they live in real time.
    """

    def __init__(self, start: float, real_wait: float = 0.0) -> None:
        self.real_wait = real_wait
        self._start = start
        self._passed = 0.0

    def now(self) -> float:
        return self._start + self._passed

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run ``main`` as asyncio.run does, in this time."""
        with asyncio.Runner(loop_factory=lambda: _VirtualLoop(self)) as runner:
            return runner.run(main())

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds


class _SteadyLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: SystemClock) -> None:
        self._steady = clock
        super().__init__(_PulsingSelector(clock))

    def time(self) -> float:
        return self._steady.monotonic()


class _PulsingSelector(selectors.DefaultSelector):
    def __init__(self, clock: SystemClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._clock.monotonic()
        if self._clock.was_stalled and timeout != 0:
            # The loop has nothing left to do but what lies in its sockets: time goes on when that is read.
            ready = super().select(0)
            if not ready:
                self._clock.count_stall()
            return ready
        ready = super().select(PULSE if timeout is None else min(timeout, PULSE))
        self._clock.monotonic()
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        self._virtual = clock
        super().__init__(_JumpingSelector(clock))

    def time(self) -> float:
        return self._virtual.monotonic()


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # None: no timer is set, and only a thread or a socket can go on.
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(min(timeout, self._clock.real_wait))
        if not ready:
            self._clock.jump(timeout)
        return ready
