"""Evaluations: what samples and time make of all alerts, and that they change nothing they were given."""

from __future__ import annotations

from datetime import UTC

from smithd.alerts.alert import AlertKey, Change
from smithd.alerts.alerts import Alerts
from smithd.alerts.evaluation import Evaluated, evaluate, evaluate_time, overdue, timers_of
from smithd.alerts.reason import SERIES_MISSING, Cause, TransitionReason
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.ruleset import RuleSet
from smithd.alerts.severity import Severity
from smithd.plugin.sample import Sample, Series
from smithd.series.expected import Expected, ExpectedSource
from smithd.series.state import SeriesState, begin, record
from smithd.series.view import SeriesView
from smithd.timers import AlertDue

T = 1_000_000.0
A, B = Series("shop.errors", (("host", "a"),)), Series("shop.errors", (("host", "b"),))
METRICS = frozenset({"shop.errors", "shop.orders"})
EXPECTED = Expected(METRICS, METRICS, {"shop": ExpectedSource(100.0, 30.0)}, {})
R = TransitionReason


def rules(**given: dict[str, object]) -> RuleSet:
    """Rules on ``shop.errors`` unless they say something else."""
    compiled = {
        name: compile_rule(
            name, RuleOptions.model_validate(keys if "when" in keys else {"metric": "shop.errors", **keys})
        )
        for name, keys in given.items()
    }
    return RuleSet.of(compiled, EXPECTED.sources_of)


class Shop:
    """A source that is polled, rules on it, and their alerts."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rules = rule_set
        self.alerts = Alerts()
        self.state: SeriesState = begin(EXPECTED, T)

    def poll(self, at: float, *samples: tuple[Series, float], failure: str | None = None) -> Evaluated:
        given = [Sample(series, value, at) for series, value in samples]
        recorded = record(self.state, "shop", given, failure, True, 100.0, at)
        self.state = recorded.state
        return self._taken(evaluate(self.rules, self.alerts, given, recorded.reported, self.view(at)))

    def wait(self, at: float, *due: AlertDue, stale: tuple[str, ...] = ()) -> Evaluated:
        return self._taken(evaluate_time(self.rules, self.alerts, due, stale, self.view(at)))

    def view(self, at: float) -> SeriesView:
        return SeriesView(self.state, lambda _series, _since, _until: (), at, UTC)

    def _taken(self, evaluated: Evaluated) -> Evaluated:
        self.alerts = evaluated.alerts
        return evaluated


def changes(evaluated: Evaluated) -> list[tuple[str, Change, TransitionReason]]:
    return [(each.alert.rule, each.change, each.evidence.reason) for each in evaluated.transitions]


def test_a_value_without_news_makes_nothing() -> None:
    shop = Shop(rules(r={"warning": "> 5"}))
    before = shop.alerts
    evaluated = shop.poll(T, (A, 1), (B, 2))
    assert evaluated == Evaluated(before)
    assert evaluated.alerts is before


def test_an_evaluation_leaves_the_alerts_it_was_given_as_they_were() -> None:
    shop = Shop(rules(r={"warning": "> 5"}))
    before = shop.alerts
    evaluated = shop.poll(T, (A, 7), (B, 2))
    assert list(before) == []
    assert changes(evaluated) == [("r", Change.FIRED, R.THRESHOLD_BREACHED)]
    assert [alert.key for alert in evaluated.alerts] == [AlertKey("", "r", A.labels)]
    assert evaluated.alerts.firing["r"][A.labels].severity is Severity.WARNING
    assert evaluated.changed == [AlertKey("", "r", A.labels)]


def test_time_alone_fires_what_is_pending() -> None:
    shop = Shop(rules(r={"warning": "> 5", "for": "1m"}))
    pending = shop.poll(T, (A, 7))
    assert pending.timers == ((T + 60, AlertDue("r", A.labels)),)
    assert changes(shop.wait(T + 59, AlertDue("r", A.labels))) == []
    assert changes(shop.wait(T + 60, AlertDue("r", A.labels))) == [("r", Change.FIRED, R.THRESHOLD_BREACHED)]


def test_every_alert_has_its_timers_after_a_start() -> None:
    shop = Shop(rules(r={"warning": "> 5", "for": "1m"}, d={"warning": "> 5", "damping": "10m"}))
    shop.poll(T, (A, 7))
    assert timers_of(shop.rules, shop.alerts) == [(T + 60, AlertDue("r", A.labels))]
    shop.poll(T + 1, (A, 1))
    assert timers_of(shop.rules, shop.alerts) == [(T + 600, AlertDue("d", A.labels))], "the flapping is over then"
    over = shop.wait(T + 600, AlertDue("d", A.labels))
    assert over.forgotten == (AlertKey("", "d", A.labels),)
    assert not over.alerts.flapping


def test_a_missing_series_waits_then_closes() -> None:
    shop = Shop(rules(r={"warning": "> 5", "no_data": {"severity": "keep", "after": "5m"}}))
    shop.poll(T, (A, 7), (B, 1))
    shop.poll(T + 101, (B, 1))
    waiting = shop.wait(T + 101, stale=("shop.errors",))
    assert changes(waiting) == [("r", Change.MISSING, R.SERIES_MISSING)]
    assert (T + 300, AlertDue("r", A.labels)) in waiting.timers
    assert waiting.unneeded == ()
    shop.poll(T + 300, (B, 1))
    closed = shop.wait(T + 300, AlertDue("r", A.labels))
    assert changes(closed) == [("r", Change.RESOLVED, R.CLOSED_UNKNOWN)]
    assert closed.transitions[0].cause == SERIES_MISSING
    assert closed.transitions[0].evidence.seconds == 300.0


def test_a_missing_series_without_an_alert_need_not_be_remembered() -> None:
    shop = Shop(rules(r={"warning": "> 5"}))
    shop.poll(T, (A, 1), (B, 1))
    shop.poll(T + 101, (B, 1))
    assert shop.wait(T + 101, stale=("shop.errors",)).unneeded == (A,)


def test_a_failing_source_is_one_alert_and_its_answer_ends_it() -> None:
    shop = Shop(rules(r={"warning": "> 5", "on_error": {"severity": "critical", "after": "2m"}}))
    shop.poll(T, (A, 1), (B, 1))
    shop.poll(T + 60, failure="refused")
    shop.poll(T + 120, failure="refused")
    fired = shop.wait(T + 120, stale=("shop.errors",))
    assert changes(fired) == [("r", Change.FIRED, R.SOURCE_FAILING)]
    (alert,) = fired.alerts
    assert (alert.labels, alert.cause, alert.severity) == ((), Cause.failing("shop"), Severity.CRITICAL)
    assert changes(shop.poll(T + 180, (A, 1), (B, 1))) == [("r", Change.RESOLVED, R.DATA_RETURNED)]


def test_an_expression_has_an_alert_for_each_series_with_its_operands() -> None:
    shop = Shop(rules(r={"when": "shop.errors > 5 and on () shop.orders < 3", "severity": "critical"}))
    fired = shop.poll(T, (A, 7), (B, 1), (Series("shop.orders"), 2))
    assert changes(fired) == [("r", Change.FIRED, R.THRESHOLD_BREACHED)]
    assert [(each.text, each.low) for each in fired.transitions[0].evidence.operands] == [
        ("shop.errors", 7.0),
        ("shop.orders", 2.0),
    ]
    assert changes(shop.poll(T + 60, (A, 7), (Series("shop.orders"), 4))) == [("r", Change.RESOLVED, R.CLEARED)]


def test_a_problem_of_an_expression_is_named_once() -> None:
    shop = Shop(rules(r={"when": "shop.errors > shop.orders", "severity": "critical"}))
    samples = ((A, 7.0), (B, 1.0), (Series("shop.orders", (("city", "x"),)), 2.0))
    first = shop.poll(T, *samples)
    assert shop.poll(T + 60, *samples).problems == {}
    assert dict(first.alerts.problems) == dict(first.problems)


def test_an_alert_whose_time_came_while_its_source_was_unknown_is_overdue() -> None:
    shop = Shop(rules(r={"warning": "> 5", "for": "1m"}))
    shop.poll(T, (A, 7))
    assert overdue(shop.rules, shop.alerts, "shop", T + 59) == []
    assert overdue(shop.rules, shop.alerts, "shop", T + 60) == [AlertDue("r", A.labels)]
    assert overdue(shop.rules, shop.alerts, "depot", T + 60) == []
