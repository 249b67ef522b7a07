"""The past of a metric, for a plot: its samples, the thresholds of the rules on it, and when they fired. No I/O."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from smithd.alerts.alert import Change
from smithd.alerts.condition import Threshold
from smithd.alerts.rule import Rule
from smithd.errors import NotThere
from smithd.journal import Entry
from smithd.notify.matcher import AlertMatcher
from smithd.plugin.sample import Labels, Series
from smithd.series.history import History
from smithd.series.track import FULL_FOR, spacing
from smithd.series.trail import PlotPoint, Trail, apart, joined
from smithd.setup import Setup
from smithd.state import State
from smithd.suggestion import did_you_mean

MOST_SERIES = 20
"""How many series of a metric are told of at once, by their labels."""
LONGEST = 31 * 86400.0
"""Nothing is remembered for longer."""


class PastSeries(NamedTuple):
    """One series, and its samples, the oldest first."""

    labels: Labels
    points: Sequence[PlotPoint]


class SampleMemory(NamedTuple):
    """What is remembered of series. Both change in place: they are for the loop."""

    history: History
    trail: Trail

    def points(self, series: Series, since: float, until: float, fresh_for: float) -> Sequence[PlotPoint]:
        """The samples of a series in a span of time. A line breaks where they were not fresh."""
        # The trail has every peak, and of the last hour the history has every sample; each knows what the other lacks.
        longest = fresh_for + spacing(self.history.kept_for.get(series.metric, 0.0))
        recently = max(since, until - FULL_FOR)
        parts = (
            apart(self.history.past(series, since, until), longest),
            self.trail.past(series, since, until),
            apart(self.history.past(series, recently, until), fresh_for),
        )
        return joined(parts, longest)

    def has(self, series: Series) -> bool:
        """Whether there was room for a series, so that its samples are remembered as they come."""
        return self.trail.has(series) or self.history.track(series) is not None


class FiringSpell(NamedTuple):
    """A time in which an alert fired; None: it had begun before what is remembered, or has not ended."""

    rule: str
    labels: Labels
    start: float | None
    end: float | None


class MetricPast(NamedTuple):
    """A metric from ``since`` to ``until``. ``kept_for``: for how many seconds its samples are kept over restarts;
    ``remembered_since``: since when those of the last day are remembered; None: they are not. ``started``: when this
    run began. ``left_out``: how many series there are beside these; ``no_room``: how many of these have no past, since
    there was no room for it; ``rules``: those on the metric.
    """

    metric: str
    since: float
    until: float
    kept_for: float | None
    remembered_since: float | None
    started: float
    series: Sequence[PastSeries]
    left_out: int
    no_room: int
    rules: Sequence[Rule]


def past(
    setup: Setup,
    state: State,
    remembered: SampleMemory,
    metric: str,
    matchers: Collection[AlertMatcher],
    span: tuple[float, float],
) -> MetricPast:
    """What is remembered of a metric's series that meet all matchers, in a span of time. For the loop, since
    what is remembered changes in place; ``thinned`` is for a thread.

    NotThere where there is no such metric.
    """
    since, until = span
    known = {**state.series.missing(metric), **state.series.samples(metric)}
    rules = [rule for rule in setup.rules.by_name.values() if rule.metric == metric]
    if not known and metric not in _metrics(setup):
        hint = did_you_mean(metric, _metrics(setup))
        raise NotThere(f"there is no metric '{metric}'{f'; {hint}' if hint else ''}")
    meets = sorted(labels for labels in known if all(each.matches(dict(labels)) for each in matchers))
    found, no_room = [], 0
    for labels in meets[:MOST_SERIES]:
        series, newest = Series(metric, labels), known[labels]
        points = remembered.points(series, since, until, state.series.fresh_for(metric))
        no_room += not remembered.has(series)
        if not points and since <= newest.time <= until:
            points = [PlotPoint(newest.time, newest.value)]
        found.append(PastSeries(labels, points))
    return MetricPast(
        metric,
        since,
        until,
        remembered.history.kept_for.get(metric),
        remembered.trail.since.get(metric),
        remembered.trail.started,
        found,
        len(meets[MOST_SERIES:]),
        no_room,
        rules,
    )


def _metrics(setup: Setup) -> set[str]:
    """The metrics that the configuration names, and those that are derived."""
    named = {f"{spec.name}.{metric}" for spec in setup.config.sources.values() for metric in spec.metrics}
    return named.union(setup.inputs, setup.expected.derived, setup.surfaces.metrics)


def spells(entries: Iterable[Entry], since: float, until: float) -> list[FiringSpell]:
    """When alerts fired in a span of time, from the entries of the journal, the oldest first."""
    fires: dict[tuple[str, Labels], float] = {}
    found = []
    for entry in entries:
        key = entry.rule, entry.labels
        if entry.change == Change.FIRED:
            fires[key] = entry.at
        elif entry.change == Change.RESOLVED:
            found.append(FiringSpell(*key, fires.pop(key, None), entry.at))
    found += [FiringSpell(*key, start, None) for key, start in fires.items()]
    return [
        each
        for each in found
        if (each.start is None or each.start <= until) and (each.end is None or each.end >= since)
    ]


def bounds(rule: Rule) -> list[tuple[str, str, list[float]]]:
    """The thresholds of a rule, the lowest first: the severity, the condition as it was written, and the numbers at
    which a value begins to breach or ceases to; none for a comparison with the past.
    """
    found = []
    for severity, condition in rule.thresholds:
        numbers: set[float] = set()
        if isinstance(condition, Threshold):
            numbers = {end for each in condition.intervals for end in (each.low, each.high) if math.isfinite(end)}
        found.append((str(severity), str(condition), sorted(numbers)))
    return found
