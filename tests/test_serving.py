"""The page's port is taken before anything runs, and given back at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from smithd.connections import BODY_TIMEOUT, HEAD_TIMEOUT, MOST, MOST_FROM_ONE
from smithd.errors import ListenError
from smithd.serving import KEEP_ALIVE, bind, serve
from smithd.web.app import build
from smithd.web.reads import Reads
from virtual_time import run_virtual


def test_a_taken_port_is_a_clear_word() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"cannot listen on 127\.0\.0\.1:{port}.*another program.*--port"):
            bind("127.0.0.1", port, "Choose another with --port.")


@pytest.mark.parametrize(("host", "reason"), [("192.0.2.1", "no such address"), ("x" * 64, "no host name")])
def test_an_address_that_is_not_ours_is_a_clear_word(host: str, reason: str) -> None:
    with pytest.raises(ListenError, match=reason):
        bind(host, 8787)


def test_it_serves_in_the_running_loop_until_it_is_cancelled() -> None:
    async def scenario() -> bytes:
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        app = build(Reads(lambda: 0.0, UTC, dict, list), host="127.0.0.1")
        serving = asyncio.create_task(serve(app, listener))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))
        return answer

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"ok\n")


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Desk:
    """An application that answers a request when its body is there, and ``/wait`` when ``open`` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self._came = asyncio.Semaphore(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        if scope["path"] == "/wait":
            self._came.release()
            await self.open.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def await_waiting(self, count: int) -> None:
        """Until so many more requests wait."""
        for _ in range(count):
            await self._came.acquire()


class FromAfar(socket.socket):
    """A listening socket whose connections come from another machine."""

    def accept(self) -> tuple[socket.socket, Any]:
        connection, _ = super().accept()
        return connection, ("203.0.113.9", 4711)


@asynccontextmanager
async def serving(app: ASGIApp, *, from_afar: bool = False) -> AsyncIterator[Callable[..., Awaitable[Stream]]]:
    """A server; what is yielded opens a connection to it that says something."""
    listener = bind("127.0.0.1", 0)
    if from_afar:
        listener = FromAfar(listener.family, listener.type, listener.proto, listener.detach())
    address = listener.getsockname()
    task = asyncio.create_task(serve(app, listener, lambda: [ip_network("192.0.2.0/24")]))
    writers: list[asyncio.StreamWriter] = []

    async def say(text: bytes) -> Stream:
        reader, writer = await asyncio.open_connection(*address)
        writers.append(writer)
        writer.write(text)
        return reader, writer

    try:
        yield say
    finally:
        for writer in writers:
            writer.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"\r\n\r\nok"


def waiting_for(address: str) -> bytes:
    header = f"X-Forwarded-For: {address}\r\n" if address else ""
    return f"GET /wait HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"", HEAD_TIMEOUT),
        (b"GET / HTTP/1.1\r\nHost: loc", HEAD_TIMEOUT),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123", BODY_TIMEOUT),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", BODY_TIMEOUT),
        (HEAD, KEEP_ALIVE),
        (HEAD + b"GET / HT", HEAD_TIMEOUT),
    ],
)
def test_a_request_that_does_not_come_whole_is_waited_for_so_long(said: bytes, seconds: float) -> None:
    async def main() -> float:
        async with serving(Desk()) as say:
            began = asyncio.get_running_loop().time()
            reader, _ = await say(said)
            with suppress(ConnectionError):
                await reader.read()
            return asyncio.get_running_loop().time() - began

    assert seconds - 0.5 < run_virtual(main, real_wait=0.002) < seconds + 1.5


def test_bytes_that_drip_do_not_make_the_wait_longer() -> None:
    async def main() -> float:
        async with serving(Desk()) as say:
            began = asyncio.get_running_loop().time()
            reader, writer = await say(b"GET / HTTP/1.1\r\n")
            reading = asyncio.create_task(reader.read())
            while not reading.done():
                writer.write(b"X: y\r\n")
                await asyncio.sleep(1)
            return asyncio.get_running_loop().time() - began

    assert run_virtual(main, real_wait=0.002) < HEAD_TIMEOUT + 3


def test_a_slow_answer_is_not_cut_off() -> None:
    async def main() -> bytes:
        desk = Desk()
        async with serving(desk) as say:
            reader, _ = await say(waiting_for(""))
            await asyncio.sleep(60)
            desk.open.set()
            return await reader.readuntil(ANSWER)

    assert run_virtual(main, real_wait=0.002).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("pieces", [1, 40])
def test_who_does_not_read_its_answer_is_let_go(pieces: int) -> None:
    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(pieces):
            await send(
                {"type": "http.response.body", "body": bytes(40_000_000 // pieces), "more_body": number < pieces}
            )
        await send({"type": "http.response.body"})

    async def main() -> int:
        async with serving(large) as say:
            reader, _ = await say(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await asyncio.sleep(BODY_TIMEOUT + 1)
            size = 0
            with suppress(ConnectionError):
                while piece := await reader.read(1_000_000):
                    size += len(piece)
            return size

    assert run_virtual(main, real_wait=0.002) < 40_000_000


def served(scenario: Callable[[Desk, Callable[..., Awaitable[Stream]]], Awaitable[Any]]) -> None:
    async def main() -> None:
        desk = Desk()
        async with asyncio.timeout(30), serving(desk) as say:
            try:
                await scenario(desk, say)
            finally:
                desk.open.set()

    asyncio.run(main())


def test_idle_connections_give_way_and_what_is_being_answered_does_not() -> None:
    async def scenario(desk: Desk, say: Callable[..., Awaitable[Stream]]) -> None:
        answered = [await say(waiting_for("")) for _ in range(MOST - 1)]
        await desk.await_waiting(MOST - 1)
        idle, _ = await say(HEAD)
        await idle.readuntil(ANSWER)
        newcomer, _ = await say(waiting_for(""))
        assert await idle.read() == b"", "it was closed"
        await desk.await_waiting(1)
        with suppress(ConnectionError):
            assert await (await say(HEAD))[0].read() == b"", "there is no place for it"
        desk.open.set()
        for reader in (newcomer, *(reader for reader, _ in answered)):
            assert (await reader.readuntil(ANSWER)).startswith(b"HTTP/1.1 200")

    served(scenario)


@pytest.mark.parametrize(("from_afar", "stay"), [(True, MOST_FROM_ONE), (False, MOST)])
def test_who_connects_too_often_has_its_first_connections_closed(from_afar: bool, stay: int) -> None:
    async def main() -> list[bool]:
        async with serving(Desk(), from_afar=from_afar) as say:
            readers = [(await say(b"GET "))[0] for _ in range(stay + 3)]
            await asyncio.sleep(1)
            return [reader.at_eof() or reader.exception() is not None for reader in readers]

    closed = run_virtual(main, real_wait=0.002)
    assert closed == [True] * 3 + [False] * stay


@pytest.mark.parametrize(
    ("busy", "next_one", "status"),
    [
        ("203.0.113.9", "203.0.113.9", 429),
        ("203.0.113.9", "203.0.113.8", 200),
        ("203.0.113.9", "", 200),
        ("", "", 200),
        ("203.0.113.9", "203.0.113.9:4711", 429),
        ("2001:db8::1", "[2001:db8::1]:4711", 429),
        ("203.0.113.9", "198.51.100.7, 203.0.113.9", 429),
        ("203.0.113.9", "203.0.113.9, 198.51.100.7", 200),
        ("203.0.113.9", "203.0.113.9, 192.0.2.17, 127.0.0.1", 429),
        ("203.0.113.9", "203.0.113.9, ::ffff:192.0.2.17", 429),
        ("127.0.0.1", "127.0.0.1", 200),
        ("nonsense", "nonsense", 429),
    ],
)
def test_a_proxys_requests_count_for_whom_it_asks(busy: str, next_one: str, status: int) -> None:
    async def scenario(desk: Desk, say: Callable[..., Awaitable[Stream]]) -> None:
        for _ in range(MOST_FROM_ONE):
            await say(waiting_for(busy))
        await desk.await_waiting(MOST_FROM_ONE)
        reader, _ = await say(HEAD.replace(b"\r\n\r\n", f"\r\nX-Forwarded-For: {next_one}\r\n\r\n".encode()))
        assert int((await reader.readline()).split()[1]) == status

    served(scenario)


def test_a_proxys_connection_counts_for_nobody_between_two_requests() -> None:
    async def scenario(desk: Desk, say: Callable[..., Awaitable[Stream]]) -> None:
        desk.open.set()
        streams = [await say(waiting_for("203.0.113.9")) for _ in range(MOST_FROM_ONE + 1)]
        for reader, writer in streams * 2:
            assert (await reader.readuntil(ANSWER)).startswith(b"HTTP/1.1 200")
            writer.write(waiting_for("203.0.113.9"))

    served(scenario)


def test_a_body_that_is_awaited_counts_for_whom_a_proxy_asks_though_its_request_was_answered() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    half = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: 9\r\n\r\n123"

    async def main() -> list[bool]:
        async with serving(refuse) as say:
            readers = []
            for _ in range(MOST_FROM_ONE + 3):
                reader, _ = await say(half)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401")
                readers.append(reader)
            await asyncio.sleep(1)
            return [reader.at_eof() or reader.exception() is not None for reader in readers]

    assert run_virtual(main, real_wait=0.002) == [True] * 3 + [False] * MOST_FROM_ONE
