"""What a sample is compared with, where its rule compares with the past. No I/O.

Values during a departure from what is normal are no baseline: ``over 1h`` and ``vs average`` keep the one that an alert
began with, and the samples from the breach that led to firing until the alert resolved are left out of later baselines.
What lasts as long as ``rebase_after`` is the new level: its samples count, and those from before it do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from smithd.alerts.alert import Alert
from smithd.alerts.compared_with import ALL_NORMAL, Normality
from smithd.alerts.relative import Relative
from smithd.alerts.rule import Baselines, Rule
from smithd.alerts.ruleset import RuleSet
from smithd.expression.window import Samples
from smithd.plugin.sample import Sample
from smithd.series.intervals import FiringInterval
from smithd.series.view import SeriesView


class Compared(NamedTuple):
    """What a rule judges: a value, and what it is compared with at each severity. Of a counter the value is what that
    counted lately; where too little is remembered to know that, it is compared with nothing.
    """

    value: float
    baselines: Baselines


def compare(rule: Rule, sample: Sample, alert: Alert | None, rules: RuleSet, view: SeriesView) -> Compared:
    """What a rule that compares with the past judges of a sample; ``alert``: the one on its series."""
    series, at = sample.series, view.state.moment(sample, view.now)
    normality = normality_of(view.intervals.by_series.get(series) or (), rule, rules.by_name, view.now)

    def past(since: float) -> Samples:
        return view.past(*series, since)

    # Of a counter, all severities compare the same increase.
    value = rule.references[0].measured(sample.value, past, at, rule.zone) if rule.is_on_counter else sample.value
    if value is None:
        last = alert.value if alert is not None and alert.value is not None else sample.value
        return Compared(last, (None,) * len(rule.thresholds))
    found: list[float | None] = []
    for (_, condition), kept in zip(rule.thresholds, frozen(rule, alert, view.now), strict=True):
        if kept is None and isinstance(condition, Relative):
            kept = condition.baseline(value, past, at, rule.zone, normality)
        found.append(kept)
    return Compared(value, tuple(found))


def days_before(rule: Rule, sample: Sample, rules: RuleSet, view: SeriesView) -> int | None:
    """How many days ago it is that a sample is compared with; None: it is not compared with another day."""
    days = [reference for reference in rule.references if reference.kind == "day"]
    if not days:
        return None
    series, at = sample.series, view.state.moment(sample, view.now)
    normality = normality_of(view.intervals.by_series.get(series) or (), rule, rules.by_name, view.now)
    return days[0].days_before(lambda since: view.past(*series, since), at, rule.zone, normality)


def frozen(rule: Rule, alert: Alert | None, now: float) -> Baselines:
    """The baselines that an alert keeps from its beginning, for at most the rule's ``rebase_after``."""
    if alert is None or now - alert.breached_since(now) >= rule.rebase_after:
        return (None,) * len(rule.thresholds)
    return tuple(
        hold.baseline if isinstance(condition, Relative) and condition.reference.freezes else None
        for hold, (_, condition) in zip(alert.holds, rule.thresholds, strict=True)
    )


def normality_of(intervals: tuple[FiringInterval, ...], rule: Rule, rules: Mapping[str, Rule], now: float) -> Normality:
    """What is normal of a series to a rule, by the times in which rules that compare with the past fired on it (a rule
    that is not there any more counts as one). From when on such a time is the new level, the rule says itself.
    """
    if not intervals:
        return ALL_NORMAL
    left_out: list[tuple[float, float]] = []
    level_since = -math.inf
    for interval in intervals:
        by, end = rules.get(interval.rule, rule), now if interval.end is None else interval.end
        if not by.references:
            continue
        if end - interval.start >= rule.rebase_after:
            level_since = max(level_since, interval.start)
        else:
            left_out.append((interval.start, math.inf if interval.end is None else end))
    return Normality(tuple(left_out), level_since)
