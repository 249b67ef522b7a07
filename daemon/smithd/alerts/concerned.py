"""Which rules and alerts the samples of a poll concern. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from smithd.alerts.alert import Alert
from smithd.alerts.alerts import NO_ALERTS, Alerts
from smithd.alerts.rule import Rule
from smithd.alerts.ruleset import RuleSet
from smithd.plugin.sample import Sample, Series
from smithd.series.view import SeriesView


def concerned(
    rules: RuleSet, alerts: Alerts, samples: Iterable[Sample]
) -> tuple[list[tuple[Rule, Sample, Alert]], list[tuple[Rule, Sample]]]:
    """The samples that mean something to plain rules: on series that have an alert, and on others."""
    # Most values are fine, and have no alert: they must cost next to nothing. A series has one sample here, so that the
    # alerts from before can say which of them has one.
    plain, active = rules.plain.get, alerts.by_rule.get
    known_already: list[tuple[Rule, Sample, Alert]] = []
    newcomers: list[tuple[Rule, Sample]] = []
    for sample in samples:
        metric, labels = sample.series
        for rule in plain(metric, ()):
            known, may_breach = active(rule.name), rule.breached
            alert = known.get(labels) if known is not None else None
            if alert is not None:
                known_already.append((rule, sample, alert))
            elif may_breach is None or may_breach(sample.value):
                newcomers.append((rule, sample))
    return known_already, newcomers


def lacking(rules: RuleSet, alerts: Alerts, reported: Iterable[str], view: SeriesView) -> list[tuple[Rule, Alert]]:
    """The alerts on series that the answer lacks, where that means that they are clear."""
    return [
        (rule, alert)
        for metric in reported
        for rule in rules.when_empty.get(metric, ())
        for alert in alerts.of_rule(rule.name)
        if view.state.lacks(metric, alert.labels, view.now)
    ]


def vanished(rules: RuleSet, alerts: Alerts, reported: Iterable[str], view: SeriesView) -> tuple[Series, ...]:
    """The missing series of metrics that were reported, where nothing will ask for them: they have no alert, and to be
    missing is none.
    """
    found: list[Series] = []
    for metric in reported:
        missing = view.state.missing(metric)
        if missing and metric not in rules.expressions and metric not in rules.when_missing:
            known = [alerts.by_rule.get(rule.name, NO_ALERTS) for rule in rules.plain.get(metric, ())]
            found += [Series(metric, labels) for labels in missing if not any(labels in each for each in known)]
    return tuple(found)
