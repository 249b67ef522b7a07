"""The rules of ``config.example.yaml`` over days as a shop has them: nobody must be woken for nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from smithd.config.load import load_rules
from smithd.plugin.sample import Series
from smithd.ruletest.model import Case, Input, RuleTests
from smithd.ruletest.play import play

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
SECRETS = ("ACTIVITYSMITH_API_KEY", "SHOP_TOKEN", "BILLING_PASSWORD", "PROMETHEUS_TOKEN", "STRIPE_KEY")
FRIDAY = datetime(2026, 1, 9)


def rate(moment: datetime) -> float:
    """Orders an hour: many in the evening, few at night, fewer at the weekend."""
    hour = moment.hour + moment.minute / 60
    by_day = 45 + 40 * math.sin((hour - 9) / 24 * 2 * math.pi) + 8 * math.sin((hour - 2) / 12 * 2 * math.pi)
    return max(2.0, by_day) * (0.6 if moment.weekday() >= 5 else 1.0)


def shop(start: datetime, days: int, every: float, outage: range) -> Iterator[Input]:
    """What the shop and its servers say; in an outage (hours since the start) nobody orders."""
    chance = random.Random(11)  # noqa: S311 - the same days each time
    orders, visits, errors, busy = [], [], [], []
    counted, day = 0, start.date()
    for step in range(int(days * 86400 / every)):
        moment = start + timedelta(seconds=step * every)
        if moment.date() != day:
            counted, day = 0, moment.date()
        hourly = 0.0 if int(step * every / 3600) in outage else rate(moment)
        counted += sum(chance.random() < hourly * every / 3600 / 20 for _ in range(20))
        orders.append(float(counted))
        visits.append(30 * rate(moment) * chance.uniform(0.95, 1.05))
        errors.append(chance.uniform(0.1, 0.7))
        busy.append(20 + 0.5 * rate(moment) + chance.uniform(-5, 5))
    yield Input(series=Series("shop.orders"), values=tuple(orders))
    yield Input(series=Series("shop.revenue"), values=tuple(30 * each for each in orders))
    yield Input(series=Series("shop.stock", (("warehouse", "north"),)), values=(80.0,) * len(orders))
    yield Input(series=Series("prod.visits"), values=tuple(visits))
    yield Input(series=Series("prod.error_rate"), values=tuple(errors))
    yield Input(series=Series("prod.cpu", (("instance", "web-1"),)), values=tuple(busy))
    yield Input(series=Series("prod.targets_up"), values=(5.0,) * len(orders))


def changes(start: datetime, days: int, every: float, outage: range = range(0)) -> list[tuple[float, str]]:
    given = list(shop(start, days, every, outage))
    case = Case(name="days", start=start, interval=f"{every:g}s", input=given, pushes=[])
    # What is shown costs most of the time, and is no alarm.
    rules_alone = replace(load_rules(EXAMPLE), widgets={}, live_activities={})
    return play(rules_alone, RuleTests(tests=[case]), case).transitions


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "rk_test_nobody" if name == "STRIPE_KEY" else "nobody")


def test_two_days_after_the_first_start_nobody_is_woken() -> None:
    assert changes(FRIDAY, 2, 120.0) == []


def test_with_a_week_behind_it_neither_night_nor_midnight_nor_weekend_is_an_alarm() -> None:
    assert changes(FRIDAY - timedelta(days=7), 9, 300.0) == []


def test_an_afternoon_without_orders_is_one() -> None:
    noon = 7 * 24 + 12
    found = changes(FRIDAY - timedelta(days=7), 8, 300.0, range(noon, noon + 8))
    assert [text.partition(":")[0] for _, text in found] == ["alert orders-drop pending", "alert orders-drop fired"]
