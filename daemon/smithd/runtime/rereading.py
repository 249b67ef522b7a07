"""Reads the configuration, or looks at its files, beside the daemon: what hangs can be left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from smithd.plugin.thread import Threads

MOST_HANGING = 16
"""Readings that may hang at once. Each keeps its thread until it ends."""


T = TypeVar("T")


class Rereading(Generic[T]):
    """Calls ``load`` in a thread of its own each time: a large file takes a second to read, a disk may hang, and the
    code of a plugin is not ours. Cancelling it leaves the thread behind, and the next reading does not wait for that
    one.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._threads = Threads("reload", MOST_HANGING)

    async def __call__(self) -> T:
        return await self._threads.run(self._load)
