"""How many connections to others are open, of which the idle ones give way when descriptors run short."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Protocol

FEWEST = 16
"""Connections that there may be at once, however short descriptors are."""
LONGEST_WAIT = 0.25
"""Seconds after which a connection is tried again where no descriptor is left: others may have given theirs back."""


class OpenConnection(Protocol):
    """What is used of an ``asyncio.Transport``."""

    def is_closing(self) -> bool:
        """Whether it is closed, or being closed."""

    def abort(self) -> None:
        """Close it at once."""


class Pool:
    """Counts the connections of one event loop: those in use, those that are being opened, and those kept idle.

    Hosts are any values that are equal for connections that can be used for the same requests.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        """How many connections may be open at once; it may be changed."""
        self._in_use = 0
        self._idle: dict[OpenConnection, Hashable] = {}
        """The one that is idle longest comes first."""
        self._idle_by_host: dict[Hashable, dict[OpenConnection, None]] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, host: Hashable) -> None:
        """Wait until there may be one more connection in use, to this host; ``leave`` or ``fail`` ends that use."""
        while not self.enter_at_once(host):
            if self._idle:
                await self._close_idle(1)
            else:
                await self._until_left()

    def enter_at_once(self, host: Hashable) -> bool:
        """As ``enter``, where that need not wait; returns whether it was so."""
        if idle := self._idle_by_host.get(host):
            # The very one that will be used again must not give way for it.
            self._forget(next(iter(idle)))
        elif self._in_use + len(self._idle) >= self.most:
            return False
        self._in_use += 1
        return True

    def used(self, transport: OpenConnection | None) -> None:
        """The connection that is in use now; it may have been idle before."""
        if transport in self._idle:
            self._forget(transport)

    def leave(self, host: Hashable, transport: OpenConnection | None) -> None:
        """A connection is in use no longer, and is kept idle where it is still open."""
        if transport is not None and not transport.is_closing():
            self._idle[transport] = host
            self._idle_by_host.setdefault(host, {})[transport] = None
        self.fail()

    def fail(self) -> None:
        """A connection that was to be used could not be opened."""
        self._in_use -= 1
        self._wake_one()

    async def make_room(self) -> None:
        """The system has no descriptor left: close some idle connections, or wait for what others give back."""
        if self._idle:
            await self._close_idle(FEWEST)
        else:
            await self._until_left(LONGEST_WAIT)

    async def _close_idle(self, count: int) -> None:
        for transport in list(self._idle)[:count]:
            self._forget(transport)
            transport.abort()
        # A transport closes its socket in the next turn of the loop, before what is scheduled after it.
        closed = asyncio.get_running_loop().create_future()
        closed.get_loop().call_soon(_end, closed)
        await closed

    async def _until_left(self, seconds: float | None = None) -> None:
        left = asyncio.get_running_loop().create_future()
        self._waiting.append(left)
        timer = None if seconds is None else left.get_loop().call_later(seconds, _end, left)
        try:
            await left
        except asyncio.CancelledError:
            # It may have been woken already: then that place is another's.
            if left not in self._waiting:
                self._wake_one()
            raise
        finally:
            if timer is not None:
                timer.cancel()
            if left in self._waiting:
                self._waiting.remove(left)

    def _wake_one(self) -> None:
        while self._waiting:
            left = self._waiting.popleft()
            if not left.done():
                left.set_result(None)
                return

    def _forget(self, transport: OpenConnection) -> None:
        host = self._idle.pop(transport)
        of_host = self._idle_by_host[host]
        del of_host[transport]
        if not of_host:
            del self._idle_by_host[host]


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
