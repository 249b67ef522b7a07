"""The examples in docs/kpis.md come out as the page says."""

from __future__ import annotations

from pathlib import Path

from fake_stripe import DAY, KEY, NOW, FakeStripe, Obj
from fakes import FakeClock
from stripe_harness import by_name, poll_once

PAGE = " ".join((Path(__file__).parents[2] / "docs/kpis.md").read_text().split())


def figures(account: FakeStripe, *metrics: str) -> dict[str, float]:
    """What a poll says of these, in euros."""
    found = by_name(poll_once(account.url, KEY, metrics, FakeClock(NOW)))
    return {name: found[name] if name in found else found[name, "eur"] for name in metrics}


def test_recurring_revenue() -> None:
    with (account := FakeStripe()):

        def price(cents: int, interval: str = "month") -> Obj:
            return account.price(cents, interval, currency="eur")

        account.subscribe(price(2_500))
        account.subscribe(price(12_000, "year"))
        account.subscribe(price(300, "week"))
        account.subscribe(price(2_500), discounts=[account.discount(account.coupon(percent_off=20))])
        account.subscribe(price(1_000), status="past_due")
        account.subscribe(price(5_000), status="trialing", trial_start=NOW, trial_end=NOW + 14 * DAY)
        yesterday, before = NOW - DAY, NOW - 90 * DAY
        account.subscribe(price(4_000), status="canceled", canceled_at=yesterday, ended_at=yesterday, created=before)
        found = figures(account, "mrr", "arr", "active_subscribers", "churned_mrr_30d", "churn_rate_30d")
    assert {name: round(value, 2) for name, value in found.items()} == {
        "mrr": 78.0,
        "arr": 936.0,
        "active_subscribers": 5,
        "churned_mrr_30d": 40.0,
        "churn_rate_30d": 16.67,
    }
    assert "MRR is €78.00, ARR €936.00, and there are 5 subscribers" in PAGE
    assert "The churned MRR is €40.00, and the churn rate 1 ÷ (5 + 1) = 16.67%" in PAGE


def test_revenue() -> None:
    with (account := FakeStripe()):
        account.moved(10_000, fee=300, currency="eur")
        account.moved(10_000, fee=300, currency="eur")
        account.moved(-4_000, category="refund", currency="eur")
        names = ("gross_revenue", "refunds", "fees", "net_revenue", "payments", "average_order")
        found = figures(account, *(f"{name}_today" for name in names))
    assert list(found.values()) == [200, 40, 6, 154, 2, 100]
    assert (
        "gross revenue €200.00, refunds €40.00, fees €6.00, net revenue €154.00, payments 2, average order €100.00"
        in PAGE
    )
