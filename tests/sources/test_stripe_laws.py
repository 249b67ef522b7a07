"""What holds for every account: laws of the arithmetic, and that reading only what is new misses nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from fake_stripe import DAY, NOW, Account
from smithd_sources.stripe.api import Api
from smithd_sources.stripe.lists import CountedObject, Feed, read_counted
from smithd_sources.stripe.mrr import Discount, DiscountRule, Item, MRRRules, Price, Subscription, Tier, a_month
from smithd_sources.stripe.revenue import PARTS, parse_transaction, total
from smithd_sources.stripe.subscription_figures import subscription_figures
from smithd_sources.stripe.subscriptions import Subscriptions

ALL = DiscountRule.ALL
amounts = st.integers(0, 10**7)
months = st.sampled_from([Fraction(1), Fraction(1, 12), Fraction(52, 12), Fraction(365, 12), Fraction(1, 3)])
discounts = st.one_of(
    st.builds(Discount, st.just("forever"), st.fractions(0, 100, max_denominator=100)),
    st.builds(Discount, st.just("forever"), amounts=st.fixed_dictionaries({"usd": amounts})),
)
items = st.builds(
    Item,
    st.builds(Price, st.just("prod"), months, unit=amounts.map(Fraction)),
    st.integers(0, 50),
    st.lists(discounts, max_size=2).map(tuple),
)
subscriptions = st.builds(
    Subscription,
    st.uuids().map(str),
    st.sampled_from(["active", "past_due", "trialing", "canceled"]),
    st.sampled_from(["cus_1", "cus_2", "cus_3"]),
    st.just("usd"),
    st.lists(items, max_size=3).map(tuple),
    st.lists(discounts, max_size=2).map(tuple),
)


def plain(price: Price, quantity: int = 1, *off: Discount) -> Fraction:
    """A month of one item."""
    return a_month(Subscription("sub", "active", "cus", "usd", (Item(price, quantity),), off), ALL, NOW)


class TestMRR:
    @given(st.lists(subscriptions, max_size=4), st.lists(subscriptions, max_size=4))
    @settings(max_examples=40)
    def test_of_two_businesses_it_is_the_sum(self, one: list[Subscription], other: list[Subscription]) -> None:
        def mrr(known: list[Subscription]) -> Fraction:
            return Fraction(subscription_figures(known, MRRRules(ALL), NOW).mrr.get("usd", 0))

        assert mrr(one) + mrr(other) == mrr(one + other)

    @given(subscriptions)
    @settings(max_examples=50)
    def test_discounts_only_ever_lower_it_and_never_below_zero(self, subscription: Subscription) -> None:
        assert 0 <= a_month(subscription, ALL, NOW) <= a_month(subscription, DiscountRule.NONE, NOW)

    @given(amounts, st.fractions(0, 100, max_denominator=100), st.fractions(0, 100, max_denominator=100))
    def test_percentages_come_in_any_order(self, amount: int, one: Fraction, other: Fraction) -> None:
        price = Price("prod", Fraction(1), unit=Fraction(amount))
        first, second = Discount("forever", one), Discount("forever", other)
        assert plain(price, 1, first, second) == plain(price, 1, second, first)
        assert plain(price, 1, first, second) == amount * (100 - one) * (100 - other) / 10_000

    @given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.data(), st.integers(1, 60))
    def test_tiers_are_what_counting_unit_by_unit_gives(
        self, widths: list[int], data: st.DataObject, quantity: int
    ) -> None:
        bounds = [sum(widths[: index + 1]) for index in range(len(widths) - 1)]
        costs = data.draw(st.lists(st.tuples(amounts, amounts), min_size=len(widths), max_size=len(widths)))
        tiers = tuple(
            Tier(bound, Fraction(unit), Fraction(flat))
            for bound, (unit, flat) in zip([*bounds, None], costs, strict=True)
        )

        def tier_of(unit: int) -> Tier:
            return next(tier for tier in tiers if tier.up_to is None or unit <= tier.up_to)

        reached = [tier_of(unit) for unit in range(1, quantity + 1)]
        flat_amounts = {tier.up_to: tier.flat for tier in reached}
        graduated = sum(tier.unit for tier in reached) + sum(flat_amounts.values())
        assert Price("prod", Fraction(1), tiers=tiers, graduated=True).of(quantity) == graduated
        assert Price("prod", Fraction(1), tiers=tiers).of(quantity) == quantity * reached[-1].unit + reached[-1].flat


KINDS = """
charge charge_failure dispute dispute_reversal fee partial_capture_reversal payout platform_earning
platform_earning_refund refund refund_failure tax topup transfer transfer_reversal
"""
kinds = st.sampled_from(KINDS.split())


@given(st.lists(st.tuples(kinds, st.integers(-(10**9), 10**9), st.integers(-(10**5), 10**5)), max_size=30))
def test_net_revenue_is_gross_revenue_without_all_the_rest(found: list[tuple[str, int, int]]) -> None:
    transactions = [
        parse_transaction(
            {"created": NOW, "currency": "usd", "type": "x", "reporting_category": kind, "amount": amount, "fee": fee}
        )
        for kind, amount, fee in found
    ]
    parts = {part: total(part, transactions).get("usd", Fraction()) for part in PARTS}
    net = parts.pop("net_revenue")
    assert net == parts.pop("gross_revenue") - sum(parts.values())
    assert net == sum(entry.amount - entry.fee for entry in transactions if entry.kind is not None)


class Near:
    """The API without a network: pages of three objects."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.pages = 0

    async def page(self, path: str, params: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
        self.pages += 1
        answer = await self.get(path, {**params, "limit": 3})
        return answer["data"], answer["has_more"]

    async def get(self, path: str, params: Mapping[str, Any] = {}) -> Mapping[str, Any]:
        return self.account.answer(path, _as_sent(params))


steps = st.lists(st.tuples(st.integers(1, 8000), st.integers(0, 6), st.integers(0, 30)), min_size=1, max_size=8)


@given(st.integers(0, 25), steps)
@settings(max_examples=60)
def test_a_list_read_by_what_is_new_is_as_one_read_whole(before: int, changes: list[tuple[int, int, int]]) -> None:
    account = Account()
    for number in range(before):
        account.add(
            "charges",
            "ch",
            object="charge",
            status="pending" if number % 5 == 0 else "succeeded",
            created=NOW - 900 * number,
        )

    async def run() -> None:
        api = Near(account)
        feed: Feed[CountedObject] = Feed(
            cast("Api", api), "charges", read_counted, cap=1000, may_change=lambda charge: charge.status == "pending"
        )
        for seconds, new, changed in changes:
            account.now += seconds
            for _ in range(new):
                account.add("charges", "ch", object="charge", status="pending")
            pending = [charge for charge in account.tables["charges"].values() if charge["status"] == "pending"]
            for charge in pending[: changed % 4]:
                charge["status"] = "failed"
            since = account.now - DAY
            truth = [
                read_counted(charge) for charge in account.tables["charges"].values() if charge["created"] >= since
            ]
            assert sorted(await feed.objects(since, account.now)) == sorted(truth)

    asyncio.run(run())


@given(st.integers(0, 25), steps)
@settings(max_examples=30)
def test_subscriptions_followed_by_events_are_as_those_read_whole(
    before: int, changes: list[tuple[int, int, int]]
) -> None:
    account = Account()
    price = account.price(100)
    for _ in range(before):
        account.subscribe(price, created=NOW - 50 * DAY)

    async def run() -> None:
        api = cast("Api", Near(account))
        followed = subscriptions_of(api)
        for seconds, new, changed in changes:
            account.now += seconds
            for _ in range(new):
                account.subscribe(price)
            there = list(account.tables["subscriptions"].values())
            for number, subscription in enumerate(there[: changed % 4]):
                account.change(subscription, status=("canceled", "past_due", "active")[number], ended_at=account.now)
            found = {each.id: each for each in await followed.read(account.now)}
            whole = {each.id: each for each in await subscriptions_of(api).read(account.now)}
            assert found == whole

    asyncio.run(run())


def subscriptions_of(api: Api) -> Subscriptions:
    """The subscriptions of an account that nobody has asked yet."""
    return Subscriptions(api, logging.getLogger("smithd.sources.billing"), cap=1000, discounts=True, with_ended=True)


def _as_sent(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are in a query, where all values are texts."""
    return {name: str(value) if isinstance(value, int) else value for name, value in params.items()}
