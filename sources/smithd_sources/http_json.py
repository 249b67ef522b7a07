"""A source that asks an address for JSON, and takes its metrics from there by JSONPath."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from smithd.plugin import Answer, BadAnswer, Context, Misconfigured, Sample, Source, SourceError, Threads
from smithd_sources.connection import excerpt, place
from smithd_sources.exchange import Exchange
from smithd_sources.json_metric import JSONMetric, read_metric
from smithd_sources.json_options import Format, HttpJsonOptions
from smithd_sources.partly import settle
from smithd_sources.quantity import Moment

T = TypeVar("T")

SEARCHED_AT_ONCE = 64_000
"""The bytes of an answer that a path with ``..`` or a filter may search on the event loop."""


class HttpJson(Source[HttpJsonOptions]):
    """Numbers in the JSON at an address, by JSONPath; all of a source's metrics in one request."""

    Options = HttpJsonOptions

    def __init__(self, options: HttpJsonOptions, context: Context) -> None:
        super().__init__(options, context)
        self._place = place(options.url)
        self._at_once = _searched_at_once(options.metrics.values())
        self._threads = Threads(f"search {context.name}", places=1)
        self._exchange: Exchange | None = None
        self._pages: list[Any] = []

    @classmethod
    def metrics(cls, options: HttpJsonOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        try:
            self._exchange = Exchange(self.options, self.context, self._headers(), self._body())
        except OSError as error:
            raise Misconfigured(f"the files under tls cannot be used: {error}") from None
        except ValueError as error:
            raise Misconfigured(f"the address cannot be used: {error}") from None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "*/*" if self.options.format is Format.NUMBER else "application/json"}
        if not isinstance(self.options.body, str | None):
            headers["Content-Type"] = "application/json"
        return headers

    def _body(self) -> str | None:
        body = self.options.body
        return body if isinstance(body, str | None) else json.dumps(body)

    async def poll(self) -> Iterable[Sample]:
        assert self._exchange is not None  # open comes first
        answer = await self._exchange.ask()
        failures: list[SourceError] = []
        size = 0
        if answer is not None:
            size = len(answer.body)
            self._pages = [await self._parsed(answer)]
            if self.options.pages is not None:
                size += await self._turn_pages(self._exchange, answer, failures)
        return await self._aside(size, lambda: self._read(failures))

    async def _turn_pages(self, exchange: Exchange, answer: Answer, failures: list[SourceError]) -> int:
        """Ask for the pages that follow an answer; returns their bytes. What breaks off there costs the rest only."""
        assert self.options.pages is not None
        address, size, seen = self.options.url, 0, {self.options.url, f"{self.options.url}/"}
        try:
            while page := self._next(exchange, answer):
                if len(self._pages) == self.options.pages.at_most:
                    raise BadAnswer(f"there are more than {len(self._pages)} pages; pages.at_most can be raised")
                answer, address = await exchange.ask_page(address, page)
                if address in seen:
                    raise BadAnswer(f"the next page of {self._place} is one that was read already")
                seen.add(address)
                size += len(answer.body)
                if size > self.options.max_size:
                    raise BadAnswer(
                        f"the pages of {self._place} are larger than {self.options.max_size} bytes together"
                    )
                self._pages.append(await self._parsed(answer))
        except SourceError as error:
            failures.append(error)
        return size

    def _next(self, exchange: Exchange, answer: Answer) -> str | None:
        """Where the page after this answer is, which is the last of our pages; None where there is none."""
        assert self.options.pages is not None
        path = self.options.pages.next
        if isinstance(path, str):
            return exchange.next_link(answer)
        found = path.find(self._pages[-1])
        if not found or found[0] is None or found[0] == "":
            return None
        if not isinstance(found[0], str):
            raise BadAnswer(f"{path} is not the address of the next page")
        return found[0]

    async def _parsed(self, answer: Answer) -> Any:
        return await self._aside(len(answer.body), lambda: self._parse(answer))

    async def _aside(self, size: int, call: Callable[[], T]) -> T:
        """What ``call`` returns, on so many bytes: in a thread, where our paths may take long over them."""
        return call() if size <= self._at_once else await self._threads.run(call)

    def _parse(self, answer: Answer) -> Any:
        try:
            match self.options.format:
                case Format.JSON:
                    return json.loads(answer.body)
                case Format.LINES:
                    return [json.loads(line) for line in answer.body.splitlines() if line.strip()]
                case Format.NUMBER:
                    return answer.body.decode().strip()
        except RecursionError:
            raise BadAnswer(f"{self._place}: the answer is nested too deep") from None
        except ValueError:  # of JSON, of its encoding, and of numbers with thousands of digits
            kind = answer.headers.get("content-type") or "no content type"
            hint = " (a page for people; is it a login?)" if "html" in kind.lower() else ""
            expected = {Format.LINES: "a line of JSON", Format.NUMBER: "a number"}.get(self.options.format, "JSON")
            raise BadAnswer(f"{self._place}: expected {expected}, got {kind}{hint}: {excerpt(answer.body)}") from None

    def _read(self, failures: list[SourceError]) -> Iterable[Sample]:
        moment = Moment(self.context.clock.now(), self.context.zone)
        samples: list[Sample] = []
        for name, metric in self.options.metrics.items():
            try:
                samples += read_metric(name, metric, self._pages, moment, lambda text: failures.append(BadAnswer(text)))
            except BadAnswer as error:
                failures.append(BadAnswer(f"{name}: {error}"))
        return settle(samples, failures)


def _searched_at_once(metrics: Iterable[JSONMetric]) -> float:
    """The size of an answer up to which these metrics are read on the event loop; beyond it, in a thread."""
    paths = [path for metric in metrics for path in metric.paths()]
    if any(path.regular for path in paths):
        return 0
    return math.inf if all(path.plain for path in paths) else SEARCHED_AT_ONCE
