"""What is missing: series that vanish, metrics without data, sources that fail; on timelines."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.harness import Harness
from smithd.outbox.message import PushUpdate

T = 1_763_906_400.0
"""Some Sunday, 14:00 UTC."""

RULE = """
rules:
  low:
    metric: shop.stock
    warning: "< 5"
    push: true
"""
NO_DATA = RULE + "    no_data: {severity: critical, after: 5m}\n"
ON_ERROR = RULE + "    on_error: {severity: critical, after: 5m}\n"


def minutes(harness: Harness, first: int, last: int, **values: float | dict[str, float]) -> None:
    """A poll every minute, and the time between."""
    for minute in range(first, last + 1):
        harness.pass_time(T + 60 * minute)
        harness.poll(T + 60 * minute, "shop", **values)


def fail(harness: Harness, first: int, last: int) -> None:
    for minute in range(first, last + 1):
        harness.pass_time(T + 60 * minute)
        harness.fail(T + 60 * minute)


def test_a_series_that_vanished_is_resolved_as_missing_after_its_time(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        minutes(harness, 0, 0, stock={"a": 1, "b": 9})
        harness.take()
        minutes(harness, 1, 10, stock={"b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired")]
        minutes(harness, 11, 11, stock={"b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired"), ('low{house="a"}', "resolved")]
        (closed,) = harness.take()
        assert closed.content.title == "Closed: low (a) has no data"
        assert closed.content.message == (
            'shop.stock{house="a"} has no data for 10m 40s; it was 1 before: its alert is closed, not knowing how it '
            "is. It was warning for 10m 40s, 14:00 to 14:10."
        )
        minutes(harness, 12, 40, stock={"b": 9})
        assert harness.engine.alerts == []
        assert len(harness.severity_changes()) == 2


def test_a_series_that_comes_back_in_time_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        minutes(harness, 0, 0, stock={"a": 1, "b": 9})
        minutes(harness, 1, 9, stock={"b": 9})
        minutes(harness, 10, 30, stock={"a": 2, "b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired")]
        minutes(harness, 31, 31, stock={"a": 7, "b": 9})
        assert harness.severity_changes()[1:] == [('low{house="a"}', "resolved")]
        assert harness.sentences()[-1] == 'shop.stock{house="a"} is 7 (normal: 5 or more)'


def test_an_alert_stays_as_it_is_while_its_source_fails_however_long(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        minutes(harness, 0, 0, stock={"a": 1})
        fail(harness, 1, 300)
        assert harness.severity_changes() == [('low{house="a"}', "fired")]
        minutes(harness, 301, 301, stock={"a": 9})
        assert [change for _, change in harness.severity_changes()] == ["fired", "resolved"]


def test_a_series_that_does_not_come_back_with_its_source_is_gone(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        minutes(harness, 0, 0, stock={"a": 1})
        fail(harness, 1, 60)
        minutes(harness, 61, 80, stock={"b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired"), ('low{house="a"}', "resolved")]


def test_no_data_fires_after_its_time_for_the_series_and_resolves_when_it_is_back(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 9})
        minutes(harness, 1, 4, stock={"b": 9})
        assert harness.severity_changes() == []
        minutes(harness, 5, 6, stock={"b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired")]
        assert harness.sentences() == ['shop.stock{house="a"} has no data for 5m; it was 9 before']
        (alert,) = harness.engine.alerts
        assert (alert.severity, str(alert.cause), alert.value) == ("critical", "series", 9)
        (fired,) = harness.take()
        assert fired.content.title == "low (a) is critical"
        minutes(harness, 7, 7, stock={"a": 9, "b": 9})
        assert harness.severity_changes()[1:] == [('low{house="a"}', "resolved")]
        assert harness.sentences()[1:] == ['shop.stock{house="a"} has data again: 9']


def test_a_series_that_is_missing_for_a_day_is_given_up(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 9})
        minutes(harness, 1, 6, stock={"b": 9})
        for hour in range(1, 26):
            harness.pass_time(T + 3600 * hour)
            harness.poll(T + 3600 * hour, stock={"b": 9})
        harness.pass_time(harness.now)
        assert [change for _, change in harness.severity_changes()] == ["fired", "resolved"]


def test_a_metric_that_never_comes_is_missing_too_but_not_before_the_first_poll(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA, T) as harness:
        harness.pass_time(T + 3600)
        assert harness.severity_changes() == []
        for minute in range(60, 70):
            harness.poll(T + 60 * minute + 1, orders=3)
            harness.pass_time(T + 60 * minute + 30)
        assert harness.severity_changes() == [("low", "fired")]
        minutes(harness, 71, 71, stock={"a": 9})
        assert harness.severity_changes() == [("low", "fired"), ("low", "resolved")]


def test_a_source_that_fails_is_one_alert_for_each_rule_with_its_cause(tmp_path: Path) -> None:
    with Harness(tmp_path, ON_ERROR, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 1})
        fail(harness, 1, 4)
        assert harness.severity_changes() == [('low{house="b"}', "fired")]
        fail(harness, 5, 6)
        assert harness.severity_changes()[1:] == [("low", "fired")]
        assert harness.sentences()[1:] == ["shop.stock has no data for 5m (source shop fails)"]
        assert {str(alert.cause) for alert in harness.engine.alerts} == {"", "source:shop"}
        minutes(harness, 7, 7, stock={"a": 9, "b": 1})
        assert harness.severity_changes()[2:] == [("low", "resolved")]
        assert harness.sentences()[2:] == ["shop.stock has data again"]


def test_a_source_that_is_never_heard_of_is_failing_too(tmp_path: Path) -> None:
    with Harness(tmp_path, ON_ERROR, T) as harness:
        fail(harness, 0, 10)
        assert harness.severity_changes() == [("low", "fired")]


def test_a_dead_source_raises_the_alert_of_a_metric_without_labels(tmp_path: Path) -> None:
    with Harness(tmp_path, ON_ERROR, T) as harness:
        minutes(harness, 0, 0, stock=1)
        fail(harness, 1, 6)
        assert harness.severity_changes() == [("low", "fired"), ("low", "raised")]
        minutes(harness, 7, 7, stock=1)
        assert harness.severity_changes()[2:] == [("low", "lowered")]
        minutes(harness, 8, 8, stock=9)
        assert harness.severity_changes()[3:] == [("low", "resolved")]


@pytest.mark.parametrize("key", ["no_data", "on_error"])
def test_ok_resolves_once_the_values_are_too_old(tmp_path: Path, key: str) -> None:
    with Harness(tmp_path, f"{RULE}    {key}: ok\n", T) as harness:
        minutes(harness, 0, 0, stock=1)
        if key == "on_error":
            fail(harness, 1, 5)
        else:
            minutes(harness, 1, 5)
        assert [change for _, change in harness.severity_changes()] == ["fired", "resolved"]


def test_no_data_does_not_speak_for_a_failing_source_until_it_answers_without(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA, T) as harness:
        minutes(harness, 0, 0, stock=9)
        fail(harness, 1, 30)
        assert harness.severity_changes() == []
        harness.poll(T + 31 * 60, orders=1)
        harness.pass_time(T + 31 * 60 + 1)
        assert harness.severity_changes() == [("low", "fired")]


def test_a_restart_neither_forgets_nor_repeats_what_is_missing(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 9})
        minutes(harness, 1, 6, stock={"b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired")]
    with Harness(tmp_path, NO_DATA, T + 420) as harness:
        minutes(harness, 8, 30, stock={"b": 9})
        assert harness.severity_changes() == []
        minutes(harness, 31, 31, stock={"a": 9, "b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "resolved")]


def test_after_a_restart_a_firing_series_that_stayed_away_is_resolved_as_missing(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        minutes(harness, 0, 0, stock={"a": 1, "b": 9})
    with Harness(tmp_path, RULE, T + 60) as harness:
        harness.pass_time(T + 1800)
        assert harness.severity_changes() == []
        for minute in range(31, 50):
            harness.poll(T + 60 * minute, stock={"b": 9})
            harness.pass_time(T + 60 * minute + 30)
        assert harness.severity_changes() == [('low{house="a"}', "resolved")]


def test_a_clock_that_steps_makes_nothing_missing(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA + "    on_error: critical\n", T) as harness:
        minutes(harness, 0, 3, stock={"a": 9, "b": 9})
        for step in (7 * 86400, -3 * 86400, 3600):
            now = harness.now + step
            harness.engine.replan(now)
            harness.engine.tick(now)
            for minute in range(5):
                harness.poll(now + 5 + 60 * minute, stock={"a": 9, "b": 9})
                harness.pass_time(now + 30 + 60 * minute)
        assert harness.severity_changes() == []
        assert harness.engine.alerts == []


EXPRESSION = "rules: {w: {when: shop.stock > 5, severity: critical, no_data: {%s}, push: true}}\n"


@pytest.mark.parametrize(
    ("no_data", "after"), [("severity: ok, after: 20m", 23), ("severity: warning, after: 10m", 24 * 60 + 13)]
)
def test_the_part_that_an_expression_lost_is_missing_for_as_long_as_it_was_asked_to(
    tmp_path: Path, no_data: str, after: int
) -> None:
    with Harness(tmp_path, EXPRESSION % no_data, T + 7) as harness:
        minutes(harness, 1, 3, stock={"a": 9, "b": 1})
        minutes(harness, 4, after, stock={"b": 1})
        assert harness.severity_changes() == [('w{house="a"}', "fired")]
        harness.take()
        minutes(harness, after + 1, after + 1, stock={"b": 1})
        assert harness.severity_changes()[1:] == [('w{house="a"}', "resolved")]
        (closed,) = harness.take()
        assert closed.content.title == "Closed: w (a) has no data"


def test_what_vanished_before_a_restart_is_missing_after_it(tmp_path: Path) -> None:
    config = EXPRESSION % "severity: ok, after: 20m"
    with Harness(tmp_path, config, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 1})
        harness.take()
    with Harness(tmp_path, config, T + 60) as harness:
        minutes(harness, 1, 15, stock={"b": 1})
        assert harness.severity_changes() == []
    with Harness(tmp_path, config, T + 960) as harness:
        minutes(harness, 16, 30, stock={"b": 1})
        (closed,) = harness.take()
        assert closed.content.title == "Closed: w (a) has no data"


def test_a_lost_part_that_is_missed_by_nobody_is_forgotten(tmp_path: Path) -> None:
    with Harness(tmp_path, EXPRESSION % "severity: warning", T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 9, "c": 1})
        minutes(harness, 1, 10, stock={"b": 9})
        assert {alert.series.labels for alert in harness.engine.alerts} == {(("house", "a"),), (("house", "b"),)}
        missing = harness.engine.engine.state.series.missing("shop.stock")
        assert missing.keys() == {(("house", "a"),)}


def test_an_expression_that_is_clear_again_names_no_value_of_before(tmp_path: Path) -> None:
    config = (EXPRESSION % "severity: ok").replace("push: true", "on_error: warning")
    with Harness(tmp_path, config, T) as harness:
        minutes(harness, 0, 0, stock=9)
        fail(harness, 1, 8)
        minutes(harness, 9, 9, stock=1)
        assert harness.sentences()[1:] == ["shop.stock is 1 (no longer critical: shop.stock > 5)"]


@pytest.mark.parametrize(
    ("when", "stock", "expected"),
    [
        ("shop.stock > 5", {}, "source shop answers again"),
        ("shop.stock > 5", 1.0, "shop.stock is 1 (source shop answers again)"),
        (
            "(count(shop.stock) or 0) > 2",
            {},
            "count(shop.stock) or 0 is 0 (source shop answers again)",
        ),
    ],
)
def test_an_answer_without_the_series_is_no_data(
    tmp_path: Path, when: str, stock: float | dict[str, float], expected: str
) -> None:
    config = f"rules: {{w: {{when: {when}, severity: warning, on_error: warning, push: true}}}}\n"
    with Harness(tmp_path, config, T) as harness:
        minutes(harness, 0, 0, stock=1)
        fail(harness, 1, 8)
        minutes(harness, 9, 9, stock=stock)
        harness.pass_time(T + 541)
        assert harness.sentences()[1:] == [expected]


def test_a_failing_source_is_waited_for_from_its_last_answer_also_where_it_had_no_value(tmp_path: Path) -> None:
    config = "rules: {o: {metric: shop.orders, warning: '> 5', on_error: {severity: critical, after: 10m}, push: true}}"
    with Harness(tmp_path, config + "\n", T) as harness:
        minutes(harness, 0, 20, errors=1)
        fail(harness, 21, 22)
        minutes(harness, 23, 23, errors=1)
        fail(harness, 24, 32)
        harness.pass_time(T + 60 * 32 + 59)
        assert harness.severity_changes() == []
        fail(harness, 33, 34)
        assert harness.severity_changes() == [("o", "fired")]
        (fired,) = harness.take()
        assert fired.content.message.endswith("o: critical since 14:23")
        minutes(harness, 35, 35, errors=1)
        harness.pass_time(harness.now + 1)
        assert harness.sentences()[1:] == ["source shop answers again"]


def test_what_was_given_up_after_a_day_is_not_missed_again_because_of_a_restart(tmp_path: Path) -> None:
    with Harness(tmp_path, NO_DATA, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 9})
        minutes(harness, 1, 60, stock={"b": 9})
        assert harness.severity_changes() == [('low{house="a"}', "fired")]
    with Harness(tmp_path, NO_DATA, T + 3660) as harness:
        for tens in range(7, 6 * 27):
            harness.pass_time(T + 600 * tens)
            harness.poll(T + 600 * tens, stock={"b": 9})
        harness.pass_time(harness.now + 60)
        assert harness.severity_changes() == [('low{house="a"}', "resolved")]


def test_own_words_do_not_tell_the_last_value_as_if_it_were_that_of_now(tmp_path: Path) -> None:
    push = "title: 'low: {{ value }}', message: 'look at {{ rule }}', subtitle: 'below {{ threshold }}'"
    push = f"{{group_by: ['...'], {push}}}"
    with Harness(tmp_path, NO_DATA.replace("push: true", f"push: {push}"), T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 1})
        assert [message.content.title for message in harness.take()] == ["low: 1"]
        minutes(harness, 1, 6, stock={"b": 1})
        (missing,) = harness.take()
        assert missing.content.title == "low (a) is critical"
        assert missing.content.message.startswith('shop.stock{house="a"} has no data for 5m; it was 9 before')
        assert missing.content.subtitle is None


@pytest.mark.parametrize("push", ["true", "{on_resolve: push}"])
def test_a_value_that_comes_back_as_bad_takes_the_place_of_its_absence(tmp_path: Path, push: str) -> None:
    config = NO_DATA.replace("push: true", f"push: {push}").replace("critical", "warning")
    with Harness(tmp_path, config, T) as harness:
        minutes(harness, 0, 0, stock={"a": 9, "b": 9})
        minutes(harness, 1, 8, stock={"b": 9})
        (missing,) = harness.take()
        minutes(harness, 9, 9, stock={"a": 3, "b": 9})
        (low,) = harness.take()
        assert (low.key, isinstance(low, PushUpdate)) == (missing.key, True)
        assert low.content.message.startswith('shop.stock{house="a"} is 3 (warning < 5; normal: 5 or more), since')
        minutes(harness, 10, 10, stock={"a": 9, "b": 9})
        assert harness.severity_changes()[1:] == [('low{house="a"}', "resolved")]


@pytest.mark.parametrize("seen", [True, False])
def test_a_failing_source_may_be_worse_than_that_it_had_no_data(tmp_path: Path, seen: bool) -> None:
    config = NO_DATA.replace("critical", "warning") + "    on_error: {severity: critical, after: 5m}\n"
    with Harness(tmp_path, config, T) as harness:
        if seen:
            minutes(harness, 0, 0, stock=9)
        minutes(harness, 1, 10, errors=0)
        assert harness.severity_changes() == [("low", "fired")]
        fail(harness, 11, 14)
        assert harness.severity_changes() == [("low", "fired")]
        fail(harness, 15, 60)
        assert harness.severity_changes() == [("low", "fired"), ("low", "raised")]
        minutes(harness, 61, 61, stock=9)
        assert harness.severity_changes()[2:] == [("low", "resolved")]


PENDING = """
rules:
  low: {metric: shop.stock, warning: "< 5", for: 10m}
  busy: {when: shop.errors > 5 and depot.orders > 0, severity: warning, for: 10m}
"""


def bad(harness: Harness, at: float) -> None:
    harness.pass_time(at)
    harness.poll(at, "depot", orders=1)
    harness.poll(at, "shop", stock=1, errors=9)


@pytest.mark.parametrize("stop", [600, 3500])
def test_a_stop_of_up_to_an_hour_breaks_nothing_that_still_breaches(tmp_path: Path, stop: int) -> None:
    with Harness(tmp_path, PENDING, T) as harness:
        bad(harness, T)
        bad(harness, T + 60)
    restart = T + 60 + stop
    with Harness(tmp_path, PENDING, restart) as harness:
        bad(harness, restart + 20)
        assert sorted(harness.severity_changes()) == [("busy", "fired"), ("low", "fired")]


def test_a_gap_after_a_stop_is_a_gap(tmp_path: Path) -> None:
    with Harness(tmp_path, PENDING, T) as harness:
        bad(harness, T)
    with Harness(tmp_path, PENDING, T + 600) as harness:
        for minute in range(4):
            harness.pass_time(T + 610 + 60 * minute)
            harness.fail(T + 610 + 60 * minute)
        bad(harness, T + 850)
        assert harness.severity_changes() == []
        for minute in range(1, 11):
            bad(harness, T + 850 + 60 * minute)
        assert sorted(harness.severity_changes()) == [("busy", "fired"), ("low", "fired")]


def test_a_part_of_an_answer_does_not_say_that_a_series_is_gone(tmp_path: Path) -> None:
    config = "rules: {few: {when: (count(shop.stock) or 0) < 2, severity: warning}}\n"
    with Harness(tmp_path, config, T) as harness:
        minutes(harness, 0, 0, stock={"a": 1, "b": 1})
        for minute in range(1, 20):
            harness.pass_time(T + 60 * minute)
            harness.poll_a_part(T + 60 * minute, stock={"b": 1})
        assert harness.severity_changes() == []
        minutes(harness, 20, 20, stock={"b": 1})
        assert harness.severity_changes() == [("few", "fired")]
