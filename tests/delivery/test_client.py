"""The client against a real server that answers, or cuts the connection at chosen points."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from smithd import __version__, http
from smithd.delivery import client as room
from smithd.delivery.account import AccountOptions
from smithd.delivery.client import Client
from smithd.delivery.wire import Answer, Endpoint, NotSent, Reply, Request, Unknown

SEND = Request(Endpoint.SEND, "", b'{"title":"x"}', "push:x")
PUT = Request(Endpoint.STREAM_PUT, "prod", b'{"content_state":{}}', "stream:prod")
Handler = Callable[["Connection"], Awaitable[None]]


class Connection:
    """The server's end: one request after another, as text."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[str]) -> None:
        self.reader, self.writer, self.requests = reader, writer, requests

    async def read(self) -> str:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = int(next((line.split(":")[1] for line in head.lower().splitlines() if "content-length" in line), "0"))
        body = (await self.reader.readexactly(length)).decode()
        self.requests.append(head + body)
        return head + body

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Cut it hard."""
        self.writer.transport.abort()


def answer(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[tuple[int, list[str]]]:
    requests: list[str] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(Connection(reader, writer, requests))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], requests
    finally:
        server.close()


async def ask(port: int, *wanted: Request, base: str = "http://127.0.0.1:{}/api") -> list[Reply]:
    connections = http.Http()
    client = Client(AccountOptions(api_key="ask_secret_key", base_url=base.format(port)), connections)
    try:
        return [await client(request) for request in wanted]
    finally:
        await connections.aclose()


def told(handle: Handler, *wanted: Request) -> tuple[list[Reply], list[str]]:
    async def run() -> tuple[list[Reply], list[str]]:
        async with serving(handle) as (port, requests):
            return await ask(port, *wanted), requests

    return asyncio.run(run())


def always(data: bytes) -> Handler:
    async def handle(connection: Connection) -> None:
        while True:
            await connection.read()
            await connection.write(data)

    return handle


def test_a_request_carries_the_key_and_names_itself_and_its_answer_comes_back_whole() -> None:
    replies, (first, second) = told(
        always(answer(200, b'{"success":true}', 'RateLimit: "account:metrics"; r=1; t=60')),
        SEND,
        Request(Endpoint.REPLACE, "a/b?c#d é", b"{}", "push:x"),
    )
    reply = replies[0]
    assert isinstance(reply, Answer)
    assert (reply.status, json.loads(reply.body)) == (200, {"success": True})
    assert reply.headers["ratelimit"] == '"account:metrics"; r=1; t=60'
    head, _, body = first.partition("\r\n\r\n")
    assert head.startswith("POST /api/push-notification HTTP/1.1\r\n")
    assert body == '{"title":"x"}'
    headers = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:])
    assert headers["authorization"] == "bearer ask_secret_key"
    assert headers["user-agent"] == f"smithd/{__version__}"
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert second.startswith("PUT /api/push-notification/a%2Fb%3Fc%23d%20%C3%A9 HTTP/1.1\r\n")


def test_redirects_are_answers_and_are_not_followed() -> None:
    (reply,), requests = told(always(answer(307, b"", "Location: /elsewhere")), SEND)
    assert isinstance(reply, Answer)
    assert (reply.status, len(requests)) == (307, 1)


@pytest.mark.parametrize("request_", [SEND, PUT])
def test_a_connection_cut_before_the_answer_is_unknown_and_nothing_is_repeated(request_: Request) -> None:
    async def cut(connection: Connection) -> None:
        await connection.read()
        connection.reset()

    (reply,), requests = told(cut, request_)
    assert isinstance(reply, Unknown)
    assert len(requests) == 1


@pytest.mark.parametrize("request_", [SEND, PUT])
def test_a_kept_connection_that_is_cut_is_unknown_and_nothing_is_repeated(request_: Request) -> None:
    async def once(connection: Connection) -> None:
        await connection.read()
        await connection.write(answer(200, b"{}"))
        await connection.read()

    replies, requests = told(once, request_, request_)
    assert isinstance(replies[0], Answer)
    assert isinstance(replies[1], Unknown)
    assert len(requests) == 2


@pytest.mark.parametrize("piece", [b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le", b"rubbish\r\n\r\n"])
def test_an_answer_without_a_status_is_unknown(piece: bytes) -> None:
    async def cut(connection: Connection) -> None:
        await connection.read()
        await connection.write(piece)

    (reply,), _ = told(cut, SEND)
    assert isinstance(reply, Unknown)


def test_an_answer_cut_in_its_body_is_unknown_if_it_was_good_and_an_answer_if_not() -> None:
    def half(status: int) -> Handler:
        async def handle(connection: Connection) -> None:
            await connection.read()
            await connection.write(answer(status, b'{"succ', length=100))

        return handle

    (good,), _ = told(half(200), SEND)
    assert isinstance(good, Unknown)
    (bad,), _ = told(half(401), SEND)
    assert isinstance(bad, Answer)
    assert (bad.status, bad.body) == (401, b"")


def test_an_answer_that_is_too_large_keeps_its_status_only() -> None:
    (reply,), _ = told(always(answer(500, b"x" * 300_000)), SEND)
    assert isinstance(reply, Answer)
    assert (reply.status, reply.body) == (500, b"")


def test_silence_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(connection: Connection) -> None:
        await connection.read()
        await connection.reader.read()

    for limit in ("READ_TIMEOUT", "TOTAL_TIMEOUT"):
        with monkeypatch.context() as patch:
            patch.setattr(room, limit, 0.05)
            (reply,), requests = told(silent, SEND)
        assert isinstance(reply, Unknown)
        assert len(requests) <= 1  # on a busy machine the time is up before it arrives


def test_what_cannot_be_reached_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (refused,) = asyncio.run(ask(unused.getsockname()[1], SEND))
    assert isinstance(refused, NotSent)
    (unnamed,) = asyncio.run(ask(1, SEND, base="https://no-such-host.invalid:{}"))
    assert isinstance(unnamed, NotSent)

    async def greet(connection: Connection) -> None:
        await connection.write(answer(200, b"{}"))

    async def no_tls() -> list[Reply]:
        async with serving(greet) as (port, _):
            return await ask(port, SEND, base="https://127.0.0.1:{}")

    (handshake,) = asyncio.run(no_tls())
    assert isinstance(handshake, NotSent)

    monkeypatch.setattr(room, "CONNECT_TIMEOUT", 0.05)
    with socket.socket() as full:  # a server that accepts nobody: its queue is full
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        (late,) = asyncio.run(ask(full.getsockname()[1], SEND))
        for one in waiting:
            one.close()
    assert isinstance(late, NotSent)


def test_the_key_is_in_nothing_that_is_shown() -> None:
    account = AccountOptions(api_key="ask_secret_key")
    client = Client(account, http.Http())
    (refused,) = asyncio.run(ask(1, SEND))
    assert "ask_secret_key" not in repr(client) + repr(account) + repr(refused) + repr(SEND)
