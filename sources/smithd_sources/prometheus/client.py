"""Prometheus' HTTP API through prometheus-api-client, kept thin: no retries, a time-out, and nothing that it drops.

Imported when a Prometheus source is first opened. Everything here blocks.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect

from smithd.plugin import TLS, BadResponse, Misconfigured, SourceError, Unavailable
from smithd_sources.http_errors import excerpt, place, status_failure
from smithd_sources.prometheus.response import NotPrometheus, QueryResponse, parse_response
from smithd_sources.prometheus.transport import PendingRequest, TLSAdapter

LIMIT = 20_000_000
"""The bytes of an answer, unpacked: more than 10,000 series with long labels have."""
_QUERY_AT_FAULT = (400, 422)
_CHUNK = 65_536
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
_WHAT_TO_DO = {
    10: "it has to be renewed",
    18: "name its authority under tls: ca_file",
    19: "name its authority under tls: ca_file",
    20: "name its authority under tls: ca_file",
    62: "ask it by a name that is in it",
    64: "ask it by a name that is in it",
}
"""By the numbers that OpenSSL has for what is wrong with a certificate."""


class _QueryRefused(Exception):
    """Prometheus will not evaluate this query; the text is its own."""


class PrometheusClient:
    """Asks one Prometheus; may be used by several threads at once."""

    def __init__(self, url: str, headers: Mapping[str, str], tls: TLS, *, timeout: float, places: int) -> None:
        """``timeout`` (seconds) bounds the connecting and each silence; the server is asked for a little less. The
        whole of an answer is for whoever asks to bound: ``PendingRequest.end``.

        Raises OSError where a file that ``tls`` names cannot be used.
        """
        self._place = place(url)
        self._params = {"timeout": f"{int(timeout * 810)}ms"}
        self._question = threading.local()
        session = requests.Session()
        session.auth = _leave_alone  # else requests would look for a password in ~/.netrc
        session.verify = tls.verify
        if not tls.verify:
            warnings.filterwarnings("ignore", "Unverified HTTPS request")  # whoever wrote the configuration knows
        session.hooks["response"] = [self._keep_response]
        self._api = PrometheusConnect(url.rstrip("/"), dict(headers), session=session, timeout=(timeout, timeout))
        session.mount(url.rstrip("/"), TLSAdapter(tls, places))  # in place of the one that tries again and sleeps
        self._session = session

    def ask(self, pending: PendingRequest, name: str, query: str, most: int, at: float | None = None) -> QueryResponse:
        """The value of a query at a moment (seconds since 1970; None: the server's now), ``most`` series of it.

        ``name`` is its metric's, for the samples and for a SourceError's text.
        """
        self._question.name, self._question.most = name, most
        moment = {} if at is None else {"time": f"{at:.3f}"}
        try:
            with pending:
                self._api.custom_query(query, params=self._params | moment)
        except _QueryRefused as error:
            raise Misconfigured(f"{name}: Prometheus refuses the query: {error}") from None
        except requests.RequestException as error:
            raise self._no_answer(error) from None
        response: QueryResponse = self._question.response
        return response

    def late(self, pending: PendingRequest) -> Unavailable:
        """What there is to say of a question that took too long."""
        return Unavailable(f"{self._place}: {pending.lacks} within the time-out")

    def close(self) -> None:
        """Close the connections that are idle; those in use end with their answer."""
        self._session.close()

    def _keep_response(self, response: requests.Response, **_: Any) -> None:
        """Comes before prometheus-api-client, which drops the type of the result, the warnings, and errors' texts."""
        self._question.response = self._parse(response, self._read(response))
        response._content = b'{"data": {"result": []}}'  # the library would parse the whole answer a second time

    def _parse(self, response: requests.Response, body: bytes) -> QueryResponse:
        parsed: QueryResponse | None = None
        try:
            parsed = parse_response(self._question.name, body, self._question.most)
        except NotPrometheus:
            said = excerpt(body)
        else:
            said = parsed.error or excerpt(body)
            if parsed.error is not None and response.status_code in _QUERY_AT_FAULT:
                raise _QueryRefused(parsed.error)
        if response.status_code != 200:
            raise status_failure(self._place, response.status_code, response.headers.get("location", ""), said)
        if parsed is None or parsed.error is not None:
            kind = response.headers.get("content-type", "no content type")
            raise BadResponse(f"{self._place}: expected Prometheus' answer, got {kind}: {said}")
        return parsed

    def _read(self, response: requests.Response) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_content(_CHUNK):  # requests has no other way to cap an answer
            chunks.append(chunk)
            size += len(chunk)
            if size > LIMIT:
                response.close()
                raise BadResponse(f"{self._place}: the answer is larger than {LIMIT} bytes: aggregate in the query")
        return b"".join(chunks)

    def _no_answer(self, error: requests.RequestException) -> SourceError:
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            what_to_do = _WHAT_TO_DO.get(root.verify_code, "see the source's tls options")
            return Misconfigured(f"{self._place}: its certificate is not trusted: {root.verify_message}; {what_to_do}")
        return Unavailable(f"{self._place}: {_happened(error, root)}")


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _root(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _happened(error: requests.RequestException, root: BaseException) -> str:
    """What became of a request, and what to look at."""
    match root:
        case _ if isinstance(error, requests.ConnectTimeout):
            return "no connection within the time-out"
        case TimeoutError():
            return "no answer within the time-out"
        case socket.gaierror():
            return "its name is not known: check the url, and the DNS of this machine"
        case ConnectionRefusedError():
            return "connection refused: does it run, and is the port right?"
        case http.client.RemoteDisconnected():
            return "it closed the connection without an answer"
        case http.client.BadStatusLine():
            return f"it does not answer in HTTP: is this its port? It says {excerpt(str(root).encode())}"
        case ssl.SSLError(reason=reason) if reason in _NO_TLS:
            return "it does not speak TLS: is its address one of http, not https?"
        case ssl.SSLError(reason=reason):
            return f"TLS failed: {reason}"
        case OSError() if root.strerror:
            return root.strerror.lower()
    return str(root) or type(root).__name__
