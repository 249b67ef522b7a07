"""What values make of an alert, on a timeline; and the laws of its transitions."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from smithd.alerts.alert import VISIBLE, Alert, Change
from smithd.alerts.rule import Rule, RuleOptions, compile_rule
from smithd.alerts.severity import Severity
from smithd.alerts.transitions import on_value
from smithd.plugin.sample import Series

SERIES = Series("shop.errors")


def rule(**keys: str | dict[str, str]) -> Rule:
    return compile_rule("errors", RuleOptions.model_validate({"metric": "shop.errors", **keys}))


def changes(watching: Rule, values: Iterable[tuple[float, float]]) -> list[tuple[float, Change, Severity | None]]:
    """What happens when these values come at these times: (time, change, severity afterwards)."""
    alert: Alert | None = None
    found = []
    for at, value in values:
        if transition := on_value(watching, SERIES, alert, value, at):
            alert = transition.after
            found.append((at, transition.change, alert.severity if alert else None))
    return found


def test_without_for_an_alert_fires_and_resolves_at_once() -> None:
    assert changes(rule(warning="> 5"), [(0, 1), (10, 6), (20, 7), (30, 5)]) == [
        (10, Change.FIRED, Severity.WARNING),
        (30, Change.RESOLVED, None),
    ]


def test_for_holds_it_back_until_the_time_is_full() -> None:
    values = [(0, 6), (60, 6), (119, 6), (120, 6), (180, 1)]
    assert changes(rule(warning="> 5", **{"for": "2m"}), values) == [
        (0, Change.PENDING, None),
        (120, Change.FIRED, Severity.WARNING),
        (180, Change.RESOLVED, None),
    ]


def test_a_breach_that_ends_before_its_time_never_fires() -> None:
    assert changes(rule(warning="> 5", **{"for": "2m"}), [(0, 6), (119, 5), (120, 6)]) == [
        (0, Change.PENDING, None),
        (119, Change.ABANDONED, None),
        (120, Change.PENDING, None),
    ]


def test_between_the_thresholds_nothing_moves() -> None:
    values = [(0, 6), (10, 4), (20, 3.1), (30, 2.9)]
    assert changes(rule(warning="> 5", recover="< 3"), values) == [
        (0, Change.FIRED, Severity.WARNING),
        (30, Change.RESOLVED, None),
    ]


def test_between_the_thresholds_a_pending_alert_is_abandoned_and_a_recovering_one_fires_on() -> None:
    values = [(0, 6), (10, 4), (20, 6), (30, 6), (40, 2), (50, 4), (120, 4), (130, 2), (190, 2)]
    watching = rule(warning="> 5", recover="< 3", keep_firing_for="1m", **{"for": "10s"})
    assert changes(watching, values) == [
        (0, Change.PENDING, None),
        (10, Change.ABANDONED, None),
        (20, Change.PENDING, None),
        (30, Change.FIRED, Severity.WARNING),
        (40, Change.RECOVERING, Severity.WARNING),
        (50, Change.RELAPSED, Severity.WARNING),
        (130, Change.RECOVERING, Severity.WARNING),
        (190, Change.RESOLVED, None),
    ]


def test_keep_firing_for_waits_for_a_clear_time() -> None:
    values = [(0, 6), (10, 1), (40, 6), (50, 1), (109, 1), (110, 1)]
    assert changes(rule(warning="> 5", keep_firing_for="1m"), values) == [
        (0, Change.FIRED, Severity.WARNING),
        (10, Change.RECOVERING, Severity.WARNING),
        (40, Change.RELAPSED, Severity.WARNING),
        (50, Change.RECOVERING, Severity.WARNING),
        (110, Change.RESOLVED, None),
    ]


def test_each_severity_has_its_own_hold_and_the_highest_is_shown() -> None:
    values = [(0, 6), (30, 11), (60, 11), (90, 11), (120, 6), (180, 1)]
    assert changes(rule(warning="> 5", critical="> 10", **{"for": "1m"}), values) == [
        (0, Change.PENDING, None),
        (30, Change.PENDING, None),
        (60, Change.FIRED, Severity.WARNING),
        (90, Change.RAISED, Severity.CRITICAL),
        (120, Change.LOWERED, Severity.WARNING),
        (180, Change.RESOLVED, None),
    ]


WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
BOTH = {"warning": "> 3", "critical": "> 5"}


def test_each_severity_may_have_its_own_recover() -> None:
    values = [(0, 4), (10, 6), (20, 4), (30, 6), (40, 4), (50, 3.9), (60, 2), (70, 1.9)]
    assert changes(rule(**BOTH, recover={"warning": "< 2", "critical": "< 4"}), values) == [
        (0, Change.FIRED, WARNING),
        (10, Change.RAISED, CRITICAL),
        (50, Change.LOWERED, WARNING),
        (70, Change.RESOLVED, None),
    ]


def test_a_recover_for_all_is_that_of_the_lowest_severity() -> None:
    values = [(0, 6), (10, 4), (20, 3), (30, 1.9)]
    lowered_then_resolved = [(0, Change.FIRED, CRITICAL), (10, Change.LOWERED, WARNING), (30, Change.RESOLVED, None)]
    assert changes(rule(**BOTH, recover="< 2"), values) == lowered_then_resolved
    assert changes(rule(**BOTH, recover={"warning": "< 2"}), values) == lowered_then_resolved


def test_each_severity_may_have_its_own_for_and_one_left_out_has_none() -> None:
    held = [(at, 4) for at in range(0, 130, 10)]
    assert changes(rule(**BOTH, **{"for": {"warning": "2m"}}), [*held, (130, 6)]) == [
        (0, Change.PENDING, None),
        (120, Change.FIRED, WARNING),
        (130, Change.RAISED, CRITICAL),
    ]


def test_what_fires_at_a_severity_fires_at_those_below_it_that_were_breached_before() -> None:
    """It falls to a warning, though that has not held for its ten minutes: it does not resolve and fire again."""
    values = [(0, 4), (60, 6), (120, 6), (180, 4), (240, 2)]
    assert changes(rule(**BOTH, **{"for": {"warning": "10m", "critical": "1m"}}), values) == [
        (0, Change.PENDING, None),
        (60, Change.PENDING, None),
        (120, Change.FIRED, CRITICAL),
        (180, Change.LOWERED, WARNING),
        (240, Change.RESOLVED, None),
    ]


def test_each_severity_may_have_its_own_keep_firing_for() -> None:
    values = [(0, 6), (10, 4), (69, 4), (70, 4), (80, 2)]
    assert changes(rule(**BOTH, keep_firing_for={"critical": "1m"}), values) == [
        (0, Change.FIRED, CRITICAL),
        (10, Change.RECOVERING, CRITICAL),
        (70, Change.LOWERED, WARNING),
        (80, Change.RESOLVED, None),
    ]


def test_a_clock_that_is_set_back_does_not_leave_an_alert_waiting() -> None:
    values = [(10_000, 6), (100, 6), (160, 6)]
    assert changes(rule(warning="> 5", **{"for": "1m"}), values)[-1] == (160, Change.FIRED, Severity.WARNING)


RULES = st.sampled_from(
    [
        rule(warning="> 5"),
        rule(critical="> 5", recover="< 3"),
        rule(warning="> 5", critical="> 10", recover="< 3", **{"for": "5s", "keep_firing_for": "7s"}),
        rule(
            warning="> 5",
            critical="> 10",
            recover={"warning": "< 3", "critical": "< 8"},
            keep_firing_for={"warning": "4s"},
            **{"for": {"warning": "9s", "critical": "2s"}},
        ),
        rule(warning="outside 2..8", critical="outside 0..10", keep_firing_for="3s"),
    ]
)


@given(RULES, st.lists(st.tuples(st.integers(-5, 20), st.floats(-2, 15, allow_nan=False))))
def test_no_change_comes_twice_and_no_end_is_skipped(watching: Rule, steps: list[tuple[int, float]]) -> None:
    """Whatever comes, steps of the clock included: visible changes alternate as a person expects."""
    at, values = 1000.0, []
    for seconds, value in steps:
        at += seconds
        values.append((at, value))
    severity: Severity | None = None
    for _, change, after in changes(watching, values):
        if change in VISIBLE:
            assert (severity is None) == (change is Change.FIRED)
            assert (after is None) == (change is Change.RESOLVED)
            assert after != severity
        severity = after
