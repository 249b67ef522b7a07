"""A stand-in for Stripe: objects shaped as its published ones, lists with filters and pages, keys with permissions.

It keeps what Stripe keeps to itself: discounts, coupons and tiers show only where they are expanded, at most four
levels deep, and a subscription shows its first ten items.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from smithd.testing import ReceivedRequest, Reply, Server

NOW = 1_793_016_000
"""2026-10-26 12:00 UTC, a Monday: the moment of every account, unless it says otherwise."""
DAY = 86_400
KEY = "rk_test_4f9aKqmXwT2"

Obj = dict[str, Any]

_PERMISSIONS = {
    "balance": "rak_balance_read",
    "balance_transactions": "rak_balance_read",
    "charges": "rak_charge_read",
    "coupons": "rak_coupon_read",
    "customers": "rak_customer_read",
    "disputes": "rak_dispute_read",
    "events": "rak_event_read",
    "payouts": "rak_payout_read",
    "prices": "rak_plan_read",
    "refunds": "rak_charge_read",
    "subscription_items": "rak_subscription_read",
    "subscriptions": "rak_subscription_read",
}
_HIDDEN = {"price": ("tiers", "currency_options"), "coupon": ("applies_to", "currency_options")}
_FIRST_ITEMS = 10


class Mistake(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = {}, **more: Any) -> None:
        super().__init__(message)
        kind = {429: "rate_limit_error"}.get(status, "api_error" if status >= 500 else "invalid_request_error")
        body = {"error": {"type": kind, "message": message, **more}}
        self.reply = Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json", **headers})


class Account:
    """An account, in full: ``tables`` has its objects, by the paths of their lists."""

    def __init__(self) -> None:
        self.now = NOW
        self.balance: Obj = {"object": "balance", "available": [], "pending": []}
        self.tables: dict[str, dict[str, Obj]] = {name: {} for name in (*_PERMISSIONS, "invoices") if name != "balance"}
        self._ids = count()

    # what an account is made of

    def add(self, table: str, prefix: str, **fields: Any) -> Obj:
        """A new object, made now unless it says when."""
        found = {"id": f"{prefix}_{next(self._ids):08d}", "created": self.now, "livemode": False, **fields}
        self.tables[table][found["id"]] = found
        return found

    def price(self, unit_amount: int | None = 1000, interval: str = "month", **fields: Any) -> Obj:
        recurring = {
            "interval": interval,
            "interval_count": fields.pop("interval_count", 1),
            "usage_type": fields.pop("usage_type", "licensed"),
        }
        decimal = fields.pop("unit_amount_decimal", None if unit_amount is None else str(unit_amount))
        defaults: Obj = {
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "currency": "usd",
            "product": "prod_basic",
            "recurring": recurring,
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring",
            "unit_amount": unit_amount,
            "unit_amount_decimal": decimal,
        }
        return self.add("prices", "price", **{**defaults, **fields})

    def tiered(self, mode: str, tiers: Iterable[tuple[int | None, int, int]], **fields: Any) -> Obj:
        """A price in tiers: up to, unit amount, flat amount."""
        return self.price(None, billing_scheme="tiered", tiers_mode=mode, tiers=self.tiers(tiers), **fields)

    @staticmethod
    def tiers(tiers: Iterable[tuple[int | None, int, int]]) -> list[Obj]:
        return [
            {
                "up_to": up_to,
                "unit_amount": unit,
                "unit_amount_decimal": str(unit),
                "flat_amount": flat or None,
                "flat_amount_decimal": str(flat) if flat else None,
            }
            for up_to, unit, flat in tiers
        ]

    def coupon(self, duration: str = "forever", **fields: Any) -> Obj:
        defaults: Obj = {"object": "coupon", "percent_off": None, "amount_off": None, "currency": None, "valid": True}
        months = 3 if duration == "repeating" else None
        return self.add("coupons", "coupon", duration=duration, duration_in_months=months, **{**defaults, **fields})

    def discount(self, coupon: Obj, **fields: Any) -> Obj:
        source = {"coupon": coupon, "type": "coupon"}
        defaults: Obj = {"id": f"di_{next(self._ids):08d}", "object": "discount", "start": self.now, "end": None}
        return {**defaults, "source": source, **fields}

    def item(self, price: Obj, quantity: int | None = 1, discounts: Iterable[Obj] = (), **fields: Any) -> Obj:
        defaults: Obj = {
            "id": f"si_{next(self._ids):08d}",
            "object": "subscription_item",
            "current_period_end": self.now + 15 * DAY,
            "tax_rates": [],
        }
        return {**defaults, "price": price, "quantity": quantity, "discounts": list(discounts), **fields}

    def subscribe(self, *items: Obj, status: str = "active", discounts: Iterable[Obj] = (), **fields: Any) -> Obj:
        """A subscription to these items, or prices."""
        whole = [entry if entry["id"].startswith("si_") else self.item(entry) for entry in items]
        defaults: Obj = {
            "object": "subscription",
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "currency": whole[0]["price"]["currency"],
            "customer": f"cus_{next(self._ids):08d}",
            "default_tax_rates": [],
            "ended_at": None,
            "items": whole,
            "pause_collection": None,
            "trial_end": None,
            "trial_start": None,
        }
        found = self.add("subscriptions", "sub", status=status, discounts=list(discounts), **{**defaults, **fields})
        self._happened("customer.subscription.created", found)
        return found

    def change(self, found: Obj, **fields: Any) -> None:
        """Something happens to a subscription."""
        found.update(fields)
        ended = fields.get("status") == "canceled"
        self._happened(f"customer.subscription.{'deleted' if ended else 'updated'}", found)

    def _happened(self, what: str, found: Obj) -> None:
        snapshot = {"id": found["id"], "object": "subscription", "status": found["status"]}
        self.add("events", "evt", object="event", type=what, data={"object": snapshot})

    def moved(self, amount: int, fee: int = 0, category: str = "charge", **fields: Any) -> Obj:
        """A balance transaction."""
        kinds = {"dispute": "adjustment", "dispute_reversal": "adjustment", "fee": "stripe_fee"}
        defaults: Obj = {
            "object": "balance_transaction",
            "currency": "usd",
            "type": kinds.get(category, category),
            "reporting_category": category,
            "net": amount - fee,
        }
        return self.add("balance_transactions", "txn", amount=amount, fee=fee, **{**defaults, **fields})

    # how it answers

    def answer(self, path: str, params: Obj) -> Obj:
        """What is at a path; raises Mistake."""
        table, _, name = path.partition("/")
        expand = params.pop("expand", [])
        if any(len(steps.split(".")) > 4 for steps in expand):
            raise Mistake(400, "You cannot expand more than 4 levels of a property", param="expand")
        if path == "balance":
            return self.balance
        if table == "subscription_items":
            return self._list(self._items(params.pop("subscription")), path, params, expand)
        if table not in self.tables:
            raise Mistake(404, f"Unrecognized request URL (GET: /v1/{path}).")
        if not name:
            return self._list(self._filtered(table, params), path, params, expand)
        if name not in self.tables[table]:
            raise Mistake(404, f"No such {table.removesuffix('s')}: '{name}'", code="resource_missing", param="id")
        return self._shown(self.tables[table][name], expand)

    def _items(self, subscription: str) -> list[Obj]:
        items: list[Obj] = self.tables["subscriptions"][subscription]["items"]
        return items

    def _filtered(self, table: str, params: Obj) -> list[Obj]:
        found = sorted(self.tables[table].values(), key=lambda each: (each["created"], each["id"]), reverse=True)
        if table == "subscriptions":
            status = params.pop("status", None)
            if status is None:
                found = [each for each in found if each["status"] not in ("canceled", "incomplete_expired")]
            elif status != "all":
                found = [each for each in found if each["status"] == status]
        if table == "events" and "types" in params:
            types = params.pop("types")
            found = [each for each in found if each["type"] in types]
        for name in [name for name in params if name not in ("limit", "starting_after")]:
            wanted = params.pop(name)
            if not isinstance(wanted, dict):
                found = [each for each in found if str(each.get(name)) == wanted]
                continue
            for bound, text in wanted.items():
                found = [each for each in found if _is_within(_field(each, name), bound, int(text))]
        return found

    def _list(self, found: list[Obj], path: str, params: Obj, expand: list[str]) -> Obj:
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= 100:
            raise Mistake(400, "Invalid integer: limit", param="limit")
        start = 0
        if after := params.get("starting_after"):
            ids = [each["id"] for each in found]
            if after not in ids:
                raise Mistake(400, f"No such object: '{after}'", code="resource_missing", param="starting_after")
            start = ids.index(after) + 1
        if any(not steps.startswith("data.") for steps in expand):
            raise Mistake(400, "This property cannot be expanded", param="expand")
        within = [steps.removeprefix("data.") for steps in expand]
        page = [self._shown(each, within) for each in found[start : start + limit]]
        return {"object": "list", "url": f"/v1/{path}", "has_more": len(found) > start + limit, "data": page}

    def _shown(self, found: Obj, expand: Iterable[str]) -> Obj:
        """An object as the API shows it, with these of its fields expanded."""
        shown = deepcopy(found)
        steps = [path.split(".") for path in expand]
        if shown["object"] == "subscription":
            items = [_item(item, _below(steps, "items", "data")) for item in shown["items"][:_FIRST_ITEMS]]
            more = len(shown["items"]) > _FIRST_ITEMS
            shown["items"] = {"object": "list", "data": items, "has_more": more}
        if shown["object"] == "subscription_item":
            return _item(shown, steps)
        if "discounts" in shown:
            shown["discounts"] = [_discount(each, _below(steps, "discounts"), steps) for each in shown["discounts"]]
        if shown["object"] in ("price", "coupon"):
            _hide(shown, steps)
        return shown


class FakeStripe(Account, Server):
    """A server for one account. ``keys`` has the permissions of each key (None: all of them)."""

    def __init__(self) -> None:
        Account.__init__(self)
        self.keys: dict[str, frozenset[str] | None] = {KEY: None}
        self.faults: list[Reply | Callable[[ReceivedRequest], Reply | None]] = []
        Server.__init__(self)

    def reset(self) -> None:
        """A new, empty account."""
        Account.__init__(self)
        self.keys = {KEY: None}
        self.faults = []
        self.requests.clear()

    def reply(self, asked: ReceivedRequest) -> Reply:
        try:
            return self._reply(asked)
        except Mistake as mistake:
            return mistake.reply

    def paths(self) -> list[str]:
        """What was asked, without parameters."""
        return [urlsplit(asked.path).path.removeprefix("/v1/") for asked in list(self.requests)]

    def _reply(self, asked: ReceivedRequest) -> Reply:
        if self.faults:
            fault = self.faults.pop(0)
            fault = fault if isinstance(fault, Reply) else fault(asked)  # type: ignore[assignment] # a reply, or none
            if isinstance(fault, Reply):
                return fault
        split = urlsplit(asked.path)
        path, params = unquote(split.path).removeprefix("/v1/"), _params(split.query)
        self._let_in(asked, path.partition("/")[0], params)
        body = self.answer(path, params)
        return Reply(json.dumps(body).encode(), 200, {"Content-Type": "application/json", "Request-Id": "req_1"})

    def _let_in(self, asked: ReceivedRequest, table: str, params: Obj) -> None:
        key = (asked.headers.get("Authorization") or "").removeprefix("Bearer ")
        if key not in self.keys:
            raise Mistake(401, f"Invalid API Key provided: {key[:8]}****{key[-4:]}")
        allowed = self.keys[key]
        needed = {_PERMISSIONS.get(table, f"rak_{table.removesuffix('s')}_read")}
        if any("coupon" in path for path in params.get("expand", [])):
            needed.add("rak_coupon_read")
        for permission in sorted(needed):
            if allowed is not None and permission not in allowed:
                raise Mistake(
                    403,
                    f"The provided key 'rk_test_***{key[-4:]}' does not have the required permissions for this "
                    f"endpoint on account 'acct_1'. Having the '{permission}' permission would allow this request to "
                    "continue.",
                )


def _params(query: str) -> Obj:
    """Parameters in Stripe's way: a[b]=1 is a mapping, a[0]=1 a list."""
    params: Obj = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        outer, _, inner = name.rstrip("]").partition("[")
        if not inner and "[" not in name:
            params[outer] = value
        elif inner.isdigit() or not inner:
            params.setdefault(outer, []).append(value)
        else:
            params.setdefault(outer, {})[inner] = value
    return params


def _field(found: Obj, name: str) -> Any:
    if name == "current_period_end":
        return min(item[name] for item in found["items"])
    return found.get(name)


def _is_within(value: Any, bound: str, limit: int) -> bool:
    if value is None:
        return False
    return bool({"gt": value > limit, "gte": value >= limit, "lt": value < limit, "lte": value <= limit}[bound])


Steps = list[list[str]]


def _below(steps: Steps, *first: str) -> Steps:
    return [path[len(first) :] for path in steps if tuple(path[: len(first)]) == first]


def _item(item: Obj, steps: Steps) -> Obj:
    _hide(item["price"], _below(steps, "price"))
    item["discounts"] = [_discount(each, _below(steps, "discounts"), steps) for each in item["discounts"]]
    return item


def _discount(discount: Obj, steps: Steps, above: Steps) -> Any:
    if not any(path[:1] == ["discounts"] for path in above):
        return discount["id"]
    coupon = discount["source"]["coupon"]
    if ["source", "coupon"] in steps:
        _hide(coupon, [])
    else:
        discount["source"]["coupon"] = coupon["id"]
    return discount


def _hide(found: Obj, steps: Steps) -> None:
    """Take away what shows only where it is asked for."""
    for name in _HIDDEN[found["object"]]:
        if not any(path[:1] == [name] for path in steps):
            found.pop(name, None)
    for currency, option in found.get("currency_options", {}).items():
        if ["currency_options", currency, "tiers"] not in steps and found["object"] == "price":
            option.pop("tiers", None)
