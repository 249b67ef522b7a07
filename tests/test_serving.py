"""The page's port is taken before anything runs, and given back at the end."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC

import pytest

from smithd.errors import ListenError
from smithd.serving import bind, serve
from smithd.web.app import build
from smithd.web.reads import Reads


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
        writer.write(b"GET /screen HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
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
    assert b"No notifications" in answer
