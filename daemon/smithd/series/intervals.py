"""When rules fired on a series, for the last 31 days. No I/O.

An interval is open while the alert fires. A series is not normal while a rule fires on it, so that a baseline can leave
these samples out. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from rpds import HashTrieMap

from smithd.plugin.sample import Series

KEPT_FOR = 31 * 86400.0


class FiringInterval(NamedTuple):
    """``end``: when the rule ceased to fire on the series; None while it fires."""

    rule: str
    series: Series
    start: float
    end: float | None = None


class IntervalChanges(NamedTuple):
    """What a transaction writes: intervals that are new or have ended, and those that are too old to be kept."""

    written: tuple[FiringInterval, ...] = ()
    removed: tuple[FiringInterval, ...] = ()


@dataclass(frozen=True, slots=True)
class FiringIntervals:
    """``by_series``: the intervals of each series, in the order in which they began."""

    by_series: HashTrieMap[Series, tuple[FiringInterval, ...]] = field(default_factory=HashTrieMap)

    def of(self, series: Series, since: float, now: float) -> list[tuple[float, float]]:
        """Beginning and end of each time in which a rule fired on a series, between ``since`` and ``now``."""
        found = ((each.start, now if each.end is None else each.end) for each in self.by_series.get(series) or ())
        return [(max(start, since), min(end, now)) for start, end in found if start <= now and end >= since]

    def all(self) -> list[FiringInterval]:
        """Every interval, series by series."""
        return [each for known in self.by_series.values() for each in known]


NO_INTERVALS = FiringIntervals()


def opened(intervals: FiringIntervals, rule: str, series: Series, at: float) -> tuple[FiringIntervals, IntervalChanges]:
    """After a rule began to fire on a series. Where it fires already, nothing changes."""
    known = intervals.by_series.get(series) or ()
    if any(each.rule == rule and each.end is None for each in known):
        return intervals, IntervalChanges()
    # The clock may have been set back to the moment at which an earlier one began: that one goes on.
    kept = tuple(each for each in known if (each.rule, each.start) != (rule, at))
    interval = FiringInterval(rule, series, at)
    return FiringIntervals(intervals.by_series.insert(series, (*kept, interval))), IntervalChanges((interval,))


def closed(intervals: FiringIntervals, rule: str, series: Series, at: float) -> tuple[FiringIntervals, IntervalChanges]:
    """After a rule ceased to fire on a series. Where it does not fire, nothing changes."""
    known = intervals.by_series.get(series) or ()
    ended = tuple(
        each._replace(end=max(at, each.start)) if each.rule == rule and each.end is None else each for each in known
    )
    changed = tuple(after for before, after in zip(known, ended, strict=True) if before != after)
    if not changed:
        return intervals, IntervalChanges()
    return FiringIntervals(intervals.by_series.insert(series, ended)), IntervalChanges(changed)


def close_all_but(
    intervals: FiringIntervals, firing: Collection[tuple[str, Series]], at: float
) -> tuple[FiringIntervals, IntervalChanges]:
    """At a start: an interval is open only where the alert still fires."""
    written: tuple[FiringInterval, ...] = ()
    for each in intervals.all():
        if each.end is None and (each.rule, each.series) not in firing:
            intervals, changes = closed(intervals, each.rule, each.series, at)
            written += changes.written
    return intervals, IntervalChanges(written)


def prune(intervals: FiringIntervals, now: float) -> tuple[FiringIntervals, IntervalChanges]:
    """Without the intervals that ended more than 31 days ago."""
    by_series = intervals.by_series
    removed: list[FiringInterval] = []
    # ``by_series`` is another map after each change; the loop goes over the one that was given.
    for series, known in intervals.by_series.items():
        expired = [each for each in known if each.end is not None and each.end < now - KEPT_FOR]
        if not expired:
            continue
        removed += expired
        kept = tuple(each for each in known if each not in expired)
        by_series = by_series.insert(series, kept) if kept else by_series.remove(series)
    return FiringIntervals(by_series), IntervalChanges(removed=tuple(removed))
