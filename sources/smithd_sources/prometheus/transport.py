"""How the client of Prometheus reaches it: our own way of checking certificates, and requests that can be ended."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from smithd.plugin import TLS


class PendingRequest:
    """A question under way, in one thread; ``end`` ends it from another.

    The time-outs of a socket count silences: only whoever waits for the whole of an answer knows that it takes too
    long. A connection that is shut down wakes whoever waits for it, wherever it stands: in the greeting of TLS, in
    headers that come byte by byte, in a body without an end.
    """

    _of_this_thread = threading.local()

    def __init__(self) -> None:
        self.lacks = "the other queries left it no time: no answer"
        """What there is not yet, in words."""
        self._ended = False
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.lacks = "no connection"
        PendingRequest._of_this_thread.current = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        PendingRequest._of_this_thread.current = None
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def end(self) -> None:
        """Break off what runs, and whatever of it comes later; after the answer this does nothing."""
        with self._lock:
            self._ended = True
            for handle in self._handles:
                _shut_down(handle)

    @staticmethod
    def over(connection: socket.socket) -> None:
        """From now on, this thread asks over this connection."""
        pending: PendingRequest | None = getattr(PendingRequest._of_this_thread, "current", None)
        if pending is not None:
            pending._watch(connection)

    def _watch(self, connection: socket.socket) -> None:
        # A handle of our own: TLS takes the socket away from whoever had it, and a number may be another's by then.
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self.lacks = "no answer"
            self._handles.append(handle)
            if self._ended:
                _shut_down(handle)


def _shut_down(handle: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        handle.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        PendingRequest.over(made)
        return made

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3 itself
        if self.sock is not None:
            PendingRequest.over(self.sock)  # one that was kept from an earlier question
        return super().getresponse()


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class TLSAdapter(HTTPAdapter):
    """Checks certificates as the rest of smithd does, and never by the authorities that requests brings along."""

    def __init__(self, tls: TLS, places: int) -> None:
        self._context = tls.context()
        self._checks = tls.verify
        super().__init__(pool_maxsize=places)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)
        self._have_watched(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)
        self._have_watched(manager)
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {key: value for key, value in pool.items() if key not in ("ca_certs", "ca_cert_dir")}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - requests' signature
        # requests would have its own authorities, or those of REQUESTS_CA_BUNDLE, loaded into our context.
        conn.cert_reqs = "CERT_REQUIRED" if self._checks else "CERT_NONE"

    @staticmethod
    def _have_watched(manager: Any) -> None:
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
