"""Time that jumps: a day of a daemon's life in a second, the wall clock and the monotonic one together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest import mock

import time_machine

from smithd.clock import VirtualClock

T = TypeVar("T")

_running: list[PatchedClock] = []


class PatchedClock(VirtualClock):
    """A virtual clock that takes ``time.time()`` along."""

    def __init__(self, wall: time_machine.Traveller, start: float, real_wait: float) -> None:
        super().__init__(start, real_wait)
        self.wall = wall

    def jump(self, seconds: float) -> None:
        super().jump(seconds)
        self.wall.shift(seconds)

    def boot_time(self, _: int) -> float:
        """The machine's own clock: it goes on from one virtual time to the next, and is not set with the other one."""
        return self._start + self._passed


def run_virtual(
    main: Callable[[], Coroutine[Any, Any, T]],
    start: datetime = datetime(2026, 11, 2, tzinfo=UTC),
    real_wait: float = 0.0,
) -> T:
    """Run ``main`` as asyncio.run does, from ``start`` on, in a time that jumps from timer to timer; its result.

    ``time.time()``, ``datetime.now()``, ``time.monotonic()`` and CLOCK_BOOTTIME follow, and so does the SystemClock.
    Threads and sockets live in real time: before each jump they get ``real_wait`` real seconds to be done.
    """
    with time_machine.travel(start.timestamp(), tick=False) as wall:
        clock = PatchedClock(wall, start.timestamp(), real_wait)
        _running.append(clock)
        try:
            with mock.patch("time.monotonic", clock.monotonic), mock.patch("time.clock_gettime", clock.boot_time):
                return clock.run(main)
        finally:
            _running.remove(clock)


def step_clock(seconds: float) -> None:
    """Set the wall clock forward (or back), as NTP or a suspend does; the monotonic clock stays."""
    _running[-1].wall.shift(seconds)


def jump(seconds: float) -> None:
    """Let time pass in which nothing could run."""
    _running[-1].jump(seconds)
