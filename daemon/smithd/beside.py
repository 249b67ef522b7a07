"""Work beside the loop: what takes longer than the loop may wait is made in a thread, and the loop has its turns."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

TURN = 0.0005
"""Seconds after which a thread that computes lets the loop have its turn. A poll has several of them, and with Python's
5 ms each would be that late.
"""


def take_turns() -> None:
    """Have the threads of this process, and its loop, take turns quickly."""
    sys.setswitchinterval(TURN)


async def beside(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``make`` returns, made in a thread; meanwhile nobody searches for garbage."""

    def making() -> T:
        with without_collector():
            return make(*args, **kwargs)

    return await asyncio.to_thread(making)


class _Collector:
    """Python's collector of garbage, which rests while anybody needs that; threads may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resting = 0
        self._was_on = False

    def rest(self) -> None:
        with self._lock:
            if self._resting == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._resting += 1

    def go_on(self) -> None:
        with self._lock:
            self._resting -= 1
            if self._resting == 0 and self._was_on:
                gc.enable()


_COLLECTOR = _Collector()


@contextmanager
def without_collector() -> Iterator[None]:
    """Many small objects that are no garbage are made in this block, and searching them for some would be most of the
    time that it takes. While it is searched, nothing else runs, the loop neither.
    """
    _COLLECTOR.rest()
    try:
        yield
    finally:
        _COLLECTOR.go_on()
