"""Prometheus' answers, read series by series: of a larger answer than is wanted, the rest is never built."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from smithd.plugin import BadResponse, Misconfigured, RawSample
from smithd_sources.values import in_short, to_number

LARGEST = 2_000_000
"""The characters of one series, or of anything else that is read at once: a week of samples has as many."""
_PIECES = (4096, 65_536, LARGEST)
_BLANKS = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_SERIES = ("vector", "matrix")
_NUMBERS = ("scalar", "string")
_NOTES = ("warnings", "infos")


class NotPrometheus(Exception):
    """Something else than what Prometheus answers."""


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """What a query brought: a sample for each series that has a value; ``cut``: there were more series.

    ``error`` is why there is none, in the server's words.
    """

    samples: tuple[RawSample, ...] = ()
    cut: bool = False
    warnings: tuple[str, ...] = ()
    error: str | None = None


def parse_response(name: str, body: bytes, most: int) -> QueryResponse:
    """The answer to the query of the metric ``name``, of which ``most`` series are read.

    Raises NotPrometheus where this is no answer of Prometheus', a SourceError where its result cannot be used.
    """
    try:
        return _read(name, _Text(body.decode()), most)
    except (ValueError, RecursionError) as error:
        raise NotPrometheus from error


def with_times(response: QueryResponse, times: QueryResponse) -> QueryResponse:
    """A response whose samples are true since the values of another one; those of which it has none are left out."""
    known = {_identity(sample): sample.value for sample in times.samples}
    samples = (sample._replace(time=known.get(_identity(sample))) for sample in response.samples)
    kept = tuple(sample for sample in samples if sample.time is not None)
    return replace(response, samples=kept, cut=response.cut or times.cut)


def _identity(sample: RawSample) -> frozenset[tuple[str, str]]:
    return frozenset(sample.labels.items())


def _read(name: str, text: _Text, most: int) -> QueryResponse:
    found: dict[str, Any] = {}
    result: _Result | None = None
    for key in text.members():
        if key == "data" and text.begins("{"):
            result = _Result(name, most)
            result.read(text)
            if result.cut:
                break  # what is said after it is not worth the rest of the way
        else:
            found[key] = text.value()
    if found.get("status") == "error":
        return QueryResponse(error=f"{found.get('error')} ({found.get('errorType')})")
    if result is None or not result.came:
        raise NotPrometheus
    return QueryResponse(tuple(result.samples), result.cut, tuple(_warnings(found)))


class _Result:
    """The ``data`` of an answer: the kind of a result, and its samples."""

    def __init__(self, name: str, most: int) -> None:
        self.samples: list[RawSample] = []
        self.cut = False
        self._name = name
        self._most = most
        self._seen: set[frozenset[tuple[str, str]]] = set()
        self._members: set[str] = set()

    @property
    def came(self) -> bool:
        return {"resultType", "result"} <= self._members

    def read(self, text: _Text) -> None:
        kind, result, is_taken = None, None, False
        for key in text.members():
            self._members.add(key)
            if key == "resultType":
                kind = text.value()
            elif key == "result" and kind in _SERIES and text.begins("["):
                self._take(kind, text.elements())
                is_taken = True
                if self.cut:
                    return
            elif key == "result":
                result = text.value()
            else:
                text.value()
        if self.came and not is_taken:
            self._take_whole(kind, result)

    def _take_whole(self, kind: Any, result: Any) -> None:
        if kind in _NUMBERS:
            self.samples += self._samples(result, result, {})
        elif kind in _SERIES and isinstance(result, list):
            self._take(kind, result)
        else:
            raise BadResponse(f"{self._name}: this is no result of a query: {in_short(kind)} with {in_short(result)}")

    def _take(self, kind: str, result: Iterable[Any]) -> None:
        for count, series in enumerate(result):
            if count == self._most:
                self.cut = True
                return
            try:
                self.samples += self._series(kind, series)
            except (KeyError, IndexError, TypeError, AttributeError, OverflowError):
                raise self._unfit(series) from None

    def _series(self, kind: str, series: Any) -> list[RawSample]:
        labels = {label: text for label, text in series["metric"].items() if label != "__name__"}
        if (identity := frozenset(labels.items())) in self._seen:
            raise Misconfigured(
                f"{self._name}: two series differ only in their metric's name; ask for one, or aggregate them"
            )
        self._seen.add(identity)
        if "histogram" in series or "histograms" in series:
            raise Misconfigured(
                f"{self._name}: the query brings native histograms; take a number of them by histogram_quantile()"
            )
        if kind == "vector":
            return self._samples(series, series["value"], labels)
        return self._samples(series, series["values"][-1], labels, with_times=True)

    def _samples(self, shown: Any, pair: Any, labels: dict[str, str], *, with_times: bool = False) -> list[RawSample]:
        """The sample of a pair of time and value, if it has a value; ``with_times``: with its time."""
        if not isinstance(pair, list) or len(pair) != 2:
            raise self._unfit(shown)
        value = to_number(pair[1], f"{self._name}: the result")
        if value is None:
            return []
        if with_times and not (isinstance(pair[0], int | float) and math.isfinite(pair[0])):
            raise self._unfit(shown)
        return [RawSample(self._name, value, labels, float(pair[0]) if with_times else None)]

    def _unfit(self, shown: Any) -> BadResponse:
        return BadResponse(f"{self._name}: this is no result of a query: {in_short(shown)}")


def _warnings(answer: dict[str, Any]) -> Iterator[str]:
    """What the server says of an answer that it gave all the same: Prometheus, Thanos, Mimir and VictoriaMetrics."""
    for key in _NOTES:
        said = answer.get(key)
        yield from (str(text) for text in (said if isinstance(said, list) else ()))
    if answer.get("isPartial") is True:
        yield "the answer is partial: not every storage node answered"


class _Text:
    """A JSON document, read from its start; ValueError where it is none, or a part of it is beyond LARGEST."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def begins(self, letter: str) -> bool:
        """Whether the next value begins with this letter."""
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text.startswith(letter, self._at)

    def members(self) -> Iterator[str]:
        """The keys of the object that comes now; whoever takes one reads its value before the next."""
        for _ in self._parts("{", "}"):
            key = self.value()
            self._skip(":")
            yield str(key)

    def elements(self) -> Iterator[Any]:
        """The values of the array that comes now."""
        for _ in self._parts("[", "]"):
            yield self.value()

    def value(self) -> Any:
        """The value that comes now, whole."""
        self.begins("")
        for size in _PIECES:  # a short piece first: a series is short, and a copy of the rest is not
            piece = self._text[self._at : self._at + size]
            try:
                value, end = _DECODER.raw_decode(piece)
            except ValueError:
                if len(piece) < size:
                    raise
                continue
            if end < size:  # else it may be a number that goes on
                self._at += end
                return value
        raise ValueError("a part of it is too large, or is no JSON")

    def _parts(self, opening: str, closing: str) -> Iterator[None]:
        self._skip(opening)
        if self.begins(closing):
            self._at += 1
            return
        yield
        while self.begins(","):
            self._at += 1
            yield
        self._skip(closing)

    def _skip(self, letter: str) -> None:
        if not self.begins(letter):
            raise ValueError(f"expected {letter}")
        self._at += 1
