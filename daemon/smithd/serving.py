"""The one HTTP server: takes a port before anything else runs, and serves an application inside the running loop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from smithd.errors import ListenError

_REASONS = {
    errno.EADDRINUSE: "another program uses this port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "ports below 1024 need more rights than smithd has",
}


def bind(host: str, port: int, remedy: str = "Choose another port in web.listen.") -> socket.socket:
    """A listening socket (port 0: any free port). Raises ListenError, which ends with the remedy."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "this is no host name"
        raise ListenError(f"cannot listen on {host}:{port}: {reason}. {remedy}") from None
    try:
        # Without it, the port of a daemon that just ended stays taken while its last connections time out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # At once: until it listens, a second bind to the same port would be let through.
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ListenError(f"cannot listen on {host}:{port}: {reason}. {remedy}") from None
    return listener


class _Server(uvicorn.Server):
    """uvicorn as one task among others: signals belong to the owner of the loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Responses are made at once, so a request that is still open has not arrived whole: its rest is not waited for.
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await super().shutdown(sockets)


TRANSPORT = "smithd.transport"
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than most clients' own, so that they are the ones to close."""


async def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until cancelled; then open answers get a second to finish. The socket is closed in any case.

    The application finds the connection's asyncio.Transport in ``scope["extensions"][TRANSPORT]``, with which it
    can break the connection; not where the client has hung up already.
    """

    async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn hands an application no transport; its connection is the one that made this scope.
        for connection in server.server_state.connections:
            if getattr(connection, "scope", None) is scope:
                scope["extensions"] = {**scope.get("extensions", {}), TRANSPORT: connection.transport}
        await app(scope, receive, send)

    config = uvicorn.Config(
        with_transport, loop="none", http="h11", ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    # A cancelled server would skip its own shutdown, so it is shielded, and asked to end instead.
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        listener.close()
