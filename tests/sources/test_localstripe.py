"""Against localstripe, somebody else's idea of Stripe. It has plans, pages and a life cycle of subscriptions, but no
prices, no filters by time, no discounts on subscriptions, no disputes and no restricted keys.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fake_stripe import NOW
from fakes import FakeClock
from smithd.plugin import Misconfigured
from stripe_harness import Values, by_name, poll_once

PROGRAM = """
import socket
from aiohttp import web
from localstripe import resources
from localstripe.server import app

resources.Store.dump_to_disk = lambda store: None  # it would keep everything in one file for the whole machine
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
web.run_app(app, sock=listener, print=None)
"""


class LocalStripe:
    """A running localstripe."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, headers={"Authorization": "Bearer sk_test_local"}, timeout=20)

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """Make something."""
        answer = self._client.post(f"/v1/{path}", data=fields).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def delete(self, path: str) -> None:
        """Take something away."""
        self._client.delete(f"/v1/{path}").raise_for_status()

    def subscribe(self, plan: str, quantity: int = 1) -> str:
        """A customer with a card, who takes a subscription out."""
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
        method = self.post("payment_methods", type="card", **{f"card[{name}]": value for name, value in card.items()})
        customer = self.post("customers")["id"]
        self.post(f"payment_methods/{method['id']}/attach", customer=customer)
        self.post(f"customers/{customer}", **{"invoice_settings[default_payment_method]": method["id"]})
        items = {"items[0][plan]": plan, "items[0][quantity]": quantity}
        return str(self.post("subscriptions", customer=customer, **items)["id"])

    def figures(self, *metrics: str, **options: Any) -> Values:
        """What one poll brings."""
        options = {"mrr": {"discounts": "none"}, **options}
        return by_name(poll_once(self.url, "sk_test_local", metrics, FakeClock(NOW), **options))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


@pytest.fixture(scope="module")
def local() -> Iterator[LocalStripe]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        local = LocalStripe(f"http://127.0.0.1:{server.stdout.readline().strip()}")
        yield local
        local.close()
        server.terminate()


def test_the_life_of_subscriptions(local: LocalStripe) -> None:
    product = local.post("products", name="Basic", type="service")["id"]
    common = {"currency": "eur", "product": product}
    local.post("plans", id="monthly", amount=1500, interval="month", **common)
    local.post("plans", id="yearly", amount=12_000, interval="year", **common)
    tiers = {
        "tiers[0][up_to]": 5,
        "tiers[0][unit_amount]": 1000,
        "tiers[0][flat_amount]": 0,
        "tiers[1][up_to]": "inf",
        "tiers[1][unit_amount]": 600,
        "tiers[1][flat_amount]": 200,
    }
    local.post("plans", id="seats", billing_scheme="tiered", tiers_mode="volume", interval="month", **tiers, **common)
    monthly = local.subscribe("monthly", 2)
    local.subscribe("yearly")
    local.subscribe("seats", 6)
    # 2 * 15.00 + 120.00 / 12 + 6 * 6.00 + 2.00
    assert local.figures("mrr", "active_subscriptions") == {("mrr", "eur"): 78.00, "active_subscriptions": 3}
    local.delete(f"subscriptions/{monthly}")
    assert local.figures("mrr", "active_subscriptions") == {("mrr", "eur"): 48.00, "active_subscriptions": 2}


def test_pages(local: LocalStripe) -> None:
    before = local.figures(query={"customers": {"list": "customers"}})["customers"]
    for _ in range(130):
        local.post("customers")
    assert local.figures(query={"customers": {"list": "customers"}}) == {"customers": before + 130}


def test_what_it_refuses_is_reported(local: LocalStripe) -> None:
    with pytest.raises(Misconfigured, match=r"customers: Stripe refuses \(HTTP 400\): Unexpected created"):
        local.figures("new_customers_today")
