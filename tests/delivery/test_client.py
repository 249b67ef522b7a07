"""The client against a real server that answers, or cuts the connection at chosen points."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign import rounds
from delivery.inline import InlineSender
from outbox.stored import StoredOutbox
from servers import Certificate, make_certificate
from smithd import __version__, http
from smithd.clock import SystemClock
from smithd.contract.endpoint import Endpoint
from smithd.delivery import client as room
from smithd.delivery.account import AccountOptions
from smithd.delivery.client import Client
from smithd.delivery.reply import Accepted, Limit, NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.events import Event, Events, SendAccepted
from smithd.keys import DEFAULT_ACCOUNT, Key, PushKey, StreamKey
from smithd.outbox.message import Priority, Push, PushContent
from smithd.storage.database import Database

PUSH = PushKey(DEFAULT_ACCOUNT, "x", 0.0, 1)
SEND = Request(Endpoint.SEND, "", {"title": "x"}, PUSH)
STREAM = StreamKey(DEFAULT_ACCOUNT, "prod")
PUT = Request(Endpoint.STREAM_PUT, "prod", {"content_state": {"title": "x", "type": "timer"}}, STREAM)
Handler = Callable[["Connection"], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


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
async def serving(handle: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    requests: list[str] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(Connection(reader, writer, requests))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], requests
    finally:
        server.close()


def account(port: int, base: str = "http://127.0.0.1:{}/api") -> AccountOptions:
    return AccountOptions(api_key="ask_secret_key", base_url=base.format(port))


async def ask(port: int, *wanted: Request, base: str = "http://127.0.0.1:{}/api") -> list[Reply]:
    connections = http.Http()
    client = Client(account(port, base), connections, SystemClock().now)
    try:
        return [await client(request) for request in wanted]
    finally:
        await connections.aclose()


def replies_to(handle: Handler, *wanted: Request) -> tuple[list[Reply], list[str]]:
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
    replies, (first, second) = replies_to(
        always(answer(200, b'{"success":true}', 'RateLimit: "account:metrics"; r=1; t=60')),
        SEND,
        Request(Endpoint.REPLACE, "a/b?c#d é", {"title": "y"}, PUSH),
    )
    assert replies[0] == Accepted("sent", limits=(Limit("account:metrics", 1, 60),))
    head, _, body = first.partition("\r\n\r\n")
    assert head.startswith("POST /api/push-notification HTTP/1.1\r\n")
    assert body == '{"title":"x"}'
    headers = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:])
    assert headers["authorization"] == "bearer ask_secret_key"
    assert headers["user-agent"] == f"smithd/{__version__}"
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert second.startswith("PUT /api/push-notification/a%2Fb%3Fc%23d%20%C3%A9 HTTP/1.1\r\n")


def test_redirects_are_answers_and_are_not_followed() -> None:
    (reply,), requests = replies_to(always(answer(307, b"", "Location: /elsewhere")), SEND)
    assert isinstance(reply, Unknown)
    assert (reply.status, len(requests)) == (307, 1)


@pytest.mark.parametrize("request_", [SEND, PUT])
def test_a_connection_cut_before_the_answer_is_unknown_and_nothing_is_repeated(request_: Request) -> None:
    async def cut(connection: Connection) -> None:
        await connection.read()
        connection.reset()

    (reply,), requests = replies_to(cut, request_)
    assert isinstance(reply, Unknown)
    assert len(requests) == 1


@pytest.mark.parametrize("request_", [SEND, PUT])
def test_a_kept_connection_that_is_cut_is_unknown_and_nothing_is_repeated(request_: Request) -> None:
    async def once(connection: Connection) -> None:
        await connection.read()
        await connection.write(answer(200, b"{}"))
        await connection.read()

    replies, requests = replies_to(once, request_, request_)
    assert isinstance(replies[0], Accepted)
    assert replies[1] == Unknown("127.0.0.1: it closed the connection without an answer")
    assert len(requests) == 2


@pytest.mark.parametrize("piece", [b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le", b"rubbish\r\n\r\n"])
def test_an_answer_without_a_status_is_unknown(piece: bytes) -> None:
    async def cut(connection: Connection) -> None:
        await connection.read()
        await connection.write(piece)

    (reply,), _ = replies_to(cut, SEND)
    assert isinstance(reply, Unknown)


def test_an_answer_cut_in_its_body_is_unknown_if_it_was_good_and_an_answer_if_not() -> None:
    def half(status: int) -> Handler:
        async def handle(connection: Connection) -> None:
            await connection.read()
            await connection.write(answer(status, b'{"succ', length=100))

        return handle

    (good,), _ = replies_to(half(200), SEND)
    assert good == Unknown("127.0.0.1: the answer broke off")
    (bad,), _ = replies_to(half(401), SEND)
    assert bad == Rejected(Refusal.UNAUTHORIZED, 401, "HTTP 401")


def test_an_answer_that_is_too_large_keeps_its_status_only() -> None:
    (reply,), _ = replies_to(always(answer(500, b"x" * 300_000)), SEND)
    assert reply == Unknown("HTTP 500", 500)
    (reply,), _ = replies_to(always(answer(200, b" " * 300_000 + b"{}")), SEND)
    assert reply == Unknown("127.0.0.1: the answer is larger than 262144 bytes")


def test_silence_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(connection: Connection) -> None:
        await connection.read()
        await connection.reader.read()

    for limit in ("SILENCE_TIMEOUT", "TOTAL_TIMEOUT"):
        with monkeypatch.context() as patch:
            patch.setattr(room, limit, 0.05)
            (reply,), requests = replies_to(silent, SEND)
        assert isinstance(reply, Unknown)
        assert len(requests) <= 1  # on a busy machine the time is up before it arrives


def test_an_answer_without_an_end_is_given_up_at_its_limit() -> None:
    """A hundred megabytes are promised, and a server that never stops is read no further than it must be."""

    async def endless(connection: Connection) -> None:
        await connection.read()
        await connection.write(answer(200, b"", length=100_000_000))
        while True:
            await connection.write(b"x" * 65536)

    (reply,), _ = replies_to(endless, SEND)
    assert reply == Unknown("127.0.0.1: the answer is larger than 262144 bytes")


def packed(body: bytes) -> bytes:
    return answer(200, gzip.compress(body), "Content-Encoding: gzip")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (packed(b'{"success": true}'), Accepted),
        (packed(b" " * 50_000_000), Unknown),
        (answer(200, b'{"success": true}', "Content-Encoding: gzip"), Unknown),
        (answer(400, b'{"error": "x"}', "Content-Encoding: gzip"), Unknown),
        (answer(200, b'{"success": true}', "Content-Encoding: unheard-of"), Accepted),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Unknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Unknown),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", Unknown),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Unknown),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", Unknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: \xff\xfe\r\n\r\n{}", Accepted),
        (b"\x16\x03\x01\x02\x00", Unknown),
        (answer(204, b""), Accepted),
    ],
)
def test_whatever_comes_over_the_line_is_a_reply(raw: bytes, kind: type[Reply]) -> None:
    async def speak(connection: Connection) -> None:
        await connection.read()
        await connection.write(raw)

    (reply,), _ = replies_to(speak, SEND)
    assert isinstance(reply, kind)


@pytest.mark.campaign
@settings(max_examples=rounds(10, 1000), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"\r\n", b"Content-Length: 2\r\n"])))
def test_even_rubbish_is_a_reply(pieces: list[bytes]) -> None:
    async def speak(connection: Connection) -> None:
        await connection.read()
        await connection.write(b"".join(pieces))

    (reply,), _ = replies_to(speak, SEND)
    assert isinstance(reply, Accepted | Rejected | Unknown)


def test_one_connection_serves_one_request_after_another() -> None:
    connections = 0

    async def count(connection: Connection) -> None:
        nonlocal connections
        connections += 1
        await always(answer(200, b"{}"))(connection)

    replies, _ = replies_to(count, SEND, PUT, SEND)
    assert all(isinstance(reply, Accepted) for reply in replies)
    assert connections == 1


@pytest.mark.parametrize("request_", [SEND, PUT])
def test_a_connection_that_the_server_closed_meanwhile_costs_no_message_and_no_double(request_: Request) -> None:
    """The server closes its end after each answer, without a word; the next request goes over a new connection."""

    async def run() -> tuple[list[Reply], list[str], int]:
        noticed, connections = asyncio.Event(), 0

        async def close_when_idle(connection: Connection) -> None:
            nonlocal connections
            connections += 1
            await connection.read()
            await connection.write(answer(200, b"{}"))
            connection.writer.write_eof()
            assert await connection.reader.read() == b""  # the client has closed its own end
            noticed.set()

        async with serving(close_when_idle) as (port, requests):
            pool = http.Http(keep_alive=3600)
            client = Client(account(port), pool, SystemClock().now)
            replies = []
            for _ in range(3):
                replies.append(await client(request_))
                await noticed.wait()
                noticed.clear()
            await pool.aclose()
        return replies, requests, connections

    replies, requests, connections = asyncio.run(run())
    assert all(isinstance(reply, Accepted) for reply in replies)
    assert (len(requests), connections) == (3, 3)


PUSHES = 12


def test_a_server_that_closes_whenever_it_likes_gets_every_push_exactly_once(tmp_path: Path) -> None:
    """It answers a few requests on each connection and then hangs up, at times while the next is on its way and not
    taken: the client says that it cannot know, and the outbox sends it again.
    """

    async def run() -> list[str]:
        taken: list[str] = []
        accepted: set[Key] = set()
        all_accepted = asyncio.Event()

        def listen(event: Event) -> None:
            if isinstance(event, SendAccepted):
                accepted.add(event.key)
                if len(accepted) == PUSHES:
                    all_accepted.set()

        async def moody(connection: Connection) -> None:
            for _ in range(2):
                request = await connection.read()
                taken.append(json.loads(request.partition("\r\n\r\n")[2])["title"])
                await connection.write(answer(200, b'{"success": true, "notification_id": "n"}'))

        async with serving(moody) as (port, _):
            database, pool = Database.open(tmp_path / "state.db"), http.Http(keep_alive=3600)
            outbox, clock = StoredOutbox(database), SystemClock()
            client = Client(account(port), pool, clock.now)
            sender = InlineSender(outbox, client, account(port), clock, Events([listen]), ZoneInfo("UTC"), lambda: 0.0)
            task = asyncio.create_task(sender.run())
            with database.transaction() as connection:
                for number in range(PUSHES):
                    key, content = PushKey(DEFAULT_ACCOUNT, str(number), 0.0, 1), PushContent(str(number))
                    outbox.put(connection, Push(key, content, Priority.PUSH, clock.now()))
            sender.wake()
            await all_accepted.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            database.close()
            await pool.aclose()
        return taken

    assert sorted(asyncio.run(run()), key=int) == [str(number) for number in range(PUSHES)]


def nameless(*_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_what_cannot_be_reached_was_not_sent_and_says_why_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (refused,) = asyncio.run(ask(unused.getsockname()[1], SEND))
    assert refused == NotSent("could not connect to 127.0.0.1: connection refused")
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", nameless)
        (unnamed,) = asyncio.run(ask(1, SEND, base="https://no-such-host.invalid:{}"))
    assert unnamed == NotSent("could not connect to no-such-host.invalid: its name is not known")

    async def greet(connection: Connection) -> None:
        await connection.write(answer(200, b"{}"))

    async def no_tls() -> list[Reply]:
        async with serving(greet) as (port, _):
            return await ask(port, SEND, base="https://127.0.0.1:{}")

    (handshake,) = asyncio.run(no_tls())
    assert isinstance(handshake, NotSent)
    assert handshake.reason.startswith("could not connect to 127.0.0.1: it does not speak TLS")

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
    assert late == NotSent("could not connect to 127.0.0.1: no connection within the time-out")


def test_a_probe_has_a_connection_of_its_own_and_less_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    probe, connections = replace(SEND, is_probe=True), 0

    async def counted(connection: Connection) -> None:
        nonlocal connections
        connections += 1
        await always(answer(200, b'{"success":true}'))(connection)

    replies, requests = replies_to(counted, SEND, SEND, probe, probe, SEND)
    assert replies == [Accepted("sent")] * 5
    assert (len(requests), connections) == (5, 3)

    async def silent(connection: Connection) -> None:
        await connection.read()
        await connection.reader.read()

    monkeypatch.setattr(room, "PROBE_TIMEOUT", 0.05)
    (late,), _ = replies_to(silent, probe)
    assert late == Unknown("127.0.0.1: no answer within the time-out")


def test_a_certificate_is_always_checked(certificate: Certificate) -> None:
    async def run() -> tuple[list[Reply], list[str]]:
        async with serving(always(answer(200, b"{}")), certificate.context()) as (port, requests):
            return await ask(port, SEND, base="https://127.0.0.1:{}"), requests

    replies, requests = asyncio.run(run())
    assert isinstance(replies[0], NotSent)
    assert replies[0].reason.startswith("could not connect to 127.0.0.1: its certificate is not trusted: self")
    assert requests == []


PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def test_the_key_goes_to_this_machine_directly_whatever_proxies_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    (reply,), requests = replies_to(always(answer(200, b'{"success":true}')), SEND)
    assert reply == Accepted("sent")
    assert len(requests) == 1


@pytest.mark.parametrize("proxy", ["ftp://me:hunter2@127.0.0.1:1", "::::hunter2", "http://[::1hunter2"])
def test_a_proxy_that_is_none_keeps_everything_here_and_tells_no_secret(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, proxy)
    (reply,), requests = replies_to(always(answer(200, b'{"success":true}')), SEND)
    assert isinstance(reply, NotSent)
    assert "http_proxy" in reply.reason
    assert "hunter2" not in reply.reason
    assert requests == []


def test_a_fault_of_the_library_is_a_reply_too_and_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: http.PreparedRequest) -> http.Response:
        raise ValueError("Invalid header value b'Bearer ask_secret_key'")

    monkeypatch.setattr(http.PreparedRequest, "send", fail)
    assert asyncio.run(ask(1, SEND)) == [Unknown("the request to 127.0.0.1 failed (ValueError)")]


def test_to_be_cancelled_is_the_one_thing_that_is_raised() -> None:
    async def run() -> None:
        async def silent(connection: Connection) -> None:
            await connection.read()
            asked.set()
            await connection.reader.read()

        asked = asyncio.Event()
        async with serving(silent) as (port, _):
            task = asyncio.create_task(ask(port, SEND))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


def test_the_key_is_in_nothing_that_is_shown() -> None:
    client = Client(account(1), http.Http(), SystemClock().now)
    (refused,) = asyncio.run(ask(1, SEND))
    assert "ask_secret_key" not in repr(client) + repr(account(1)) + repr(refused) + repr(SEND)
