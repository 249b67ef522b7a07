"""``smithd explain`` of a surface: why it does not show what it should, row by row, and its rank or score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.harness import Harness
from engine.test_slots import Scenario, T, configuration
from smithd.delivery.account import Limits
from smithd.delivery.gate import Gate
from smithd.delivery.waiting import passages
from smithd.errors import NotThere
from smithd.explain import text as rule_text
from smithd.explain_surface import explain_surface, meanings, text
from smithd.outbox.settlement import DeliveryReason, Drop, Retry
from smithd.runtime.explaining import Remembered, meant
from smithd.runtime.explaining import explained as explained_by_name
from smithd.waiting import outbox_report

WIDGETS = """
widgets:
  orders: {value: shop.orders, min_change: 5, min_interval: 0}
  several: {value: shop.stock, min_interval: 0}
"""


def explained(harness: Harness, name: str, *, runs: bool = True) -> Any:
    engine = harness.engine.engine
    (meant,) = [key for _, key in meanings(engine.setup, name)]
    assert not isinstance(meant, str)
    let_go = passages(Gate(Limits()), 0.0, harness.now) if runs else None
    return explain_surface(engine.setup, engine.state, meant, (), let_go, harness.now)


def test_a_widget_row_by_row(tmp_path: Path) -> None:
    with Harness(tmp_path, WIDGETS, T) as harness:
        assert explained(harness, "orders")["reason"] == "unseen"
        harness.poll(T, orders=10, stock={"a": 1, "b": 2})
        found = explained(harness, "orders")
        assert (found["shows"], found["should_show"], found["reason"]) == (None, 10, "next")
        assert (found["score"]["value"], found["score"]["place"]) == (None, 1)
        assert "shop.stock has 2 series where one is needed" in explained(harness, "several")["why"]
        harness.take()
        found = explained(harness, "orders")
        assert (found["shows"], found["should_show"], found["reason"]) == (10, 10, "same")
        harness.poll(T + 10, orders=13)
        found = explained(harness, "orders")
        assert (found["shows"], found["should_show"], found["reason"]) == (10, 13, "within_min_change")
        assert found["score"]["value"] > 0
        harness.poll(T + 20, orders=20)
        (queued,) = harness.outbox.ready(harness.now)
        claim = harness.outbox.claim(queued, "metrics", harness.now)
        assert explained(harness, "orders")["reason"] == "in_flight"
        harness.outbox.settle(claim, Drop(DeliveryReason.REFUSED, "no"), harness.now)
        assert explained(harness, "orders")["reason"] == "refused"
        assert explained(harness, "orders", runs=False)["reason"] == "not_running"


def test_what_is_stale_says_since_when_and_which_source_fails(tmp_path: Path) -> None:
    config = "derived: {half: shop.orders / 2}\nwidgets: {half: {value: half, min_interval: 0}}\n"
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, orders=10)
        harness.take()
        assert (explained(harness, "half")["stale"], explained(harness, "half")["failing"]) == ([], [])
        harness.fail(T + 60)
        (failing,) = explained(harness, "half")["failing"]
        assert (failing["source"], failing["reason"]) == ("shop", "no answer")
        harness.pass_time(T + 600)
        found = explained(harness, "half")
        assert (found["reason"], [each["metric"] for each in found["stale"]]) == ("same", ["half"])
        lines = list(text(found))
        assert lines[2] == "  it shows what it should"
        assert lines[3].startswith("  stale: half has no new value since ")
        assert lines[4].startswith("  source shop fails since ")
        assert lines[4].endswith(": no answer")
        assert explained(harness, "half", runs=False)["stale"] == []


def test_one_whose_last_try_failed_is_not_said_to_go_before_the_next(tmp_path: Path) -> None:
    with Harness(tmp_path, WIDGETS, T) as harness:
        harness.poll(T, orders=10)
        (queued,) = harness.outbox.ready(harness.now)
        claim = harness.outbox.claim(queued, "metrics", harness.now)
        harness.outbox.settle(claim, Retry(T + 3600, DeliveryReason.METRIC_MISSING, "HTTP 404"), harness.now)
        found = explained(harness, "orders")
        assert (found["reason"], found["score"]["expected_at"]) == ("retry", found["until"])
        assert found["score"]["sent_by"] is None


def test_a_live_activity_has_its_rank_and_its_slot(tmp_path: Path) -> None:
    with Harness(tmp_path, configuration("abcde"), T) as harness:
        scenario = Scenario(harness)
        scenario.poll(0)
        holder = explained(harness, "a")
        assert (holder["slot"]["rank"], holder["slot"]["has_slot"]) == ("routine, priority 5", True)
        assert holder["slot"]["holders"] == ["a", "b", "c", "d"]
        waits = explained(harness, "e")
        assert (waits["reason"], waits["slot"]["decision"], waits["slot"]["has_slot"]) == ("no_slot", "no_slot", False)
        assert "waits for a slot; a (routine, priority 5)" in waits["why"]
        assert explained(harness, "incident")["reason"] == "not_wanted"
        lines = list(text(waits))
        assert lines[:2] == ["Live Activity e", "  shows nothing"]
        assert any(line.startswith("  rank: routine, priority 5; has no slot") for line in lines)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("errors", ["rule:errors", "widget:errors", "activity:errors"]),
        ("widget:errors", ["widget:errors"]),
        ("activity:errors", ["activity:errors"]),
        ("rule:errors", ["rule:errors"]),
        ("badge", ["badge"]),
        ("widget:badge", []),
        ("other", []),
    ],
)
def test_a_name_means_a_rule_before_what_the_phone_shows(tmp_path: Path, name: str, said: list[str]) -> None:
    config = """
rules: {errors: {metric: shop.errors, critical: "> 5"}}
widgets: {errors: shop.errors}
live_activities: {errors: {type: stats, title: x, stats: [{label: Errors, value: shop.errors}]}}
badge: count(firing)
"""
    with Harness(tmp_path, config, T) as harness:
        assert [each for each, _ in meanings(harness.engine.engine.setup, name)] == said


TWO_ACCOUNTS = """
accounts: {team: {api_key: t, limits: {live_activities_at_once: 1}}}
rules: {errors: {metric: shop.errors, critical: "> 5", account: [default, team], push: true}}
live_activities:
  ours: {type: value, title: Ours, value: shop.orders}
  theirs: {type: value, title: Theirs, value: shop.orders, account: team}
  folded: {type: value, title: Folded, value: shop.orders, account: team, fold: true}
"""


def test_what_is_of_another_account_than_the_first_says_so(tmp_path: Path) -> None:
    with Harness(tmp_path, TWO_ACCOUNTS, T) as harness:
        harness.poll(T, errors=9, orders=1)
        harness.take()
        engine, now = harness.engine.engine, harness.now
        (waits,) = outbox_report(engine.setup, engine.state, {}, now)["waiting_for_a_slot"]
        assert waits["key"] == "Live Activity folded of team"
        about = meant(engine.setup, "rule:errors")
        found = explained_by_name(engine, about, Remembered(harness.engine.entries("errors")), "", None, now)
        assert sorted(each["account"] for each in found["deliveries"]) == ["default", "team"]
        lines = list(rule_text(found))
        assert any(line.startswith("  team: accepted") for line in lines)
        assert any(line.startswith("  accepted") for line in lines)


def test_a_name_that_an_account_does_not_have_is_said_to_be_so(tmp_path: Path) -> None:
    with Harness(tmp_path, TWO_ACCOUNTS, T) as harness:
        engine = harness.engine.engine
        with pytest.raises(NotThere, match=r"team has no 'ours'; there is activity:ours"):
            explained_by_name(engine, meant(engine.setup, "ours@team"), Remembered(), "", None, T)


def test_where_nothing_is_folded_the_common_activity_says_what_it_takes(tmp_path: Path) -> None:
    with Harness(tmp_path, TWO_ACCOUNTS, T) as harness:
        harness.poll(T, errors=0, orders=1)
        harness.take()
        found = explained(harness, "smithd-more@team")
        assert (found["reason"], found["why"].partition(":")[0]) == ("not_wanted", "nothing is folded")
