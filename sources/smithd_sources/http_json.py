"""A source that asks an address for JSON, and takes its metrics from there by JSONPath."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable
from typing import Any, Literal

from pydantic import Field

from smithd.plugin import (
    Answer,
    BadAnswer,
    Context,
    MetricName,
    Misconfigured,
    NoAnswer,
    Prepared,
    Sample,
    Size,
    Source,
    SourceError,
    Threads,
    Unavailable,
    Unreadable,
    Untrusted,
)
from smithd_sources.connection import PATIENCE, Connection, Text, excerpt, place, refusal, reveal
from smithd_sources.json_metric import JSONMetric, read_metric
from smithd_sources.partly import settle

SEARCHED_AT_ONCE = 64_000
"""The bytes of an answer that a path with ``..`` or a filter may search on the event loop."""


class HttpJsonOptions(Connection):
    """What may stand under a source of ``type: http_json``."""

    method: Literal["GET", "POST"] | None = Field(None, description="default: GET, or POST where there is a body")
    query: dict[str, Text] = Field({}, description="parameters to add to the address; values may be secrets")
    body: Any = Field(None, repr=False, description="a text to send as it is, or anything else to send as JSON")
    max_size: Size = Field(5_000_000, description="the largest answer to accept, unpacked")
    metrics: dict[MetricName, JSONMetric] = Field(min_length=1, description="metric to the JSONPath of its value")


class HttpJson(Source[HttpJsonOptions]):
    """Numbers in the JSON at an address, by JSONPath; all of a source's metrics in one request."""

    Options = HttpJsonOptions

    def __init__(self, options: HttpJsonOptions, context: Context) -> None:
        super().__init__(options, context)
        self._place = place(options.url)
        self._at_once = _searched_at_once(options.metrics.values())
        self._threads = Threads(f"search {context.name}", places=1)
        self._request: Prepared | None = None

    @classmethod
    def metrics(cls, options: HttpJsonOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        options = self.options
        try:
            self._request = self.context.http.prepare(
                options.method or ("GET" if options.body is None else "POST"),
                options.url,
                query=reveal(options.query),
                headers=self._headers(),
                content=self._body(),
                timeout=PATIENCE * self.context.timeout,
                limit=options.max_size,
                tls=options.tls.settings(),
            )
        except OSError as error:
            raise Misconfigured(f"the files under tls cannot be used: {error}") from None
        except ValueError as error:
            raise Misconfigured(f"the address cannot be used: {error}") from None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if not isinstance(self.options.body, str | None):
            headers["Content-Type"] = "application/json"
        return headers | self.options.sent_headers()

    def _body(self) -> str | None:
        body = self.options.body
        return body if isinstance(body, str | None) else json.dumps(body)

    async def poll(self) -> Iterable[Sample]:
        answer = await self._ask()
        if len(answer.body) <= self._at_once:
            return self._read(answer)
        return await self._threads.run(lambda: self._read(answer))

    async def _ask(self) -> Answer:
        assert self._request is not None  # open comes first
        try:
            answer = await self._request.send()
        except Untrusted as error:
            raise Misconfigured(f"{self._place}: {error}") from None
        except NoAnswer as error:
            raise Unavailable(f"{self._place}: {error}") from None
        except Unreadable as error:
            raise BadAnswer(f"{self._place}: {error}") from None
        if 200 <= answer.status < 300:
            return answer
        raise refusal(self._place, answer.status, answer.headers.get("location", ""), excerpt(answer.body))

    def _read(self, answer: Answer) -> Iterable[Sample]:
        document = self._parse(answer)
        samples: list[Sample] = []
        failures: list[SourceError] = []
        for name, metric in self.options.metrics.items():
            try:
                samples += read_metric(name, metric, document, lambda text: failures.append(BadAnswer(text)))
            except BadAnswer as error:
                failures.append(BadAnswer(f"{name}: {error}"))
        return settle(samples, failures)

    def _parse(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except RecursionError:
            raise BadAnswer(f"{self._place}: the answer is nested too deep") from None
        except ValueError:  # of JSON, of its encoding, and of numbers with thousands of digits
            kind = answer.headers.get("content-type") or "no content type"
            hint = " (a page for people; is it a login?)" if "html" in kind.lower() else ""
            raise BadAnswer(f"{self._place}: expected JSON, got {kind}{hint}: {excerpt(answer.body)}") from None


def _searched_at_once(metrics: Iterable[JSONMetric]) -> float:
    """The size of an answer up to which these metrics are read on the event loop; beyond it, in a thread."""
    paths = [path for metric in metrics for path in metric.paths()]
    if any(path.regular for path in paths):
        return 0
    return math.inf if all(path.plain for path in paths) else SEARCHED_AT_ONCE
