"""The last day of series that no rule looks back on, for a plot: in memory only, and the coarser the more there is.
No I/O.

``History`` remembers what rules look back on, exactly and on disk. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from smithd.plugin.sample import Sample, Series
from smithd.series.track import Point

KEPT_FOR = 86400.0
MOST_POINTS = 500
"""How many samples of a series a plot has."""
MOST_SERIES = 1_000
"""How many series are remembered; of more, there is nothing to plot but the newest sample."""


class Trail:
    """Samples of the last day, by series."""

    def __init__(self, metrics: Collection[str]) -> None:
        """``metrics``: those of which series are remembered."""
        self._metrics = frozenset(metrics)
        self._points: dict[Series, list[Point]] = {}

    def watch(self, metrics: Collection[str]) -> None:
        """Other metrics are remembered; what is no longer wanted is forgotten."""
        self._metrics = frozenset(metrics)
        self._points = {series: points for series, points in self._points.items() if series.metric in self._metrics}

    def take(self, samples: Iterable[Sample]) -> None:
        """Remember these samples, each newer than those of its series before."""
        for sample in samples:
            if sample.series.metric in self._metrics:
                self._add(sample.series, sample.time, sample.value)

    def past(self, series: Series, since: float, until: float) -> list[Point]:
        """What is remembered of a series in a span of time, the oldest first."""
        return [point for point in self._points.get(series, ()) if since <= point[0] <= until]

    def _add(self, series: Series, at: float, value: float) -> None:
        points = self._points.get(series)
        if points is None:
            if len(self._points) >= MOST_SERIES:
                self._forget(at)
            if len(self._points) >= MOST_SERIES:
                return
            points = self._points[series] = []
        # The clock may have been set back.
        while points and points[-1][0] >= at:
            points.pop()
        points.append((at, value))
        if len(points) >= 2 * MOST_POINTS:
            kept = [point for point in points if point[0] >= at - KEPT_FOR]
            self._points[series] = thinned(kept)

    def _forget(self, now: float) -> None:
        """Drop the series that had no sample for a day."""
        self._points = {series: points for series, points in self._points.items() if points[-1][0] >= now - KEPT_FOR}


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many points, in the order of time: of each stretch of time the lowest and the highest, so that no
    peak is lost, and the newest.
    """
    if len(points) <= most:
        return list(points)
    start, buckets = points[0][0], max(1, (most - 1) // 2)
    width = (points[-1][0] - start) / buckets or 1.0
    kept: list[Point] = []
    for _, each in groupby(points[:-1], lambda point: min(int((point[0] - start) / width), buckets - 1)):
        bucket = list(each)
        ends = {min(bucket, key=itemgetter(1)), max(bucket, key=itemgetter(1))}
        kept += sorted(ends)
    return [*kept, points[-1]]
