"""What a sample is compared with, where its rule compares with the past. No I/O.

Values during a departure from what is normal are no baseline: ``over 1h`` and ``vs average`` keep the one that an alert
began with, and the samples from the breach that led to firing until the alert resolved are left out of later baselines.
What lasts as long as ``rebase_after`` is the new level: its samples count, and those from before it do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from smithd.alerts.alert import Alert
from smithd.alerts.relative import ALL_NORMAL, Normality, Relative
from smithd.alerts.rule import Baselines, Rule
from smithd.alerts.ruleset import RuleSet
from smithd.plugin.sample import Sample
from smithd.series.intervals import FiringInterval
from smithd.series.view import SeriesView


def baselines(rule: Rule, sample: Sample, alert: Alert | None, rules: RuleSet, view: SeriesView) -> Baselines:
    """What the sample is compared with at each severity of the rule; ``alert``: the one on its series."""
    series, at = sample.series, view.state.moment(sample, view.now)
    normality = normality_of(view.intervals.by_series.get(series) or (), rule, rules.by_name, view.now)
    found: list[float | None] = []
    for (_, condition), kept in zip(rule.thresholds, frozen(rule, alert, view.now), strict=True):
        if kept is None and isinstance(condition, Relative):
            kept = condition.baseline(sample.value, lambda since: view.past(*series, since), at, rules.zone, normality)
        found.append(kept)
    return tuple(found)


def frozen(rule: Rule, alert: Alert | None, now: float) -> Baselines:
    """The baselines that an alert keeps from its beginning, for at most the rule's ``rebase_after``."""
    if alert is None or now - alert.breached_since(now) >= rule.rebase_after:
        return (None,) * len(rule.thresholds)
    return tuple(
        hold.baseline if isinstance(condition, Relative) and condition.reference.freezes else None
        for hold, (_, condition) in zip(alert.holds, rule.thresholds, strict=True)
    )


def normality_of(intervals: tuple[FiringInterval, ...], rule: Rule, rules: Mapping[str, Rule], now: float) -> Normality:
    """What is normal of a series, by the times in which rules that compare with the past fired on it. One of a rule
    that is not there any more counts as if it was this rule's.
    """
    if not intervals:
        return ALL_NORMAL
    left_out: list[tuple[float, float]] = []
    level_since = -math.inf
    for interval in intervals:
        by, end = rules.get(interval.rule, rule), now if interval.end is None else interval.end
        if not by.references:
            continue
        if end - interval.start >= by.rebase_after:
            level_since = max(level_since, interval.start)
        else:
            left_out.append((interval.start, math.inf if interval.end is None else end))
    return Normality(tuple(left_out), level_since)
