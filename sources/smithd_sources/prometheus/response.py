"""Parses Prometheus' answers series by series: series beyond the wanted number are never built. No I/O.

The answer to a query may have a million series, of which a thousand are wanted. json.loads would build all of them,
and hold Python's global lock meanwhile. So the document is read here in pieces, and the reading ends early.
"""

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
"""The characters of one series, or of another value that is parsed as a whole: a week of samples is about as long."""
_PIECES = (4096, 65_536, LARGEST)
_BLANKS = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_SERIES = ("vector", "matrix")
_NUMBERS = ("scalar", "string")
_WARNING_KEYS = ("warnings", "infos")


class NotPrometheus(Exception):
    """The answer is not one of Prometheus."""


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """The result of a query: a sample for each series that has a value.

    ``cut``: there were more series. ``partial``: the server says that some may be lacking. ``error`` is its reason for
    having no result.
    """

    samples: tuple[RawSample, ...] = ()
    cut: bool = False
    partial: bool = False
    warnings: tuple[str, ...] = ()
    error: str | None = None


def parse_response(name: str, body: bytes, most: int) -> QueryResponse:
    """The answer to the query of the metric ``name``, with at most ``most`` series.

    Raises NotPrometheus where this is no answer of Prometheus, a SourceError where its result cannot be used.
    """
    found: dict[str, Any] = {}
    result: _Result | None = None
    try:
        text = _Text(body.decode())
        for key in text.members():
            if key == "data" and text.begins("{"):
                result = _Result(name, most)
                result.read(text)
                # Only warnings may follow, and they are not worth parsing the rest.
                if result.cut:
                    break
            else:
                found[key] = text.value()
    except (ValueError, RecursionError) as error:
        raise NotPrometheus from error

    if found.get("status") == "error":
        return QueryResponse(error=f"{found.get('error')} ({found.get('errorType')})")
    if result is None or not result.is_there:
        raise NotPrometheus
    # Prometheus, Thanos and Mimir have lists of warnings; VictoriaMetrics says that an answer is partial.
    lists = [found[key] for key in _WARNING_KEYS if isinstance(found.get(key), list)]
    warnings = [str(said) for texts in lists for said in texts]
    is_partial = found.get("isPartial") is True
    if is_partial:
        warnings.append("the answer is partial: not every storage node answered")
    # What Prometheus says of the query itself begins so; other warnings are about storage that did not answer.
    is_partial = is_partial or any(not said.startswith("PromQL ") for said in warnings)
    return QueryResponse(tuple(result.samples), result.cut, is_partial, tuple(warnings))


def with_times(response: QueryResponse, times: QueryResponse) -> QueryResponse:
    """A response whose samples have the values of another one as their times. Samples without a time are left out."""
    known = {frozenset(sample.labels.items()): sample.value for sample in times.samples}
    samples = (sample._replace(time=known.get(frozenset(sample.labels.items()))) for sample in response.samples)
    kept = tuple(sample for sample in samples if sample.time is not None)
    return replace(response, samples=kept, cut=response.cut or times.cut, partial=response.partial or times.partial)


class _Result:
    """The ``data`` of an answer: the type of the result, and its samples."""

    def __init__(self, name: str, most: int) -> None:
        self.samples: list[RawSample] = []
        self.cut = False
        self._name = name
        self._most = most
        self._seen: set[frozenset[tuple[str, str]]] = set()
        self._members: set[str] = set()

    @property
    def is_there(self) -> bool:
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
        if not self.is_there or is_taken:
            return
        # The result came before its type, or is no list of series.
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
                labels = {label: text for label, text in series["metric"].items() if label != "__name__"}
                if (identity := frozenset(labels.items())) in self._seen:
                    raise Misconfigured(
                        f"{self._name}: two series differ only in their metric's name; ask for one, or aggregate them"
                    )
                self._seen.add(identity)
                if "histogram" in series or "histograms" in series:
                    raise Misconfigured(
                        f"{self._name}: the query brings native histograms; "
                        "take a number of them by histogram_quantile()"
                    )
                is_vector = kind == "vector"
                pair = series["value"] if is_vector else series["values"][-1]
                self.samples += self._samples(series, pair, labels, timed=not is_vector)
            except (KeyError, IndexError, TypeError, AttributeError, OverflowError):
                raise self._no_result(series) from None

    def _samples(self, shown: Any, pair: Any, labels: dict[str, str], *, timed: bool = False) -> list[RawSample]:
        """The sample of a pair of time and value, if it has a value; ``timed``: with its time."""
        if not isinstance(pair, list) or len(pair) != 2:
            raise self._no_result(shown)
        value = to_number(pair[1], f"{self._name}: the result")
        if value is None:
            return []
        if timed and not (isinstance(pair[0], int | float) and math.isfinite(pair[0])):
            raise self._no_result(shown)
        return [RawSample(self._name, value, labels, float(pair[0]) if timed else None)]

    def _no_result(self, shown: Any) -> BadResponse:
        return BadResponse(f"{self._name}: this is no result of a query: {in_short(shown)}")


class _Text:
    """A JSON document, parsed from its start.

    Raises ValueError where it is no JSON, or a part of it is larger than LARGEST.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def begins(self, letter: str) -> bool:
        """Whether the next value begins with this letter."""
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text.startswith(letter, self._at)

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller parses the value of each key before the next key."""
        for _ in self._parts("{", "}"):
            key = self.value()
            self._skip(":")
            yield str(key)

    def elements(self) -> Iterator[Any]:
        """The values of the array that begins here."""
        for _ in self._parts("[", "]"):
            yield self.value()

    def value(self) -> Any:
        """The value that begins here, as a whole."""
        self.begins("")
        # A short piece is tried first: most series are short, and a copy of the whole rest is not.
        for size in _PIECES:
            piece = self._text[self._at : self._at + size]
            try:
                value, end = _DECODER.raw_decode(piece)
            except ValueError:
                if len(piece) < size:
                    raise
                continue
            # A number that ends with the piece may go on after it.
            if end < size:
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
