"""Finds the sockets and threads that a source under test opens in its own thread and does not close."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

from smithd.clock import SystemClock

WAIT = 10.0
"""The seconds that these may take to end: connections close, and threads end, a moment later."""
INTERVAL = 0.02


class Leaks:
    """The sockets and threads that were made in the threads of one name, and in those that these started."""

    def __init__(self, name: str) -> None:
        self._name = name
        # Weak, so that watching keeps nothing alive that the source has forgotten.
        self.sockets: WeakSet[socket.socket] = WeakSet()
        self.threads: WeakSet[threading.Thread] = WeakSet()

    def left(self) -> list[str]:
        """Those that are still open after a while."""

        async def wait() -> list[str]:
            clock = SystemClock()
            end = clock.monotonic() + WAIT
            while True:
                # Copied first, since a thread of the source may still add to these.
                sockets = [f"a socket ({made})" for made in list(self.sockets) if made.fileno() != -1]
                threads = [f"a thread ({made.name})" for made in list(self.threads) if made.is_alive()]
                if not (sockets or threads) or clock.monotonic() >= end:
                    return sorted({*sockets, *threads})
                await clock.sleep(INTERVAL)

        return asyncio.run(wait())

    def has_this_thread(self) -> bool:
        """Whether the current thread is one of these: what it makes is the source's."""
        here = threading.current_thread()
        return here.name == self._name or here in self.threads


@contextmanager
def watching(name: str) -> Iterator[Leaks]:
    """Notes the sockets and threads that the threads of this name make within the block."""
    # The methods are patched, and not the classes: libraries have imported those by name already.
    leaks = Leaks(name)
    make_socket, start_thread = socket.socket.__init__, threading.Thread.start

    def made(self: socket.socket, *given: Any, **named: Any) -> None:
        make_socket(self, *given, **named)
        if leaks.has_this_thread():
            leaks.sockets.add(self)

    def started(self: threading.Thread) -> None:
        # Before it runs, so that what it makes at once is noted.
        if leaks.has_this_thread():
            leaks.threads.add(self)
        start_thread(self)

    with patch.object(socket.socket, "__init__", made), patch.object(threading.Thread, "start", started):
        yield leaks
