"""MRR, ARR and churn of accounts that were worked out by hand: the arithmetic stands beside each.

Amounts are in cents where nothing else is said. A year has 12 months, 52 weeks and 365 days.
"""

from __future__ import annotations

from typing import Any

import pytest

from fake_stripe import DAY, NOW, FakeStripe
from stripe_harness import ask


def mrr(account: FakeStripe, **options: object) -> float:
    """The MRR of an account whose only currency is the dollar."""
    return ask(account, "mrr", **options)[("mrr", "usd")]


class TestIntervals:
    @pytest.mark.parametrize(
        ("amount", "interval", "interval_count", "expected"),
        [
            (1000, "month", 1, 10.00),
            (120_000, "year", 1, 100.00),  # 1,200.00 / 12
            (100_000, "year", 1, 83.33),  # 1,000.00 / 12 = 83.333...
            (240_000, "year", 2, 100.00),  # 2,400.00 / 24
            (3000, "month", 3, 10.00),  # 30.00 / 3
            (6000, "month", 6, 10.00),
            (1000, "week", 1, 43.33),  # 10.00 * 52 / 12 = 43.333...
            (2000, "week", 2, 43.33),  # 20.00 * 26 / 12
            (100, "day", 1, 30.42),  # 1.00 * 365 / 12 = 30.41666...
            (1000, "day", 10, 30.42),  # 10.00 * 36.5 / 12
        ],
    )
    def test_every_interval_is_converted_to_a_month(
        self, account: FakeStripe, amount: int, interval: str, interval_count: int, expected: float
    ) -> None:
        account.subscribe(account.price(amount, interval, interval_count=interval_count))
        assert mrr(account) == expected

    def test_only_the_sum_is_rounded(self, account: FakeStripe) -> None:
        for _ in range(3):
            account.subscribe(account.price(10_000, "year"))
        # 3 * 100.00 / 12 = 25.00; three times 8.33 would be 24.99
        assert mrr(account) == 25.00

    def test_half_a_cent_goes_up(self, account: FakeStripe) -> None:
        account.subscribe(account.price(1, "month", interval_count=2))
        assert mrr(account) == 0.01

    def test_arr_is_twelve_times_mrr_before_rounding(self, account: FakeStripe) -> None:
        account.subscribe(account.price(100_000, "year"))
        assert ask(account, "mrr", "arr") == {("mrr", "usd"): 83.33, ("arr", "usd"): 1000.00}


class TestItems:
    def test_quantity_multiplies(self, account: FakeStripe) -> None:
        account.subscribe(account.item(account.price(1500), quantity=7))
        assert mrr(account) == 105.00  # 7 * 15.00

    def test_several_items_with_intervals_of_their_own(self, account: FakeStripe) -> None:
        account.subscribe(account.item(account.price(2000), 2), account.price(12_000, "year"), account.price(500))
        assert mrr(account) == 55.00  # 2 * 20.00 + 120.00 / 12 + 5.00

    def test_more_items_than_a_subscription_shows(self, account: FakeStripe) -> None:
        account.subscribe(*(account.price(100) for _ in range(13)))
        assert mrr(account) == 13.00

    def test_metered_items_do_not_count(self, account: FakeStripe) -> None:
        usage = account.tiered("graduated", [(None, 5, 0)], usage_type="metered")
        account.subscribe(account.price(2000), account.item(usage, quantity=None))
        assert mrr(account) == 20.00
        assert not any(path.startswith("prices") for path in account.paths())

    def test_fractions_of_a_cent(self, account: FakeStripe) -> None:
        price = account.price(None, unit_amount_decimal="0.25")
        account.subscribe(account.item(price, quantity=1234))
        assert mrr(account) == 3.09  # 1,234 * 0.25 = 308.5 cents

    def test_packs(self, account: FakeStripe) -> None:
        up = account.price(1000, transform_quantity={"divide_by": 10, "round": "up"})
        down = account.price(1000, transform_quantity={"divide_by": 10, "round": "down"})
        account.subscribe(account.item(up, 21), account.item(down, 29))
        assert mrr(account) == 50.00  # 3 packs and 2 packs of 10.00

    def test_tax_within_the_price_is_no_revenue(self, account: FakeStripe) -> None:
        inclusive = {"id": "txr_1", "object": "tax_rate", "inclusive": True, "percentage": 19.0}
        exclusive = {"id": "txr_2", "object": "tax_rate", "inclusive": False, "percentage": 7.0}
        account.subscribe(account.price(11_900), default_tax_rates=[inclusive, exclusive])
        assert mrr(account) == 100.00  # 119.00 / 1.19

    def test_a_free_plan_is_worth_nothing(self, account: FakeStripe) -> None:
        account.subscribe(account.price(0))
        assert ask(account, "mrr", "active_subscribers", "active_subscriptions") == {
            ("mrr", "usd"): 0.0,
            "active_subscribers": 0,
            "active_subscriptions": 1,
        }


class TestTiers:
    """Up to 5 at 10.00 each; up to 10 at 8.00 and 1.00 flat; above at 6.00 and 2.00 flat."""

    TIERS = ((5, 1000, 0), (10, 800, 100), (None, 600, 200))

    @pytest.mark.parametrize(
        ("quantity", "expected"),
        [
            (3, 30.00),  # 3 * 10
            (5, 50.00),  # 5 * 10
            (6, 59.00),  # 5 * 10 + 1 * 8 + 1
            (10, 91.00),  # 5 * 10 + 5 * 8 + 1
            (12, 105.00),  # 5 * 10 + 5 * 8 + 1 + 2 * 6 + 2
        ],
    )
    def test_graduated(self, account: FakeStripe, quantity: int, expected: float) -> None:
        account.subscribe(account.item(account.tiered("graduated", self.TIERS), quantity))
        assert mrr(account) == expected

    @pytest.mark.parametrize(
        ("quantity", "expected"),
        [
            (5, 50.00),  # 5 * 10
            (6, 49.00),  # 6 * 8 + 1
            (10, 81.00),  # 10 * 8 + 1
            (12, 74.00),  # 12 * 6 + 2
        ],
    )
    def test_volume(self, account: FakeStripe, quantity: int, expected: float) -> None:
        account.subscribe(account.item(account.tiered("volume", self.TIERS), quantity))
        assert mrr(account) == expected

    def test_a_flat_amount_is_there_without_a_single_unit(self, account: FakeStripe) -> None:
        account.subscribe(account.item(account.tiered("graduated", [(5, 100, 900), (None, 50, 0)]), 0))
        assert mrr(account) == 9.00

    def test_a_price_is_asked_for_once(self, account: FakeStripe) -> None:
        price = account.tiered("volume", self.TIERS, interval="year")
        for quantity in (1, 2):
            account.subscribe(account.item(price, quantity))
        assert mrr(account) == 2.50  # 3 * 10.00 / 12
        assert account.paths().count(f"prices/{price['id']}") == 1


class TestDiscounts:
    def test_percent_off_for_ever(self, account: FakeStripe) -> None:
        half = account.discount(account.coupon(percent_off=50))
        account.subscribe(account.price(2000), discounts=[half])
        assert mrr(account) == 10.00

    def test_percentages_are_exact(self, account: FakeStripe) -> None:
        account.subscribe(account.price(10_000), discounts=[account.discount(account.coupon(percent_off=33.33))])
        assert mrr(account) == 66.67  # 100.00 * 0.6667

    def test_an_amount_off_comes_off_every_invoice(self, account: FakeStripe) -> None:
        coupon = account.coupon(amount_off=600, currency="usd")
        account.subscribe(account.price(2000), discounts=[account.discount(coupon)])
        account.subscribe(account.price(12_000, "year"), discounts=[account.discount(coupon)])
        assert mrr(account) == 23.50  # 20.00 - 6.00, and (120.00 - 6.00) / 12 = 9.50

    def test_an_amount_off_comes_as_often_as_the_most_frequent_item(self, account: FakeStripe) -> None:
        coupon = account.coupon(amount_off=600, currency="usd")
        account.subscribe(account.price(2000), account.price(12_000, "year"), discounts=[account.discount(coupon)])
        assert mrr(account) == 24.00  # 20.00 + 120.00 / 12 - 6.00

    def test_nothing_falls_below_zero(self, account: FakeStripe) -> None:
        coupon = account.coupon(amount_off=5000, currency="usd")
        account.subscribe(account.price(2000), discounts=[account.discount(coupon)])
        account.subscribe(account.price(1000))
        assert mrr(account) == 10.00

    def test_an_amount_off_in_another_currency(self, account: FakeStripe) -> None:
        options = {"usd": {"amount_off": 300}, "eur": {"amount_off": 250}}
        coupon = account.coupon(amount_off=300, currency="usd", currency_options=options)
        account.subscribe(account.price(1000, currency="eur"), discounts=[account.discount(coupon)])
        assert ask(account, "mrr") == {("mrr", "eur"): 7.50}

    def test_of_an_item_only_that_item_is_lowered(self, account: FakeStripe) -> None:
        tenth = account.discount(account.coupon(percent_off=10))
        account.subscribe(account.item(account.price(2000), discounts=[tenth]), account.price(3000))
        assert mrr(account) == 48.00  # 20.00 * 0.9 + 30.00

    def test_of_the_item_first_then_of_the_subscription(self, account: FakeStripe) -> None:
        item = account.discount(account.coupon(amount_off=1000, currency="usd"))
        whole = account.discount(account.coupon(percent_off=50))
        account.subscribe(account.item(account.price(2000), discounts=[item]), account.price(3000), discounts=[whole])
        assert mrr(account) == 20.00  # (20.00 - 10.00 + 30.00) / 2; the other way round it would be 15.00

    def test_several_are_taken_in_their_order(self, account: FakeStripe) -> None:
        percent = account.coupon(percent_off=20)
        amount = account.coupon(amount_off=1000, currency="usd")
        account.subscribe(account.price(10_000), discounts=[account.discount(percent), account.discount(amount)])
        account.subscribe(account.price(10_000), discounts=[account.discount(amount), account.discount(percent)])
        assert mrr(account) == 142.00  # 100 * 0.8 - 10 = 70, and (100 - 10) * 0.8 = 72

    def test_an_amount_off_is_shared_by_the_items(self, account: FakeStripe) -> None:
        amount = account.discount(account.coupon(amount_off=1000, currency="usd"))
        rate = {"id": "txr_1", "object": "tax_rate", "inclusive": True, "percentage": 25.0}
        account.subscribe(account.item(account.price(3000), tax_rates=[rate]), account.price(1000), discounts=[amount])
        # 10.00 off 40.00 is a quarter: 30.00 becomes 22.50, of which 4.50 is tax; 10.00 becomes 7.50
        assert mrr(account) == 25.50

    def test_only_on_some_products(self, account: FakeStripe) -> None:
        coupon = account.coupon(percent_off=50, applies_to={"products": ["prod_seats"]})
        account.subscribe(
            account.price(2000, product="prod_seats"), account.price(1000), discounts=[account.discount(coupon)]
        )
        assert mrr(account) == 20.00  # 20.00 / 2 + 10.00

    def test_usage_is_no_part_of_what_an_amount_comes_off(self, account: FakeStripe) -> None:
        amount = account.discount(account.coupon(amount_off=500, currency="usd"))
        account.subscribe(account.price(2000), account.price(1, usage_type="metered"), discounts=[amount])
        assert mrr(account) == 15.00

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            # 100.00 each: forever -10 %, repeating -20 %, repeating that is over -40 %, once -30 %
            ("recurring", 370.00),  # 90 + 80 + 100 + 100
            ("forever", 390.00),  # 90 + 100 + 100 + 100
            ("all", 340.00),  # 90 + 80 + 100 + 70
            ("none", 400.00),
        ],
    )
    def test_which_discounts_count(self, account: FakeStripe, rule: str, expected: float) -> None:
        price = account.price(10_000)
        forever, once = account.coupon(percent_off=10), account.coupon("once", percent_off=30)
        running, over = account.coupon("repeating", percent_off=20), account.coupon("repeating", percent_off=40)
        for discount in (
            account.discount(forever),
            account.discount(once),
            account.discount(running, end=NOW + DAY),
            account.discount(over, end=NOW),
        ):
            account.subscribe(price, discounts=[discount])
        assert mrr(account, mrr={"discounts": rule}) == expected

    def test_a_deleted_coupon_stays_with_those_who_have_it(self, account: FakeStripe) -> None:
        coupon = account.coupon(percent_off=25)
        account.subscribe(
            account.item(account.price(4000), discounts=[account.discount(coupon)]),
            discounts=[account.discount(coupon)],
        )
        del account.tables["coupons"][coupon["id"]]
        assert mrr(account) == 22.50  # 40.00 * 0.75 * 0.75

    def test_a_coupon_that_got_a_deleted_ones_name(self, account: FakeStripe) -> None:
        old = account.coupon(percent_off=25, created=NOW - 9 * DAY)
        discount = account.discount(old, start=NOW - 8 * DAY)
        account.subscribe(account.item(account.price(4000), discounts=[discount]), created=NOW - 8 * DAY)
        account.tables["coupons"][old["id"]] = {**old, "percent_off": 90, "created": NOW - DAY}
        assert mrr(account) == 30.00  # still 40.00 * 0.75


class TestStates:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("active", 20.00),
            ("past_due", 20.00),
            ("trialing", 0.0),
            ("unpaid", 0.0),
            ("incomplete", 0.0),
            ("paused", 0.0),
        ],
    )
    def test_active_and_past_due_count(self, account: FakeStripe, status: str, expected: float) -> None:
        account.subscribe(account.price(2000), status=status)
        assert mrr(account) == expected

    @pytest.mark.parametrize(
        ("pause", "paused", "expected"),
        [
            ({"behavior": "void", "resumes_at": None}, "left_out", 0.0),
            ({"behavior": "keep_as_draft", "resumes_at": NOW + DAY}, "left_out", 0.0),
            ({"behavior": "void", "resumes_at": NOW - 1}, "left_out", 20.00),
            ({"behavior": "void", "resumes_at": None}, "counted", 20.00),
        ],
    )
    def test_paused_collection(
        self, account: FakeStripe, pause: dict[str, object], paused: str, expected: float
    ) -> None:
        account.subscribe(account.price(2000), pause_collection=pause)
        assert mrr(account, mrr={"paused": paused}) == expected

    @pytest.mark.parametrize(("cancelling", "expected"), [("counted", 50.00), ("left_out", 30.00)])
    def test_one_that_will_end(self, account: FakeStripe, cancelling: str, expected: float) -> None:
        account.subscribe(account.price(2000), cancel_at_period_end=True)
        account.subscribe(account.price(3000))
        assert mrr(account, mrr={"cancelling": cancelling}) == expected

    def test_an_item_on_trial(self, account: FakeStripe) -> None:
        trial = {"start_date": NOW - DAY, "end_date": NOW + DAY, "trial_offer": "to_1"}
        account.subscribe(account.price(2000), account.item(account.price(500), current_trial=trial))
        assert mrr(account) == 20.00

    def test_how_many_there_are(self, account: FakeStripe) -> None:
        price = account.price()
        for status in ("active", "active", "active", "past_due", "past_due", "trialing", "unpaid"):
            account.subscribe(price, status=status)
        assert ask(account, "active_subscriptions", "past_due_subscriptions", "trialing_subscriptions") == {
            "active_subscriptions": 3,
            "past_due_subscriptions": 2,
            "trialing_subscriptions": 1,
        }

    def test_a_customer_with_two_subscriptions_is_one_subscriber(self, account: FakeStripe) -> None:
        for status in ("active", "past_due"):
            account.subscribe(account.price(), status=status, customer="cus_twice")
        account.subscribe(account.price())
        account.subscribe(account.price(), status="trialing")
        assert ask(account, "active_subscribers") == {"active_subscribers": 2}


class TestCurrencies:
    def test_each_has_its_own_series_and_decimals(self, account: FakeStripe) -> None:
        account.subscribe(account.price(1050))
        account.subscribe(account.price(980, currency="jpy"))
        account.subscribe(account.price(5120, currency="kwd"))
        account.subscribe(account.price(12_345, "year", currency="jpy"))
        assert ask(account, "mrr") == {
            ("mrr", "usd"): 10.50,
            ("mrr", "jpy"): 2009.0,  # 980 + 12,345 / 12 = 2,008.75
            ("mrr", "kwd"): 5.12,
        }

    def test_one_currency_by_the_users_rates(self, account: FakeStripe) -> None:
        account.subscribe(account.price(1000))
        account.subscribe(account.price(1000, currency="eur"))
        account.subscribe(account.price(3000, currency="jpy"))
        account.subscribe(account.price(2000, currency="kwd"))
        rates = {"eur": "1.08", "jpy": "0.0067", "KWD": "3.25"}
        # 10.00 + 10.00 * 1.08 + 3,000 * 0.0067 + 2.000 * 3.25 = 10.00 + 10.80 + 20.10 + 6.50
        assert ask(account, "mrr", currency="USD", rates=rates) == {("mrr", "usd"): 47.40}

    def test_a_price_sold_in_another_currency(self, account: FakeStripe) -> None:
        options = {"usd": {"unit_amount": 2000}, "eur": {"unit_amount": 1900, "unit_amount_decimal": "1900"}}
        account.subscribe(account.price(2000, currency_options=options), currency="eur")
        assert ask(account, "mrr") == {("mrr", "eur"): 19.00}

    def test_a_tiered_price_sold_in_another_currency(self, account: FakeStripe) -> None:
        tiers = account.tiers([(5, 900, 0), (None, 700, 0)])
        price = account.tiered("graduated", [(5, 1000, 0), (None, 800, 0)], currency_options={"eur": {"tiers": tiers}})
        account.subscribe(account.item(price, 6), currency="eur")
        assert ask(account, "mrr") == {("mrr", "eur"): 52.00}  # 5 * 9.00 + 7.00

    def test_a_tiered_price_sold_in_several_other_currencies(self, account: FakeStripe) -> None:
        options = {name: {"tiers": account.tiers([(None, unit, 0)])} for name, unit in (("eur", 900), ("gbp", 800))}
        price = account.tiered("volume", [(None, 1000, 0)], currency_options=options)
        for currency in ("usd", "eur", "gbp"):
            account.subscribe(price, currency=currency)
        assert ask(account, "mrr") == {("mrr", "usd"): 10.00, ("mrr", "eur"): 9.00, ("mrr", "gbp"): 8.00}

    def test_nobody_left_is_zero_in_the_currency_of_the_last_one(self, account: FakeStripe) -> None:
        account.subscribe(account.price(currency="eur"), status="canceled", ended_at=NOW - 90 * DAY)
        assert ask(account, "mrr") == {("mrr", "eur"): 0.0}

    def test_an_account_without_any_has_no_currency(self, account: FakeStripe) -> None:
        assert ask(account, "mrr", "active_subscriptions") == {"active_subscriptions": 0}
        assert ask(account, "mrr", currency="eur") == {("mrr", "eur"): 0.0}


class TestChurn:
    METRICS = ("churned_subscriptions_30d", "churned_mrr_30d", "churn_rate_30d")

    def test_churn_counts_who_left_of_all_who_were_there_or_joined(self, account: FakeStripe) -> None:
        price = account.price(2000)
        for _ in range(6):
            account.subscribe(price)
        ended: dict[str, Any] = {"status": "canceled", "created": NOW - 400 * DAY}
        account.subscribe(price, **ended, ended_at=NOW - 29 * DAY)
        account.subscribe(account.price(24_000, "year"), **ended, ended_at=NOW - DAY)
        account.subscribe(price, **ended, ended_at=NOW - 31 * DAY)  # too long ago
        account.subscribe(price, **ended, ended_at=NOW - 2 * DAY, trial_end=NOW - DAY)  # never paid
        account.subscribe(account.price(0), **ended, ended_at=NOW - DAY)  # nor did this one
        assert ask(account, *self.METRICS) == {
            "churned_subscriptions_30d": 2,
            ("churned_mrr_30d", "usd"): 40.00,  # 20.00 + 240.00 / 12
            "churn_rate_30d": 25.0,  # 2 of 6 + 2
        }

    def test_one_that_ended_with_its_period(self, account: FakeStripe) -> None:
        ended = NOW - 29 * DAY
        item = account.item(account.price(), current_period_end=ended)
        account.subscribe(item, status="canceled", ended_at=ended)
        assert ask(account, "churned_subscriptions_30d") == {"churned_subscriptions_30d": 1}

    def test_who_took_another_subscription_has_not_left(self, account: FakeStripe) -> None:
        account.subscribe(account.price(), customer="cus_faithful")
        account.subscribe(account.price(), customer="cus_faithful", status="canceled", ended_at=NOW - DAY)
        assert ask(account, *self.METRICS) == {
            "churned_subscriptions_30d": 1,
            ("churned_mrr_30d", "usd"): 10.00,
            "churn_rate_30d": 0.0,
        }

    def test_nobody_there_has_no_rate(self, account: FakeStripe) -> None:
        assert ask(account, "churn_rate_30d", "churned_subscriptions_30d") == {"churned_subscriptions_30d": 0}


def test_a_whole_account(account: FakeStripe) -> None:
    """A small business: everything together."""
    basic, seats = account.price(2900), account.price(1200, product="prod_seats")
    yearly = account.price(29_000, "year")
    friends = account.coupon(percent_off=20)
    account.subscribe(basic)  # 29.00
    account.subscribe(basic, account.item(seats, 4))  # 29.00 + 48.00
    account.subscribe(yearly, discounts=[account.discount(friends)])  # 290.00 * 0.8 / 12 = 19.3333...
    account.subscribe(yearly, status="past_due")  # 24.1666...
    account.subscribe(basic, status="trialing")
    account.subscribe(basic, pause_collection={"behavior": "void", "resumes_at": None})
    account.subscribe(account.item(account.price(10, usage_type="metered"), None))
    account.subscribe(basic, status="canceled", ended_at=NOW - 3 * DAY)
    # 29 + 77 + 19.3333... + 24.1666... = 149.50
    assert ask(account, "mrr", "arr", "active_subscribers") == {
        ("mrr", "usd"): 149.50,
        ("arr", "usd"): 1794.00,
        "active_subscribers": 4,
    }
