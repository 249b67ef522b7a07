"""What is done with the answers of one source: they are parsed, and its metrics are found in them. No I/O.

It can be written down as JSON, for another process that does the same.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from smithd.plugin import BadResponse, MetricName, Options, RawSample
from smithd_sources.http_errors import cut, excerpt
from smithd_sources.http_json.json_path import CompiledPath, JSONPath
from smithd_sources.http_json.metric import JSONMetric, read_metric
from smithd_sources.http_json.options import BodyFormat
from smithd_sources.partial_failure import PartialFailures
from smithd_sources.values import TimeContext


def cpu_seconds() -> float:
    """The CPU time that this thread has used so far; where the system does not say that, this process."""
    used = resource.getrusage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))
    return used.ru_utime + used.ru_stime


class Body(NamedTuple):
    """An answer as it came: what it holds, and what it says that this is ("": it does not)."""

    content: bytes
    kind: str


class Pages:
    """The bodies of one answer, a page each. A page is parsed once, however often its document is asked for."""

    def __init__(self, bodies: Iterable[Body] = ()) -> None:
        self.bodies = list(bodies)
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
    """How the answers of one source are read. ``place`` names it in errors; ``next_page``: the path of its address."""

    place: str
    format: BodyFormat
    metrics: dict[MetricName, JSONMetric]
    next_page: JSONPath | None = None

    def paths(self) -> Iterator[CompiledPath]:
        """All the paths that are followed."""
        for metric in self.metrics.values():
            yield from metric.paths()
        if self.next_page is not None:
            yield self.next_page

    def parse(self, body: Body) -> Any:
        """The document of an answer. Raises BadResponse where it is none."""
        match self.format:
            case BodyFormat.JSON:
                return self._decode(json.loads, body.content, "JSON", body.kind)
            case BodyFormat.LINES:
                return [
                    self._decode(json.loads, line, f"JSON in line {number}", body.kind)
                    for number, line in enumerate(body.content.splitlines(), 1)
                    if line.strip()
                ]
            case BodyFormat.NUMBER:
                return self._decode(lambda content: content.decode().strip(), body.content, "a number", body.kind)

    def _decode(self, decode: Callable[[bytes], Any], content: bytes, expected: str, kind: str) -> Any:
        try:
            return decode(content)
        except RecursionError:
            raise BadResponse(f"{self.place}: the answer is nested too deep") from None
        except ValueError:
            # This covers wrong JSON, a wrong encoding, and numbers with thousands of digits.
            hint = " (a page for people; is it a login?)" if "html" in kind.lower() else ""
            found = cut(kind or "no content type")
            raise BadResponse(f"{self.place}: expected {expected}, got {found}{hint}: {excerpt(content)}") from None

    def samples(self, pages: Pages, asked: TimeContext, failures: PartialFailures) -> list[RawSample]:
        """The samples of all metrics; what cannot be read is added to the failures.

        Raises BadResponse where the first page cannot be parsed.
        """
        documents = list(self._documents(pages, failures))
        samples: list[RawSample] = []
        for name, metric in self.metrics.items():
            try:
                samples += read_metric(name, metric, documents, asked, lambda text: failures.add(BadResponse(text)))
            except BadResponse as error:
                failures.add(BadResponse(f"{name}: {error}"))
        return samples

    def _documents(self, pages: Pages, failures: PartialFailures) -> Iterator[Any]:
        yield pages.document(0, self)
        # A later page that cannot be parsed costs only the pages from there on.
        try:
            for index in range(1, len(pages.bodies)):
                yield pages.document(index, self)
        except BadResponse as error:
            failures.add(error)

    def next_address(self, document: Any) -> str | None:
        """The address of the next page, as this document names it; None where there is none."""
        assert self.next_page is not None
        found = self.next_page.find(document)
        if not found or found[0] is None or found[0] == "":
            return None
        if not isinstance(found[0], str):
            raise BadResponse(f"{self.next_page} is not the address of the next page")
        return found[0]
