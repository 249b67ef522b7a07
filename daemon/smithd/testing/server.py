"""A real HTTP server on loopback that answers as a test says: with recorded answers, or with wrong ones."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that the server received."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server answers. ``cut``: announce more than is sent; ``hang``: send nothing until the server stops."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False


Replies = Mapping[str, Reply | Callable[[ReceivedRequest], Reply]]


class Server:
    """Gives each path its reply, and keeps the ``requests`` that it received; a path without one is answered 404.

    Set ``replies`` as you like while it runs. ``url`` is its address. A context manager: it stops at the end of the
    block. ``tls``: it speaks HTTPS.
    """

    def __init__(self, replies: Replies | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.replies = dict(replies or {})
        self.requests: list[ReceivedRequest] = []
        self.stopping = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body are sent separately, and Nagle's algorithm would delay the body.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                server._answer(self)

            do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - names of http.server

            def log_message(self, *_: Any) -> None:
                """Tests need no log."""

        self._server = _Counting(("127.0.0.1", 0), Handler)
        if tls is not None:
            # The handshake is left to the connection's thread: a client that never makes it would stop the server.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._scheme = "http" if tls is None else "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.place}"

    def is_left(self, seconds: float = 10.0) -> bool:
        """Whether every connection is closed by the other side within this many seconds."""
        return self._server.left.wait(seconds)

    def stop(self) -> None:
        """Stop answering."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reply(self, request: ReceivedRequest) -> Reply:
        """The reply for a request: that of its path. A subclass may decide otherwise."""
        # A request by way of a proxy has a whole URL as its path.
        path = re.sub(r"^https?://[^/]*", "", request.path).partition("?")[0]
        reply = self.replies.get(path, Reply(b"nothing here", 404))
        return reply if isinstance(reply, Reply) else reply(request)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = ReceivedRequest(handler.command, handler.path, handler.headers, body)
        self.requests.append(request)
        reply = self.reply(request)
        if reply.hang:
            self.stopping.wait()
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        handler.send_header("Content-Length", str(len(reply.body) + 1000 * reply.cut))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body)
        # Where more was announced than is sent, the client waits for the rest until the connection ends.
        handler.close_connection = handler.close_connection or reply.cut


class _Counting(ThreadingHTTPServer):
    """Knows whether there are connections."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.left = threading.Event()
        self.left.set()
        self._connected = 0
        self._counting = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        # Counted before the connection has a thread, which may start late.
        self._count(+1)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self._connected += change
            (self.left.clear if self._connected else self.left.set)()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are expected."""
