"""The transport of Prometheus' client: our own checks of certificates, and requests that another thread can end."""

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
    """A request that runs in one thread; ``end`` ends it from another.

    A socket's time-out bounds each silence, not the whole answer. Shutting its connection down wakes the thread that
    waits for it at any point: in the TLS handshake, in headers that come byte by byte, in a body without an end.
    """

    _of_this_thread = threading.local()

    def __init__(self) -> None:
        self.missing = "the other queries left it no time: no answer"
        """What has not come yet, in words."""
        self._ended = False
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.missing = "no connection"
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
        """End the request, now or as soon as it connects. Does nothing after the answer."""
        with self._lock:
            self._ended = True
            for handle in self._handles:
                _shut_down(handle)

    @staticmethod
    def uses(connection: socket.socket) -> None:
        """Note that the request of this thread uses this connection from now on."""
        pending: PendingRequest | None = getattr(PendingRequest._of_this_thread, "current", None)
        if pending is None:
            return
        # A handle of its own: TLS detaches the socket that it wraps, and the number of a closed one may be reused.
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with pending._lock:
            pending.missing = "no answer"
            pending._handles.append(handle)
            if pending._ended:
                _shut_down(handle)


def _shut_down(handle: socket.socket) -> None:
    # The other side may have closed it already.
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        PendingRequest.uses(made)
        return made

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3 itself
        if self.sock is not None:
            # This connection was kept from an earlier request.
            PendingRequest.uses(self.sock)
        return super().getresponse()


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


_POOLS = {"http": _Pool, "https": _TLSPool}


class TLSAdapter(HTTPAdapter):
    """Checks certificates as the rest of smithd does, and not by the authorities that requests brings along."""

    def __init__(self, tls: TLS, places: int) -> None:
        self._context = tls.context()
        self._verify = tls.verify
        super().__init__(pool_maxsize=places)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {key: value for key, value in pool.items() if key not in ("ca_certs", "ca_cert_dir")}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - requests' signature
        # Left alone, requests loads its own authorities, or those of REQUESTS_CA_BUNDLE, into our context.
        conn.cert_reqs = "CERT_REQUIRED" if self._verify else "CERT_NONE"
