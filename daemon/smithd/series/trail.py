"""The last day of every metric that something looks at, for plots: in memory only, the coarser the more there is.
No I/O.

``History`` remembers what rules look back on, and on disk. A trail loses no peak: of each stretch of time it keeps the
lowest and the highest sample, and of the newest samples all. Times are seconds since 1970.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

from smithd.plugin.sample import Sample, Series
from smithd.series.track import Point

KEPT_FOR = 86400.0
MOST_POINTS = 480
"""How many points of a series are remembered at most; the more series, the fewer."""
ALL_POINTS = 1_280_000
"""About how many points are remembered of all series together, of 17 bytes each."""
MOST_SERIES = 20_000
"""Of how many series; of those that come when there is no more room, there is nothing to plot but the newest sample."""
KEPT, EXACT = 5 / 8, 1 / 8
"""What thinning leaves of the points that a series may have, and the share of the newest, which are left alone."""
FORGET_EVERY = 60.0


class PlotPoint(NamedTuple):
    """A sample. ``after_gap``: for a time before it, nothing was known of its series: a line breaks there."""

    at: float
    value: float
    after_gap: bool = False


class Trail:
    """Samples of the last day, by series. ``started``: when this run began; ``since``: the metrics that are remembered,
    and from when on.
    """

    def __init__(self, metrics: Collection[str], now: float) -> None:
        self.started = now
        self.since: dict[str, float] = {}
        self._lines: dict[Series, _Line] = {}
        self._forgotten_at = now
        self.watch(metrics, now)

    def watch(self, metrics: Collection[str], now: float) -> None:
        """Other metrics are remembered from now on; what is no longer wanted is forgotten."""
        self.since = {metric: self.since.get(metric, now) for metric in metrics}
        self._lines = {series: line for series, line in self._lines.items() if series.metric in self.since}

    def take(self, samples: Iterable[Sample], not_before: float, fresh_for: Callable[[str], float]) -> None:
        """Remember samples, as if none were older than ``not_before``. ``fresh_for``: for how many seconds the samples
        of a metric are fresh; one that comes later than that after the last one comes after a gap.
        """
        since, lines, fresh = self.since, self._lines, cache(fresh_for)
        for sample in samples:
            series = sample.series
            if series.metric in since:
                at = max(sample.time, not_before)
                line = lines.get(series) or self._begun(series, at)
                if line is not None and line.add(at, sample.value, fresh(series.metric)):
                    line.allow(self._most)
                    line.thin()

    def past(self, series: Series, since: float, until: float) -> list[PlotPoint]:
        """What is remembered of a series in a span of time, the oldest first."""
        line = self._lines.get(series)
        return line.between(since, until) if line else []

    def has(self, series: Series) -> bool:
        """Whether a series is remembered."""
        return series in self._lines

    @property
    def _most(self) -> int:
        return min(MOST_POINTS, ALL_POINTS // max(1, len(self._lines)))

    def _begun(self, series: Series, now: float) -> _Line | None:
        """A line for a new series; None where there is no room."""
        if len(self._lines) >= MOST_SERIES:
            self._forget(now)
        if len(self._lines) >= MOST_SERIES:
            return None
        # Series that began at once have different shares and are thinned at different times, so that no poll has to
        # wait for all of them.
        line = self._lines[series] = _Line(1 - len(self._lines) % 64 / 256)
        line.allow(self._most)
        return line

    def _forget(self, now: float) -> None:
        """Drop the series that had no sample for a day."""
        # Negative where the clock was set back: that must not put it off.
        if 0 <= now - self._forgotten_at < FORGET_EVERY:
            return
        self._forgotten_at = now
        for series, line in list(self._lines.items()):
            if line.newest < now - KEPT_FOR:
                del self._lines[series]


class _Line:
    """The points of one series, which takes a ``share`` of those that it may have."""

    __slots__ = ("_gaps", "_most", "_share", "_times", "_values")

    def __init__(self, share: float) -> None:
        self._share, self._most = share, 0
        self._times, self._values, self._gaps = array("d"), array("d"), bytearray()

    @property
    def newest(self) -> float:
        """The time of the newest point."""
        return self._times[-1]

    def add(self, at: float, value: float, fresh_for: float) -> bool:
        """Take a point; whether there are now as many as there may be."""
        # The clock may have been set back.
        if self._times and self._times[-1] > at:
            self._cut(slice(bisect_right(self._times, at)))
        times = self._times
        if times and times[-1] == at:
            self._values[-1] = value
            return False
        self._gaps.append(bool(times) and at - times[-1] > fresh_for)
        times.append(at)
        self._values.append(value)
        return len(times) >= self._most

    def allow(self, most: int) -> None:
        """Have at most so many points from now on."""
        self._most = int(most * self._share)

    def thin(self) -> None:
        """Make room for more: drop what is older than a day, and thin the rest. Of a series with few samples, more than
        a day is kept.
        """
        keep = int(self._most * KEPT)
        too_old = bisect_left(self._times, self._times[-1] - KEPT_FOR)
        self._cut(slice(min(too_old, max(0, len(self._times) - keep)), None))
        kept = thinned(self._points(slice(None)), keep, int(self._most * EXACT))
        self._times, self._values = array("d", (each.at for each in kept)), array("d", (each.value for each in kept))
        self._gaps = bytearray(each.after_gap for each in kept)

    def between(self, since: float, until: float) -> list[PlotPoint]:
        """The points in a span of time."""
        return self._points(slice(bisect_left(self._times, since), bisect_right(self._times, until)))

    def _points(self, places: slice) -> list[PlotPoint]:
        rows = zip(self._times[places], self._values[places], map(bool, self._gaps[places]), strict=True)
        return [*map(PlotPoint._make, rows)]

    def _cut(self, places: slice) -> None:
        """Keep these points alone."""
        self._times, self._values, self._gaps = self._times[places], self._values[places], self._gaps[places]


def thinned(points: Sequence[PlotPoint], most: int, exact: int = 1) -> list[PlotPoint]:
    """At most so many points, in the order of time: the newest ``exact``, and of each stretch of time before them the
    lowest and the highest, so that no peak is lost. No gap is closed.
    """
    if len(points) <= most:
        return list(points)
    old = len(points) - exact
    stretches = max(1, (most - exact) // 2)
    start = points[0].at
    width = (points[old - 1].at - start) / stretches or 1.0
    is_kept = bytearray(old) + b"\1" * exact
    values = [point.value for point in points]
    for _, each in groupby(range(old), lambda place: min(int((points[place].at - start) / width), stretches - 1)):
        places = list(each)
        # Of equal ones the first and the last, so that a line of one value is as long as it was.
        is_kept[min(places, key=values.__getitem__)] = 1
        is_kept[max(reversed(places), key=values.__getitem__)] = 1
    # What is dropped hands its gap on to the next that is kept.
    has_gap, found = False, []
    for point, kept in zip(points, is_kept, strict=True):
        has_gap |= point.after_gap
        if kept:
            found.append(point._replace(after_gap=has_gap))
            has_gap = False
    return found


def apart(points: Sequence[Point], longest: float) -> list[PlotPoint]:
    """Points as one line, which breaks where two are more than ``longest`` seconds apart."""
    before = [*points[:1], *points]
    return [
        PlotPoint(at, value, at - earlier > longest) for (at, value), (earlier, _) in zip(points, before, strict=False)
    ]


def joined(parts: Iterable[Sequence[PlotPoint]], longest: float) -> list[PlotPoint]:
    """One line of several, each of which takes over where it begins: the later ones know more. It breaks between two
    that are more than ``longest`` seconds apart.
    """
    found: list[PlotPoint] = []
    for part in filter(None, parts):
        first = part[0]
        found = found[: bisect_left(found, first.at, key=lambda point: point.at)]
        has_gap = bool(found) and first.at - found[-1].at > longest
        found += [first._replace(after_gap=has_gap), *part[1:]]
    return found
