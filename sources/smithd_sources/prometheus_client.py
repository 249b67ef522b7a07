"""Prometheus' HTTP API through prometheus-api-client, kept thin: no retries, a time-out, and nothing that it drops.

Imported when a Prometheus source is first opened. Everything here blocks.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter

from smithd.plugin import TLS, BadAnswer, Misconfigured, SourceError, Unavailable
from smithd_sources.connection import excerpt, place, refusal

LIMIT = 20_000_000
"""The bytes of an answer, unpacked: more than 10,000 series with long labels have."""
_QUERY_AT_FAULT = (400, 422)
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What a query brought; ``kind`` is Prometheus' resultType."""

    kind: str
    result: Any
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time to look at, in steps; all in seconds, from and to since 1970."""

    start: float
    end: float
    step: float


class _Refused(Exception):
    """Prometheus will not evaluate this query; the text is its own."""


class _Adapter(HTTPAdapter):
    """Checks certificates as the rest of smithd does, by the system's authorities and not by those of requests."""

    def __init__(self, tls: TLS, places: int) -> None:
        self._context = tls.context()
        super().__init__(pool_maxsize=places)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)


class Client:
    """Asks one Prometheus; may be used by several threads at once."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        tls: TLS,
        *,
        timeout: float,
        places: int,
    ) -> None:
        """``timeout`` (seconds) bounds the connecting and each silence; the server is asked for a little less.

        Raises OSError where a file that ``tls`` names cannot be used.
        """
        self._place = place(url)
        self._params = {"timeout": f"{int(timeout * 900)}ms"}
        self._replies = threading.local()
        session = requests.Session()
        session.auth = _leave_alone  # else requests would look for a password in ~/.netrc
        session.verify = (tls.ca_file or True) if tls.verify else False
        if not tls.verify:
            warnings.filterwarnings("ignore", "Unverified HTTPS request")  # whoever wrote the configuration knows
        session.hooks["response"] = [self._judge]
        self._api = PrometheusConnect(url.rstrip("/"), dict(headers), session=session, timeout=(timeout, timeout))
        session.mount(url.rstrip("/"), _Adapter(tls, places))  # in place of the one that tries again and sleeps
        self._session = session

    def ask(self, name: str, query: str, window: Window | None = None) -> Reply:
        """The value of a query now, or its values in a window; ``name`` is its metric's, for a SourceError's text."""
        try:
            if window is None:
                self._api.custom_query(query, params=self._params)
            else:
                start, end = (datetime.fromtimestamp(at, UTC) for at in (window.start, window.end))
                self._api.custom_query_range(query, start, end, f"{window.step:.3f}", params=self._params)
        except _Refused as error:
            raise Misconfigured(f"{name}: Prometheus refuses the query: {error}") from None
        except requests.RequestException as error:
            raise self._no_answer(error) from None
        reply: Reply = self._replies.last
        return reply

    def close(self) -> None:
        """Close the connections that are idle; those in use end with their answer."""
        self._session.close()

    def _judge(self, response: requests.Response, **_: Any) -> None:
        """Comes before prometheus-api-client, which drops the kind of result, the warnings, and what errors say."""
        response._content = self._read(response)  # requests has no other way to cap an answer
        self._replies.last = self._reply(response, _parse(response.content))

    def _reply(self, response: requests.Response, answer: dict[str, Any]) -> Reply:
        said = excerpt(response.content)
        if answer.get("status") == "error":
            said = f"{answer.get('error')} ({answer.get('errorType')})"
            if response.status_code in _QUERY_AT_FAULT:
                raise _Refused(said)
        if response.status_code != 200:
            raise refusal(self._place, response.status_code, response.headers.get("location", ""), said)
        data = answer.get("data")
        if not isinstance(data, dict) or not {"resultType", "result"} <= data.keys():
            kind = response.headers.get("content-type", "no content type")
            raise BadAnswer(f"{self._place}: expected Prometheus' answer, got {kind}: {said}")
        return Reply(data["resultType"], data["result"], tuple(_warnings(answer)))

    def _read(self, response: requests.Response) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_content(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > LIMIT:
                response.close()
                raise BadAnswer(f"{self._place}: the answer is larger than {LIMIT} bytes")
        return b"".join(chunks)

    def _no_answer(self, error: requests.RequestException) -> SourceError:
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            return Misconfigured(f"{self._place}: its certificate is not trusted: {root.verify_message}")
        return Unavailable(f"{self._place}: {_happened(error, root)}")


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _warnings(answer: dict[str, Any]) -> Iterator[str]:
    """What the server says of an answer that it gave all the same: Prometheus, Thanos, Mimir and VictoriaMetrics."""
    for key in ("warnings", "infos"):
        said = answer.get(key)
        yield from (str(text) for text in (said if isinstance(said, list) else ()))
    if answer.get("isPartial") is True:
        yield "the answer is partial: not every storage node answered"


def _root(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _happened(error: requests.RequestException, root: BaseException) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "no connection within the time-out"
    if isinstance(root, TimeoutError):
        return "no answer within the time-out"
    if isinstance(root, socket.gaierror):
        return "its name is not known"
    if isinstance(root, ssl.SSLError):
        return f"TLS failed: {root.reason}"
    if isinstance(root, OSError) and root.strerror:
        return root.strerror.lower()
    return str(root) or type(root).__name__
