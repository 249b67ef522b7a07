"""Checks what a source hands over, and admits it: finite numbers of declared metrics, with sound labels. No I/O.

It runs the plugin's code only where a value, or a list of samples, is an object of the plugin's own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from smithd.errors import BadResponse
from smithd.formatting import duration
from smithd.plugin.sample import RawSample, Sample, Series
from smithd.redactor import quoted

MAX_SERIES = 10_000
"""The samples that one poll may bring; the rest is left out."""
MAX_LABELS = 64
MAX_LABEL_LENGTH = 256
"""In characters; longer values are cut."""
EARLIEST = 946_684_800.0
"""No sample was taken before the year 2000: an earlier time is a mistake."""
AHEAD = 300.0
"""Clocks may differ by this many seconds; a time further ahead is a mistake."""
MAX_PROBLEMS = 8
"""The problems of one poll that are reported; of the others, only their number."""

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought: samples, or a failure, or (where a part of the answer failed) both.

    ``time`` is when it ended, in seconds since 1970; its samples count as fresh for ``fresh_for`` seconds.
    ``is_partial``: the answer is known to lack samples, though nothing failed.
    """

    source: str
    time: float
    fresh_for: float
    samples: tuple[Sample, ...] = ()
    failure: str | None = None
    is_partial: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether a series that is not among the samples is missing at the source. A partial answer cannot say that."""
        return self.failure is None and not self.is_partial


class Admission(NamedTuple):
    """What was admitted of the samples that a source handed over, and the problems with the others, in which the
    plugin's own texts are ``quoted``.

    ``is_cut``: some series are not among them: there were more samples than one poll may bring, or one of the future.
    """

    samples: tuple[Sample, ...]
    problems: tuple[str, ...]
    is_cut: bool = False


class _Rejected(Exception):
    """One sample is not admitted; the text says why."""


class _Ahead(_Rejected):
    """The time of a sample lies in the future. Taken as now it would stay fresh, however long it is not renewed."""


def collect(handed: object) -> list[Any]:
    """What ``poll`` returned, as a list, no longer than is needed to see that it is too long.

    Raises BadResponse where it is no list. Runs the plugin's code where it is a generator.
    """
    # Of a subclass, ``len`` and the iteration would be the plugin's code.
    if type(handed) is list and len(handed) <= MAX_SERIES:
        return handed
    if isinstance(handed, RawSample):
        raise BadResponse("the plugin's poll returned one sample; expected a list of them")
    if isinstance(handed, str | bytes | Mapping) or not isinstance(handed, Iterable):
        raise BadResponse(f"the plugin's poll returned {_kind(handed)}; expected a list of samples")
    return list(islice(handed, MAX_SERIES + 1))


class Intake:
    """Admits the samples of one source. Remembers the series it has seen, so that sound samples pass quickly."""

    def __init__(self, source: str, metrics: Collection[str]) -> None:
        """``metrics`` are the names that the source declares, without the source's own name."""
        self._source = source
        self._unlabelled = {metric: Series(f"{source}.{metric}") for metric in sorted(metrics)}
        self._labelled: dict[Any, Series] = {}

    def admit(self, raw_samples: Iterable[Any], now: float) -> Admission:
        """The samples of a poll that ended now (seconds since 1970), and the problems with them."""
        problems: Counter[str] = Counter()
        samples: dict[Series, Sample] = {}
        is_cut = False
        for count, raw in enumerate(raw_samples):
            if count == MAX_SERIES:
                problems[f"{self._source}: more than {MAX_SERIES} samples in one poll; the rest is left out"] += 1
                is_cut = True
                break
            try:
                sample = self._admit(raw, now, problems)
            except _Rejected as rejected:
                problems[f"{self._source}.{rejected}"] += 1
                # Its series is not missing.
                is_cut |= isinstance(rejected, _Ahead)
                continue
            if sample is not None and samples.setdefault(sample.series, sample) is not sample:
                problems[f"{sample.series.metric}: a series came twice in one poll; the first counts"] += 1
        texts = [text if count == 1 else f"{text} ({count} times)" for text, count in problems.items()]
        if len(texts) > MAX_PROBLEMS:
            texts[MAX_PROBLEMS:] = [f"and {len(texts) - MAX_PROBLEMS} more problems"]
        return Admission(tuple(samples.values()), tuple(texts), is_cut)

    def _admit(self, raw: Any, now: float, problems: Counter[str]) -> Sample | None:
        """The sample, or None where it has no value; raises _Rejected where it is not admitted."""
        if not isinstance(raw, RawSample):
            raise _Rejected(f"poll: expected a RawSample, found {_kind(raw)}")
        metric, value, labels, time = raw
        series: Series | None
        if labels:
            series = self._labelled_series(metric, labels)
        else:
            series = self._unlabelled.get(metric) if type(metric) is str else None
        if series is None:
            if not isinstance(metric, str):
                raise _Rejected(f"poll: a metric's name must be a text, not {_kind(metric)}")
            declared = ", ".join(islice(self._unlabelled, 10)) or "none"
            more = ", …" if len(self._unlabelled) > 10 else ""
            raise _Rejected(f"{quoted(_beginning(metric, 80))}: no such metric; declared: {declared}{more}")
        # Of a subclass of float, the subtraction would be the plugin's code.
        if type(value) is not float:
            value = _number(metric, value)
        # NaN and the infinities mean that there is no value. This is the quickest test for them.
        if value - value != 0.0:
            return None
        if time is None:
            return Sample(series, value, now, now)
        if type(time) in (int, float) and time > now + AHEAD:
            raise _Ahead(f"{metric}: its time is more than {duration(AHEAD)} ahead of the clock here; it is left out")
        if isinstance(time, bool) or not isinstance(time, int | float) or not EARLIEST <= time <= now + AHEAD:
            problems[f"{series.metric}: its time is not a moment of the past, in seconds since 1970; taken as now"] += 1
            time = now
        # A source whose clock is ahead must not make samples that stay fresh for longer than others.
        return Sample(series, value, min(float(time), now), now)

    def _labelled_series(self, metric: Any, labels: Any) -> Series | None:
        try:
            # Not sorted: the same labels in another order are one more entry, of the same series.
            key = (metric, tuple(labels.items()))
            known = self._labelled.get(key)
        except (AttributeError, TypeError):
            # The labels are no mapping, or hold something that cannot be hashed.
            key, known = None, None
        if known is not None:
            return known
        if not isinstance(metric, str) or metric not in self._unlabelled:
            return None
        if not isinstance(labels, Mapping):
            raise _Rejected(f"{metric}: labels must be a dict of texts, not {_kind(labels)}")
        if len(labels) > MAX_LABELS:
            raise _Rejected(f"{metric}: more than {MAX_LABELS} labels")
        sound: list[tuple[str, str]] = []
        for name, value in labels.items():
            if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
                raise _Rejected(f"{metric}: a label's name must be letters, digits and _, not {_kind(name)}")
            if not isinstance(value, str):
                raise _Rejected(
                    f"{metric}: the value of label {quoted(_beginning(name, 80))} must be a text, not {_kind(value)}"
                )
            text = value[:MAX_LABEL_LENGTH]
            # Lone surrogates cannot be stored in any encoding: they become question marks.
            sound.append((str(name), text if text.isascii() else text.encode("utf-8", "replace").decode()))
        series = Series(self._unlabelled[metric].metric, tuple(sorted(sound)))
        if len(self._labelled) >= 2 * MAX_SERIES:
            # Labels that change for ever must not fill the memory.
            self._labelled.clear()
        self._labelled[key] = series
        return series


def _number(metric: str, value: Any) -> float:
    """A number of any type as a float; its ``__float__`` is the plugin's code, and may fail."""
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        raise _Rejected(f"{metric}: the value must be a number, not {_kind(value)}")
    try:
        return float(value)
    except Exception as error:
        raise _Rejected(f"{metric}: the value, {_kind(value)}, cannot be a float: {type(error).__name__}") from error


def _kind(value: object) -> str:
    """What something is, in a word or two, for the text of a problem."""
    if isinstance(value, str):
        return f"the text {quoted(repr(_beginning(value, 40)))}"
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _beginning(text: str, length: int) -> str:
    return f"{text[:length]}…" if len(text) > length else text
