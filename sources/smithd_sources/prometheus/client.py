"""Prometheus' HTTP API through prometheus-api-client: without retries, with a time-out, and with all that it drops.

Imported when a Prometheus source is first opened. Everything here blocks.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import warnings
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect

from smithd.plugin import TLS, BadResponse, BodyPace, Clock, Misconfigured, TimedOut, Unavailable, quoted
from smithd_sources.http_errors import excerpt, one_line, place, status_failure
from smithd_sources.prometheus.response import NotPrometheus, QueryResponse, parse_response
from smithd_sources.prometheus.transport import PendingRequest, TLSAdapter

LIMIT = 20_000_000
"""The bytes of an answer, unpacked: more than 10,000 series with long labels have."""
_QUERY_AT_FAULT = (400, 422)
_CHUNK = 65_536
_SERIES = b'{"metric":{'
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
_ADVICE = {
    9: "are the clocks right, here and there?",
    10: "it has to be renewed, if the clock here is right",
    18: "name its authority under tls: ca_file",
    19: "name its authority under tls: ca_file",
    20: "name its authority under tls: ca_file",
    21: "name its authority under tls: ca_file",
    62: "ask it by a name that is in it",
    64: "ask it by a name that is in it",
}
"""By OpenSSL's numbers for what is wrong with a certificate."""


class _QueryRefused(Exception):
    """Prometheus refuses this query; the text is Prometheus' own."""


class PrometheusClient:
    """The client of one Prometheus; several threads may use it at once."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        tls: TLS,
        *,
        timeout: float,
        places: int,
        clock: Clock,
        zone: tzinfo,
        ways: Mapping[str, bool] = {},
    ) -> None:
        """``timeout`` (seconds) bounds the connecting and each silence; the server is given a little less. The whole
        answer is bounded by the caller, with ``PendingRequest.end``. Moments in errors are on the clocks of ``zone``.
        ``ways``: the keys under ``auth`` that there are, and whether they are used.

        Raises OSError where a file that ``tls`` names cannot be used.
        """
        self._place = place(url)
        self._ways = ways
        self._clock = clock
        self._zone = zone
        # The server stops a little before we do, so that its own reason arrives.
        self._params = {"timeout": f"{int(timeout * 810)}ms"}
        self._of_this_thread = threading.local()
        session = requests.Session()
        # Without an auth of its own, requests would look for a password in ~/.netrc.
        session.auth = lambda request: request
        session.verify = tls.verify
        if not tls.verify:
            # The configuration asks for just that.
            warnings.filterwarnings("ignore", "Unverified HTTPS request")
        session.hooks["response"] = [self._keep_response]
        self._api = PrometheusConnect(url.rstrip("/"), dict(headers), session=session, timeout=(timeout, timeout))
        # The library's own adapter retries, and sleeps in between.
        session.mount(url.rstrip("/"), TLSAdapter(tls, places))
        self._session = session

    def query(
        self, pending: PendingRequest, name: str, query: str, most: int, at: float | None = None
    ) -> QueryResponse:
        """At most ``most`` series of a query's result, at a moment (seconds since 1970; None: the server's now).

        ``name`` is the metric's, for the samples and for the text of a SourceError.
        """
        # The library calls ``_keep_response`` in this thread, and passes nothing of ours on to it.
        self._of_this_thread.name, self._of_this_thread.most = name, most
        moment = {} if at is None else {"time": f"{at:.3f}"}
        try:
            with pending:
                self._api.custom_query(query, params=self._params | moment)
        except _QueryRefused as error:
            raise Misconfigured(f"{name}: Prometheus refuses the query: {error}") from None
        except requests.RequestException as error:
            # requests and urllib3 wrap errors several times; the innermost one says what happened.
            root: BaseException = error
            while (inner := root.__cause__ or root.__context__) is not None:
                root = inner
            if isinstance(root, ssl.SSLCertVerificationError):
                advice = _ADVICE.get(root.verify_code, "see the source's tls options")
                said = f"its certificate is not trusted: {root.verify_message}; {advice}"
                raise Misconfigured(f"{self._place}: {said}") from None
            kind = TimedOut if isinstance(error, requests.Timeout) or isinstance(root, TimeoutError) else Unavailable
            raise kind(f"{self._place}: {_happened(error, root)}") from None
        response: QueryResponse = self._of_this_thread.response
        return response

    def too_late(self, pending: PendingRequest) -> TimedOut:
        """The error for a request that took too long."""
        return TimedOut(f"{self._place}: {pending.missing} within the time-out")

    def close(self) -> None:
        """Close the idle connections; those in use end with their answer."""
        self._session.close()

    def _keep_response(self, response: requests.Response, **_: Any) -> None:
        """Comes before prometheus-api-client, which drops the type of the result, the warnings, and errors' texts."""
        body = self._body(response)
        parsed: QueryResponse | None = None
        try:
            parsed = parse_response(self._of_this_thread.name, body, self._of_this_thread.most)
        except NotPrometheus:
            said = excerpt(body)
        else:
            said = quoted(parsed.error) if parsed.error else excerpt(body)
            # Only with an error of Prometheus' own: a proxy in between may answer 400 too.
            if parsed.error is not None and response.status_code in _QUERY_AT_FAULT:
                raise _QueryRefused(said)
        if response.status_code != 200:
            now = self._clock.now()
            raise status_failure(
                self._place, response.status_code, response.headers, said, now=now, zone=self._zone, ways=self._ways
            )
        if parsed is None or parsed.error is not None:
            kind = one_line(response.headers.get("content-type", "no content type"))
            raise BadResponse(f"{self._place}: expected Prometheus' answer, got {kind}: {said}")

        self._of_this_thread.response = parsed
        # The library would parse the whole answer a second time.
        response._content = b'{"data": {"result": []}}'

    def _body(self, response: requests.Response) -> bytes:
        """The body, as far as it is needed: to its end, or to the first series beyond the wanted ones."""
        chunks, size, series = list[bytes](), 0, 0
        pace = BodyPace(self._clock.monotonic())
        # requests has no other way to limit the size of an answer.
        for chunk in response.iter_content(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            problem = pace.problem(len(chunk), self._clock.monotonic())
            if size > LIMIT:
                problem = f"the answer is larger than {LIMIT} bytes: aggregate in the query"
            if problem is not None:
                response.close()
                raise BadResponse(f"{self._place}: {problem}")
            # As Prometheus writes it; in a label it would be escaped. What is written otherwise is read to its end.
            series += chunk.count(_SERIES)
            if series > self._of_this_thread.most + 1:
                response.close()
                body = b"".join(chunks)
                return body[: body.rindex(_SERIES)]
        return b"".join(chunks)


def _happened(error: requests.RequestException, root: BaseException) -> str:
    """What happened to a request, and what to check."""
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
    return quoted(str(root)) if str(root) else type(root).__name__
