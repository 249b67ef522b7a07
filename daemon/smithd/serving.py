"""The one HTTP server: takes a port before anything else runs, and serves an application inside the running loop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import h11
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from smithd.connections import BODY_TIMEOUT, HEAD_TIMEOUT, ConnectionLimit, accept
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
        listener.listen(socket.SOMAXCONN)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ListenError(f"cannot listen on {host}:{port}: {reason}. {remedy}") from None
    return listener


TRANSPORT = "smithd.transport"
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than most clients' own, so that they are the ones to close."""

Network = IPv4Network | IPv6Network


async def serve(
    app: ASGIApp, listener: socket.socket, trusted_proxies: Callable[[], Iterable[Network]] = lambda: ()
) -> None:
    """Serve until cancelled; then open answers get a second to finish. The socket is closed in any case.

    Connections are bounded, in all and from one address. A proxy on this machine, or in ``trusted_proxies``, may have
    any part of them: what it forwards is counted by the address that it names in X-Forwarded-For.

    The application finds the connection's asyncio.Transport in ``scope["extensions"][TRANSPORT]``, with which it
    can break the connection; not where the client has hung up already.
    """
    limit = ConnectionLimit()

    def is_trusted(address: str) -> bool:
        return _is_in(address, trusted_proxies())

    async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn hands an application no transport; its connection is the one that made this scope.
        connection = next((each for each in server.connections if each.scope is scope), None)
        is_proxy = scope["client"] is not None and is_trusted(scope["client"][0])
        if connection is not None:
            if is_proxy and not limit.admit(connection, _forwarded_for(scope, is_trusted)):
                await _TOO_MANY(scope, receive, send)
                return
            scope["extensions"] = {**scope.get("extensions", {}), TRANSPORT: connection.transport}
        try:
            await app(scope, receive, send)
        finally:
            # The proxy's next request on this connection may be another client's. Until the body of this one is whole,
            # it is this one's still, also where it was answered before.
            if connection is not None and is_proxy and connection.has_whole_request:
                limit.admit(connection, None)

    config = uvicorn.Config(
        with_transport, loop="none", http="h11", ws="none", lifespan="off", log_config=None, access_log=False,
        # A warning for each stranger's garbage would fill the log.
        log_level="error",
        server_header=False, proxy_headers=False, timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config, listener, limit, is_trusted)
    serving = asyncio.ensure_future(server.serve())
    # A cancelled server would skip its own shutdown, so it is shielded, and asked to end instead.
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        listener.close()


_TOO_MANY = PlainTextResponse(
    "There are too many requests from this address at once.\n", 429, {"Connection": "close", "Retry-After": "1"}
)


def _forwarded_for(scope: Scope, is_trusted: Callable[[str], bool]) -> str | None:
    """Whom a trusted proxy asks for: the last address in X-Forwarded-For that is not a proxy's own.

    What stands before it was written by the client, as it liked. None: no address is named.
    """
    written = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for hop in reversed(written.decode("latin-1").split(",")):
        address = _without_port(hop.strip())
        if address and not is_trusted(address):
            return address
    return None


def _without_port(hop: str) -> str:
    """Some proxies name the client's port too, and each of its connections has another one."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is this machine's own, or in one of the networks."""
    try:
        # A socket that listens for IPv6 too reports an IPv4 client as ::ffff:192.0.2.1.
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or any(found in network for network in networks)


class _Server(uvicorn.Server):
    """uvicorn as one task among others: signals belong to the owner of the loop, and connections are bounded."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        limit: ConnectionLimit,
        is_trusted: Callable[[str], bool],
    ) -> None:
        super().__init__(config)
        self.connections: set[_Connection] = set()
        self._listener = listener
        self._limit = limit
        self._is_trusted = is_trusted
        self._opening: set[asyncio.Task[Any]] = set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's
        self.servers = []
        self._accepting = asyncio.ensure_future(accept(self._listener, self._take, make_room=self._limit.make_room))
        self.started = True

    def _take(self, peer: socket.socket, address: str) -> None:
        connection = _Connection(self)
        if not self._limit.admit(connection, None if self._is_trusted(address) else address):
            peer.close()
            return
        self.connections.add(connection)
        opening = asyncio.ensure_future(asyncio.get_running_loop().connect_accepted_socket(lambda: connection, peer))
        # Kept in a set, since the event loop itself has only a weak reference to a task.
        self._opening.add(opening)

        def opened(_: object) -> None:
            self._opening.discard(opening)
            if opening.cancelled() or opening.exception() is not None:
                self.lose(connection)
                peer.close()

        opening.add_done_callback(opened)

    def lose(self, connection: _Connection) -> None:
        """A connection was closed."""
        self.connections.discard(connection)
        self._limit.forget(connection)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._accepting.cancel()
        # Responses are made at once, so a request that is still open has not arrived whole: its rest is not waited for.
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await super().shutdown(sockets)


class _Connection(H11Protocol):
    """A connection that is closed where the head of a request, its body, or the taking of an answer lasts too long.

    uvicorn has a time-out for idle connections only. What is awaited of the client is one of: the ``head`` of a request
    that has begun (or the first one), its ``body``, that it is the ``reader`` of an answer, the next ``request`` of an
    idle connection, or nothing, while a request is answered.
    """

    def __init__(self, server: _Server) -> None:
        super().__init__(server.config, server.server_state, app_state={})
        self.waiting_since: float | None = None
        self.is_lost = False
        self._owner = server
        self._awaited: str | None = None
        self._too_late: asyncio.TimerHandle | None = None

    @property
    def has_whole_request(self) -> bool:
        """Whether it is open, and nothing of a request that was begun is missing."""
        return not self.is_lost and self.conn.their_state is not h11.SEND_BODY

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self._await("head")

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._await(None)
        self._unset_keepalive_if_required()
        self._owner.lose(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await("reader")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._await(None)
        self._look()

    def timeout_keep_alive_handler(self) -> None:
        self.transport.abort()

    def abort(self) -> None:
        self.transport.abort()

    def _look(self) -> None:
        """See what is awaited from the client now."""
        if self.is_lost or self._awaited == "reader":
            return
        if self.transport.is_closing():
            # It is closed when the client has taken all of the last answer.
            self._await("reader")
        elif self.conn.their_state is h11.IDLE:
            begun, _ = self.conn.trailing_data
            self._await("head" if begun or self.cycle is None else "request")
        else:
            self._await("body" if self.conn.their_state is h11.SEND_BODY else None)

    def _await(self, what: str | None) -> None:
        if what == self._awaited:
            return
        if self._too_late is not None:
            self._too_late.cancel()
        # Who was idle and has begun a request waits no longer than before: that might be the first byte of many.
        if what not in ("head", "body", "request"):
            self.waiting_since = None
        elif self.waiting_since is None:
            self.waiting_since = self.loop.time()
        seconds = _TIMEOUTS.get(what or "")
        self._too_late = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)
        self._awaited = what


_TIMEOUTS = {"head": HEAD_TIMEOUT, "body": BODY_TIMEOUT, "reader": BODY_TIMEOUT}
"""Seconds, by what is awaited of a client; the next request of an idle connection has uvicorn's own time-out."""
