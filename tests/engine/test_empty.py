"""``empty: clear``: that a complete answer lacks a series means that it is clear, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.harness import Harness, poll_of

T = 1_790_000_000.0 // 3600 * 3600
HEAD = """
activitysmith: {api_key: ask_test}
state: sqlite:///state.db
timezone: UTC
plugins: [shop.py]
sources:
  depot: {type: shop, every: 60s}
  prod:
    type: prometheus
    url: http://prod.example
    every: 60s
    metrics:
      busy: node_load5 > 8
      load: node_load5
      plain: {query: node_load5 > 8, empty: missing}
      rare: {query: node_load5, empty: clear}
"""
RULE = 'rules:\n  busy: {metric: prod.busy, critical: "> 8", for: 2m, keep_firing_for: 3m}\n'
WHEN = "rules:\n  busy: {when: prod.busy, severity: critical, for: 2m, keep_firing_for: 3m}\n"
BOTH = pytest.mark.parametrize("rule", [RULE, WHEN])


def poll(harness: Harness, minute: float, **values: float | dict[str, float]) -> None:
    """A complete answer, after time has passed until then."""
    harness.pass_time(T + 60 * minute)
    harness.poll(T + 60 * minute, "prod", **values)


def poll_minutes(harness: Harness, first: int, last: int, **values: float | dict[str, float]) -> None:
    for minute in range(first, last + 1):
        poll(harness, minute, **values)


@BOTH
def test_clear_ends_a_pending_for_and_resolves_after_keep_firing_for(tmp_path: Path, rule: str) -> None:
    with Harness(tmp_path, rule, T, HEAD) as harness:
        poll(harness, 0, busy={"a": 9})
        poll(harness, 1)
        poll_minutes(harness, 2, 3, busy={"a": 9})
        assert harness.severity_changes() == []
        poll(harness, 4, busy={"a": 9})
        assert harness.severity_changes() == [('busy{house="a"}', "fired")]
        poll_minutes(harness, 5, 6)
        poll(harness, 7, busy={"a": 9})  # it breaches again before keep_firing_for has passed
        poll_minutes(harness, 8, 10)
        assert len(harness.severity_changes()) == 1
        poll(harness, 11)
        assert harness.severity_changes()[1:] == [('busy{house="a"}', "resolved")]
        poll_minutes(harness, 12, 40)
        assert len(harness.severity_changes()) == 2


@BOTH
def test_a_series_that_is_left_out_is_clear_while_others_breach(tmp_path: Path, rule: str) -> None:
    with Harness(tmp_path, rule.replace(", keep_firing_for: 3m", ""), T, HEAD) as harness:
        poll_minutes(harness, 0, 3, busy={"a": 9, "b": 9})
        poll(harness, 4, busy={"b": 9})
        assert harness.severity_changes()[2:] == [('busy{house="a"}', "resolved")]
        assert "has no data" not in harness.sentences()[-1]


@BOTH
def test_a_failed_a_partial_and_a_cut_off_answer_are_never_clear(tmp_path: Path, rule: str) -> None:
    with Harness(tmp_path, rule, T, HEAD) as harness:
        poll_minutes(harness, 0, 3, busy={"a": 9})
        for minute in range(4, 9):
            harness.pass_time(T + 60 * minute)
            if minute % 2:
                harness.fail(T + 60 * minute, "prod")
            else:
                harness.engine.ingest(replace(poll_of(T + 60 * minute, "prod", load=1), is_partial=True))
        failed = replace(poll_of(T + 540, "prod", load=1), failure="one query failed")
        harness.engine.ingest(failed)
        assert harness.severity_changes() == [('busy{house="a"}', "fired")]
        poll_minutes(harness, 10, 13)
        assert harness.severity_changes()[1:] == [('busy{house="a"}', "resolved")]


@BOTH
def test_a_failure_within_keep_firing_for_does_not_resolve(tmp_path: Path, rule: str) -> None:
    with Harness(tmp_path, rule, T, HEAD) as harness:
        poll_minutes(harness, 0, 3, busy={"a": 9})
        poll(harness, 4)
        for minute in range(5, 12):
            harness.pass_time(T + 60 * minute)
            harness.fail(T + 60 * minute, "prod")
        harness.pass_time(T + 60 * 12)
        assert len(harness.severity_changes()) == 1
        poll(harness, 13)
        assert harness.severity_changes()[1:] == [('busy{house="a"}', "resolved")]


@BOTH
def test_an_alert_of_an_earlier_run_is_cleared_by_the_first_complete_answer(tmp_path: Path, rule: str) -> None:
    rule = rule.replace(", keep_firing_for: 3m", "")
    with Harness(tmp_path, rule, T, HEAD) as harness:
        poll_minutes(harness, 0, 3, busy={"a": 9})
    with Harness(tmp_path, rule, T + 600, HEAD) as harness:
        harness.pass_time(T + 605)
        harness.fail(T + 605, "prod")
        assert harness.severity_changes() == []
        poll(harness, 11)
        assert harness.severity_changes() == [('busy{house="a"}', "resolved")]


@BOTH
def test_long_keep_firing_for_is_kept_and_never_ends_as_no_data(tmp_path: Path, rule: str) -> None:
    with Harness(tmp_path, rule.replace("3m", "1h"), T, HEAD) as harness:
        poll_minutes(harness, 0, 3, busy=9)
        poll_minutes(harness, 4, 63)
        assert len(harness.severity_changes()) == 1
        poll(harness, 64)
        assert harness.severity_changes()[1:] == [("busy", "resolved")]
        assert "no longer critical" in harness.sentences()[-1]


def test_where_it_is_missing_the_alert_waits_for_its_value(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE.replace("prod.busy", "prod.plain"), T, HEAD) as harness:
        poll_minutes(harness, 0, 3, plain=9)
        poll_minutes(harness, 4, 7)
        assert harness.severity_changes() == [("busy", "fired")]
        poll_minutes(harness, 8, 20)
        assert "has no data" in harness.sentences()[-1]


def test_no_data_of_a_rule_makes_the_default_missing(tmp_path: Path) -> None:
    rules = 'rules:\n  busy: {metric: prod.busy, critical: "> 8", no_data: {severity: warning, after: 5m}}\n'
    with Harness(tmp_path, rules, T, HEAD) as harness:
        poll_minutes(harness, 0, 3, busy={"a": 9})
        poll_minutes(harness, 4, 7)
        (alert,) = harness.engine.alerts
        assert alert.severity == "critical"
        poll_minutes(harness, 8, 12)
        assert harness.engine.alerts[0].absence.fires


def test_written_clear_counts_for_any_query_and_for_what_is_derived_of_it(tmp_path: Path) -> None:
    rules = (
        "derived: {twice: 2 * prod.rare}\n"
        'rules:\n  rare: {metric: prod.rare, critical: "> 8"}\n  twice: {metric: twice, critical: "> 16"}\n'
        "  with_others: {when: prod.rare > 8 and on () depot.orders > 1, severity: warning}\n"
    )
    with Harness(tmp_path, rules, T, HEAD) as harness:
        harness.poll(T, "depot", orders=5)
        poll(harness, 0, rare=9)
        assert sorted(harness.severity_changes()) == [("rare", "fired"), ("twice", "fired"), ("with_others", "fired")]
        poll(harness, 1)
        assert sorted(harness.severity_changes()[3:]) == [
            ("rare", "resolved"),
            ("twice", "resolved"),
            ("with_others", "resolved"),
        ]


def test_an_expression_still_misses_its_other_metrics(tmp_path: Path) -> None:
    rules = "rules:\n  both: {when: prod.busy and on () depot.orders > 1, severity: warning}\n"
    with Harness(tmp_path, rules, T, HEAD) as harness:
        harness.poll(T, "depot", orders=5)
        poll(harness, 0, busy=9)
        harness.poll(T + 30, "depot", stock=1)
        poll_minutes(harness, 1, 2, busy=9)
        assert harness.severity_changes() == [("both", "fired")]


def test_on_error_fires_for_the_source_and_ends_when_it_answers_without_the_series(tmp_path: Path) -> None:
    rules = 'rules:\n  busy: {metric: prod.busy, critical: "> 8", on_error: warning}\n'
    with Harness(tmp_path, rules, T, HEAD) as harness:
        poll(harness, 0)
        for minute in range(1, 6):
            harness.pass_time(T + 60 * minute)
            harness.fail(T + 60 * minute, "prod")
        harness.pass_time(T + 330)
        assert harness.severity_changes() == [("busy", "fired")]
        poll(harness, 6)
        assert harness.severity_changes()[1:] == [("busy", "resolved")]
        assert harness.engine.alerts == []
