"""A source that asks an address for JSON, and takes its metrics from there by JSONPath."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from smithd.plugin import (
    BadResponse,
    Context,
    Misconfigured,
    RawSample,
    Redactor,
    Response,
    Source,
    SourceError,
    Threads,
)
from smithd_sources.http_json.client import HttpJsonClient, PageResponse
from smithd_sources.http_json.json_path import CompiledPath
from smithd_sources.http_json.link_header import next_link
from smithd_sources.http_json.metric import read_metric
from smithd_sources.http_json.options import BodyFormat, HttpJsonOptions, PagesOptions
from smithd_sources.http_json.quantity import TimeContext
from smithd_sources.http_options import cut, excerpt, place
from smithd_sources.partial_failure import PartialFailures

T = TypeVar("T")

AT_ONCE = 16_000
"""The bytes of an answer that may be parsed, and read by plain paths, on the event loop: a few milliseconds at worst.
Other paths can take any time over a few bytes (``$..[?@..x]``).
"""


@dataclass(slots=True)
class ParsedPages:
    """What was parsed: a document for each page, and their bytes."""

    pages: list[Any]
    size: int


_NOTHING = ParsedPages([], 0)


class HttpJson(Source[HttpJsonOptions]):
    """Numbers in the JSON at an address, by JSONPath; all of a source's metrics in one request."""

    Options = HttpJsonOptions

    def __init__(self, options: HttpJsonOptions, context: Context) -> None:
        super().__init__(options, context)
        self._place = place(options.url)
        self._is_plain = all(path.plain for path in _paths(options))
        self._threads = Threads(f"search {context.name}", places=1)
        self._client: HttpJsonClient | None = None
        self._kept = _NOTHING

    @classmethod
    def metrics(cls, options: HttpJsonOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        try:
            self._client = HttpJsonClient(self.options, self.context, self._headers(), self._body())
        except OSError as error:
            raise Misconfigured(f"under tls: {error}") from None
        except ValueError as error:
            raise Misconfigured(f"the address cannot be used: {error}") from None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "*/*" if self.options.format is BodyFormat.NUMBER else "application/json"}
        if self.options.body is not None:
            is_text = isinstance(self.options.body, str)
            headers["Content-Type"] = "text/plain; charset=utf-8" if is_text else "application/json"
        return headers

    def _body(self) -> str | None:
        body = self.options.body
        return body if isinstance(body, str | None) else json.dumps(body)

    async def poll(self) -> Iterable[RawSample]:
        assert self._client is not None  # open comes first
        try:
            return await self._ask(self._client)
        except SourceError as error:
            raise type(error)(_without(self._client.secrets(), str(error)), samples=error.samples) from None

    async def _ask(self, client: HttpJsonClient) -> Iterable[RawSample]:
        page, documents, failures = await client.ask(), self._kept, PartialFailures()
        if page is not None:
            documents = ParsedPages([await self._parsed(page.answer)], len(page.answer.body))
            self._kept = documents if client.take(page) else _NOTHING
            if self.options.pages is not None:
                await self._turn_pages(client, page, self.options.pages, documents, failures)
        return await self._searched(documents.size, lambda: self._read(documents.pages, failures))

    async def _turn_pages(
        self,
        client: HttpJsonClient,
        page: PageResponse,
        wanted: PagesOptions,
        documents: ParsedPages,
        failures: PartialFailures,
    ) -> None:
        """Ask for the pages that follow, and add them to the documents. What breaks off there costs the rest only."""
        seen = {self.options.url, f"{self.options.url}/", page.address}
        try:
            while following := await self._next(page, wanted.next, documents):
                if len(documents.pages) == wanted.at_most:
                    raise BadResponse(f"there are more than {wanted.at_most} pages; pages.at_most can be raised")
                page = await client.ask_page(page, following)
                if page.address in seen:
                    raise BadResponse(f"the next page of {self._place} is one that was read already")
                seen.add(page.address)
                documents.size += len(page.answer.body)
                if documents.size > self.options.max_size:
                    raise BadResponse(
                        f"the pages of {self._place} are larger than {self.options.max_size} bytes together"
                    )
                documents.pages.append(await self._parsed(page.answer))
        except SourceError as error:
            failures.add(error)

    async def _next(self, page: PageResponse, path: str | CompiledPath, documents: ParsedPages) -> str | None:
        """Where the page after this one is, the last of our documents; None where there is none."""
        if isinstance(path, str):
            return next_link(page.answer.headers.get("link", ""))
        found = await self._searched(len(page.answer.body), lambda: path.find(documents.pages[-1]))
        if not found or found[0] is None or found[0] == "":
            return None
        if not isinstance(found[0], str):
            raise BadResponse(f"{path} is not the address of the next page")
        return found[0]

    async def _parsed(self, answer: Response) -> Any:
        return await self._aside(len(answer.body) > AT_ONCE, lambda: self._parse(answer))

    async def _searched(self, size: int, call: Callable[[], T]) -> T:
        """What ``call`` returns, which follows our paths in documents of so many bytes."""
        return await self._aside(size > AT_ONCE or not self._is_plain, call)

    async def _aside(self, is_long: bool, call: Callable[[], T]) -> T:
        """What ``call`` returns; in a thread, if it may take long."""
        return await self._threads.run(call) if is_long else call()

    def _parse(self, answer: Response) -> Any:
        match self.options.format:
            case BodyFormat.JSON:
                return self._made(json.loads, answer.body, "JSON", answer)
            case BodyFormat.LINES:
                lines = enumerate(answer.body.splitlines(), 1)
                return [self._made(json.loads, line, f"JSON in line {n}", answer) for n, line in lines if line.strip()]
            case BodyFormat.NUMBER:
                return self._made(lambda body: body.decode().strip(), answer.body, "a number", answer)

    def _made(self, make: Callable[[bytes], Any], body: bytes, expected: str, answer: Response) -> Any:
        try:
            return make(body)
        except RecursionError:
            raise BadResponse(f"{self._place}: the answer is nested too deep") from None
        except ValueError:  # of JSON, of its encoding, and of numbers with thousands of digits
            kind = answer.headers.get("content-type") or "no content type"
            hint = " (a page for people; is it a login?)" if "html" in kind.lower() else ""
            raise BadResponse(f"{self._place}: expected {expected}, got {cut(kind)}{hint}: {excerpt(body)}") from None

    def _read(self, pages: Sequence[Any], failures: PartialFailures) -> Iterable[RawSample]:
        moment = TimeContext(self.context.clock.now(), self.context.zone)
        samples: list[RawSample] = []
        for name, metric in self.options.metrics.items():
            try:
                samples += read_metric(name, metric, pages, moment, lambda text: failures.add(BadResponse(text)))
            except BadResponse as error:
                failures.add(BadResponse(f"{name}: {error}"))
        return failures.settle(samples)


def _paths(options: HttpJsonOptions) -> Iterator[CompiledPath]:
    for metric in options.metrics.values():
        yield from metric.paths()
    if options.pages is not None and isinstance(options.pages.next, CompiledPath):
        yield options.pages.next


def _without(secrets: Iterable[str], text: str) -> str:
    """A text that may show parts of an answer, which may repeat what was sent."""
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return redactor.clean(text)
