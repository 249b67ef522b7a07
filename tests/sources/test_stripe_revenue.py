"""Revenue, counts and balances of accounts that were worked out by hand: the arithmetic stands beside each."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fake_stripe import DAY, NOW, FakeStripe
from stripe_harness import StripeHarness, Values, ask, run_steps

HOUR = 3600
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def at(text: str) -> int:
    """A moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


class TestRevenue:
    PARTS = ("gross_revenue", "refunds", "disputed", "fees", "transferred", "net_revenue")

    def test_a_day(self, account: FakeStripe) -> None:
        account.moved(10_000, 320)
        account.moved(5000, 175, type="payment")
        account.moved(-2000, 0, "refund")
        account.moved(-5000, 1500, "dispute")
        account.moved(-250, 0, "fee")
        account.moved(-1000, 0, "transfer")
        account.moved(-40_000, 0, "payout")
        assert ask(account, *(f"{part}_today" for part in self.PARTS), "payments_today", "average_order_today") == {
            ("gross_revenue_today", "usd"): 150.00,  # 100.00 + 50.00
            ("refunds_today", "usd"): 20.00,
            ("disputed_today", "usd"): 50.00,
            ("fees_today", "usd"): 22.45,  # 3.20 + 1.75 + 15.00 + 2.50
            ("transferred_today", "usd"): 10.00,
            ("net_revenue_today", "usd"): 47.55,  # 150.00 - 20.00 - 50.00 - 22.45 - 10.00
            "payments_today": 2,
            ("average_order_today", "usd"): 75.00,
        }

    def test_what_comes_back_is_added_again(self, account: FakeStripe) -> None:
        account.moved(10_000, 320)
        account.moved(-10_000, 1500, "dispute")
        account.moved(10_000, -1500, "dispute_reversal")  # won: the amount and its fee return
        account.moved(-3000, 0, "refund")
        account.moved(3000, 0, "refund_failure")
        assert ask(account, *(f"{part}_today" for part in self.PARTS)) == {
            ("gross_revenue_today", "usd"): 100.00,
            ("refunds_today", "usd"): 0.0,
            ("disputed_today", "usd"): 0.0,
            ("fees_today", "usd"): 3.20,
            ("transferred_today", "usd"): 0.0,
            ("net_revenue_today", "usd"): 96.80,
        }

    def test_what_is_no_revenue_does_not_count(self, account: FakeStripe) -> None:
        for category in ("payout", "topup", "risk_reserved_funds", "other_adjustment", "financing_paydown"):
            account.moved(12_345, 10, category)
        assert ask(account, "gross_revenue_today", "net_revenue_today", "fees_today") == {
            ("gross_revenue_today", "usd"): 0.0,
            ("net_revenue_today", "usd"): 0.0,
            ("fees_today", "usd"): 0.0,
        }

    def test_each_currency_alone(self, account: FakeStripe) -> None:
        account.moved(10_000, 320)
        account.moved(5000, 50, currency="jpy")
        account.moved(12_340, 340, currency="kwd")
        assert ask(account, "net_revenue_today", "average_order_today") == {
            ("net_revenue_today", "usd"): 96.80,
            ("net_revenue_today", "jpy"): 4950.0,
            ("net_revenue_today", "kwd"): 12.00,
            ("average_order_today", "usd"): 100.00,
            ("average_order_today", "jpy"): 5000.0,
            ("average_order_today", "kwd"): 12.34,
        }

    def test_one_currency_by_the_users_rates(self, account: FakeStripe) -> None:
        account.moved(10_000, 0)
        account.moved(5000, 0, currency="eur")
        figures = ask(account, "net_revenue_today", "average_order_today", currency="usd", rates={"eur": "1.10"})
        # 100.00 + 50.00 * 1.10 = 155.00, of two orders
        assert figures == {("net_revenue_today", "usd"): 155.00, ("average_order_today", "usd"): 77.50}

    def test_a_morning_without_payments_is_zero_and_has_no_average(self, account: FakeStripe) -> None:
        account.moved(10_000, 320, currency="eur", created=NOW - 40 * DAY)
        assert ask(account, "net_revenue_today", "payments_today", "average_order_today") == {
            ("net_revenue_today", "eur"): 0.0,
            "payments_today": 0,
        }

    def test_a_currency_that_was_there_once_is_zero_later(self, account: FakeStripe) -> None:
        account.moved(1000, currency="eur")
        account.moved(2000)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            harness.later(DAY)
            account.moved(500)
            return await harness.poll()

        assert run_steps(account, steps, "net_revenue_today") == {
            ("net_revenue_today", "eur"): 0.0,
            ("net_revenue_today", "usd"): 5.00,
        }


class TestDays:
    @pytest.mark.parametrize(
        ("zone", "expected"),
        [
            # 26 October, 12:00 UTC. Each transaction is worth a digit of its own.
            (UTC, {"today": 0.01, "yesterday": 0.30, "this_month": 4.31}),
            # Summer time ended in Berlin on the 25th, a day of 25 hours: from 24 Oct 22:00 to 25 Oct 23:00 UTC.
            (BERLIN, {"today": 0.11, "yesterday": 4.20, "this_month": 84.31}),
            # In New York it is 08:00; the day began at 04:00 UTC.
            (NEW_YORK, {"today": 0.01, "yesterday": 0.30, "this_month": 4.31}),
        ],
    )
    def test_a_day_begins_in_the_configured_zone(
        self, account: FakeStripe, zone: ZoneInfo, expected: dict[str, float]
    ) -> None:
        account.moved(1, created=at("2026-10-26 11:00"))
        account.moved(10, created=at("2026-10-25 23:30"))
        account.moved(20, created=at("2026-10-25 22:30"))
        account.moved(400, created=at("2026-10-24 22:30"))
        account.moved(8000, created=at("2026-09-30 22:30"))
        assert ask(account, *(f"gross_revenue_{name}" for name in expected), zone=zone) == {
            (f"gross_revenue_{name}", "usd"): value for name, value in expected.items()
        }

    def test_the_first_moment_of_a_day_belongs_to_it(self, account: FakeStripe) -> None:
        account.moved(1, created=at("2026-10-26 00:00"))
        account.moved(10, created=at("2026-10-25 23:59:59"))
        assert ask(account, "gross_revenue_today", "gross_revenue_yesterday") == {
            ("gross_revenue_today", "usd"): 0.01,
            ("gross_revenue_yesterday", "usd"): 0.10,
        }

    def test_yesterday_may_be_in_another_month(self, account: FakeStripe) -> None:
        account.now = at("2026-11-01 08:00")
        account.moved(1)
        account.moved(20, created=at("2026-10-31 08:00"))
        assert ask(account, "gross_revenue_yesterday", "gross_revenue_this_month") == {
            ("gross_revenue_yesterday", "usd"): 0.20,
            ("gross_revenue_this_month", "usd"): 0.01,
        }


class TestCounts:
    def test_new_customers(self, account: FakeStripe) -> None:
        for hours in (1, 5, 11, 13, 30):  # at 12:00
            account.add("customers", "cus", object="customer", created=NOW - hours * HOUR)
        assert ask(account, "new_customers_today") == {"new_customers_today": 3}

    def test_new_subscriptions(self, account: FakeStripe) -> None:
        price = account.price()
        account.subscribe(price)
        account.subscribe(price, status="trialing", created=NOW - 2 * HOUR)
        account.subscribe(price, status="canceled", created=NOW - 3 * HOUR)
        account.subscribe(price, status="incomplete", created=NOW - HOUR)
        account.subscribe(price, status="incomplete_expired", created=NOW - DAY)
        account.subscribe(price, created=NOW - 29 * DAY)
        account.subscribe(price, created=NOW - 31 * DAY)
        assert ask(account, "new_subscriptions_today", "new_subscriptions_30d") == {
            "new_subscriptions_today": 3,
            "new_subscriptions_30d": 4,
        }

    def test_failed_payments(self, account: FakeStripe) -> None:
        for status, hours in (("failed", 1), ("failed", 23), ("failed", 25), ("succeeded", 1), ("pending", 2)):
            account.add("charges", "ch", object="charge", status=status, created=NOW - hours * HOUR)
        assert ask(account, "failed_payments_24h") == {"failed_payments_24h": 2}

    def test_open_disputes(self, account: FakeStripe) -> None:
        for status, days in (
            ("needs_response", 2),
            ("under_review", 200),
            ("warning_needs_response", 1),
            ("warning_under_review", 3),
            ("won", 4),
            ("lost", 5),
            ("warning_closed", 6),
            ("prevented", 7),
        ):
            account.add("disputes", "dp", object="dispute", status=status, created=NOW - days * DAY)
        assert ask(account, "open_disputes") == {"open_disputes": 4}

    def test_nothing_is_zero(self, account: FakeStripe) -> None:
        metrics = ("new_customers_today", "new_subscriptions_today", "failed_payments_24h", "open_disputes")
        assert ask(account, *metrics) == dict.fromkeys(metrics, 0)


class TestBalance:
    def test_available_and_pending(self, account: FakeStripe) -> None:
        account.balance["available"] = [{"amount": 123_456, "currency": "usd"}, {"amount": -500, "currency": "eur"}]
        account.balance["pending"] = [{"amount": 7800, "currency": "usd"}]
        assert ask(account, "available_balance", "pending_balance") == {
            ("available_balance", "usd"): 1234.56,
            ("available_balance", "eur"): -5.00,
            ("pending_balance", "usd"): 78.00,
        }
        assert account.paths() == ["balance"]

    def test_the_next_payout(self, account: FakeStripe) -> None:
        midnight = at("2026-10-26 00:00")
        for amount, currency, status, days in (
            (5000, "usd", "paid", 0),
            (8000, "usd", "in_transit", 1),
            (2000, "usd", "pending", 1),
            (9000, "usd", "pending", 2),
            (70, "jpy", "pending", 3),
            (6000, "usd", "failed", 1),
        ):
            account.add(
                "payouts", "po", amount=amount, currency=currency, status=status, arrival_date=midnight + days * DAY
            )
        for payout in account.tables["payouts"].values():
            payout["object"] = "payout"
        assert ask(account, "next_payout", "next_payout_date", "next_payout_in") == {
            ("next_payout", "usd"): 100.00,  # 80.00 + 20.00, tomorrow
            ("next_payout_date", "usd"): midnight + DAY,
            ("next_payout_in", "usd"): 12 * HOUR,
            ("next_payout", "jpy"): 70.0,
            ("next_payout_date", "jpy"): midnight + 3 * DAY,
            ("next_payout_in", "jpy"): 60 * HOUR,
        }

    def test_no_payout_has_no_value(self, account: FakeStripe) -> None:
        assert ask(account, "next_payout", "next_payout_in") == {}


class TestQueries:
    def test_objects_are_counted(self, account: FakeStripe) -> None:
        for status in ("open", "open", "paid"):
            account.add("invoices", "in", object="invoice", status=status)
        query = {"open_invoices": {"list": "invoices", "filters": {"status": "open"}}}
        assert ask(account, query=query) == {"open_invoices": 2}

    def test_money_is_added_up_by_currency(self, account: FakeStripe) -> None:
        for amount, currency in ((1000, "usd"), (250, "usd"), (700, "jpy")):
            account.add("invoices", "in", object="invoice", amount_due=amount, currency=currency, status="open")
        query = {"due": {"list": "invoices", "sum": "amount_due", "money": True}}
        assert ask(account, query=query) == {("due", "usd"): 12.50, ("due", "jpy"): 700.0}
        both = ask(account, query=query, currency="usd", rates={"jpy": "0.0067"})
        assert both == {("due", "usd"): 17.19}  # 12.50 + 700 * 0.0067 = 12.50 + 4.69

    def test_moments_labels_and_conditions(self, account: FakeStripe) -> None:
        for hours, reason, risk in ((1, "fraudulent", 70), (2, "duplicate", 10), (3, "fraudulent", 5), (30, None, 9)):
            account.add(
                "refunds", "re", object="refund", created=NOW - hours * HOUR, reason=reason, risk={"score": risk}
            )
        query = {
            "refunds_by_reason": {
                "list": "refunds",
                "filters": {"created": {"gte": "today"}},
                "labels": {"why": "reason"},
            },
            "risk": {
                "list": "refunds",
                "filters": {"created": {"gte": "48h ago", "lt": "2h ago"}},
                "where": {"reason": ["fraudulent", "duplicate"]},
                "sum": "risk.score",
            },
        }
        assert ask(account, query=query) == {
            ("refunds_by_reason", "fraudulent"): 2,
            ("refunds_by_reason", "duplicate"): 1,
            "risk": 5,
        }

    def test_what_is_gone_is_zero(self, account: FakeStripe) -> None:
        invoice = account.add("invoices", "in", object="invoice", status="open", amount_due=500, currency="eur")
        query = {
            "due": {"list": "invoices", "filters": {"status": "open"}, "sum": "amount_due", "money": True},
            "by_status": {"list": "invoices", "filters": {"status": "open"}, "labels": {"status": "status"}},
        }

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            invoice["status"] = "paid"
            return await harness.poll()

        assert run_steps(account, steps, query=query) == {("due", "eur"): 0.0, ("by_status", "open"): 0}
