"""Who may be connected to us, who gives way for whom, and a socket that cannot accept."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import suppress

import pytest

from smithd.connections import ConnectionLimit, accept
from virtual_time import run_virtual


class Visitor:
    """A connection; ``left``: it was closed for another."""

    def __init__(self, waiting_since: float | None) -> None:
        self.waiting_since = waiting_since
        self.left = False

    def abort(self) -> None:
        self.left = True


A, B = "192.0.2.1", "192.0.2.2"

# (who is there, in two places for each address and four in all; the address of who comes; is it admitted, who leaves)
TABLE = [
    ([], A, True, None),
    ([(A, 1.0)], A, True, None),
    ([(A, 2.0), (A, 1.0)], A, True, 1),
    ([(A, None), (A, 1.0)], A, True, 1),
    ([(A, None), (A, None)], A, False, None),
    ([(A, None), (A, None)], B, True, None),
    ([(A, None), (A, None), (B, 1.0)], A, False, None),
    ([(A, None), (A, None)], None, True, None),
    ([(None, None), (None, 5.0), (None, 6.0)], A, True, None),
    ([(None, None), (None, 5.0), (None, 6.0), (A, 4.0)], B, True, 3),
    ([(None, None), (None, None), (None, None), (A, 4.0)], None, True, 3),
    ([(None, None), (None, None), (A, None), (B, None)], None, False, None),
    ([(None, 1.0), (None, 2.0), (A, 8.0), (A, 9.0)], A, True, 2),
]


@pytest.mark.parametrize(("there", "address", "admitted", "leaves"), TABLE)
def test_who_waits_longest_gives_way(
    there: list[tuple[str | None, float | None]], address: str | None, admitted: bool, leaves: int | None
) -> None:
    limit = ConnectionLimit(most=4, most_from_one=2)
    visitors = [Visitor(since) for _, since in there]
    for visitor, (at, _) in zip(visitors, there, strict=True):
        assert limit.admit(visitor, at)
    assert limit.admit(Visitor(None), address) is admitted
    assert [number for number, visitor in enumerate(visitors) if visitor.left] == ([] if leaves is None else [leaves])


def test_who_has_left_takes_no_place() -> None:
    limit = ConnectionLimit(most=1)
    first = Visitor(None)
    assert limit.admit(first, A)
    assert not limit.admit(Visitor(None), B)
    limit.forget(first)
    assert limit.admit(Visitor(None), B)


def test_a_connection_may_change_its_address() -> None:
    """A proxy's connection counts for whom it asks, and for nobody between two requests."""
    limit = ConnectionLimit(most_from_one=1)
    first, second = Visitor(None), Visitor(None)
    assert limit.admit(first, A)
    assert limit.admit(second, None)
    assert not limit.admit(second, A)
    assert limit.admit(first, None)
    assert limit.admit(second, A)


class Exhausted(socket.socket):
    """A listening socket for which there is no descriptor: at first, or for ever."""

    tries = 0
    fails_until = 1_000_000

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        if self.tries <= self.fails_until:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_a_socket_that_cannot_accept_is_tried_each_second_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> tuple[int, list[str]]:
        with Exhausted() as listener, socket.socket() as client:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.setblocking(False)
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            addresses: list[str] = []

            def take(connection: socket.socket, address: str) -> None:
                addresses.append(address)
                connection.close()

            accepting = asyncio.create_task(accept(listener, take))
            await asyncio.sleep(60)
            tries = listener.tries
            listener.fails_until = 0
            await asyncio.sleep(2)
            accepting.cancel()
            with suppress(asyncio.CancelledError):
                await accepting
            return tries, addresses

    with caplog.at_level(logging.WARNING, "smithd"):
        tries, addresses = run_virtual(main, real_wait=0.01)
    assert 30 <= tries <= 61
    assert addresses == ["127.0.0.1"]
    assert [record.getMessage() for record in caplog.records] == [
        "a connection could not be accepted: Too many open files"
    ]


def test_where_no_descriptor_is_left_who_waits_longest_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> tuple[list[str], float]:
        with Exhausted() as listener, socket.socket() as client:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.setblocking(False)
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            limit, taken = ConnectionLimit(), asyncio.Event()
            waiting = {"first": Visitor(1.0), "second": Visitor(2.0), "third": Visitor(3.0), "answered": Visitor(None)}
            for visitor in waiting.values():
                limit.admit(visitor, A)
            listener.fails_until = 2

            def take(connection: socket.socket, _: str) -> None:
                connection.close()
                taken.set()

            began = asyncio.get_running_loop().time()
            accepting = asyncio.create_task(accept(listener, take, make_room=limit.make_room))
            await taken.wait()
            accepting.cancel()
            with suppress(asyncio.CancelledError):
                await accepting
            left = [name for name, visitor in waiting.items() if visitor.left]
            return left, asyncio.get_running_loop().time() - began

    with caplog.at_level(logging.WARNING, "smithd"):
        left, seconds = run_virtual(main, real_wait=0.01)
    assert left == ["first", "second"]
    assert seconds < 0.5
    assert not caplog.records


def test_where_all_are_being_answered_nobody_gives_way() -> None:
    limit = ConnectionLimit()
    answered = Visitor(None)
    limit.admit(answered, A)
    assert not limit.make_room()
    assert not answered.left
