"""Rules that a person would write, lived through: expressions, derived metrics, the past, damping; as stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.harness import Harness, commits
from smithd.events import HistoryFull, RuleEvaluationFailed
from smithd.outbox.message import Push, PushUpdate
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.series import history as store

T = 1_763_906_400.0
"""Some Sunday, 14:00 UTC."""

DERIVED = """
derived:
  conversion: 100 * shop.orders / depot.orders
  half: conversion / 2
rules:
  poor: {metric: half, warning: "< 1", push: true}
widgets:
  shop.conversion: conversion
"""
CHECKOUT = """
rules:
  checkout:
    when: shop.errors > 5 and shop.orders < 10
    severity: critical
    for: 90s
    push: true
"""
STOCK = """
rules:
  odd: {when: shop.stock < 5 and depot.stock > 50, severity: warning, push: true}
"""
DROP = """
rules:
  drop:
    metric: shop.orders
    warning: drops > 30% over 10m
    min_value: 50
    push: {title: "Down {{ change | percent }} from {{ baseline | number }}"}
"""


def test_derived_metrics_are_evaluated_and_shown_as_any_other(tmp_path: Path) -> None:
    with Harness(tmp_path, DERIVED, T) as harness:
        harness.poll(T, orders=30)
        assert harness.take() == []
        harness.poll(T + 1, "depot", orders=1000)
        assert [message.value for message in harness.take()] == [3]
        harness.poll(T + 120, orders=10)
        (push, widget) = harness.take()
        assert push.content.message == "half is 0.5 (warning < 1; normal: 1 or more), since 14:02."
        assert widget.value == 1
        harness.poll(T + 121, "depot", orders=100)
        assert harness.severity_changes() == [("poor", "fired"), ("poor", "resolved")]


def test_a_derived_value_is_as_old_as_the_oldest_that_it_is_made_of(tmp_path: Path) -> None:
    config = DERIVED.replace("shop.conversion: conversion", 'shop.c: {value: conversion, format: "{{ value }}"}')
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, "depot", orders=1000)
        harness.poll(T + 100, orders=30)
        assert [message.value for message in harness.take()] == ["3"]
        harness.pass_time(T + 170)
        assert [message.value for message in harness.take()] == ["3 ?"]


def test_an_expression_over_several_metrics_fires_when_its_time_is_full(tmp_path: Path) -> None:
    with Harness(tmp_path, CHECKOUT, T) as harness:
        harness.poll(T, errors=7, orders=20)
        harness.poll(T + 60, errors=7, orders=3)
        harness.poll(T + 120, errors=8, orders=3)
        assert harness.severity_changes() == []
        harness.pass_time(T + 150)
        assert harness.severity_changes() == [("checkout", "fired")]
        (push,) = harness.take()
        assert push.created == T + 150
        assert push.content.message == (
            "shop.errors is 8 and shop.orders is 3 (critical: shop.errors > 5 and shop.orders < 10), since 14:01."
        )
        harness.poll(T + 180, errors=8, orders=30)
        (resolved,) = harness.take()
        assert resolved.content.message == (
            "shop.errors is 8 and shop.orders is 30 (no longer critical: shop.errors > 5 and shop.orders < 10). "
            "It was critical for 2m, 14:01 to 14:03."
        )


def test_an_expression_has_an_alert_for_each_series_that_remains(tmp_path: Path) -> None:
    with Harness(tmp_path, STOCK, T) as harness:
        harness.poll(T, "depot", stock={"a": 60, "b": 60, "c": 60})
        harness.poll(T + 1, stock={"a": 1, "b": 1, "c": 9})
        assert harness.severity_changes() == [('odd{house="a"}', "fired"), ('odd{house="b"}', "fired")]
        harness.poll(T + 60, stock={"a": 1, "b": 9, "c": 1})
        assert harness.severity_changes()[2:] == [('odd{house="b"}', "resolved"), ('odd{house="c"}', "fired")]


def test_an_expression_that_lost_a_part_is_missing_and_not_clear(tmp_path: Path) -> None:
    with Harness(tmp_path, STOCK, T) as harness:
        harness.poll(T, "depot", stock={"a": 60, "b": 60})
        harness.poll(T, stock={"a": 1, "b": 1})
        for minute in range(1, 10):
            harness.poll(T + 60 * minute, "depot", stock={"b": 60})
            harness.poll(T + 60 * minute, stock={"a": 1, "b": 1})
            harness.pass_time(T + 60 * minute + 30)
        assert harness.severity_changes() == [('odd{house="a"}', "fired"), ('odd{house="b"}', "fired")]
        for minute in range(10, 14):
            harness.poll(T + 60 * minute, "depot", stock={"b": 60})
            harness.poll(T + 60 * minute, stock={"a": 1, "b": 1})
            harness.pass_time(T + 60 * minute + 30)
        assert harness.severity_changes()[2:] == [('odd{house="a"}', "resolved")]
        assert "has no data" in harness.sentences()[2]


def test_a_dead_source_leaves_the_alerts_of_an_expression_as_they_are(tmp_path: Path) -> None:
    with Harness(tmp_path, STOCK, T) as harness:
        harness.poll(T, "depot", stock={"a": 60})
        harness.poll(T, stock={"a": 1})
        for minute in range(1, 60):
            harness.fail(T + 60 * minute, "depot")
            harness.poll(T + 60 * minute, stock={"a": 1})
            harness.pass_time(T + 60 * minute + 30)
        assert harness.severity_changes() == [('odd{house="a"}', "fired")]
    with Harness(tmp_path, STOCK, T + 3600) as harness:
        harness.poll(T + 3601, stock={"a": 1})
        harness.pass_time(T + 3650)
        assert harness.severity_changes() == []
        harness.poll(T + 3660, "depot", stock={"a": 10})
        assert harness.severity_changes() == [('odd{house="a"}', "resolved")]


def test_no_data_and_on_error_of_an_expression_speak_of_its_metrics(tmp_path: Path) -> None:
    config = STOCK.replace("severity: warning", "severity: warning, on_error: critical")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, "depot", stock={"a": 60})
        for minute in range(1, 6):
            harness.fail(T + 60 * minute, "depot")
            harness.poll(T + 60 * minute, stock={"a": 9})
            harness.pass_time(T + 60 * minute + 30)
        assert harness.severity_changes() == [("odd", "fired")]
        assert [str(alert.cause) for alert in harness.engine.alerts] == ["source:depot"]
        harness.poll(T + 360, "depot", stock={"a": 60})
        assert harness.severity_changes()[1:] == [("odd", "resolved")]


def test_an_expression_that_makes_no_sense_with_these_series_is_said_once(tmp_path: Path) -> None:
    with Harness(tmp_path, 'rules: {r: {when: "shop.stock > on() depot.stock", severity: warning}}\n', T) as harness:
        harness.poll(T, "depot", stock={"a": 1, "b": 1})
        for minute in range(3):
            harness.poll(T + 60 * minute, stock={"a": 1, "b": 1})
        assert [event.rule for event in harness.events if isinstance(event, RuleEvaluationFailed)] == ["r"]


def test_that_there_is_no_room_to_remember_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_SAMPLES", 150)
    with Harness(tmp_path, "rules: {r: {metric: shop.stock, warning: rises > 1 over 9m}}\n", T) as harness:
        for minute in range(3):
            harness.poll(T + 60 * minute, stock=dict.fromkeys("abcde", 1))
        assert [event.metric for event in harness.events if isinstance(event, HistoryFull)] == ["shop.stock"]


def test_the_threshold_of_an_expression_is_empty_in_a_text(tmp_path: Path) -> None:
    push = "push: {title: 'over {{ threshold }}.', message: '{{ value }}, {{ baseline }}'}"
    config = f"rules: {{w: {{when: shop.errors > 5, severity: warning, {push}}}}}\n"
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=7)
        (fired,) = harness.take()
        assert (fired.content.title, fired.content.message) == ("over .", "7,")


def test_an_edited_expression_neither_forgets_nor_repeats_an_open_alert(tmp_path: Path) -> None:
    config = CHECKOUT.replace("for: 90s", "for: 0s")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=7, orders=3)
        assert len(harness.take()) == 1
    with Harness(tmp_path, config.replace("> 5", "> 6"), T + 60) as harness:
        harness.poll(T + 61, errors=7, orders=3)
        assert harness.take() == []
        harness.poll(T + 121, errors=6, orders=3)
        assert [isinstance(message, PushUpdate) for message in harness.take()] == [True]
    with Harness(tmp_path, "", T + 180) as harness:
        assert harness.take() == []


def orders(harness: Harness, first: int, *values: float) -> None:
    """Orders, minute after minute."""
    for minute, value in enumerate(values, first):
        harness.pass_time(T + 60 * minute)
        harness.poll(T + 60 * minute, orders=value)


def test_a_drop_is_notified_with_what_was_normal_and_its_baseline_is_frozen(tmp_path: Path) -> None:
    with Harness(tmp_path, DROP, T) as harness:
        orders(harness, 0, *[200] * 11)
        assert harness.severity_changes() == []
        orders(harness, 11, 120)
        (push,) = harness.take()
        assert push.content.title == "Down 40% from 200"
        assert push.content.message == (
            "shop.orders is 120, 40% below the 200 of 10m before (warning: drops > 30% over 10m), since 14:11."
        )
        orders(harness, 12, *[120] * 30)
        assert harness.severity_changes() == [("drop", "fired")]
    with Harness(tmp_path, DROP, T + 42 * 60) as harness:
        orders(harness, 43, 120, 130)
        assert harness.severity_changes() == []
        orders(harness, 45, 150)
        assert harness.severity_changes() == [("drop", "resolved")]
        assert harness.sentences() == [
            "shop.orders is 150, 25% below the 200 of 10m before (normal: drops of 30% or less)"
        ]


def test_a_further_drop_is_measured_from_what_was_normal_when_it_began(tmp_path: Path) -> None:
    rule = DROP.replace("    min_value", "    critical: drops > 60% over 10m\n    min_value")
    with Harness(tmp_path, rule, T) as harness:
        orders(harness, 0, *[200] * 11, *[120] * 30, 70)
        assert harness.severity_changes() == [("drop", "fired"), ("drop", "raised")]
        assert harness.sentences()[1] == (
            "shop.orders is 70, 65% below the 200 of 10m before (critical: drops > 60% over 10m)"
        )


def test_without_a_baseline_nothing_is_known(tmp_path: Path) -> None:
    with Harness(tmp_path, DROP, T) as harness:
        orders(harness, 0, 200)
        harness.pass_time(T + 3600)
        orders(harness, 60, 100, 100, 100)
        assert harness.engine.alerts == []


def test_what_is_smaller_than_min_value_then_and_now_does_not_count(tmp_path: Path) -> None:
    with Harness(tmp_path, DROP, T) as harness:
        orders(harness, 0, *[49] * 11, 1)
        assert harness.severity_changes() == []


def test_what_is_smaller_than_min_value_then_and_now_has_recovered(tmp_path: Path) -> None:
    with Harness(
        tmp_path, DROP.replace("    min_value", "    recover: drops < 10% over 10m\n    min_value"), T
    ) as harness:
        orders(harness, 0, *[55] * 11, 30, 48)
        assert harness.severity_changes() == [("drop", "fired")], "55 was large enough"
    config = (
        "rules: {r: {metric: shop.errors, warning: rises > 30% over 10m, recover: rises < 9% over 10m, min_value: 50}}"
    )
    with Harness(tmp_path, config + "\n", T + 3600) as harness:
        for minute, errors in enumerate([40] * 12 + [60, 45], 61):
            harness.poll(T + 60 * minute, errors=errors)
        assert harness.severity_changes() == [("r", "fired"), ("r", "resolved")]


def test_the_past_is_remembered_over_a_restart(tmp_path: Path) -> None:
    rule = DROP.replace("over 10m", "vs yesterday")
    with Harness(tmp_path, rule, T) as harness:
        orders(harness, 0, 200, 200)
        harness.engine.close(harness.now)
    with Harness(tmp_path, rule, T + 86400 - 60) as harness:
        orders(harness, 1440, 100)
        (why,) = harness.sentences()
        assert why == (
            "shop.orders is 100, 50% below the 200 of the day before, at the same time "
            "(warning: drops > 30% vs yesterday)"
        )


def test_a_change_of_a_derived_metric_can_be_watched(tmp_path: Path) -> None:
    config = "derived: {all: sum(shop.stock)}\nrules: {r: {metric: all, warning: rises >= 10 over 5m}}\n"
    with Harness(tmp_path, config, T) as harness:
        for minute in range(8):
            harness.poll(T + 60 * minute, stock={"a": 1, "b": 1 + 2 * minute})
        assert harness.severity_changes() == [("r", "fired")]


def test_a_derived_metric_is_remembered_as_often_as_the_quicker_of_its_sources_comes(tmp_path: Path) -> None:
    config = """
derived: {ratio: shop.errors / depot.errors}
rules:
  peak: {when: "max_over(ratio, 10m) > 50", severity: warning}
  rise: {metric: ratio, warning: rises > 50% over 10m}
"""
    with Harness(tmp_path, config, T) as harness:
        for minute in range(20):
            harness.poll(T + 60 * minute, errors=100 if minute == 16 else 10)
            if minute % 15 == 0:
                depot = (Sample(Series("depot.errors", ()), 1.0, T + 60 * minute),)
                harness.engine.ingest(Poll("depot", T + 60 * minute, 3600.0, depot))
        assert harness.severity_changes() == [("rise", "fired"), ("peak", "fired"), ("rise", "resolved")]


def test_damping_makes_an_alert_that_comes_and_goes_stay(tmp_path: Path) -> None:
    flapping = "rules: {errors: {metric: shop.errors, warning: '> 5', damping: 30m}}\n"
    counts = {}
    for name, config in (("plain", flapping.replace(", damping: 30m", "")), ("damped", flapping)):
        folder = tmp_path / name
        folder.mkdir()
        with Harness(folder, config, T) as harness:
            for minute in range(120):
                harness.pass_time(T + 60 * minute)
                harness.poll(T + 60 * minute, errors=9 if minute % 4 == 0 else 1)
            counts[name] = len(harness.severity_changes())
            for minute in range(120, 240):
                harness.pass_time(T + 60 * minute)
                harness.poll(T + 60 * minute, errors=1)
            assert harness.severity_changes()[-1] == ("errors", "resolved")
    assert counts["plain"] == 60
    assert counts["damped"] <= 9


def test_damping_makes_an_alert_that_falls_and_rises_stay_high(tmp_path: Path) -> None:
    rule = "rules: {errors: {metric: shop.errors, warning: '> 1', critical: '> 5', damping: 30m, push: true}}\n"
    with Harness(tmp_path, rule, T) as harness:
        for minute in range(60):
            harness.pass_time(T + 60 * minute)
            harness.poll(T + 60 * minute, errors=9 if minute % 2 else 3)
        assert [change for _, change in harness.severity_changes()].count("raised") <= 4
    with Harness(tmp_path, rule.replace("errors:", "other:", 1), T + 3600) as harness:
        for minute, value in enumerate((3, 9, 0), 61):
            harness.poll(T + 60 * minute, errors=value)
        assert [change for _, change in harness.severity_changes()] == ["fired", "raised", "resolved"], (
            "the first rise is no unrest"
        )


def test_damping_remembers_over_a_restart_and_forgets_in_time(tmp_path: Path) -> None:
    config = "rules: {errors: {metric: shop.errors, warning: '> 5', damping: 10m}}\n"
    with Harness(tmp_path, config, T) as harness:
        for second in (0, 10, 20, 30):
            harness.poll(T + second, errors=9 if second % 20 == 0 else 1)
        assert len(harness.severity_changes()) == 3, "the second end waits"
    with Harness(tmp_path, config, T + 40) as harness:
        harness.poll(T + 41, errors=1)
        harness.poll(T + 60, errors=1)
        assert harness.severity_changes() == []
        harness.pass_time(T + 120)
        assert harness.severity_changes() == [("errors", "resolved")]
        harness.poll(T + 121, errors=9)
        harness.poll(T + 122, errors=1)
        assert harness.severity_changes()[1:] == [("errors", "fired")]
        for minute in range(3, 60):
            harness.poll(T + 60 * minute, errors=1)
            harness.pass_time(T + 60 * minute + 30)
        harness.poll(T + 3600, errors=9)
        harness.poll(T + 3601, errors=1)
        assert [change for _, change in harness.severity_changes()[2:]] == ["resolved", "fired", "resolved"]


def test_an_expression_that_does_not_change_anything_costs_no_commit(tmp_path: Path) -> None:
    with Harness(tmp_path, DERIVED.partition("rules:")[0] + CHECKOUT, T) as harness:
        harness.poll(T, errors=1, orders=10)
        with commits(harness) as opened:
            for minute in range(1, 30):
                harness.poll(T + 60 * minute, errors=1, orders=10)
                harness.pass_time(T + 60 * minute + 30)
        assert opened == []


def test_the_push_of_an_expression_speaks_of_the_series(tmp_path: Path) -> None:
    with Harness(tmp_path, STOCK, T) as harness:
        harness.poll(T, "depot", stock={"a": 60})
        harness.engine.ingest(Poll("shop", T + 1, 160.0, (Sample(Series("shop.stock", (("house", "a"),)), 1.0, T),)))
        harness.now = T + 1
        (push,) = harness.take()
        assert isinstance(push, Push | PushUpdate)
        assert push.content.title == "odd (a) is warning"
        assert push.content.message.startswith("shop.stock is 1 and depot.stock is 60 (warning: ")
