"""Reads the configuration again beside the daemon, where a reading that hangs can be left behind."""

from __future__ import annotations

from collections.abc import Callable

from smithd.config.model import Config
from smithd.plugin.thread import Threads

MOST_HANGING = 16
"""Readings that may hang at once. Each keeps its thread until it ends."""


class Rereading:
    """Calls ``load`` in a thread of its own each time: a large file takes a second to read, and the code of a plugin is
    not ours. Cancelling it leaves the thread behind, and the next reading does not wait for that one.
    """

    def __init__(self, load: Callable[[], Config]) -> None:
        self._load = load
        self._threads = Threads("reload", MOST_HANGING)

    async def __call__(self) -> Config:
        return await self._threads.run(self._load)
