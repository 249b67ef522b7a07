"""A source that polls an address for JSON, and takes its metrics from there by JSONPath."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
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
from smithd_sources.http_errors import cut, excerpt, place
from smithd_sources.http_json.client import HttpJsonClient, PageResponse
from smithd_sources.http_json.json_path import CompiledPath
from smithd_sources.http_json.link_header import next_link
from smithd_sources.http_json.metric import read_metric
from smithd_sources.http_json.options import BodyFormat, HttpJsonOptions, PagesOptions
from smithd_sources.partial_failure import PartialFailures
from smithd_sources.values import TimeContext

T = TypeVar("T")

ON_THE_LOOP = 16_000
"""The bytes of an answer that may be parsed, and searched by plain paths, on the event loop: a few milliseconds at
worst. Other paths can take any time over a few bytes (``$..[?@..x]``).
"""


@dataclass(slots=True)
class ParsedPages:
    """The parsed documents, one for each page, and their size in bytes."""

    documents: list[Any]
    size: int


class HttpJson(Source[HttpJsonOptions]):
    """Numbers in the JSON at an address, by JSONPath; all of a source's metrics in one request."""

    Options = HttpJsonOptions

    def __init__(self, options: HttpJsonOptions, context: Context) -> None:
        super().__init__(options, context)
        self._place = place(options.url)
        paths = [path for metric in options.metrics.values() for path in metric.paths()]
        if options.pages is not None and isinstance(options.pages.next, CompiledPath):
            paths.append(options.pages.next)
        self._is_plain = all(path.plain for path in paths)
        self._threads = Threads(f"search {context.name}", places=1)
        self._client: HttpJsonClient | None = None
        self._kept = ParsedPages([], 0)
        """The pages of the last response, where the server is asked for changes only."""

    @classmethod
    def metrics(cls, options: HttpJsonOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        body = self.options.body
        headers = {"Accept": "*/*" if self.options.format is BodyFormat.NUMBER else "application/json"}
        if body is not None:
            headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
        content = body if isinstance(body, str | None) else json.dumps(body)
        try:
            self._client = HttpJsonClient(self.options, self.context, headers, content)
        except OSError as error:
            raise Misconfigured(f"under tls: {error}") from None
        except ValueError as error:
            raise Misconfigured(f"the address cannot be used: {error}") from None

    async def poll(self) -> Iterable[RawSample]:
        client, pages, failures = self._client, self._kept, PartialFailures()
        assert client is not None  # open comes first
        try:
            page = await client.get()
            if page is not None:
                pages = ParsedPages([await self._parsed(page.response)], len(page.response.body))
                # Only now is it known that the response can be parsed: one that cannot must be sent again next time.
                self._kept = pages if client.use(page) else ParsedPages([], 0)
                if self.options.pages is not None:
                    await self._get_pages(client, page, self.options.pages, pages, failures)
            return await self._searched(pages.size, lambda: self._read(pages.documents, failures))
        except SourceError as error:
            # The text may show parts of an answer, which may repeat what was sent.
            redactor = Redactor()
            for secret in client.secrets():
                redactor.add(secret)
            raise type(error)(redactor.clean(str(error)), samples=error.samples) from None

    async def _get_pages(
        self,
        client: HttpJsonClient,
        page: PageResponse,
        wanted: PagesOptions,
        pages: ParsedPages,
        failures: PartialFailures,
    ) -> None:
        """Get the pages that follow, and add them. A failure there costs only the pages from there on."""
        # The address of a bare host may be written with a slash at its end, or without.
        seen = {self.options.url, f"{self.options.url}/", page.address}
        try:
            while following := await self._next_address(page, wanted.next, pages.documents[-1]):
                if len(pages.documents) == wanted.at_most:
                    raise BadResponse(f"there are more than {wanted.at_most} pages; pages.at_most can be raised")
                page = await client.get_page(page, following)
                if page.address in seen:
                    raise BadResponse(f"the next page of {self._place} is one that was read already")
                seen.add(page.address)
                pages.size += len(page.response.body)
                if pages.size > self.options.max_size:
                    raise BadResponse(
                        f"the pages of {self._place} are larger than {self.options.max_size} bytes together"
                    )
                pages.documents.append(await self._parsed(page.response))
        except SourceError as error:
            failures.add(error)

    async def _next_address(self, page: PageResponse, path: str | CompiledPath, document: Any) -> str | None:
        """The address of the next page, as this page or its ``document`` names it; None where there is none."""
        if isinstance(path, str):
            return next_link(page.response.headers.get("link", ""))
        found = await self._searched(len(page.response.body), lambda: path.find(document))
        if not found or found[0] is None or found[0] == "":
            return None
        if not isinstance(found[0], str):
            raise BadResponse(f"{path} is not the address of the next page")
        return found[0]

    async def _parsed(self, response: Response) -> Any:
        is_small = len(response.body) <= ON_THE_LOOP
        return self._parse(response) if is_small else await self._threads.run(lambda: self._parse(response))

    async def _searched(self, size: int, search: Callable[[], T]) -> T:
        """What ``search`` returns, which follows our paths in documents of ``size`` bytes."""
        is_quick = size <= ON_THE_LOOP and self._is_plain
        return search() if is_quick else await self._threads.run(search)

    def _parse(self, response: Response) -> Any:
        match self.options.format:
            case BodyFormat.JSON:
                return self._decode(json.loads, response.body, "JSON", response)
            case BodyFormat.LINES:
                return [
                    self._decode(json.loads, line, f"JSON in line {number}", response)
                    for number, line in enumerate(response.body.splitlines(), 1)
                    if line.strip()
                ]
            case BodyFormat.NUMBER:
                return self._decode(lambda body: body.decode().strip(), response.body, "a number", response)

    def _decode(self, decode: Callable[[bytes], Any], body: bytes, expected: str, response: Response) -> Any:
        try:
            return decode(body)
        except RecursionError:
            raise BadResponse(f"{self._place}: the answer is nested too deep") from None
        except ValueError:
            # This covers wrong JSON, a wrong encoding, and numbers with thousands of digits.
            kind = response.headers.get("content-type") or "no content type"
            hint = " (a page for people; is it a login?)" if "html" in kind.lower() else ""
            raise BadResponse(f"{self._place}: expected {expected}, got {cut(kind)}{hint}: {excerpt(body)}") from None

    def _read(self, documents: Sequence[Any], failures: PartialFailures) -> Iterable[RawSample]:
        asked = TimeContext(self.context.clock.now(), self.context.zone)
        samples: list[RawSample] = []
        for name, metric in self.options.metrics.items():
            try:
                samples += read_metric(name, metric, documents, asked, lambda text: failures.add(BadResponse(text)))
            except BadResponse as error:
                failures.add(BadResponse(f"{name}: {error}"))
        return failures.settle(samples)
