"""What a source hands over: samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]
"""A series' labels, sorted by name, so that equal sets are equal values."""


class RawSample(NamedTuple):
    """One reading of one series.

    ``metric`` is the metric's name within its source, ``value`` a finite number, ``labels`` what tells this series
    from the metric's others, ``time`` when the value was true (seconds since 1970; None: now).
    """

    metric: str
    value: float
    labels: Mapping[str, str] = {}
    time: float | None = None


class Series(NamedTuple):
    """The identity of a stream of samples: ``source.metric`` and its labels."""

    metric: str
    labels: Labels = ()

    def __str__(self) -> str:
        inner = ", ".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.metric}{{{inner}}}" if inner else self.metric


class Sample(NamedTuple):
    """A sample that was admitted: finite, named in full, with its time."""

    series: Series
    value: float
    time: float
