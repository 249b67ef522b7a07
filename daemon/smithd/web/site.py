"""The page of a running daemon, through its reloads: on the port that it has, or on another."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from smithd.clock import Clock
from smithd.config.model import Config, Network, WebOptions
from smithd.control import Handler
from smithd.engine.engine import Engine
from smithd.events import Events, Serving
from smithd.redactor import Redactor
from smithd.web.reads import windows
from smithd.web.recent import Recent

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from smithd.web.probes import Probes

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Site:
    """Where the page is served, if anywhere. A context manager: leaving it gives the port back."""

    def __init__(
        self,
        clock: Clock,
        events: Events,
        redactor: Redactor,
        probes: Callable[[Config], Probes],
        commands: Mapping[str, Handler] = MappingProxyType({}),
    ) -> None:
        """``probes``: what answers monitors while a configuration is in use. ``commands``: what the daemon answers to
        the control socket; the page asks the same.
        """
        self._probes = probes
        self._clock = clock
        self._events = events
        self._commands = commands
        self._recent = Recent(clock, redactor)
        events.listen(self._recent)
        self._web: WebOptions | None = None
        self._listener: socket.socket | None = None
        self._app: ASGIApp | None = None
        self._serving: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page of today's configuration, as an ASGI application."""
        assert self._app is not None
        await self._app(scope, receive, send)

    def place(self, web: WebOptions | None) -> socket.socket | None:
        """The socket for a page with these options (None: there is no page); the one in use, where the address stays.

        Raises ListenError where a port cannot be had; nothing has changed then.
        """
        if web is None:
            return None
        if self._web is not None and web.listen == self._web.listen:
            return self._listener
        # Imported here, since a daemon without a page needs no server.
        from smithd.serving import bind

        return bind(*web.listen)

    def leave(self, listener: socket.socket | None) -> None:
        """Close a socket from ``place`` that is not needed after all."""
        if listener is not None and listener is not self._listener:
            listener.close()

    def show(self, config: Config, engine: Engine, listener: socket.socket | None, spawn: Spawn) -> None:
        """Show this configuration from now on, on the socket that ``place`` returned for it."""
        web = self._web = config.web
        if web is not None:
            from smithd.web.app import build

            token = web.token.get_secret_value() if web.token is not None else None
            reads = windows(config, engine, self._clock, self._recent, self._commands)
            self._app = build(reads, host=web.listen.host, token=token, probes=self._probes(config))
        # The server goes on where the port stays: it serves this object, which asks the new page from now on.
        if listener is self._listener:
            return

        if self._serving is not None:
            # This closes its listener too: `serve` does that in any case.
            self._serving.cancel()
        self._listener, self._serving = listener, None
        if listener is not None:
            from smithd.serving import serve

            self._serving = spawn(serve(self, listener, self._trusted_proxies))
            host, port = listener.getsockname()[:2]
            self._events.publish(Serving(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"))

    def _trusted_proxies(self) -> Iterable[Network]:
        """Those of today's configuration."""
        return () if self._web is None else self._web.trusted_proxies

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close()
