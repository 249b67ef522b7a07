"""A source that polls an address for JSON, and takes its metrics from there by JSONPath."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from smithd.plugin import (
    BadResponse,
    Context,
    Misconfigured,
    RawSample,
    Source,
    SourceError,
    Threads,
)
from smithd_sources.http_errors import OWN_DEADLINE, place
from smithd_sources.http_json.body import Body
from smithd_sources.http_json.client import HttpJsonClient, PageResponse
from smithd_sources.http_json.link_header import next_link
from smithd_sources.http_json.options import BodyFormat, HttpJsonOptions, PagesOptions
from smithd_sources.http_json.process import SearchProcess
from smithd_sources.http_json.search import Pages, Search, cpu_seconds
from smithd_sources.masking import masked
from smithd_sources.partial_failure import PartialFailures
from smithd_sources.values import TimeContext

T = TypeVar("T")

ON_THE_LOOP = 16_000
"""The bytes of an answer that may be parsed, and searched by plain paths, on the event loop: a few milliseconds at
worst. Other paths can take any time over a few bytes (``$..[?@..x]``).
"""
IN_A_THREAD = 256_000
"""The bytes of an answer that may be searched by plain paths in a thread of ours, which nothing can end."""
QUICK = 0.02
"""The seconds that searching an answer may take for the next one to be searched in this process."""

_PROCESS = SearchProcess()


class HttpJson(Source[HttpJsonOptions]):
    """Numbers in the JSON at an address, by JSONPath; all of a source's metrics in one request."""

    Options = HttpJsonOptions
    masks_errors = True

    def __init__(self, options: HttpJsonOptions, context: Context) -> None:
        super().__init__(options, context)
        self._search = Search(
            place=place(options.url),
            format=options.format,
            metrics=options.metrics,
            next_page=options.pages.path if options.pages is not None else None,
            charset=options.charset,
            error_path=options.error_path,
            asks_graphql=options.asks_graphql,
        )
        self._is_plain = all(path.plain for path in self._search.paths())
        # Where a path descends anywhere, a first answer may cost anything.
        self._cost = math.inf if any(".." in path.text for path in self._search.paths()) else 0.0
        self._patience = OWN_DEADLINE * context.timeout
        self._threads = Threads(f"search {context.name}", places=1)
        self._client: HttpJsonClient | None = None
        self._kept = Pages()
        """The last response, where the server is asked for changes only."""
        self._noted: set[tuple[str, str]] = set()
        """The metrics, and their labels, of which the log has said that they are empty."""

    @classmethod
    def metrics(cls, options: HttpJsonOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        _PROCESS.join()
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

    async def close(self) -> None:
        _PROCESS.leave()

    async def poll(self) -> Iterable[RawSample]:
        client = self._client
        assert client is not None  # open comes first
        # The text of an error may show parts of an answer, which may repeat what was sent.
        with masked(self.context, client.secrets):
            return await self._get_and_search(client)

    async def _get_and_search(self, client: HttpJsonClient) -> Iterable[RawSample]:
        pages, failures = self._kept, PartialFailures()
        page = await client.get()
        if page is not None:
            pages = Pages([_body(page)])
            if self.options.pages is not None:
                await self._get_pages(client, page, self.options.pages, pages, failures)
        samples = await self._samples(pages, failures)
        self._note_empty_labels(samples)
        if page is not None:
            # Only now is it known that the response can be parsed: one that cannot must be sent again next time.
            self._kept = pages if client.use(page) else Pages()
        return failures.settle(samples)

    async def _get_pages(
        self, client: HttpJsonClient, page: PageResponse, wanted: PagesOptions, pages: Pages, failures: PartialFailures
    ) -> None:
        """Get the pages that follow, and add them. A failure there costs only the pages from there on, and counts."""
        # The address of a bare host may be written with a slash at its end, or without.
        seen = {self.options.url, f"{self.options.url}/", page.address} if wanted.query is None else set[str]()
        own = self._search.place
        try:
            while following := await self._next_page(page, pages):
                if len(pages.bodies) == wanted.at_most:
                    raise BadResponse(f"there are more than {wanted.at_most} pages; pages.at_most can be raised")
                # A cursor says before the request that its page was read already, an address after all redirects.
                if wanted.query is None:
                    page = await client.get_page(page, following)
                    following = page.address
                if following in seen:
                    raise BadResponse(f"the next page of {own} is one that was read already")
                seen.add(following)
                if wanted.query is not None:
                    page = await client.get_again({wanted.query: following})
                if pages.size + len(page.response.body) > self.options.max_size:
                    raise BadResponse(f"the pages of {own} are larger than {self.options.max_size} bytes together")
                pages.bodies.append(_body(page))
        except SourceError as error:
            failures.add(error)
            pages.complete = False

    async def _next_page(self, page: PageResponse, pages: Pages) -> str | None:
        """The address or the cursor of the next page, as the last one names it; None where there is none."""
        if self._search.next_page is None:
            return next_link(page.response.headers.get("link", ""))
        search, cost, body = self._search, self._cost, pages.bodies[-1]
        if self._is_costly(len(body.content)):
            return await self._threads.run(lambda: _PROCESS.next_page(search, body, cost, self._patience))
        last = len(pages.bodies) - 1
        return await self._here(len(body.content), lambda: search.next_page_of(pages.document(last, search)))

    async def _samples(self, pages: Pages, failures: PartialFailures) -> list[RawSample]:
        """The samples of all pages; what cannot be read is added to the failures."""
        search = self._search
        if self._is_costly(pages.size):
            found = await self._threads.run(lambda: self._searched_apart(pages))
            if found["failure"] is not None:
                failures.add(BadResponse(found["failure"]))
            return [RawSample(*sample) for sample in found["samples"]]
        # Until it has ended, nothing says that it does.
        self._cost = math.inf

        def samples() -> list[RawSample]:
            began = cpu_seconds()
            try:
                return search.samples(pages, self._asked(), failures)
            finally:
                self._cost = cpu_seconds() - began

        return await self._here(pages.size, samples)

    def _note_empty_labels(self, samples: Iterable[RawSample]) -> None:
        """Say once of each label that it was null or empty, which may be a misspelt path or a gap in the data."""
        for metric, _, labels, _ in samples:
            for name, text in labels.items():
                if not text and (metric, name) not in self._noted:
                    self._noted.add((metric, name))
                    path = self.options.metrics[metric].labels[name]
                    self.context.log.info(
                        "%s.%s: %s is null or empty: the label %s is empty there", self.context.name, metric, path, name
                    )

    def _searched_apart(self, pages: Pages) -> dict[str, Any]:
        """What the process finds. The cost is noted also where nobody waits for it any more."""
        try:
            found = _PROCESS.samples(self._search, pages, self._asked(), self._cost, self._patience)
        except BadResponse:
            self._cost = math.inf
            raise
        self._cost = found["seconds"]
        return found

    def _asked(self) -> TimeContext:
        return TimeContext(self.context.clock.now(), self.context.zone)

    def _is_costly(self, size: int) -> bool:
        """Whether documents of ``size`` bytes are searched in a process of their own, which can be ended."""
        return self._cost > QUICK or size > (IN_A_THREAD if self._is_plain else ON_THE_LOOP)

    async def _here(self, size: int, search: Callable[[], T]) -> T:
        """What ``search`` returns, which parses documents of ``size`` bytes and follows our paths in them."""
        is_quick = size <= ON_THE_LOOP and self._is_plain
        return search() if is_quick else await self._threads.run(search)


def _body(page: PageResponse) -> Body:
    return Body(page.response.body, page.response.headers.get("content-type") or "")
