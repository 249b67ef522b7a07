"""Baselines over restarts, crashes and edits; what they are while nothing of that happens is told in rule tests
(``tests/ruletest/baselines.test.yaml``).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.harness import Harness
from smithd.config.load import load
from smithd.series import rows

T = 1_795_528_800.0
HOUR = 3600.0
DAY = 86400.0
STEP = "rules: {r: {metric: shop.orders, warning: rises > 50% over 1h, rebase_after: 4h}}\n"


def play(harness: Harness, since: float, until: float, value: float, every: float = 300.0) -> None:
    """The same number of orders from one moment until just before another."""
    at = since
    while at < until:
        harness.pass_time(at)
        harness.poll(at, orders=value)
        at += every


@pytest.mark.parametrize("is_orderly", [True, False], ids=["a restart", "a crash"])
def test_a_baseline_stays_frozen_over_a_restart_and_lets_go_in_time(tmp_path: Path, is_orderly: bool) -> None:
    with Harness(tmp_path, STEP, T) as harness:
        play(harness, T, T + 2 * HOUR, 100)
        play(harness, T + 2 * HOUR, T + 4 * HOUR, 200)
        if is_orderly:
            harness.engine.close(harness.now)
    with Harness(tmp_path, STEP, T + 4 * HOUR) as harness:
        play(harness, T + 4 * HOUR, T + 6 * HOUR, 200)
        assert harness.severity_changes() == []
        play(harness, T + 6 * HOUR, T + 9 * HOUR, 200)
        assert harness.severity_changes() == [("r", "resolved")]
        assert harness.sentences() == [
            "shop.orders is 200, like the 200 of 1h before: after 4h the new level is taken as normal"
        ]


def test_what_is_left_out_begins_with_the_breach_and_is_left_out_after_a_restart(tmp_path: Path) -> None:
    rule = "rules: {r: {metric: shop.orders, warning: changes > 50% vs yesterday, for: 30m}}\n"
    with Harness(tmp_path, rule, T) as harness:
        play(harness, T, T + DAY, 100)
        play(harness, T + DAY, T + DAY + HOUR, 10, every=150)
        play(harness, T + DAY + HOUR, T + DAY + 2 * HOUR, 100)
        assert harness.severity_changes() == [("r", "fired"), ("r", "resolved")]
        harness.engine.close(harness.now)
    with Harness(tmp_path, rule, T + 2 * DAY - HOUR) as harness:
        play(harness, T + 2 * DAY - HOUR, T + 2 * DAY + 2 * HOUR, 100)
        assert harness.changes() == [], "its first half hour, when it was pending, is left out too"


def test_what_was_pending_only_is_normal(tmp_path: Path) -> None:
    rule = "rules: {r: {metric: shop.orders, warning: changes > 50% vs yesterday, for: 2h}}\n"
    with Harness(tmp_path, rule, T) as harness:
        play(harness, T, T + DAY, 100)
        play(harness, T + DAY, T + DAY + HOUR, 10)
        play(harness, T + DAY + HOUR, T + 2 * DAY + HOUR / 2, 100)
        assert harness.severity_changes() == []
        assert harness.engine.alerts, "it is compared with the 10 of the day before"


@pytest.mark.parametrize(("edited", "resolves"), [("rebase_after: 1h", True), ("rebase_after: 9h", False)])
def test_an_edit_counts_from_the_beginning_of_the_alert(tmp_path: Path, edited: str, resolves: bool) -> None:
    with Harness(tmp_path, STEP, T) as harness:
        play(harness, T, T + 2 * HOUR, 100)
        play(harness, T + 2 * HOUR, T + 4 * HOUR, 200)
        path = tmp_path / "smithd.yaml"
        path.write_text(path.read_text().replace("rebase_after: 4h", edited))
        harness.engine.reconfigure(load(path, secrets_required=True), {"shop", "depot"}, T + 4 * HOUR)
        play(harness, T + 4 * HOUR, T + 7 * HOUR, 200)
        assert ("r", "resolved") in harness.severity_changes() if resolves else len(harness.severity_changes()) == 1


def test_rules_that_do_not_compare_say_nothing_of_what_is_normal(tmp_path: Path) -> None:
    rules = """
rules:
  few: {metric: shop.orders, warning: "< 50"}
  drop: {metric: shop.orders, warning: drops > 50% vs yesterday}
"""
    with Harness(tmp_path, rules, T) as harness:
        play(harness, T, T + DAY, 30)
        play(harness, T + DAY, T + DAY + 2 * HOUR, 10)
        assert harness.severity_changes() == [("few", "fired"), ("drop", "fired")]
        harness.engine.close(harness.now)
        with harness.engine.database.transaction() as connection:
            assert [each.rule for each in rows.load_intervals(connection).all()] == ["drop"]
