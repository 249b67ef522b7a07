"""What a user relies on when smithd asks Stripe: few requests, clear words, and nothing lost on the way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from fake_stripe import DAY, KEY, NOW, FakeStripe, Mistake
from fakes import FakeClock
from smithd.plugin import BadResponse, Misconfigured, SourceError, Unavailable
from smithd.testing import HttpSourceContract, ReceivedRequest, Reply
from smithd_sources.stripe.balance_collectors import BalanceCollector, PayoutCollector
from smithd_sources.stripe.counting_collectors import CustomerCollector, DisputeCollector, PaymentCollector
from smithd_sources.stripe.options import Figure
from smithd_sources.stripe.revenue_collector import RevenueCollector
from smithd_sources.stripe.source import Stripe
from smithd_sources.stripe.subscription_collectors import NewSubscriptionCollector, SubscriptionCollector
from stripe_harness import StripeHarness, Values, ask, by_name, opened, run_steps

COLLECTORS = (
    SubscriptionCollector,
    NewSubscriptionCollector,
    RevenueCollector,
    CustomerCollector,
    PaymentCollector,
    DisputeCollector,
    BalanceCollector,
    PayoutCollector,
)


class TestStripe(HttpSourceContract):
    source = Stripe
    options: ClassVar = {"api_key": KEY, "metrics": ["open_disputes", "available_balance"]}
    wrong_options = ({"api_key": KEY}, {"api_key": KEY, "metrics": ["no_such_figure"]}, {"metrics": ["mrr"]})
    answers: ClassVar = {
        "/v1/disputes": b'{"object": "list", "data": [], "has_more": false}',
        "/v1/balance": b'{"object": "balance", "available": [{"amount": 1, "currency": "eur"}], "pending": []}',
    }

    def options_at(self, url: str) -> Mapping[str, Any]:
        return {**self.options, "api_base": url}


def failure(account: FakeStripe, /, *metrics: str, **options: Any) -> SourceError:
    """The error that a poll ends with."""
    with pytest.raises(SourceError) as caught:
        ask(account, *metrics, **options)
    return caught.value


def spending(harness: StripeHarness, seconds: float) -> Callable[[ReceivedRequest], None]:
    """What makes Stripe take so long for its answer."""

    def spend(asked: ReceivedRequest) -> None:
        harness.clock.time += seconds

    return spend


class TestRequests:
    def test_every_figure_has_one_collector(self) -> None:
        assert sorted(name for collector in COLLECTORS for name in collector.METRICS) == sorted(Figure)

    def test_all_figures_of_an_empty_account(self, account: FakeStripe) -> None:
        figures = ask(account, *Figure, currency="usd")
        assert set(figures.values()) == {0.0}

    def test_only_what_the_metrics_need_is_asked_and_once(self, account: FakeStripe) -> None:
        account.subscribe(account.price())
        ask(account, "mrr", "arr", "active_subscriptions", "active_subscribers")
        assert account.paths() == ["subscriptions"]
        account.requests.clear()
        ask(account, "active_subscriptions")
        assert "expand" not in account.requests[0].path

    def test_what_is_sent_tells_nothing_about_this_machine(self, account: FakeStripe) -> None:
        ask(account, "available_balance", account="acct_42")
        (asked,) = account.requests
        assert {name.lower() for name in asked.headers} <= {
            "host",
            "accept",
            "accept-encoding",
            "authorization",
            "connection",
            "stripe-account",
            "stripe-version",
            "user-agent",
        }
        assert asked.headers["Stripe-Account"] == "acct_42"
        assert asked.headers["User-Agent"].startswith("smithd/")

    def test_all_pages_are_read(self, account: FakeStripe) -> None:
        price = account.price(100)
        for _ in range(250):
            account.subscribe(price)
        assert ask(account, "mrr", "active_subscriptions") == {("mrr", "usd"): 250.00, "active_subscriptions": 250}
        assert account.paths() == ["subscriptions"] * 3


class TestPassingTrouble:
    def too_many(self, **headers: str) -> Reply:
        return Mistake(429, "Request rate limit exceeded.", headers).reply

    def test_it_waits_for_as_long_as_stripe_says(self, account: FakeStripe) -> None:
        async def steps(harness: StripeHarness) -> Values:
            account.faults += [self.too_many(**{"Retry-After": "3"}), Reply(b"<html>", 502)]
            figures = await harness.poll()
            return {**figures, "waited": harness.clock.time - NOW}

        figures = run_steps(account, steps, "open_disputes")
        assert figures["open_disputes"] == 0
        assert 3.5 <= figures["waited"] <= 4.0  # 3 s, and then between 0.5 and 1 s

    def test_it_does_not_wait_beyond_the_poll(self, account: FakeStripe) -> None:
        account.faults.append(self.too_many(**{"Retry-After": "60"}))
        error = failure(account, "open_disputes")
        assert type(error) is Unavailable
        assert str(error).startswith("disputes: too many requests (HTTP 429)")
        assert error.retry_after == 60

    def test_it_gives_up_after_a_few_tries(self, account: FakeStripe) -> None:
        account.faults += [self.too_many()] * 9
        assert type(failure(account, "open_disputes")) is Unavailable
        assert len(account.requests) == 3

    def test_it_does_what_stripe_advises(self, account: FakeStripe) -> None:
        account.faults.append(Mistake(500, "Broken.", {"Stripe-Should-Retry": "false"}).reply)
        assert str(failure(account, "open_disputes")).startswith("disputes: Stripe has a problem of its own (HTTP 500)")
        assert len(account.requests) == 1

    def test_a_connection_that_breaks_is_tried_again(self, account: FakeStripe) -> None:
        account.faults.append(Reply(b'{"object":', cut=True))
        assert ask(account, "open_disputes") == {"open_disputes": 0}

    def test_what_failed_does_not_cost_the_rest(self, account: FakeStripe) -> None:
        account.keys[KEY] = frozenset({"rak_dispute_read"})
        error = failure(account, "open_disputes", "new_customers_today")
        assert by_name(error.samples) == {"open_disputes": 0}


class TestMistakesOfTheUser:
    def test_a_wrong_key(self, account: FakeStripe) -> None:
        key = "rk_live_" + "secretsecretsecret"
        error = failure(account, "mrr", "open_disputes", api_key=key)
        assert type(error) is Misconfigured
        assert str(error) == (
            "the api_key is not accepted (HTTP 401): make a restricted, read-only key in the Stripe Dashboard under "
            "Developers > API keys, and put it there. Stripe says: Invalid API Key provided: rk_live_****cret"
        )

    def test_the_key_is_never_shown(self, account: FakeStripe) -> None:
        account.faults.append(Reply(f"who is {KEY}?".encode(), 400))
        assert KEY not in str(failure(account, "open_disputes"))
        options = Stripe.Options.model_validate({"api_key": KEY, "metrics": ["mrr"]})
        assert KEY not in repr(options)

    @pytest.mark.parametrize(
        ("metric", "permission", "tick"),
        [
            ("mrr", "subscription", "Subscriptions"),
            ("net_revenue_today", "balance", "Balance"),
            ("available_balance", "balance", "Balance"),
            ("new_customers_today", "customer", "Customers"),
            ("failed_payments_24h", "charge", "Charges and Refunds"),
            ("open_disputes", "dispute", "Disputes"),
            ("next_payout", "payout", "Payouts"),
        ],
    )
    def test_a_missing_permission_is_named(self, account: FakeStripe, metric: str, permission: str, tick: str) -> None:
        account.keys[KEY] = frozenset({"rak_coupon_read"})
        error = failure(account, metric)
        assert isinstance(error, Misconfigured)
        assert "Developers > API keys" in str(error)
        assert f"set to Read: {tick} (rak_{permission}_read)" in str(error)

    def test_all_missing_permissions_are_named_at_once(self, account: FakeStripe) -> None:
        account.keys[KEY] = frozenset({"rak_balance_read"})
        account.moved(1000)
        error = failure(account, "open_disputes", "new_customers_today", "next_payout", "net_revenue_today")
        assert str(error) == (
            "the api_key lacks a permission: edit the key in the Stripe Dashboard under Developers > API keys, and set "
            "to Read: Customers (rak_customer_read), Disputes (rak_dispute_read), Payouts (rak_payout_read); "
            "or leave out the metrics that need it (HTTP 403)"
        )
        assert by_name(error.samples) == {("net_revenue_today", "usd"): 10.00}

    def test_discounts_need_coupons(self, account: FakeStripe) -> None:
        account.keys[KEY] = frozenset({"rak_subscription_read"})
        account.subscribe(account.price())
        assert "set to Read: Coupons (rak_coupon_read)" in str(failure(account, "mrr"))
        assert ask(account, "mrr", mrr={"discounts": "none"}) == {("mrr", "usd"): 10.00}

    def test_a_missing_permission_costs_only_what_needs_it(self, account: FakeStripe) -> None:
        account.keys[KEY] = frozenset({"rak_subscription_read"})
        account.subscribe(account.price())
        error = failure(account, "mrr", "active_subscriptions", "open_disputes", query={"mine": {"list": "invoices"}})
        assert by_name(error.samples) == {"active_subscriptions": 1}

    def test_an_account_that_is_not_theirs(self, account: FakeStripe) -> None:
        account.faults.append(Mistake(403, "No access to account 'acct_9'.", code="account_invalid").reply)
        assert "no access to the account under 'account'" in str(failure(account, "open_disputes", account="acct_9"))

    def test_a_rate_that_is_missing(self, account: FakeStripe) -> None:
        account.subscribe(account.price(currency="chf"))
        account.balance["available"] = [{"amount": 100, "currency": "usd"}]
        error = failure(account, "mrr", "active_subscriptions", "available_balance", currency="usd")
        assert type(error) is Misconfigured
        assert "there are amounts in chf too: say what one chf is worth in usd, as in rates: {chf: 1.08}" in str(error)
        assert by_name(error.samples) == {("available_balance", "usd"): 1.00, "active_subscriptions": 1}

    def test_a_list_that_is_none(self, account: FakeStripe) -> None:
        error = failure(account, query={"mine": {"list": "invoises"}})
        assert type(error) is not BadResponse
        assert "invoises: Stripe refuses (HTTP 404): Unrecognized request URL (GET: /v1/invoises)." in str(error)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ({"sum": "amount_payed"}, "mine: no object has a field amount_payed; did you mean amount_paid?"),
            ({"where": {"statsu": "paid"}}, "mine: no object has a field statsu; did you mean status?"),
            ({"labels": {"country": "address.contry"}}, "no object has a field address.contry; did you mean"),
            ({"labels": {"plan": "metadata.plna"}}, "no object has a field metadata.plna; did you mean metadata.plan?"),
            ({"labels": {"email": "customer.email"}}, "mine: no object has a field customer.email"),
            ({"sum": "qqqq"}, "mine: no object has a field qqqq"),
        ],
    )
    def test_a_field_that_no_object_has(self, account: FakeStripe, query: dict[str, Any], said: str) -> None:
        address: dict[str, str] = {"country": "DE"}
        common: dict[str, Any] = {"object": "invoice", "status": "paid", "customer": "cus_1", "address": address}
        account.add("invoices", "in", amount_paid=100, metadata={"plan": "pro"}, **common)
        account.add("invoices", "in", amount_paid=100, metadata={}, **common)
        account.balance["available"] = [{"amount": 100, "currency": "usd"}]
        error = failure(account, "available_balance", query={"mine": {"list": "invoices", **query}})
        assert said in str(error)
        # The other figures are there.
        assert by_name(error.samples) == {("available_balance", "usd"): 1.00}

    def test_a_field_that_some_objects_have_or_that_may_be_there(self, account: FakeStripe) -> None:
        query = {
            "list": "invoices",
            "where": {"paid_out_of_band": True},
            "labels": {"region": "metadata.region", "city": "address.city"},
        }
        # Of an empty list, nothing is known.
        assert ask(account, query={"mine": query}) == {}
        account.add("invoices", "in", object="invoice", address=None, metadata={})
        account.add("invoices", "in", object="invoice", address=None, metadata={}, paid_out_of_band=True)
        assert ask(account, query={"mine": query}) == {("mine", "", ""): 1}

    def test_a_field_that_is_no_number(self, account: FakeStripe) -> None:
        account.add("invoices", "in", object="invoice", number="F-17", currency="usd")
        error = failure(account, query={"mine": {"list": "invoices", "sum": "number"}})
        assert str(error).startswith("mine: in_")
        assert str(error).endswith("number is 'F-17', not a number")

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"api_key": "pk_live_1"}, "expected a restricted key"),
            ({"api_key": ""}, "expected a key of Stripe's"),
            ({"metrics": ["mmr"]}, "'mrr'"),
            ({"metrics": []}, "expected 'metrics'"),
            ({"account": "our shop"}, "account"),
            ({"rates": {"eur": 1.1}}, "'rates' needs 'currency'"),
            ({"currency": "dollar"}, "expected the three letters of a currency"),
            ({"currency": "usd", "rates": {"eur": 0}}, "expected a number above 0"),
            ({"currency": "usd", "rates": {"usd": 1}}, "needs no rate"),
            ({"api_base": "http://stripe.example.com"}, "expected https"),
            ({"query": {"mrr": {"list": "invoices"}}}, "'mrr' under 'query' is the name of a figure"),
            ({"query": {"mine": {"list": "/v1/invoices"}}}, "list"),
            ({"query": {"mine": {"list": "invoices", "money": True}}}, "'money' needs 'sum'"),
            ({"query": {"mine": {"list": "a", "filters": {"created": {"gte": "monday"}}}}}, "not monday"),
            ({"query": {"mine": {"list": "a", "filters": {"created": {"since": "today"}}}}}, "bounds in time"),
            ({"query": {"mine": {"list": "a", "filters": {"created": [1]}}}}, "bounds in time"),
        ],
    )
    def test_mistakes_in_the_configuration(self, given: dict[str, Any], said: str) -> None:
        with pytest.raises(ValidationError) as caught:
            Stripe.Options.model_validate({"api_key": KEY, "metrics": ["arr"], **given})
        assert said in str(caught.value)

    @pytest.mark.parametrize(
        ("key", "base", "warned"),
        [
            ("rk_test_1", "https://api.stripe.com", True),
            ("rk_live_1", "https://api.stripe.com", False),
            ("rk_test_1", "http://127.0.0.1:1", False),
        ],
    )
    def test_figures_of_the_sandbox_are_said_to_be(
        self, key: str, base: str, warned: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def open_it() -> None:
            async with opened({"api_key": key, "api_base": base, "metrics": ["mrr"]}, FakeClock(NOW)):
                pass

        asyncio.run(open_it())
        assert ("figures of the sandbox" in caplog.text) is warned


class TestNonsense:
    @pytest.mark.parametrize(
        "body",
        [
            b"<html>welcome</html>",
            b'"text"',
            b"[]",
            b"{}",
            b'{"data": 7}',
            b'{"data": [7]}',
            b'{"data": [], "has_more": true}',
            b'{"data": [{"id": "x"}], "has_more": false}',
            b'{"data": [{"id": "x", "created": "soon"}]}',
            b"[" * 100_000,
            b"\xff\xfe",
        ],
    )
    @pytest.mark.parametrize(
        "metric", ["mrr", "net_revenue_today", "new_customers_today", "available_balance", "next_payout"]
    )
    def test_an_answer_that_is_not_stripes(self, account: FakeStripe, body: bytes, metric: str) -> None:
        account.faults += [Reply(body)] * 9
        assert type(failure(account, metric)) is BadResponse

    @pytest.mark.parametrize(
        "spoil",
        [
            {"items": {"data": [{}]}},
            {"items": None},
            {"currency": 7},
            {"discounts": ["di_1"]},
            {"discounts": [{"source": {"coupon": {"id": "c", "duration": "forever", "percent_off": "half"}}}]},
            {"items": {"data": [{"price": {"id": "p", "currency": "usd", "unit_amount": 1, "recurring": {}}}]}},
            {
                "items": {
                    "data": [
                        {
                            "price": {
                                "id": "p",
                                "currency": "usd",
                                "unit_amount": 1,
                                "recurring": {"interval": "fortnight", "interval_count": 1},
                            }
                        }
                    ]
                }
            },
        ],
    )
    def test_a_subscription_that_is_not_stripes(self, account: FakeStripe, spoil: dict[str, Any]) -> None:
        found = {"id": "sub_1", "status": "active", "customer": "cus_1", "currency": "usd", "created": NOW, **spoil}
        if "items" not in spoil:
            price = {"id": "p", "currency": "usd", "unit_amount": 1, "recurring": {"interval": "month"}}
            found["items"] = {"data": [{"price": price}]}
        account.faults += [Reply(json.dumps({"data": [found], "has_more": False}).encode())] * 9
        account.faults += [Reply(b"{}")]
        error = failure(account, "mrr")
        assert type(error) is BadResponse
        assert "sub_1" in str(error)

    def test_an_answer_without_end_is_not_read_to_it(self, account: FakeStripe) -> None:
        account.faults.append(Reply(b" " * 16_000_001))
        error = failure(account, "open_disputes")
        assert type(error) is BadResponse
        assert str(error).endswith("disputes: the answer is larger than 16000000 bytes")

    def test_nobody_there(self) -> None:
        server = FakeStripe()
        server.stop()
        error = failure(server, "open_disputes")
        assert type(error) is Unavailable
        assert str(error) == f"{server.place}: connection refused"

    def test_no_answer_in_time(self) -> None:
        server = FakeStripe()
        try:
            server.faults += [Reply(hang=True)] * 9
            error = failure(server, "open_disputes", deadline=0.3)
        finally:
            server.stop()
        assert isinstance(error, Unavailable)
        assert str(error).startswith(f"{server.place}: ")


class TestLargeAccounts:
    def crowd(self, account: FakeStripe, count: int = 450) -> None:
        price = account.price(100)
        for number in range(count):
            account.subscribe(price, created=NOW - 40 * DAY + number)
        account.tables["events"].clear()

    def test_a_list_that_takes_more_than_one_poll(self, account: FakeStripe) -> None:
        self.crowd(account)

        async def steps(harness: StripeHarness) -> Values:
            account.faults += [spending(harness, 8.0)] * 5
            with pytest.raises(
                Unavailable, match=r"subscriptions: 300 objects read, .* the next one goes on from there"
            ):
                await harness.poll()
            assert len(account.requests) == 3
            return await harness.poll()

        assert run_steps(account, steps, "mrr") == {("mrr", "usd"): 450.00}
        assert len(account.requests) == 5

    def test_trouble_on_the_way_does_not_cost_what_was_read(self, account: FakeStripe) -> None:
        self.crowd(account)

        async def steps(harness: StripeHarness) -> Values:
            account.faults += [lambda _: None, lambda _: None, *[Reply(b"", 503)] * 3]
            with pytest.raises(Unavailable, match="HTTP 503"):
                await harness.poll()
            account.requests.clear()
            return await harness.poll()

        assert run_steps(account, steps, "mrr") == {("mrr", "usd"): 450.00}
        assert len(account.requests) == 3

    def test_changes_that_take_more_than_one_poll(self, account: FakeStripe) -> None:
        self.crowd(account)
        some = list(account.tables["subscriptions"].values())[:4]

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            harness.later(600)
            for subscription in some:
                account.change(subscription, status="past_due")
            account.faults += [lambda _: None, spending(harness, 9.0), spending(harness, 9.0)]
            with pytest.raises(Unavailable, match="subscriptions: 2 that changed are still to be read"):
                await harness.poll()
            account.requests.clear()
            return await harness.poll()

        assert run_steps(account, steps, "past_due_subscriptions") == {"past_due_subscriptions": 4}
        assert len(account.requests) == 3

    def test_the_object_to_go_on_from_may_be_gone(self, account: FakeStripe) -> None:
        for number in range(250):
            account.add("customers", "cus", object="customer", created=NOW - number)

        async def steps(harness: StripeHarness) -> Values:
            account.faults += [spending(harness, 10.0)] * 2
            with pytest.raises(Unavailable):
                await harness.poll()
            account.tables["customers"].pop(list(account.tables["customers"])[199])
            return await harness.poll()

        assert run_steps(account, steps, "new_customers_today") == {"new_customers_today": 249}

    def test_too_large_is_said_and_not_read_again_at_once(self, account: FakeStripe) -> None:
        self.crowd(account, 210)

        async def steps(harness: StripeHarness) -> Values:
            for _ in range(3):
                with pytest.raises(
                    Misconfigured, match=r"^subscriptions: there are more than 200 objects to read; raise"
                ):
                    await harness.poll()
                harness.later(60)
            assert len(account.requests) == 2
            for subscription in list(account.tables["subscriptions"])[:20]:
                del account.tables["subscriptions"][subscription]
            harness.later(3600)
            return await harness.poll()

        assert run_steps(account, steps, "mrr", max_objects=200) == {("mrr", "usd"): 190.00}

    def test_thousands_are_added_up_as_a_few_are(self, account: FakeStripe) -> None:
        self.crowd(account, 2050)
        for _ in range(2050):
            account.moved(100)
        assert ask(account, "mrr", "gross_revenue_today") == {
            ("mrr", "usd"): 2050.00,
            ("gross_revenue_today", "usd"): 2050.00,
        }

    def test_prices_and_coupons_are_asked_for_once(self, account: FakeStripe) -> None:
        coupon = account.coupon(percent_off=50)
        for _ in range(3):
            price = account.tiered("volume", [(None, 1000, 0)])
            account.subscribe(price, discounts=[account.discount(coupon)])

        async def steps(harness: StripeHarness) -> Values:
            for _ in range(3):
                figures = await harness.poll()
                harness.later(600)
            return figures

        assert run_steps(account, steps, "mrr") == {("mrr", "usd"): 15.00}
        assert len(account.requests) == 3 + 3 + 1

    def test_only_what_happened_is_asked(self, account: FakeStripe) -> None:
        self.crowd(account)
        some = list(account.tables["subscriptions"].values())

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            account.requests.clear()
            harness.later(600)
            account.change(some[0], status="canceled", ended_at=account.now)
            account.change(some[1], items=[account.item(account.price(500))])
            account.subscribe(account.price(2000))
            figures = await harness.poll()
            assert sorted(path.partition("/")[0] for path in account.paths()) == ["events", *["subscriptions"] * 3]
            account.requests.clear()
            harness.later(600)
            assert await harness.poll() == figures
            assert account.paths() == ["events"]
            return figures

        assert run_steps(account, steps, "mrr", "active_subscriptions", "churned_subscriptions_30d") == {
            ("mrr", "usd"): 473.00,  # 450 - 1 - 1 + 5 + 20
            "active_subscriptions": 450,
            "churned_subscriptions_30d": 1,
        }

    def test_stripes_clock_may_be_behind_ours(self, account: FakeStripe) -> None:
        self.crowd(account)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            account.now -= 600
            account.change(next(iter(account.tables["subscriptions"].values())), status="past_due")
            return await harness.poll()

        assert run_steps(account, steps, "past_due_subscriptions") == {"past_due_subscriptions": 1}

    def test_all_is_read_again_now_and_then(self, account: FakeStripe) -> None:
        self.crowd(account)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            next(iter(account.tables["subscriptions"].values()))["status"] = "past_due"  # no event tells
            harness.later(3600)
            assert (await harness.poll())["active_subscriptions"] == 450
            harness.later(6 * 3600)
            return await harness.poll()

        assert run_steps(account, steps, "active_subscriptions") == {"active_subscriptions": 449}

    def test_much_that_happened_is_read_as_a_whole(self, account: FakeStripe) -> None:
        self.crowd(account)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            harness.later(600)
            for subscription in list(account.tables["subscriptions"].values())[:50]:
                account.change(subscription, status="canceled", ended_at=account.now)
            account.requests.clear()
            return await harness.poll()

        assert run_steps(account, steps, "active_subscriptions") == {"active_subscriptions": 400}
        assert account.paths() == ["events", *["subscriptions"] * 4]

    def test_without_events_all_is_read_each_time(self, account: FakeStripe, caplog: pytest.LogCaptureFixture) -> None:
        self.crowd(account)
        account.keys[KEY] = frozenset({"rak_subscription_read", "rak_coupon_read"})
        caplog.set_level(logging.WARNING)

        async def steps(harness: StripeHarness) -> Values:
            for _ in range(3):
                figures = await harness.poll()
                harness.later(600)
            return figures

        assert run_steps(account, steps, "mrr") == {("mrr", "usd"): 450.00}
        (said,) = [record.getMessage() for record in caplog.records]
        assert "set to Read: Events (rak_event_read)" in said

    def test_only_new_transactions_are_read(self, account: FakeStripe) -> None:
        for number in range(500):
            account.moved(100, created=NOW - 40_000 + 60 * number)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            account.requests.clear()
            for _ in range(3):
                harness.later(600)
                account.moved(1000)
                figures = await harness.poll()
            return figures

        assert run_steps(account, steps, "gross_revenue_today") == {("gross_revenue_today", "usd"): 530.00}
        assert account.paths() == ["balance_transactions"] * 3

    def test_what_is_listed_late_is_not_missed(self, account: FakeStripe) -> None:
        for number in range(500):
            account.moved(100, created=NOW - 40_000 + 60 * number)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            account.moved(1000, created=NOW - 40_000 + 60 * 490)
            return await harness.poll()

        assert run_steps(account, steps, "gross_revenue_today") == {("gross_revenue_today", "usd"): 510.00}

    def test_who_was_deleted_is_not_counted(self, account: FakeStripe) -> None:
        for number in range(500):
            account.add("customers", "cus", object="customer", created=NOW - 40_000 + 60 * number)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            account.tables["customers"].pop(list(account.tables["customers"])[495])
            return await harness.poll()

        assert run_steps(account, steps, "new_customers_today") == {"new_customers_today": 499}

    def test_a_day_that_ends_takes_its_transactions_along(self, account: FakeStripe) -> None:
        for number in range(500):
            account.moved(100, created=NOW - 40_000 + 60 * number)

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            harness.later(DAY)
            account.moved(700)
            return await harness.poll()

        metrics = ("gross_revenue_today", "gross_revenue_yesterday", "gross_revenue_this_month")
        assert run_steps(account, steps, *metrics) == {
            ("gross_revenue_today", "usd"): 7.00,
            ("gross_revenue_yesterday", "usd"): 500.00,
            ("gross_revenue_this_month", "usd"): 507.00,
        }

    def test_what_may_still_change_is_looked_at_again(self, account: FakeStripe) -> None:
        charges = [
            account.add("charges", "ch", object="charge", status="succeeded", created=NOW - 60 * number)
            for number in range(500)
        ]
        charges[450]["status"] = "pending"

        async def steps(harness: StripeHarness) -> Values:
            await harness.poll()
            charges[450]["status"] = "failed"
            return await harness.poll()

        assert run_steps(account, steps, "failed_payments_24h") == {"failed_payments_24h": 1}
