"""Samples with a time of their own, and how long a value counts as fresh: what rules and texts make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.harness import HEAD, Harness
from smithd.plugin.sample import RawSample, Sample, Series
from smithd.poll.intake import Intake, Poll
from smithd.series.state import Freshness

T = 1_790_000_000.0 // 3600 * 3600
HOURLY = HEAD.replace("shop: {type: shop, every: 60s}", "shop: {type: shop, every: 60s, fresh_for: 2h}")
RULE = """
rules:
  errors: {metric: shop.errors, critical: "> 5", no_data: warning}
"""


def poll(harness: Harness, at: float, value: float, time: float | None) -> None:
    """A poll of one value with its own time, as it is admitted."""
    admitted = Intake("shop", ["errors"]).admit([RawSample("errors", value, {}, time)], at)
    harness.now = at
    harness.engine.ingest(Poll("shop", at, 160.0, admitted.samples))


def poll_each_minute(harness: Harness, start: float, minutes: int, value: float, time: float | None) -> None:
    for minute in range(minutes):
        harness.pass_time(start + 60 * minute)
        poll(harness, start + 60 * minute, value, time)
    harness.pass_time(start + 60 * minutes - 1)


def test_hourly_data_that_is_polled_each_minute_is_not_stale(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T, HOURLY) as harness:
        for hour in range(4):
            poll_each_minute(harness, T + 3600 * hour, 60, 7 if hour == 1 else 1, T + 3600 * hour)
        assert harness.severity_changes() == [("errors", "fired"), ("errors", "resolved")]
        # The hour's data does not come any more: two hours after its own time, there is none.
        poll_each_minute(harness, T + 4 * 3600, 60, 1, T + 3 * 3600)
        assert len(harness.severity_changes()) == 2
        poll_each_minute(harness, T + 5 * 3600, 2, 1, T + 3 * 3600)
        assert harness.severity_changes()[2:] == [("errors", "fired")]


def test_without_fresh_for_the_own_time_decides_when_a_value_is_stale(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        poll_each_minute(harness, T, 2, 1, T)
        assert harness.severity_changes() == []
        poll_each_minute(harness, T + 120, 2, 1, T)
        assert harness.severity_changes() == [("errors", "fired")]
        poll(harness, T + 300, 1, T + 290)
        assert harness.severity_changes()[1:] == [("errors", "resolved")]


def test_what_is_old_from_the_start_fires_nothing_but_no_data(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        poll_each_minute(harness, T, 10, 99, T - 3 * 86400)
        assert harness.severity_changes() == [("errors", "fired")]
        assert [alert.severity for alert in harness.engine.alerts] == ["warning"]


def test_a_series_that_comes_old_long_after_the_start_is_missing_at_once(tmp_path: Path) -> None:
    rule = RULE.replace("shop.errors,", "shop.errors, for: 0s,")
    with Harness(tmp_path, rule, T) as harness:
        for minute in range(10):
            harness.pass_time(T + 60 * minute)
            harness.poll(T + 60 * minute, errors={"a": 1})
        old = Sample(Series("shop.errors", (("house", "b"),)), 1.0, T - 86400, T + 600)
        new = Sample(Series("shop.errors", (("house", "a"),)), 1.0, T + 600, T + 600)
        harness.pass_time(T + 600)
        harness.engine.ingest(Poll("shop", T + 600, 160.0, (old, new)))
        harness.pass_time(T + 601)
        assert harness.severity_changes() == []  # away for a day: it counts as removed
        old = old._replace(time=T - 3600)
        harness.engine.ingest(Poll("shop", T + 620, 160.0, (old, new)))
        harness.pass_time(T + 621)
        assert harness.severity_changes() == [('errors{house="b"}', "fired")]


@pytest.mark.parametrize("ahead", [60, 299])
def test_a_time_in_the_future_makes_no_value_fresh_for_longer(tmp_path: Path, ahead: float) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        poll(harness, T, 1, T + ahead)
        series = harness.engine.engine.state.series
        assert series.freshness("shop.errors", T + 160) is Freshness.FRESH
        assert series.freshness("shop.errors", T + 161) is Freshness.STALE


def test_a_time_that_jumps_back_does_not_bring_an_older_value_back(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T, HOURLY) as harness:
        poll(harness, T, 1, T - 60)
        poll(harness, T + 60, 9, T - 3600)  # a replica that lags behind
        assert harness.severity_changes() == []
        assert harness.engine.engine.state.series.samples("shop.errors")[()].value == 1
        poll(harness, T + 120, 9, T + 90)
        assert harness.severity_changes() == [("errors", "fired")]
        poll(harness, T + 180, 1, T + 60)
        assert len(harness.severity_changes()) == 1


def test_an_equal_time_is_no_new_sample_of_a_window_and_goes_on_with_a_hold(tmp_path: Path) -> None:
    rules = """
rules:
  errors: {metric: shop.errors, critical: "> 5", for: 30m}
  many: {when: "count_over(shop.errors, 1h) > 2", severity: warning}
"""
    with Harness(tmp_path, rules, T, HOURLY) as harness:
        poll_each_minute(harness, T, 30, 7, T)
        assert harness.severity_changes() == []
        poll_each_minute(harness, T + 1800, 10, 7, T + 1800)
        assert harness.severity_changes() == [("errors", "fired")]
        poll_each_minute(harness, T + 2400, 10, 7, T + 2400)
        assert harness.severity_changes()[1:] == [("many", "fired")]


def test_a_baseline_is_looked_up_by_the_samples_own_times(tmp_path: Path) -> None:
    """The data comes an hour late: what was true an hour before it is compared, not what came an hour ago."""
    rule = 'rules:\n  orders: {metric: shop.errors, critical: "drops > 50% over 1h"}\n'
    head = HEAD.replace("shop: {type: shop, every: 60s}", "shop: {type: shop, every: 60s, fresh_for: 90m}")
    with Harness(tmp_path, rule, T, head) as harness:
        for quarter in range(12):
            at = T + 900 * quarter
            harness.pass_time(at)
            poll(harness, at, 100 if quarter < 8 else 40, at - 3600)
        (alert,) = harness.engine.alerts
        assert alert.fired_at == T + 900 * 8
        assert alert.holds[0].baseline == 100


def test_what_is_derived_is_as_fresh_as_its_metrics_are(tmp_path: Path) -> None:
    rules = "derived: {twice: 2 * shop.errors}\nrules:\n  twice: {metric: twice, critical: '> 5', no_data: warning}\n"
    with Harness(tmp_path, rules, T, HOURLY) as harness:
        poll_each_minute(harness, T, 110, 1, T)
        assert harness.severity_changes() == []
        poll_each_minute(harness, T + 6600, 20, 1, T)
        assert harness.severity_changes() == [("twice", "fired")]
