"""What samples, and time, make of all alerts. No I/O.

Only what a poll concerns is evaluated: the rules on the metrics that it reported, and the expressions that name them.
What time alone changes is evaluated when its timer is due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import replace
from typing import NamedTuple

from rpds import HashTrieSet

from smithd.alerts import transitions
from smithd.alerts.alert import Alert, AlertKey, Transition
from smithd.alerts.alerts import NO_SERIES, Alerts
from smithd.alerts.baselines import compare, days_before
from smithd.alerts.concerned import concerned, lacking, vanished
from smithd.alerts.condition import Verdict
from smithd.alerts.expression_series import ExpressionSeries, WaitingAlerts
from smithd.alerts.places import AlertPlaces, breached, in_order, is_full
from smithd.alerts.reason import SERIES_MISSING, Cause, CauseKind
from smithd.alerts.rule import Baselines, Rule
from smithd.alerts.ruleset import RuleSet
from smithd.alerts.severity import Severity
from smithd.expression.expression import Expression, values_for
from smithd.expression.vector import Vector
from smithd.plugin.sample import Labels, Sample, Series
from smithd.series.state import SeriesState, forget_missing
from smithd.series.view import SeriesView
from smithd.timers import AlertDue


class Evaluated(NamedTuple):
    """The result of an evaluation.

    ``alerts``: as they are now; ``transitions``: what changed, in that order. ``forgotten``: inactive alerts that do
    not count as flapping any more. ``timers``: when to evaluate alerts again. ``problems``: rules whose expression
    makes no sense any more, and why. ``unneeded``: missing series that no alert needs. ``limited``: rules that began,
    or ceased, to have series that breach and have no alert.
    """

    alerts: Alerts
    transitions: tuple[Transition, ...] = ()
    forgotten: tuple[AlertKey, ...] = ()
    timers: tuple[tuple[float, AlertDue], ...] = ()
    problems: Mapping[str, str] = {}
    unneeded: tuple[Series, ...] = ()
    limited: tuple[str, ...] = ()

    @property
    def changed(self) -> list[AlertKey]:
        """The alerts of which something else is to be kept than before."""
        return [*(transition.alert.key for transition in self.transitions), *self.forgotten]


def evaluate(
    rules: RuleSet, alerts: Alerts, samples: Collection[Sample], reported: Collection[str], view: SeriesView
) -> Evaluated:
    """What fresh samples do to the alerts. ``reported``: all metrics of the poll, and those derived from them."""
    found, newcomers = concerned(rules, alerts, samples)
    expressions = rules.on_metrics(reported) if rules.expressions else ()
    cleared = lacking(rules, alerts, reported, view) if rules.when_empty else []
    unneeded = vanished(rules, alerts, reported, view)
    if not (found or newcomers or expressions or cleared or rules.when_missing or alerts.rest):
        return Evaluated(alerts, unneeded=unneeded)

    step = _Evaluation(rules, alerts, view)
    # Those that have an alert come first: one that ends leaves its place to another.
    for rule, sample, alert in found:
        step.evaluate_sample(rule, sample, alert)
    for rule, alert in cleared:
        step.clear(rule, alert)
    for rule, sample in in_order(newcomers, step.alerts):
        step.evaluate_sample(rule, sample, None)
    for rule in expressions:
        step.evaluate_expression(rule)
    for metric in reported if rules.when_missing else ():
        for rule in rules.when_missing.get(metric, ()):
            step.end_missing_metric(rule)
    step.count_rest(samples, reported)
    return step.result()._replace(unneeded=unneeded)


def evaluate_time(
    rules: RuleSet, alerts: Alerts, due: Iterable[AlertDue], stale: Iterable[str], view: SeriesView
) -> Evaluated:
    """What time alone does to the alerts: those whose timer is ``due``, and metrics of which something is ``stale``."""
    step = _Evaluation(rules, alerts, view)
    expressions: dict[str, Rule] = {}
    for name, labels in due:
        rule, alert = rules.by_name[name], step.alerts.get(name, labels)
        if alert is None:
            step.forget_flapping(rule, labels)
        # An expression is evaluated once for all of its series, however many of its alerts are due.
        elif rule.when is not None:
            expressions[name] = rule
        else:
            step.evaluate_again(rule, alert)
    for metric in stale:
        # Before its sources were polled, nothing is known of why there is no value, or whether there is none.
        if view.state.is_polled(metric):
            step.look_for_missing(metric)
            expressions |= {rule.name: rule for rule in rules.expressions.get(metric, ())}
    for rule in expressions.values():
        step.evaluate_expression(rule)
        step.look_for_missing_metrics(rule)
    return step.result()


def timers_of(rules: RuleSet, alerts: Alerts) -> list[tuple[float, AlertDue]]:
    """When to evaluate every alert again: for a start, and after the clock was set."""
    # Most alerts have no timer: the timers are sorted, not the alerts.
    found = [
        (at, AlertDue(name, alert.labels))
        for name, those in alerts.by_rule.items()
        for alert in those.values()
        for at in transitions.due_times(rules.by_name[name], alert)
    ]
    found.sort()
    for key in sorted(alerts.flapping):
        over_at = alerts.flapping_over_at(rules.by_name[key.rule], key)
        if over_at is not None:
            found.append((over_at, AlertDue(key.rule, key.labels)))
    return found


def overdue(rules: RuleSet, alerts: Alerts, source: str, now: float) -> list[AlertDue]:
    """The alerts on a source's metrics whose timers were due before the source was polled."""
    metrics = rules.metrics_of.get(source, ())
    concerned = {rule.name: rule for metric in metrics for rule in rules.plain.get(metric, ())}
    concerned |= {rule.name: rule for rule in rules.on_metrics(metrics)}
    return [
        AlertDue(alert.rule, alert.labels)
        for rule in concerned.values()
        for alert in alerts.of_rule(rule.name)
        if min(transitions.due_times(rule, alert), default=now + 1) <= now
    ]


def same_verdicts(rules: RuleSet, older: Iterable[Sample], newer: Iterable[Sample]) -> bool:
    """Whether two answers of one source mean the same to every rule: they have the same series, and each value gives
    each rule the same verdicts. An expression, or a relative rule, may look at more than the newest values; where one
    is concerned, the answer is no.
    """
    first = {sample.series: sample.value for sample in older}
    second = {sample.series: sample.value for sample in newer}
    if first.keys() != second.keys():
        return False
    metrics = {series.metric for series in first}
    if not rules.expressions.keys().isdisjoint(metrics):
        return False
    concerned = [(rule, series) for series in first for rule in rules.plain.get(series.metric, ())]
    return all(
        not rule.references and rule.verdicts(first[series]) == rule.verdicts(second[series])
        for rule, series in concerned
    )


class _Evaluation:
    """One evaluation while it runs: the alerts as they are by now, and what has been found so far."""

    def __init__(self, rules: RuleSet, alerts: Alerts, view: SeriesView) -> None:
        self.alerts = alerts
        self._rules = rules
        self._view = view
        self._now = view.now
        self._transitions: list[Transition] = []
        self._forgotten: list[AlertKey] = []
        self._timers: list[tuple[float, AlertDue]] = []
        self._problems: dict[str, str] = {}
        self._unneeded: list[Series] = []
        self._places = AlertPlaces()
        # The series of each rule that breach in this evaluation, and found no place.
        self._refused: dict[str, list[Labels]] = defaultdict(list)
        self._limited: list[str] = []

    def result(self) -> Evaluated:
        return Evaluated(
            self.alerts,
            tuple(self._transitions),
            tuple(self._forgotten),
            tuple(self._timers),
            self._problems,
            tuple(self._unneeded),
            tuple(self._limited),
        )

    def evaluate_sample(self, rule: Rule, sample: Sample, alert: Alert | None) -> None:
        """A rule on a metric, and a fresh sample of it; ``alert``: the one on its series."""
        series, value = sample.series, sample.value
        compared: Baselines = ()
        if rule.breached is None:
            value, compared = compare(rule, sample, alert, self._rules, self._view)
            if alert is None and Verdict.BREACH not in rule.verdicts(value, compared):
                return
        if alert is None and is_full(rule, self.alerts):
            severity = breached(rule, value, compared)
            if severity is None or not self._has_place(rule, series.labels, severity):
                return
        key = AlertKey("", rule.name, series.labels)
        flapping = self.alerts.flapping.get(key) if rule.damping and alert is None else None
        change = transitions.on_value(rule, series, alert, value, self._now, compared, flapping)
        if change is not None and compared:
            days = days_before(rule, sample, self._rules, self._view)
            change = replace(change, evidence=replace(change.evidence, days=days))
        self._take(rule, change)

    def clear(self, rule: Rule, alert: Alert) -> None:
        """An alert on a series that the answer lacks, which means that it is clear."""
        self._take(rule, transitions.on_clear(rule, alert, self._now))

    def evaluate_expression(self, rule: Rule) -> None:
        """A rule with an expression, on all of its series."""
        assert rule.when is not None
        view = self._view.seen_by(rule.when)
        vector = rule.when.evaluate(view)
        # An event is published when a problem is new; the problem itself lasts until an evaluation has none.
        if vector.problem != self.alerts.problems.get(rule.name, ""):
            self.alerts = self.alerts.with_problem(rule.name, vector.problem)
            if vector.problem:
                self._problems[rule.name] = vector.problem
        known = self._on_known_series(rule, rule.when, vector)
        newcomers = [labels for labels in vector.values if self.alerts.get(rule.name, labels) is None]
        # The operands are evaluated once for all series, and not at all where nothing changed.
        operands = rule.when.operands(view) if known or newcomers else []

        def take(change: Transition | None) -> None:
            if change is not None:
                evidence = replace(change.evidence, operands=values_for(operands, change.alert.labels))
                self._take(rule, replace(change, evidence=evidence))

        # Those that have an alert come first: one that ends leaves its place to another.
        for change in known:
            take(change)
        for labels in newcomers:
            if is_full(rule, self.alerts) and not self._has_place(rule, labels, rule.lowest):
                continue
            flapping = self.alerts.flapping.get(AlertKey("", rule.name, labels)) if rule.damping else None
            series, value = Series("", labels), vector.values[labels]
            take(transitions.on_value(rule, series, None, value, self._now, (), flapping))
        self._set_rest(rule, HashTrieSet(self._refused.pop(rule.name, ())))

    def _on_known_series(self, rule: Rule, expression: Expression, vector: Vector) -> list[Transition]:
        """What an expression's values, or their absence, do to the alerts that there are."""
        found: list[Transition | None] = []
        left: list[Alert] = []
        for alert in self.alerts.of_rule(rule.name):
            if alert.labels not in vector.values:
                left.append(alert)
                continue
            value = vector.values[alert.labels]
            found.append(transitions.on_value(rule, alert.series, alert, value, self._now))
        if left:
            clear = {each for each in rule.clear_when_empty if self._view.state.is_complete(each, self._now)}
            stands_on = ExpressionSeries(expression, self._view, clear)
        for alert in left:
            # An alert about a failing source depends on that only: it is over once the source answers.
            is_failure = alert.cause.kind is CauseKind.SOURCE_FAILING
            lacks = stands_on.lacks_some(alert.labels) or (not is_failure and stands_on.lacks_all(alert.labels))
            if vector.holds(alert.labels) is not False or lacks or self._is_about_missing_metrics(rule, alert):
                self._miss_series_of_expression(rule, alert, stands_on.needed)
            else:
                found.append(transitions.on_clear(rule, alert, self._now))
        return [transition for transition in found if transition is not None]

    def evaluate_again(self, rule: Rule, alert: Alert) -> None:
        """The timer of an alert on a metric is due."""
        state, metric = self._view.state, alert.metric
        sample = state.get(metric, alert.labels)
        if sample is not None and state.is_fresh(sample, self._now):
            self.evaluate_sample(rule, sample, alert)
        elif self._is_clear(rule, metric, alert.labels):
            self.clear(rule, alert)
        elif alert.absence.is_missing and state.is_polled(metric):
            cause = _cause(state, [metric], self._now)
            since = _absent_since(state, metric, cause, alert.absence.since)
            self._take(rule, transitions.on_missing(rule, alert.series, alert, cause, alert.value, since, self._now))

    def look_for_missing(self, metric: str) -> None:
        """What it means for the alerts that something of a metric is stale."""
        state = self._view.state
        stale, cause = state.stale(metric, self._now), _cause(state, [metric], self._now)
        for rule in self._rules.plain.get(metric, ()):
            for sample in stale:
                if self._is_clear(rule, metric, sample.series.labels):
                    continue
                alert = self.alerts.get(rule.name, sample.series.labels)
                since = _absent_since(state, metric, cause, sample.time)
                if alert is not None:
                    alert = self._break_off(rule, alert, cause, since)
                found = transitions.on_missing(rule, sample.series, alert, cause, sample.value, since, self._now)
                if alert is None and found is not None and is_full(rule, self.alerts):
                    severity = rule.missing(cause).severity or rule.lowest
                    if not self._has_place(rule, sample.series.labels, severity):
                        continue
                self._take(rule, found)
            # What is stale is not known to breach any more.
            rest = self.alerts.rest.get(rule.name, NO_SERIES)
            for sample in stale if rest else ():
                rest = rest.discard(sample.series.labels)
            self._set_rest(rule, rest)
            self.look_for_missing_metrics(rule)
        waiting = [
            WaitingAlerts(alert.labels for alert in self.alerts.of_rule(rule.name) if alert.absence.is_missing)
            for rule in self._rules.expressions.get(metric, ())
        ]
        # No alert depends on it, so there is nothing that its return would change.
        plain = self._rules.plain.get(metric, ())
        unneeded = [
            sample.series
            for sample in stale
            if not any(self.alerts.get(rule.name, sample.series.labels) is not None for rule in plain)
            and not any(alerts.need(sample.series.labels) for alerts in waiting)
        ]
        if unneeded:
            self._unneeded += unneeded
            self._view = self._view.advanced(forget_missing(state, unneeded))

    def look_for_missing_metrics(self, rule: Rule) -> None:
        """What it means for the alert without labels that there is no fresh series of a metric of the rule: because its
        source fails, or because there never was a sample.
        """
        state, now = self._view.state, self._now
        metrics = self._missing_metrics(rule)
        if not metrics:
            return
        cause, alert = _cause(state, metrics, now), self.alerts.get(rule.name, ())
        if cause == SERIES_MISSING and alert is not None and alert.cause.kind is CauseKind.SOURCE_FAILING:
            # The source does not fail any more: it has no data, for which ``no_data`` decides anew.
            self._take(rule, transitions.on_return(rule, alert, now, source_answers=alert.cause.source))
            alert = self.alerts.get(rule.name, ())
        # Each of its missing series has an alert of its own.
        if cause == SERIES_MISSING and rule.when is None and state.has_series(rule.metric):
            return
        since = min(_absent_since(state, metric, cause, state.newest_at(metric)) for metric in metrics)
        self._take(rule, transitions.on_missing(rule, Series(rule.metric), alert, cause, None, since, now))
        due = since + rule.missing(cause).after
        if alert is not None and due > now:
            self._timers.append((due, AlertDue(rule.name, ())))

    def end_missing_metric(self, rule: Rule) -> None:
        """The metric of a rule was reported: where it has series, that there is nothing of it is no longer true."""
        alert, samples = self.alerts.get(rule.name, ()), self._view.state.samples(rule.metric)
        if alert is not None and alert.absence.is_missing and samples and () not in samples:
            self._take(rule, transitions.on_return(rule, alert, self._now))

    def forget_flapping(self, rule: Rule, labels: Labels) -> None:
        """Let go of the flapping of an inactive alert, if it is over."""
        key = AlertKey("", rule.name, labels)
        over_at = self.alerts.flapping_over_at(rule, key)
        if over_at is not None and over_at <= self._now:
            self.alerts = self.alerts.without_flapping(key)
            self._forgotten.append(key)

    def count_rest(self, samples: Collection[Sample], reported: Iterable[str]) -> None:
        """Which series of plain rules breach and have no alert, after all samples of a poll were evaluated."""
        for rule in [rule for metric in reported for rule in self._rules.plain.get(metric, ())]:
            refused, before = self._refused.get(rule.name, ()), self.alerts.rest.get(rule.name, NO_SERIES)
            if not refused and not before:
                continue
            # An answer with all series there are says all; any other, what became of its own.
            if len(samples) >= len(self._view.state.samples(rule.metric)):
                before = NO_SERIES
            for sample in samples if before else ():
                before = before.discard(sample.series.labels) if sample.series.metric == rule.metric else before
            self._set_rest(rule, before.update(refused))

    def _set_rest(self, rule: Rule, rest: HashTrieSet[Labels]) -> None:
        before = self.alerts.rest.get(rule.name, NO_SERIES)
        if rest or before:
            self.alerts = self.alerts.with_rest(rule.name, rest)
        if bool(rest) is not bool(before):
            self._limited.append(rule.name)

    def _has_place(self, rule: Rule, labels: Labels, severity: Severity) -> bool:
        """Whether a series gets an alert though its rule has as many as it may have: in place of a milder one."""
        if not labels:
            return True
        last = self._places.last_below(severity, rule, self.alerts)
        if last is None:
            self._refused[rule.name].append(labels)
            return False
        self._take(rule, transitions.on_displaced(last, self._now))
        if not last.absence.is_missing:
            self._refused[rule.name].append(last.labels)
        return True

    def _take(self, rule: Rule, transition: Transition | None) -> None:
        if transition is None:
            return
        self.alerts = self.alerts.after(transition)
        self._transitions.append(transition)
        key = transition.alert.key
        if transition.after is not None:
            due_times = transitions.due_times(rule, transition.after)
            self._timers += [(at, AlertDue(key.rule, key.labels)) for at in due_times]
            return
        # Of an alert that has ended, only how much it was flapping is remembered, for as long as that counts.
        over_at = self.alerts.flapping_over_at(rule, key)
        if over_at is not None:
            self._timers.append((over_at, AlertDue(key.rule, key.labels)))

    def _break_off(self, rule: Rule, alert: Alert, cause: Cause, since: float) -> Alert | None:
        """The alert after a gap: what is pending does not go on. None where nothing of it is left."""
        broken = transitions.on_gap(rule, alert, cause, since, self._now)
        self._take(rule, broken)
        return alert if broken is None else broken.after

    def _is_about_missing_metrics(self, rule: Rule, alert: Alert) -> bool:
        """Whether an alert is about metrics that are missing, and are so still."""
        if alert.labels or not alert.absence.is_missing:
            return False
        metrics = self._missing_metrics(rule)
        return bool(metrics) and rule.missing(_cause(self._view.state, metrics, self._now)).severity is not None

    def _miss_series_of_expression(self, rule: Rule, alert: Alert, needed: Set[str]) -> None:
        """A series that an alert of an expression depends on is missing; ``needed``: the metrics of which something has
        to be there.
        """
        state, now = self._view.state, self._now
        gone = [metric for metric in sorted(rule.metrics) if not self._view.fresh(metric)]
        if not all(state.is_polled(metric) for metric in gone):
            return
        # What is known to be absent, and may be, is not missing.
        failing = {metric for metric in gone if state.failing_source(metric, now)}
        missing = [metric for metric in gone if metric in needed or metric in failing]
        # What a source that fails lacked before may have been what the rule asks for.
        last = {each: state.known_at(each) if each in failing else state.newest_at(each) for each in missing}
        cause = _cause(state, missing, now)
        # One of several series, or a value that is undefined, is missing since the alert has noticed that.
        missed_since = alert.absence.since if alert.absence.is_missing else now
        is_gap = now - missed_since > max(map(state.fresh_for, rule.metrics), default=0.0)
        left: Alert | None = alert
        if is_gap or any(now - max(at, state.since) > state.fresh_for(each) for each, at in last.items()):
            left = self._break_off(rule, alert, cause, min([*last.values(), missed_since]))
        since = min((_absent_since(state, each, cause, at) for each, at in last.items()), default=now)
        self._take(rule, transitions.on_missing(rule, alert.series, left, cause, alert.value, since, now))

    def _is_clear(self, rule: Rule, metric: str, labels: Labels) -> bool:
        """Whether a series of a rule's metric is clear because the answer lacks it."""
        return metric in rule.clear_when_empty and self._view.state.lacks(metric, labels, self._now)

    def _missing_metrics(self, rule: Rule) -> list[str]:
        """The metrics of a rule of which there is nothing fresh at all, and without which it says nothing: none where
        it is known to hold, and not those that its expression asks to be absent, while their sources answer.
        """
        state, now = self._view.state, self._now
        metrics = [
            each
            for each in sorted(rule.metrics)
            if state.is_stale(each, now) and state.is_polled(each)
            if state.samples(each) or not self._is_clear(rule, each, ())
        ]
        if rule.when is None or not metrics:
            return metrics
        if rule.when.evaluate(self._view.seen_by(rule.when)).holds(()):
            return []
        missed = rule.when.metrics_missed
        return [each for each in metrics if each in missed or state.failing_source(each, now)]


def _cause(state: SeriesState, metrics: Iterable[str], now: float) -> Cause:
    """Why values are missing; a source that fails is a better reason than any other."""
    for metric in metrics:
        if source := state.failing_source(metric, now):
            return Cause.failing(source)
    return SERIES_MISSING


def _absent_since(state: SeriesState, metric: str, cause: Cause, at: float) -> float:
    """Since when nothing is known of what was ``at`` its last value, by the cause of that."""
    return state.unknown_since(metric, at) if cause.kind is CauseKind.SOURCE_FAILING else at
