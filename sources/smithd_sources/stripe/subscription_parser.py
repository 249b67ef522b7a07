"""Reads subscriptions as the API gives them; says what else must be asked to understand one. Pure.

Where an object is not shaped as Stripe's are, it raises a LookupError, TypeError, ValueError, AttributeError or
ArithmeticError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import inf
from typing import Any

from smithd_sources.stripe.money import exact, whole
from smithd_sources.stripe.mrr import Discount, Item, Price, Subscription, Tier, times_a_month

ApiObject = Mapping[str, Any]
"""An object of the API."""


def needed_prices(subscription: ApiObject) -> Iterator[str]:
    """The prices whose tiers, or whose amount in another currency, the subscription does not show."""
    for item in subscription["items"]["data"]:
        price = _price_of(item)
        if _is_metered(price):
            continue
        tiered = price.get("billing_scheme") == "tiered" and not price.get("tiers")
        if tiered or _is_foreign(price, currency_of(subscription)):
            yield price["id"]


def currency_of(subscription: ApiObject) -> str:
    """What it is paid in; before subscriptions said so, it was the currency of what is subscribed to."""
    items = subscription["items"]["data"]
    return _text(subscription.get("currency") or _price_of(items[0])["currency"])


def needed_coupons(subscription: ApiObject) -> Iterator[str]:
    """The coupons that its discounts are of."""
    for discount in _all_discounts(subscription):
        if (coupon := _coupon_id(discount)) is not None:
            yield coupon


def hides_a_coupon(subscription: ApiObject, coupons: Mapping[str, ApiObject]) -> bool:
    """Whether one of its items has a discount of a coupon that neither stands there nor is among these."""
    return any(
        _coupon(discount, coupons) is None
        for item in subscription["items"]["data"]
        for discount in _discounts(item)
        if isinstance(discount, Mapping)
    )


def parse_subscription(
    found: ApiObject, prices: Mapping[str, ApiObject] = {}, coupons: Mapping[str, ApiObject] = {}
) -> Subscription:
    """A subscription, with what was asked about its prices and coupons besides, by their ids."""
    pause = found.get("pause_collection")
    return Subscription(
        id=found["id"],
        status=_text(found["status"]),
        customer=_id(found.get("customer") or found["id"]),
        currency=currency_of(found),
        items=tuple(_item(item, found, prices, coupons) for item in found["items"]["data"]),
        discounts=tuple(_discount(discount, coupons) for discount in _discounts(found)),
        cancelling=bool(found.get("cancel_at_period_end") or found.get("cancel_at")),
        paused_until=-inf if pause is None else _moment(pause.get("resumes_at"), inf),
        trial_end=_moment(found.get("trial_end"), -inf),
        ended_at=_moment(found.get("ended_at") or found.get("canceled_at"), inf),
    )


def _item(
    item: ApiObject, subscription: ApiObject, prices: Mapping[str, ApiObject], coupons: Mapping[str, ApiObject]
) -> Item:
    taxes = item.get("tax_rates") or subscription.get("default_tax_rates") or ()
    return Item(
        price=_price(_price_of(item), currency_of(subscription), prices),
        quantity=1 if item.get("quantity") is None else whole(item["quantity"]),
        discounts=tuple(_discount(discount, coupons) for discount in _discounts(item)),
        inclusive_tax=sum((exact(tax["percentage"]) for tax in taxes if tax.get("inclusive")), Fraction()),
        trial_end=_moment((item.get("current_trial") or {}).get("end_date"), -inf),
    )


def _price_of(item: ApiObject) -> ApiObject:
    price: ApiObject = item.get("price") or item["plan"]
    return price


def _recurring(price: ApiObject) -> ApiObject:
    """Where the interval stands; in a plan, which a price was called once, that is the plan itself."""
    recurring: ApiObject = price.get("recurring") or price
    return recurring


def _is_metered(price: ApiObject) -> bool:
    return _recurring(price).get("usage_type") == "metered"


def _is_foreign(price: ApiObject, currency: str) -> bool:
    """Whether the price is sold in a currency that is not its own."""
    return bool(price.get("currency", currency) != currency)


def _price(price: ApiObject, currency: str, prices: Mapping[str, ApiObject]) -> Price:
    recurring = _recurring(price)
    packs = price.get("transform_quantity") or price.get("transform_usage") or {}
    amounts = {} if _is_metered(price) else _amounts(prices.get(price.get("id", ""), price), currency)
    return Price(
        product=_id(price.get("product") or ""),
        a_month=times_a_month(recurring["interval"], recurring.get("interval_count", 1)),
        metered=_is_metered(price),
        divide_by=max(1, packs.get("divide_by", 1)),
        round_up=packs.get("round") == "up",
        **amounts,
    )


def _amounts(price: ApiObject, currency: str) -> dict[str, Any]:
    """What the price asks for in this currency."""
    source = price["currency_options"][currency] if _is_foreign(price, currency) else price
    if price.get("billing_scheme") == "tiered":
        tiers = tuple(map(_tier, source["tiers"]))
        if not tiers:
            raise ValueError(f"the price {price['id']} has no tiers")
        return {"tiers": tiers, "graduated": price["tiers_mode"] == "graduated"}
    return {"unit": _amount(source, "unit_amount" if "unit_amount" in source else "amount")}


def _amount(holder: ApiObject, name: str) -> Fraction:
    """An amount, with its decimals where there are some; 0 where there is none."""
    precise = holder.get(f"{name}_decimal")
    return exact(holder.get(name) or 0 if precise is None else precise)


def _tier(tier: ApiObject) -> Tier:
    return Tier(_up_to(tier["up_to"]), _amount(tier, "unit_amount"), _amount(tier, "flat_amount"))


def _up_to(limit: Any) -> int | None:
    return None if limit in (None, "inf") else whole(limit)


def _all_discounts(subscription: ApiObject) -> Iterator[Any]:
    yield from _discounts(subscription)
    for item in subscription["items"]["data"]:
        yield from _discounts(item)


def _discounts(holder: ApiObject) -> list[Any]:
    """Those of a subscription or an item; before there could be several, there was one."""
    return holder.get("discounts") or ([holder["discount"]] if holder.get("discount") else [])


def _coupon_id(discount: Any) -> str | None:
    coupon = _embedded(discount) if isinstance(discount, Mapping) else None
    return None if coupon is None else _id(coupon)


def _embedded(discount: ApiObject) -> Any:
    return (discount.get("source") or {}).get("coupon") or discount.get("coupon")


def _coupon(discount: ApiObject, coupons: Mapping[str, ApiObject]) -> ApiObject | None:
    """The coupon of a discount. One that was made after the discount only bears the name of the deleted one."""
    embedded = _embedded(discount)
    asked = coupons.get(_id(embedded)) if embedded is not None else None
    if asked is not None and asked.get("created", 0) <= discount.get("start", inf):
        return asked
    return embedded if isinstance(embedded, Mapping) else None


def _discount(discount: Any, coupons: Mapping[str, ApiObject]) -> Discount:
    if not isinstance(discount, Mapping):
        raise ValueError(f"its discount {discount} came without its coupon")
    coupon = _coupon(discount, coupons)
    if coupon is None:
        raise ValueError(f"the coupon of its discount {discount.get('id')} cannot be read")
    percent, products = coupon.get("percent_off"), (coupon.get("applies_to") or {}).get("products")
    amounts = {} if coupon.get("amount_off") is None else {coupon["currency"]: whole(coupon["amount_off"])}
    others = coupon.get("currency_options") or {}
    return Discount(
        duration=coupon["duration"],
        percent=None if percent is None else exact(percent),
        amounts=amounts | {currency: whole(option["amount_off"]) for currency, option in others.items()},
        products=None if products is None else frozenset(products),
        end=_moment(discount.get("end"), inf),
    )


def _id(reference: Any) -> str:
    """The id of something that stands there in full, or by its id."""
    return str(reference["id"] if isinstance(reference, Mapping) else reference)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"expected a text, not {found!r:.40}")
    return found


def _moment(found: Any, otherwise: float) -> float:
    return otherwise if found is None else float(found)
