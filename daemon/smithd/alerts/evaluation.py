"""All rules of one configuration, and what readings, and their absence, make of their alerts.

Only what a poll concerns is judged: the rules on the metrics that it brought, and the expressions that name them. Time
alone moves what the agenda was asked to call for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo

from smithd.alerts import reason, state
from smithd.alerts.active import Active
from smithd.alerts.condition import Verdict
from smithd.alerts.parts import Missed, Parts
from smithd.alerts.relative import Reference, Relative
from smithd.alerts.rule import Baselines, Rule
from smithd.alerts.state import SERIES, Alert, Phase, Transition
from smithd.expression.expression import told
from smithd.plugin.sample import Labels, Sample, Series
from smithd.series.state import SeriesState, forget_missing
from smithd.series.view import Past, SeriesView
from smithd.timers import Alarm, EngineTimer, TimerQueue


class Judging:
    """Judges, and moves the alerts in memory. ``puzzles``: the rules whose expression makes no sense, and why.

    ``series``: the newest samples. Whoever owns them sets them before it calls, and takes them back afterwards.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        active: Active,
        series: SeriesState,
        timers: TimerQueue[EngineTimer],
        past: Past,
        frozen_for: float,
        zone: tzinfo,
    ) -> None:
        """``past``: what is remembered. ``frozen_for``: for how many seconds an alert is held against what was normal
        when it began; after that, what is normal now.
        """
        self.puzzles: dict[str, str] = {}
        self._rules = rules
        self._active = active
        self.series = series
        self._timers = timers
        self._past = past
        self._frozen_for = frozen_for
        self._zone = zone
        self._plain: dict[str, list[Rule]] = defaultdict(list)
        self._expressions: dict[str, list[Rule]] = defaultdict(list)
        self._on: dict[str, list[str]] = defaultdict(list)
        self._vigilant: dict[str, list[Rule]] = defaultdict(list)
        self._moved: list[Transition] = []
        for rule in rules.values():
            for metric in rule.metrics:
                (self._plain if rule.when is None else self._expressions)[metric].append(rule)
            if rule.no_data.severity is not None or rule.on_error.severity is not None:
                self._vigilant[rule.metric].append(rule)
        for metric in {*self._plain, *self._expressions}:
            for source in series.sources_of(metric):
                self._on[source].append(metric)

    def come(self, samples: Iterable[Sample], brought: set[str], view: SeriesView) -> list[Transition]:
        """What fresh readings do to the alerts; ``brought``: all metrics that came with them."""
        get, plain = self._active.get, self._plain.get
        for sample in samples:
            (metric, labels), value = sample.series, sample.value
            for rule in plain(metric, ()):
                breached = rule.breached  # most values are fine, and have no alert: they must cost next to nothing
                if breached is None or breached(value) or get(rule.name, labels) is not None:
                    self._judge(rule, sample, view.now)
        if self._expressions:
            for rule in self._concerned(brought):
                self._judge_expression(rule, view)
        for metric in brought:
            for rule in self._vigilant.get(metric, ()):
                self._come_back(rule, metric, view.now)
        return self._moves() if self._moved else []

    def pass_time(self, alarms: Iterable[Alarm], aged: Iterable[str], view: SeriesView) -> list[Transition]:
        """What time alone does to the alerts: their clocks that ran out, and metrics of which something is too old."""
        expressions: dict[str, Rule] = {}
        for name, labels in alarms:
            rule, alert = self._rules[name], self._active.get(name, labels)
            if alert is None:
                self._active.calm_down(rule, labels, view.now)
            elif rule.when is not None:
                expressions[name] = rule
            else:
                self._look_again(rule, alert, view.now)
        for metric in aged:
            if self.series.is_polled(metric):
                self._look_for_lost(metric, view.now)
                expressions |= {rule.name: rule for rule in self._expressions.get(metric, ())}
        view = view.advanced(self.series)
        for rule in expressions.values():
            self._judge_expression(rule, view)
            self._miss_all(rule, view.now)
        return self._moves()

    def heard_news(self, source: str, now: float) -> list[str]:
        """A source spoke for the first time, or began or ceased to fail: alerts whose time came meanwhile are looked at
        again. Returns the metrics to look at again.
        """
        metrics = self._on.get(source, [])
        for metric in metrics:
            for rule in (*self._plain.get(metric, ()), *self._expressions.get(metric, ())):
                for alert in self._active.of(rule.name).values():
                    if min(state.dues(rule, alert), default=now + 1) <= now:
                        self._timers.add(now, Alarm(alert.rule, alert.series.labels))
        return metrics

    def plan_all(self) -> None:
        """Plan every alert there is anew."""
        for alert in self._active:
            self.plan(alert)
        for name, labels in self._active.restless:
            self._plan_calm(self._rules[name], labels)

    def plan(self, alert: Alert) -> None:
        """Have the agenda call when time alone will move an alert."""
        for due in state.dues(self._rules[alert.rule], alert):
            self._timers.add(due, Alarm(alert.rule, alert.series.labels))

    def _moves(self) -> list[Transition]:
        moved, self._moved = self._moved, []
        return moved

    def _move(self, transition: Transition | None) -> None:
        if transition is None:
            return
        self._active.move(transition)
        self._moved.append(transition)
        if transition.after is not None:
            self.plan(transition.after)
        else:
            self._plan_calm(self._rules[transition.alert.rule], transition.alert.series.labels)

    def _plan_calm(self, rule: Rule, labels: Labels) -> None:
        calm_at = self._active.calm_at(rule, labels)
        if calm_at is not None:
            self._timers.add(calm_at, Alarm(rule.name, labels))

    def _concerned(self, metrics: Iterable[str]) -> list[Rule]:
        return list({rule.name: rule for metric in metrics for rule in self._expressions.get(metric, ())}.values())

    def _judge(self, rule: Rule, sample: Sample, now: float) -> None:
        series, value = sample.series, sample.value
        alert = self._active.get(rule.name, series.labels)
        baselines: Baselines = ()
        if rule.breached is None:
            if alert is not None and now - alert.since > self._frozen_for:
                alert = replace(alert, baselines=())
            baselines = self._baselines(rule, sample, alert, now)
            if alert is None and Verdict.BREACH not in rule.verdicts(value, baselines):
                return
        unrest = self._active.unrest(rule.name, series.labels)
        self._move(state.judge(rule, series, alert, value, now, baselines, unrest))

    def _baselines(self, rule: Rule, sample: Sample, alert: Alert | None, now: float) -> Baselines:
        """What a reading is compared with. What an alert began with is not looked up again."""
        begun = alert.baselines if alert is not None and alert.baselines else (None,) * len(rule.thresholds)
        at = self.series.moment(sample, now)
        return tuple(
            self._baseline(condition.reference, sample.series, at)
            if baseline is None and isinstance(condition, Relative)
            else baseline
            for (_, condition), baseline in zip(rule.thresholds, begun, strict=True)
        )

    def _baseline(self, reference: Reference, series: Series, at: float) -> float | None:
        return reference.baseline(lambda since: self._past(series, since, at), at, self._zone)

    def _judge_expression(self, rule: Rule, view: SeriesView) -> None:
        assert rule.when is not None
        vector = rule.when.evaluate(view)
        self._note(rule.name, vector.problem)
        alerts = dict(self._active.of(rule.name))
        moved = []
        for labels, value in vector.values.items():
            unrest = self._active.unrest(rule.name, labels)
            moved.append(state.judge(rule, Series("", labels), alerts.pop(labels, None), value, view.now, (), unrest))
        parts = Parts(rule.metrics, view) if alerts else None
        for labels, alert in alerts.items():
            is_lost = parts is not None and _has_lost(parts, alert)
            if vector.holds(labels) is not False or is_lost or self._is_about_missing(rule, alert, view.now):
                self._miss_part(rule, alert, view)
            else:
                moved.append(state.clear(rule, alert, view.now))
        changes = [transition for transition in moved if transition is not None]
        operands = rule.when.operands(view) if changes else []
        for transition in changes:
            now_is = told(operands, transition.alert.series.labels)
            self._move(replace(transition, why=f"{now_is} ({transition.why})"))

    def _note(self, rule: str, problem: str) -> None:
        if problem:
            self.puzzles[rule] = problem
        else:
            self.puzzles.pop(rule, None)

    def _is_about_missing(self, rule: Rule, alert: Alert, now: float) -> bool:
        """Whether an alert is about metrics that are missing, and are so still."""
        if alert.series.labels or alert.absent.phase is Phase.INACTIVE:
            return False
        missing = [metric for metric in sorted(rule.metrics) if self._is_missing(metric, now)]
        return bool(missing) and rule.missing(self._cause(missing, now)).severity is not None

    def _miss_part(self, rule: Rule, alert: Alert, view: SeriesView) -> None:
        """Something that an alert of an expression needs is missing."""
        now = view.now
        unknown = [metric for metric in sorted(rule.metrics) if not view.fresh(metric)]
        if not all(self.series.is_polled(metric) for metric in unknown):
            return
        since = min((self.series.newest_at(metric) for metric in unknown), default=now)
        self._move(state.miss(rule, alert.series, alert, self._cause(unknown, now), alert.value, since, now))

    def _look_again(self, rule: Rule, alert: Alert, now: float) -> None:
        """An alert's clock ran out."""
        metric, labels = alert.series
        sample = self.series.get(metric, labels)
        if sample is not None and self.series.is_fresh(sample, now):
            self._judge(rule, sample, now)
        elif alert.absent.phase is not Phase.INACTIVE and self.series.is_polled(metric):
            cause = self.series.absence_cause(metric, now)
            since = self.series.absent_since(metric, cause, alert.absent.since)
            self._move(state.miss(rule, alert.series, alert, cause, alert.value, since, now))

    def _look_for_lost(self, metric: str, now: float) -> None:
        """Something of a metric is too old."""
        lost, cause = self.series.stale(metric, now), self.series.absence_cause(metric, now)
        for rule in self._plain.get(metric, ()):
            for series, value, at, *_ in lost:
                alert = self._active.get(rule.name, series.labels)
                since = self.series.absent_since(metric, cause, at)
                self._move(state.miss(rule, series, alert, cause, value, since, now))
            self._miss_all(rule, now)
        missed = [Missed(self._missed(rule)) for rule in self._expressions.get(metric, ())]
        unneeded = [sample.series for sample in lost if not self._needs(metric, sample.series.labels, missed)]
        self.series = forget_missing(self.series, unneeded)

    def _miss_all(self, rule: Rule, now: float) -> None:
        """What it means for the alert without labels that there is nothing at all of a metric of the rule: because its
        source fails, or because nothing ever came.
        """
        missing = [metric for metric in sorted(rule.metrics) if self._is_missing(metric, now)]
        if not missing:
            return
        cause, alert = self._cause(missing, now), self._active.get(rule.name, ())
        if cause == SERIES and alert is not None and alert.cause not in ("", SERIES):
            why = reason.answers(alert.cause)  # the source does not fail any more: it has no data
            self._move(state.come_back(rule, alert, now, why))
            alert = self._active.get(rule.name, ())
        if cause != SERIES or rule.when is not None or not self.series.has_series(rule.metric):
            since = min(self.series.absent_since(each, cause, self.series.newest_at(each)) for each in missing)
            self._move(state.miss(rule, Series(rule.metric), alert, cause, None, since, now))
            if alert is not None and since + rule.missing(cause).after > now:
                self._timers.add(since + rule.missing(cause).after, Alarm(rule.name, ()))

    def _is_missing(self, metric: str, now: float) -> bool:
        return self.series.is_stale(metric, now) and self.series.is_polled(metric)

    def _cause(self, metrics: Iterable[str], now: float) -> str:
        """Why values are missing; a source that fails is a better reason than any other."""
        causes = [self.series.absence_cause(metric, now) for metric in metrics]
        return next((cause for cause in causes if cause != SERIES), SERIES)

    def _come_back(self, rule: Rule, metric: str, now: float) -> None:
        """The metric was brought: that there is nothing of it is no longer true."""
        alert = self._active.get(rule.name, ())
        if alert is not None and alert.absent.phase is not Phase.INACTIVE and self.series.get(metric, ()) is None:
            self._move(state.come_back(rule, alert, now, reason.returned(rule, alert.series, None)))

    def _missed(self, rule: Rule) -> Iterator[Labels]:
        alerts = self._active.of(rule.name).values()
        return (alert.series.labels for alert in alerts if alert.absent.phase is not Phase.INACTIVE)

    def _needs(self, metric: str, labels: Labels, missed: Iterable[Missed]) -> bool:
        """Whether somebody still has to know that a series is gone."""
        by_value = any(self._active.get(rule.name, labels) for rule in self._plain.get(metric, ()))
        return by_value or any(each.need(labels) for each in missed)


def _has_lost(parts: Parts, alert: Alert) -> bool:
    """Whether something that an alert of an expression stands on is missing. One about a source that failed stands on
    nothing else: that it answers is enough.
    """
    labels = alert.series.labels
    return parts.has_lost(labels) or (alert.cause in ("", SERIES) and parts.has_none(labels))
