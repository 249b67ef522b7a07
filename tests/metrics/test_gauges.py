"""What is so at the moment of a scrape: one situation a test."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.harness import Harness
from metrics.scraped import Labels, samples, value
from smithd.delivery.delivery import AccountDelivery
from smithd.keys import DEFAULT_ACCOUNT
from smithd.metrics.gauges import MOST_SOURCES, TURN, Snapshot, gauges, in_turns
from smithd.status.fill import gate_status

T = 1_763_906_400.0
CONFIG = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5", push: true}
  slow: {metric: shop.orders, critical: "< 5", for: 5m}
widgets:
  shop.orders: {value: shop.orders, min_change: 2, priority: 4}
  shop.text: {value: shop.stock, format: "{{ value }} left", priority: 3}
live_activities:
  shop: {type: stats, title: Shop, show: always, stats: [{label: Orders, value: shop.orders}]}
"""


def scraped(harness: Harness, is_degraded: bool = False) -> dict[str, list[tuple[Labels, float]]]:
    setup, state = harness.engine.engine.setup, harness.engine.engine.state
    delivery = AccountDelivery(DEFAULT_ACCOUNT, setup.config.account, setup.config.zone)
    gates = [gate_status(delivery, 100.0, harness.now)]
    return samples(gauges(Snapshot(setup, state, gates, is_degraded, harness.now)))


def test_a_source_is_unknown_then_up_then_down(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        first = scraped(harness)
        assert value(first, "smithd_sources", health="unseen") == 2
        assert math.isnan(value(first, "smithd_source_up", source="shop"))
        assert math.isnan(value(first, "smithd_source_last_success_timestamp_seconds", source="shop"))
        harness.poll(T + 1, orders=9)
        assert value(scraped(harness), "smithd_source_up", source="shop") == 1
        harness.fail(T + 2)
        failing = scraped(harness)
        assert value(failing, "smithd_source_up", source="shop") == 0
        assert value(failing, "smithd_source_last_success_timestamp_seconds", source="shop") == T + 1
        assert value(failing, "smithd_sources", health="failing") == 1


def test_above_a_thousand_sources_none_has_series_of_its_own(tmp_path: Path) -> None:
    head = "activitysmith: {api_key: ask_test}\nstate: sqlite:///state.db\nplugins: [shop.py]\nsources:\n"
    for count in (MOST_SOURCES, MOST_SOURCES + 1):
        (folder := tmp_path / str(count)).mkdir()
        sources = "".join(f"  s{number}: {{type: shop, every: 60s}}\n" for number in range(count))
        with Harness(folder, "", T, head + sources) as harness:
            found = scraped(harness)
        assert value(found, "smithd_sources", health="unseen") == count
        assert len(found.get("smithd_source_up", ())) == (count if count == MOST_SOURCES else 0)


def test_alerts_are_counted_by_state_and_severity(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, errors={"a": 2, "b": 9, "c": 9}, orders=3)
        found = scraped(harness)
        counted = {(of["state"], of["severity"]): number for of, number in found["smithd_alerts"] if number}
        assert counted == {("firing", "warning"): 1, ("firing", "critical"): 2, ("pending", "critical"): 1}
        assert len(found["smithd_alerts"]) == 9


def test_the_outbox_has_its_depth_and_its_oldest_message_by_lane(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, errors=9)
        found = scraped(harness)
        assert value(found, "smithd_outbox_messages", account="default", lane="critical_push") == 1
        name = "smithd_outbox_oldest_timestamp_seconds"
        assert value(found, name, account="default", lane="critical_push") == T + 1
        assert math.isnan(value(found, name, account="default", lane="update"))
        harness.take()
        assert value(scraped(harness), "smithd_outbox_messages", account="default", lane="critical_push") == 0


def test_slots_and_budgets_have_their_limits_and_what_is_used(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        before = scraped(harness)
        assert value(before, "smithd_slots_used", account="default") == 0
        harness.poll(T + 1, orders=9)
        harness.take()
        found = scraped(harness)
        assert value(found, "smithd_slots_used", account="default") == 1
        assert value(found, "smithd_slots_wanted", account="default") == 1
        assert value(found, "smithd_slots_limit", account="default") == 4
        assert value(found, "smithd_budget_limit", account="default", family="notifications") == 60
        assert value(found, "smithd_budget_used", account="default", family="notifications") == 0


def test_the_screen_is_wrong_by_what_waits_in_the_units_of_each_widget(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, orders=10, stock=5)
        harness.take()
        assert value(scraped(harness), "smithd_screen_error") == 0
        harness.poll(T + 2, orders=16, stock=4)
        # Six orders are three steps of 2, with priority 4; a text is right or wrong, with priority 3.
        assert value(scraped(harness), "smithd_screen_error") == pytest.approx(3 * 4 + 3)
        harness.pass_time(T + 3600)
        harness.take()
        assert value(scraped(harness), "smithd_screen_error") == 0


def test_a_value_in_flight_is_not_on_the_screen_yet(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, orders=10)
        harness.take()
        harness.poll(T + 2, orders=16)
        harness.pass_time(T + 3600)
        queued = next(each for each in harness.outbox.ready(harness.now) if "orders" in str(each.message.key))
        harness.outbox.claim(queued, "metrics", harness.now)
        assert value(scraped(harness), "smithd_screen_error") == pytest.approx(3 * 4)


def test_surfaces_are_stale_whose_source_is_silent(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, orders=10, stock=5)
        assert value(scraped(harness), "smithd_surfaces_stale") == 0
        harness.take()
        assert value(scraped(harness), "smithd_surfaces_stale") == 0
        harness.pass_time(T + 1000)
        assert value(scraped(harness), "smithd_surfaces_stale") == 3


def test_others_have_their_turns_while_thousands_of_items_are_read() -> None:
    turns: list[None] = []
    assert list(in_turns(range(2 * TURN + 1), lambda: turns.append(None))) == list(range(2 * TURN + 1))
    assert len(turns) == 2


def test_degraded_is_said(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        assert value(scraped(harness), "smithd_degraded") == 0
        assert value(scraped(harness, is_degraded=True), "smithd_degraded") == 1
