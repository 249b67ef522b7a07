"""The stand-in on a socket: what only shows on a real connection."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC

import pytest

from fakes import FakeClock
from simulator.loopback import Wire
from smithd.clock import SystemClock
from smithd.serving import bind, serve
from smithd.simulator.app import application
from smithd.simulator.service import Service

HALF = b"POST /api/badge HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
WHOLE = b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_body_that_is_too_large_is_answered_and_the_connection_goes_on(wire: Wire) -> None:
    reply = wire.ask("POST", "/push-notification", {"title": "x" * 2_000_000})
    assert (reply.status, reply.body["error"]) == (400, "Invalid request body")
    assert wire.ask("POST", "/push-notification", {"title": "x"}).status == 200


def test_the_rate_headers_are_on_the_wire(wire: Wire) -> None:
    replies = [wire.ask("POST", "/badge", {"badge": n}) for n in range(61)]
    assert replies[0].headers["ratelimit-policy"].endswith('"account:badges"; q=60; w=60')
    assert (replies[-1].status, replies[-1].headers["retry-after"]) == (429, "60")


def test_stopping_does_not_wait_for_half_a_request_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> bytes:
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        serving = asyncio.ensure_future(serve(application(Service(), FakeClock(), UTC), listener))
        half, half_writer = await asyncio.open_connection("127.0.0.1", port)
        half_writer.write(HALF)
        await half_writer.drain()
        other, other_writer = await asyncio.open_connection("127.0.0.1", port)
        other_writer.write(WHOLE)
        assert (await other.readline()).startswith(b"HTTP/1.1 404")

        serving.cancel()
        await asyncio.wait([serving])

        half_writer.close()
        other_writer.close()
        return await half.read()

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(scenario()) == b""
    assert not caplog.records


def test_a_client_that_hangs_up_is_no_error(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    async def hang_up() -> None:
        _, writer = await asyncio.open_connection(wire.connection.host, wire.connection.port)
        writer.write(HALF)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    with caplog.at_level(logging.WARNING):
        asyncio.run(hang_up())
        assert wire.ask("POST", "/badge", {"badge": 1}).status == 200
    assert not caplog.records


def test_stopping_does_not_wait_for_a_delayed_answer_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> bytes:
        asked = asyncio.Event()
        service, listener = Service(on_request=lambda _: asked.set()), bind("127.0.0.1", 0)
        service.faults.order({"delay": 3600})
        serving = asyncio.ensure_future(serve(application(service, SystemClock(), UTC), listener))
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        writer.write(b"POST /api/badge HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await asked.wait()

        serving.cancel()
        await asyncio.wait([serving])

        writer.close()
        return await reader.read()

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(scenario()) == b""
    assert not caplog.records
