"""What is done with the answers of one source: they are parsed, and its metrics are found in them. No I/O.

It can be written down as JSON, for another process that does the same.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from smithd.plugin import BadResponse, MetricName, Options, RawSample
from smithd_sources.http_json.body import Body, read_json
from smithd_sources.http_json.json_path import CompiledPath, JSONPath
from smithd_sources.http_json.metric import JSONMetric, read_metric
from smithd_sources.http_json.options import BodyFormat
from smithd_sources.http_json.reported import at_path, of_graphql, reads_errors
from smithd_sources.partial_failure import PartialFailures
from smithd_sources.values import TimeContext, in_short


def cpu_seconds() -> float:
    """The CPU time that this thread has used so far; where the system does not say that, this process."""
    used = resource.getrusage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))
    return used.ru_utime + used.ru_stime


_NO_PAGE = (None, "", "0", 0, False)
_END_OF_LINE = re.compile(r"\r\n|\n|\r")


class Pages:
    """The bodies of one answer, a page each. A page is parsed once, however often its document is asked for.

    ``complete``: no page failed, so that what is counted in these is all that there is.
    """

    def __init__(self, bodies: Iterable[Body] = (), *, complete: bool = True) -> None:
        self.bodies = list(bodies)
        self.complete = complete
        self._documents: dict[int, Any] = {}

    @property
    def size(self) -> int:
        """The bytes of all pages."""
        return sum(len(body.content) for body in self.bodies)

    def document(self, index: int, search: Search) -> Any:
        """The document of one page. Raises BadResponse where it has none."""
        if index not in self._documents:
            self._documents[index] = search.parse(self.bodies[index])
        return self._documents[index]


class Search(Options):
    """How the answers of one source are read.

    ``place`` names it in errors; ``next_page``: the path of its address, or cursor; ``asks_graphql``: the request is a
    query of GraphQL.
    """

    place: str
    format: BodyFormat
    metrics: dict[MetricName, JSONMetric]
    next_page: JSONPath | None = None
    charset: str | None = None
    error_path: JSONPath | None = None
    asks_graphql: bool = False

    def paths(self) -> Iterator[CompiledPath]:
        """All the paths that are followed."""
        for metric in self.metrics.values():
            yield from metric.paths()
        yield from (path for path in (self.next_page, self.error_path) if path is not None)

    def parse(self, body: Body) -> Any:
        """The document of an answer. Raises BadResponse where it is none."""
        try:
            return self._document(body)
        except BadResponse as error:
            raise BadResponse(f"{self.place}: {error}") from None

    def _document(self, body: Body) -> Any:
        text = body.text(self.charset)
        match self.format:
            case BodyFormat.JSON:
                return read_json(text, body.kind)
            case BodyFormat.LINES:
                # Not splitlines(), which parts lines also where JSON may have a letter of Unicode.
                lines = enumerate(_END_OF_LINE.split(text), 1)
                return [read_json(line, body.kind, number) for number, line in lines if line.strip()]
            case BodyFormat.NUMBER:
                return text.strip()

    def samples(self, pages: Pages, asked: TimeContext, failures: PartialFailures) -> list[RawSample]:
        """The samples of all metrics, without those that count where a page failed; what cannot be read is added to the
        failures.

        Raises BadResponse where the first page cannot be parsed, or reports an error instead of what was asked for.
        """
        documents = list(self._documents(pages, failures))
        is_complete = pages.complete and len(documents) == len(pages.bodies)
        samples: list[RawSample] = []
        for name, metric in self.metrics.items():
            # The count of some pages is no smaller count, but a wrong one.
            if metric.count and not is_complete:
                continue
            try:
                samples += read_metric(name, metric, documents, asked, lambda text: failures.add(BadResponse(text)))
            except BadResponse as error:
                failures.add(BadResponse(f"{name}: {error}"))
        return samples

    def _documents(self, pages: Pages, failures: PartialFailures) -> Iterator[Any]:
        yield self._sound(pages.document(0, self), failures)
        # A later page that cannot be parsed costs only the pages from there on.
        try:
            for index in range(1, len(pages.bodies)):
                yield self._sound(pages.document(index, self), failures)
        except BadResponse as error:
            failures.add(error)

    def _sound(self, document: Any, failures: PartialFailures) -> Any:
        """The document, where it has what was asked for; raises the error that it reports instead."""
        reported = at_path(self.error_path, document) if self.error_path is not None else None
        if reported is None and self.format is BodyFormat.JSON and not self._reads_errors:
            reported = of_graphql(document, asked=self.asks_graphql)
        if reported is not None:
            error = BadResponse(f"{self.place}: {reported.text}")
            if not reported.has_data:
                raise error
            failures.add(error)
        return document

    @cached_property
    def _reads_errors(self) -> bool:
        return reads_errors(path for metric in self.metrics.values() for path in metric.paths())

    def next_page_of(self, document: Any) -> str | None:
        """The address of the next page, or its cursor, as this document names it; None where there is none."""
        assert self.next_page is not None
        found = self.next_page.find(document)
        # Where there is no next page, APIs say null, nothing, false, or a cursor of 0 (Twitter's, and Redis' SCAN).
        if not found or found[0] in _NO_PAGE:
            return None
        # A cursor may be a number, as an identifier is.
        if isinstance(found[0], str) or type(found[0]) is int:
            return str(found[0])
        raise BadResponse(f"{self.next_page} is {in_short(found[0])}, and names no next page")
