"""Resolves the names of hosts, so that one slow name does not delay another."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple


class ResolvedAddress(NamedTuple):
    """An address of a host; ``host`` is numeric."""

    family: int
    proto: int
    host: str
    port: int


_Question = tuple[str, int, int]


class Names:
    """Asks the system in a thread for each name: the few threads of an executor would all wait for one dead zone.

    The threads are daemon threads, so the end of the process does not wait for them. There is at most one for a name: a
    second caller waits for the same answer.
    """

    def __init__(self, opening: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Each name is looked up within ``opening()``."""
        self._opening = opening
        self._running: dict[_Question, Future[list[ResolvedAddress]]] = {}

    async def look_up(self, host: str, port: int, family: int) -> list[ResolvedAddress]:
        """All addresses of a host; raises OSError (most often socket.gaierror) where there is none."""
        question = host, port, family
        answer = self._running.get(question)
        if answer is None or answer.done():
            self._running = {asked: other for asked, other in self._running.items() if not other.done()}
            answer = self._running[question] = Future()
            answer.set_running_or_notify_cancel()  # so that a caller that stops waiting does not end it for the others
            threading.Thread(target=self._answer, args=(answer, question), name=f"look up {host}", daemon=True).start()
        return await asyncio.wrap_future(answer)

    def _answer(self, answer: Future[list[ResolvedAddress]], question: _Question) -> None:
        host, port, family = question
        try:
            with self._opening():
                found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            answer.set_result([ResolvedAddress(family, proto, _numeric(at), port) for family, _, proto, _, at in found])
        except BaseException as error:  # noqa: BLE001 # it is not lost: the callers that wait get it
            answer.set_exception(error)


def _numeric(address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """The text of an address; one that counts on a single link only names that too (``fe80::1%eth0``)."""
    return socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
