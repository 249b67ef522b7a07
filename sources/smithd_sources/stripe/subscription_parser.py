"""Parses subscriptions of the API, and says what else must be asked for to parse one. No I/O.

Where an object is not shaped as Stripe's are, this raises a LookupError, TypeError, ValueError, AttributeError or
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
    """The prices of which the subscription does not show the tiers, or the amount in its own currency."""
    for item in subscription["items"]["data"]:
        price = _price_of(item)
        if _is_metered(price):
            continue
        tiered = price.get("billing_scheme") == "tiered" and not price.get("tiers")
        if tiered or _has_other_currency(price, currency_of(subscription)):
            yield price["id"]


def currency_of(subscription: ApiObject) -> str:
    """The currency that it is paid in. In old versions of the API, its prices say that."""
    items = subscription["items"]["data"]
    return _text(subscription.get("currency") or _price_of(items[0])["currency"])


def needed_coupons(subscription: ApiObject) -> Iterator[str]:
    """The coupons of its discounts."""
    items = subscription["items"]["data"]
    discounts = [*_discounts(subscription), *(discount for item in items for discount in _discounts(item))]
    for discount in discounts:
        coupon = _embedded(discount) if isinstance(discount, Mapping) else None
        if coupon is not None:
            yield _id(coupon)


def hides_a_coupon(subscription: ApiObject, coupons: Mapping[str, ApiObject]) -> bool:
    """Whether one of its items has a discount whose coupon is neither shown there nor among these."""
    return any(
        _coupon(discount, coupons) is None
        for item in subscription["items"]["data"]
        for discount in _discounts(item)
        if isinstance(discount, Mapping)
    )


def parse_subscription(
    found: ApiObject, prices: Mapping[str, ApiObject] = {}, coupons: Mapping[str, ApiObject] = {}
) -> Subscription:
    """A subscription; ``prices`` and ``coupons`` are those that were asked for besides, by their ids."""
    items: list[Item] = []
    for item in found["items"]["data"]:
        taxes = item.get("tax_rates") or found.get("default_tax_rates") or ()
        items.append(
            Item(
                price=_price(_price_of(item), currency_of(found), prices),
                quantity=1 if item.get("quantity") is None else whole(item["quantity"]),
                discounts=tuple(_discount(discount, coupons) for discount in _discounts(item)),
                inclusive_tax=sum((exact(tax["percentage"]) for tax in taxes if tax.get("inclusive")), Fraction()),
                trial_end=_moment((item.get("current_trial") or {}).get("end_date"), -inf),
            )
        )
    # A pause without a time at which it resumes lasts until somebody ends it.
    pause = found.get("pause_collection")
    return Subscription(
        id=found["id"],
        status=_text(found["status"]),
        customer=_id(found.get("customer") or found["id"]),
        currency=currency_of(found),
        items=tuple(items),
        discounts=tuple(_discount(discount, coupons) for discount in _discounts(found)),
        cancelling=bool(found.get("cancel_at_period_end") or found.get("cancel_at")),
        paused_until=-inf if pause is None else _moment(pause.get("resumes_at"), inf),
        trial_end=_moment(found.get("trial_end"), -inf),
        ended_at=_moment(found.get("ended_at") or found.get("canceled_at"), inf),
    )


def _price_of(item: ApiObject) -> ApiObject:
    price: ApiObject = item.get("price") or item["plan"]
    return price


def _recurring(price: ApiObject) -> ApiObject:
    """Where the interval stands. In a plan, the old name of a price, that is the plan itself."""
    recurring: ApiObject = price.get("recurring") or price
    return recurring


def _is_metered(price: ApiObject) -> bool:
    return _recurring(price).get("usage_type") == "metered"


def _has_other_currency(price: ApiObject, currency: str) -> bool:
    """Whether the price is sold in another currency than its own."""
    return bool(price.get("currency", currency) != currency)


def _price(price: ApiObject, currency: str, prices: Mapping[str, ApiObject]) -> Price:
    recurring = _recurring(price)
    packs = price.get("transform_quantity") or price.get("transform_usage") or {}
    amounts: dict[str, Any] = {}
    # What is metered is no part of MRR, so its amounts are not asked for either.
    if not _is_metered(price):
        full = prices.get(price.get("id", ""), price)
        source = full["currency_options"][currency] if _has_other_currency(full, currency) else full
        if full.get("billing_scheme") == "tiered":
            tiers = tuple(
                Tier(
                    None if tier["up_to"] in (None, "inf") else whole(tier["up_to"]),
                    _amount(tier, "unit_amount"),
                    _amount(tier, "flat_amount"),
                )
                for tier in source["tiers"]
            )
            if not tiers:
                raise ValueError(f"the price {full['id']} has no tiers")
            amounts = {"tiers": tiers, "graduated": full["tiers_mode"] == "graduated"}
        else:
            amounts = {"unit": _amount(source, "unit_amount" if "unit_amount" in source else "amount")}
    return Price(
        product=_id(price.get("product") or ""),
        a_month=times_a_month(recurring["interval"], recurring.get("interval_count", 1)),
        metered=_is_metered(price),
        divide_by=max(1, packs.get("divide_by", 1)),
        round_up=packs.get("round") == "up",
        **amounts,
    )


def _amount(holder: ApiObject, name: str) -> Fraction:
    """An amount, with its decimals where it has some; 0 where there is none."""
    precise = holder.get(f"{name}_decimal")
    return exact(holder.get(name) or 0 if precise is None else precise)


def _discounts(holder: ApiObject) -> list[Any]:
    """The discounts of a subscription or an item. In old versions of the API there is only one."""
    return holder.get("discounts") or ([holder["discount"]] if holder.get("discount") else [])


def _embedded(discount: ApiObject) -> Any:
    return (discount.get("source") or {}).get("coupon") or discount.get("coupon")


def _coupon(discount: ApiObject, coupons: Mapping[str, ApiObject]) -> ApiObject | None:
    """The coupon of a discount. A coupon that was made later only has the name of the deleted one."""
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
    """The id of an object that stands there in full, or by its id."""
    return str(reference["id"] if isinstance(reference, Mapping) else reference)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"expected a text, not {found!r:.40}")
    return found


def _moment(found: Any, otherwise: float) -> float:
    return otherwise if found is None else float(found)
