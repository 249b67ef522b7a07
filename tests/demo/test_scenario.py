"""The shop's scenario: figures that fit together, and trouble that comes, is noticed, and goes in time."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeClock
from smithd.demo import scenario
from smithd.demo.scenario import ROUND, Figures, figures
from smithd.demo.shop import Shop

moments = st.floats(0, 8 * ROUND)


@given(moments, st.floats(0, 60))
def test_a_day_only_gains_orders_and_revenue(elapsed: float, later: float) -> None:
    before, after = figures(elapsed), figures(elapsed + later)
    assert after.orders >= before.orders
    assert after.revenue >= before.revenue


@given(moments)
def test_the_figures_are_those_of_a_shop(elapsed: float) -> None:
    shop = figures(elapsed)
    assert 0 < shop.error_percent < 20
    assert shop.latency > 0
    assert shop.visitors > 0
    assert all(stock > 0 for stock in shop.stock.values())


def test_the_first_minute_has_an_incident_from_beginning_to_end() -> None:
    def at(second: float) -> Figures:
        return figures(second)

    assert all(at(second).error_percent < 1.5 for second in range(14))
    assert 2 < at(17).error_percent < 8
    assert at(23).error_percent > 8
    assert all(at(second).error_percent < 1.5 for second in range(36, 60))
    assert at(12).orders > at(0).orders


@pytest.mark.parametrize(
    ("number", "differs"),
    [
        (1, lambda shop: shop.latency > 1500 and shop.error_percent < 1),
        (2, lambda shop: shop.stock["Lyon"] < 25),
        (3, lambda shop: not shop.answers),
        (4, lambda shop: shop.error_percent > 8),
    ],
)
def test_every_round_has_trouble_of_its_own(number: int, differs: object) -> None:
    assert callable(differs)
    start = number * ROUND
    assert differs(figures(start + 28))
    assert not differs(figures(start + 5))
    assert not differs(figures(start + 60))


@given(moments, moments, moments)
def test_each_announcement_is_made_once(first: float, second: float, third: float) -> None:
    one, two, three = sorted((first, second, third))
    assert [*scenario.announcements(one, two), *scenario.announcements(two, three)] == [
        *scenario.announcements(one, three)
    ]


def test_the_first_news() -> None:
    assert len(list(scenario.announcements(0, ROUND))) == 2
    assert next(scenario.announcements(0, 20)).startswith("A bad deploy")


def test_the_shop_answers_json_and_sometimes_does_not() -> None:
    clock = FakeClock()
    shop = Shop(clock)

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.app()), base_url="http://shop") as visitor:
            return await visitor.get("/stats.json")

    answer = asyncio.run(get())
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content) == {**figures(0).as_json(), "pickup_at": round(clock.now() + 600)}
    clock.time += 3 * ROUND + 20
    assert asyncio.run(get()).status_code == 503
