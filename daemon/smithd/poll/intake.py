"""The threshold for what a source hands over: checked, capped, made finite, named in full. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from smithd.errors import BadResponse
from smithd.plugin.sample import Labels, RawSample, Sample, Series

MAX_SERIES = 10_000
"""What one poll may bring; the rest is left out."""
MAX_LABELS = 64
MAX_LABEL_LENGTH = 256
"""In characters; longer values are cut."""
EARLIEST = 946_684_800.0
"""No sample was taken before the year 2000: a time before that is a mistake."""
AHEAD = 300.0
"""Clocks may differ by so many seconds; a time further ahead is a mistake."""
MAX_COMPLAINTS = 8

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought: readings, or a failure, or (where part of the answer failed) both.

    ``time`` is when it ended (seconds since 1970), ``fresh_for`` for how many seconds its readings count as fresh.
    """

    source: str
    time: float
    fresh_for: float
    samples: tuple[Sample, ...] = ()
    failure: str | None = None


class _Refused(Exception):
    """One sample that is not admitted; the text says why."""


def gather(handed: object) -> list[Any]:
    """What ``poll`` returned, as a list, no longer than is needed to see that it is too long.

    BadResponse where it is not a list of anything. Runs the plugin's code, where it returned a generator.
    """
    if type(handed) is list and len(handed) <= MAX_SERIES:
        return handed
    if isinstance(handed, RawSample):
        raise BadResponse("the plugin's poll returned one sample; expected a list of them")
    if isinstance(handed, str | bytes | Mapping) or not isinstance(handed, Iterable):
        raise BadResponse(f"the plugin's poll returned {_kind(handed)}; expected a list of samples")
    return list(islice(handed, MAX_SERIES + 1))


class Intake:
    """Admits what one source hands over. Remembers the series it has seen, so that good samples pass quickly."""

    def __init__(self, source: str, metrics: Collection[str]) -> None:
        """``metrics`` are the names that the source declares, without its own."""
        self._source = source
        self._plain = {metric: Series(f"{source}.{metric}") for metric in sorted(metrics)}
        self._labelled: dict[Any, Series] = {}

    def admit(self, raw_samples: Iterable[Any], now: float) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
        """The readings of a poll that ended now (seconds since 1970), and what there is to complain about."""
        complaints: Counter[str] = Counter()
        samples: dict[Series, Sample] = {}
        for count, raw in enumerate(raw_samples):
            if count == MAX_SERIES:
                complaints[f"{self._source}: more than {MAX_SERIES} samples in one poll; the rest is left out"] += 1
                break
            try:
                sample = self._admit(raw, now, complaints)
            except _Refused as refused:
                complaints[f"{self._source}.{refused}"] += 1
                continue
            if sample is None:
                continue
            if samples.setdefault(sample.series, sample) is not sample:
                complaints[f"{sample.series.metric}: a series came twice in one poll; the first counts"] += 1
        return tuple(samples.values()), _worded(complaints)

    def _admit(self, raw: Any, now: float, complaints: Counter[str]) -> Sample | None:
        if not isinstance(raw, RawSample):
            raise _Refused(f"poll: expected a Sample, found {_kind(raw)}")
        metric, value, labels, time = raw
        series = self._series(metric, labels) if labels else self._plain.get(metric) if type(metric) is str else None
        if series is None:
            raise _Refused(self._unknown(metric))
        if type(value) is not float:
            value = _number(metric, value)
        if value - value != 0.0:
            return None  # NaN and the infinities mean "no value"
        if time is None:
            return Sample(series, value, now)
        if isinstance(time, bool) or not isinstance(time, int | float) or not EARLIEST <= time <= now + AHEAD:
            complaints[
                f"{series.metric}: its time is not a moment of the past, in seconds since 1970; taken as now"
            ] += 1
            time = now
        return Sample(series, value, min(float(time), now))

    def _unknown(self, metric: object) -> str:
        if not isinstance(metric, str):
            return f"poll: a metric's name must be a text, not {_kind(metric)}"
        declared = ", ".join(islice(self._plain, 10)) or "none"
        return f"{metric:.80}: no such metric; declared: {declared}{', …' if len(self._plain) > 10 else ''}"

    def _series(self, metric: Any, labels: Any) -> Series | None:
        try:
            key = (metric, tuple(labels.items()))
            known = self._labelled.get(key)
        except (AttributeError, TypeError):  # labels that are no mapping, or hold something unhashable
            key, known = None, None
        if known is not None:
            return known
        if not isinstance(metric, str) or metric not in self._plain:
            return None
        series = Series(self._plain[metric].metric, _labels(metric, labels))
        if len(self._labelled) >= 2 * MAX_SERIES:
            self._labelled.clear()  # a source whose labels never end must not fill the memory
        self._labelled[key] = series
        return series


def _number(metric: str, value: Any) -> float:
    """A number of any kind as a float; its own ``__float__`` is the plugin's code, and may fail."""
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        raise _Refused(f"{metric}: the value must be a number, not {_kind(value)}")
    try:
        return float(value)
    except Exception as error:
        raise _Refused(f"{metric}: the value, {_kind(value)}, cannot be a float: {type(error).__name__}") from error


def _labels(metric: str, labels: Any) -> Labels:
    if not isinstance(labels, Mapping):
        raise _Refused(f"{metric}: labels must be a dict of texts, not {_kind(labels)}")
    if len(labels) > MAX_LABELS:
        raise _Refused(f"{metric}: more than {MAX_LABELS} labels")
    for name, value in labels.items():
        if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
            raise _Refused(f"{metric}: a label's name must be letters, digits and _, not {_kind(name)}")
        if not isinstance(value, str):
            raise _Refused(f"{metric}: the value of label {name:.80} must be a text, not {_kind(value)}")
    return tuple(sorted((str(name), _storable(value)) for name, value in labels.items()))


def _storable(value: str) -> str:
    """A label's value, cut, and without the halves of characters that no encoding knows."""
    value = value[:MAX_LABEL_LENGTH]
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _kind(value: object) -> str:
    """What something is, in a word or two, for a complaint."""
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _worded(complaints: Counter[str]) -> tuple[str, ...]:
    worded = [text if count == 1 else f"{text} ({count} times)" for text, count in complaints.items()]
    if len(worded) > MAX_COMPLAINTS:
        worded[MAX_COMPLAINTS:] = [f"and {len(worded) - MAX_COMPLAINTS} more complaints"]
    return tuple(worded)
