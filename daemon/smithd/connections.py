"""Connections that others open to us: strangers' are bounded, and cost nothing that anybody else would miss."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

MOST = 64
"""Connections to one listening socket."""
MOST_FROM_ONE = 16
"""Connections from one address."""
HEAD_TIMEOUT = 5.0
BODY_TIMEOUT = 10.0
"""Seconds within which the head of a request must be there, and then its body."""

PAUSE = 1.0
"""Seconds without a further try where a connection cannot be accepted."""
AT_A_TIME = 16
"""Connections that are accepted in one turn of the loop."""
REPORT_AGAIN = 3600.0
"""Seconds for which a further failure is not logged."""


class Connection(Protocol):
    """A connection to us.

    ``waiting_since``: since when (seconds of the loop's clock) a whole request is awaited from it; None while one is
    answered.
    """

    waiting_since: float | None

    def abort(self) -> None:
        """Close it at once."""


class ConnectionLimit:
    """Bounds the connections that are open: for one more, the one whose request is awaited longest is closed.

    So an idle connection is closed before anybody is refused, and who opens many and says nothing drives out its own.
    """

    def __init__(self, most: int = MOST, most_from_one: int = MOST_FROM_ONE) -> None:
        self._most = most
        self._most_from_one = most_from_one
        self._open: dict[Connection, str | None] = {}

    def admit(self, connection: Connection, address: str | None) -> bool:
        """Whether there is a place for a connection from this address; None: it counts for no address.

        One that is open already changes its address.
        """
        self._open.pop(connection, None)
        if address is not None:
            neighbours = [other for other, at in self._open.items() if at == address]
            if len(neighbours) >= self._most_from_one and not self._close_one(neighbours):
                return False
        if len(self._open) >= self._most and not self._close_one(list(self._open)):
            return False
        self._open[connection] = address
        return True

    def forget(self, connection: Connection) -> None:
        """The connection is closed."""
        self._open.pop(connection, None)

    def make_room(self) -> bool:
        """Close the one whose request is awaited longest, for its descriptor; whether there was one."""
        return self._close_one(list(self._open))

    def _close_one(self, connections: list[Connection]) -> bool:
        waiting = [(each.waiting_since, each) for each in connections if each.waiting_since is not None]
        if not waiting:
            return False
        _, longest = min(waiting, key=lambda pair: pair[0])
        self.forget(longest)
        longest.abort()
        return True


async def accept(
    listener: socket.socket,
    take: Callable[[socket.socket, str], None],
    opening: Callable[[], AbstractContextManager[None]] = nullcontext,
    make_room: Callable[[], bool] = lambda: False,
) -> None:
    """Hand over each connection, with the address that it comes from, until cancelled. The listener stays open.

    Each is accepted within ``opening()``. Where no descriptor is left for it, ``make_room`` may close another one, and
    says whether it did. asyncio's own servers log a traceback for every connection that they cannot accept, and take
    any number of them.
    """
    loop = asyncio.get_running_loop()
    retry: asyncio.TimerHandle | None = None
    reported = float("-inf")

    def take_some() -> None:
        nonlocal retry, reported
        for _ in range(AT_A_TIME):
            try:
                with opening():
                    connection, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE) and make_room():
                    # The other one is closed when the loop comes here again.
                    return
                # The listener stays readable, so that every turn of the loop would try again.
                loop.remove_reader(listener)
                retry = loop.call_later(PAUSE, loop.add_reader, listener, take_some)
                if loop.time() >= reported + REPORT_AGAIN:
                    reported = loop.time()
                    logging.getLogger("smithd.web").warning("a connection could not be accepted: %s", error.strerror)
                return
            connection.setblocking(False)
            take(connection, address[0] if isinstance(address, tuple) else "")

    loop.add_reader(listener, take_some)
    try:
        await loop.create_future()
    finally:
        loop.remove_reader(listener)
        if retry is not None:
            retry.cancel()
