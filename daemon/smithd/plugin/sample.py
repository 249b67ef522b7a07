"""Samples: what a source hands over, and what is admitted of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from smithd.formatting import labels_text

Labels = tuple[tuple[str, str], ...]
"""A series' labels, sorted by name, so that equal sets are equal values."""


class RawSample(NamedTuple):
    """One value of one series, as a source hands it over.

    ``metric`` is the metric's name within its source, ``value`` a finite number. ``labels`` tell this series from the
    metric's others. ``time`` is when the value was true, in seconds since 1970 (None: now).
    """

    metric: str
    value: float
    labels: Mapping[str, str] = {}
    time: float | None = None


class PartialSamples(list[RawSample]):
    """Samples of an answer that is known to lack some: it does not say of a series that it is not there."""


class Series(NamedTuple):
    """The identity of a stream of samples: ``source.metric`` and its labels."""

    metric: str
    labels: Labels = ()

    def __str__(self) -> str:
        return self.metric + labels_text(self.labels)


class Sample(NamedTuple):
    """A sample that was admitted: its value is finite, its name is complete, and it has its times.

    ``time`` is its own time, which decides its age; ``arrived`` is when smithd received it. Both are in seconds since
    1970. A sample that smithd computed itself did not arrive: its ``arrived`` is None. ``lasting``: it was pushed and
    cannot be asked for again, so that the state keeps it.
    """

    series: Series
    value: float
    time: float
    arrived: float | None = None
    lasting: bool = False
