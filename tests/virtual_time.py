"""Time that jumps: a day of a daemon's life in a second, the wall clock and the monotonic one together."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest import mock

import time_machine

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits for a timer: it moves the clocks to where the next one is due."""

    def __init__(self, wall: time_machine.Traveller, patience: float) -> None:
        self.wall = wall
        self._seconds = 0.0
        super().__init__(_JumpingSelector(self.jump, patience))

    def time(self) -> float:
        return self._seconds

    def jump(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._seconds += seconds
        self.wall.shift(seconds)


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, jump: Callable[[float], None], patience: float) -> None:
        super().__init__()
        self._jump, self._patience = jump, patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        events = super().select(min(timeout, self._patience))
        if not events:
            self._jump(timeout)
        return events


def run_virtual(
    main: Callable[[], Coroutine[Any, Any, T]],
    start: datetime = datetime(2026, 11, 2, tzinfo=UTC),
    patience: float = 0.0,
) -> T:
    """Run ``main`` as asyncio.run does, from ``start`` on, in a time that jumps from timer to timer; its result.

    ``time.time()``, ``datetime.now()`` and ``time.monotonic()`` follow, and so does the SystemClock. Threads and
    sockets live in real time: before each jump they get ``patience`` real seconds to be done.
    """
    with time_machine.travel(start.timestamp(), tick=False) as wall:
        loop = VirtualLoop(wall, patience)
        with mock.patch("time.monotonic", loop.time), asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(main())


def step_clock(seconds: float) -> None:
    """Set the wall clock forward (or back), as NTP or a suspend does; the monotonic clock stays."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.wall.shift(seconds)
