"""The worth of subscriptions in a month, by Stripe's definition of MRR: in fractions, never rounded. No I/O.

The definition: https://docs.stripe.com/billing/subscriptions/analytics/glossary. docs/sources/stripe.md says how smithd
reads what it leaves open, and the tests have an account computed by hand for each rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import inf

_A_MONTH = {"day": Fraction(365, 12), "week": Fraction(52, 12), "month": Fraction(1), "year": Fraction(1, 12)}
"""How many of an interval are in a month: a year has 12 months, 52 weeks or 365 days."""
_PAYING = ("active", "past_due")


def times_a_month(interval: str, count: int) -> Fraction:
    """How often in a month something happens that happens every ``count`` intervals.

    Raises KeyError or ZeroDivisionError where there is no such interval.
    """
    return _A_MONTH[interval] / count


class DiscountRule(StrEnum):
    """Which discounts lower MRR."""

    RECURRING = "recurring"
    FOREVER = "forever"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MRRRules:
    """The parts of the definition that the user chooses."""

    discounts: DiscountRule = DiscountRule.RECURRING
    count_cancelling: bool = True
    count_paused: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a tiered price: up to ``up_to`` units (None: any number), in the currency's smallest unit."""

    up_to: int | None
    unit: Fraction
    flat: Fraction


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit in each interval; ``divide_by`` units are sold as one pack, rounded up or down."""

    product: str
    a_month: Fraction
    """How often in a month it is billed."""
    metered: bool = False
    unit: Fraction = Fraction()
    tiers: tuple[Tier, ...] = ()
    graduated: bool = False
    divide_by: int = 1
    round_up: bool = False

    def of(self, quantity: int) -> Fraction:
        """The price of ``quantity`` units in each interval."""
        if not self.tiers:
            return self.unit * (-(-quantity // self.divide_by) if self.round_up else quantity // self.divide_by)
        if not self.graduated:
            # By volume: all units have the price of the tier that the quantity falls into.
            tier = next((tier for tier in self.tiers if tier.up_to is None or quantity <= tier.up_to), self.tiers[-1])
            return quantity * tier.unit + tier.flat
        # Graduated: each unit has the price of the tier that it falls into. The first tier's flat amount is always due,
        # also for a quantity of 0.
        total, below = Fraction(), 0
        for tier in self.tiers:
            if below and quantity <= below:
                break
            upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
            total += (upper - below) * tier.unit + tier.flat
            below = upper if tier.up_to is None else tier.up_to
        return total


@dataclass(frozen=True, slots=True)
class Discount:
    """A redeemed coupon: a percentage or amounts off (by currency), on all products or only on ``products``."""

    duration: str
    percent: Fraction | None = None
    amounts: Mapping[str, int] | None = None
    products: frozenset[str] | None = None
    end: float = inf

    def counts(self, rule: DiscountRule, now: float) -> bool:
        """Whether it lowers MRR now."""
        if self.end <= now or rule is DiscountRule.NONE:
            return False
        if rule is DiscountRule.ALL:
            return True
        return self.duration == "forever" or (rule is DiscountRule.RECURRING and self.duration == "repeating")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a subscription. ``inclusive_tax`` is the tax within its price, in percent."""

    price: Price
    quantity: int = 1
    discounts: tuple[Discount, ...] = ()
    inclusive_tax: Fraction = Fraction()
    trial_end: float = -inf

    def counts(self, now: float) -> bool:
        """Whether it is recurring revenue: usage is not, and a trial is not yet."""
        return not self.price.metered and self.trial_end <= now


@dataclass(frozen=True, slots=True)
class Subscription:
    """The parts of a subscription that figures need; moments are seconds since 1970."""

    id: str
    status: str
    customer: str
    currency: str
    items: tuple[Item, ...] = ()
    discounts: tuple[Discount, ...] = ()
    cancelling: bool = False
    paused_until: float = -inf
    trial_end: float = -inf
    ended_at: float = inf

    def counts(self, rules: MRRRules, now: float) -> bool:
        """Whether it is part of MRR by its state."""
        return (
            self.status in _PAYING
            and (rules.count_cancelling or not self.cancelling)
            and (rules.count_paused or self.paused_until <= now)
        )

    def churned(self, since: float) -> bool:
        """Whether it ended after ``since``, and not within its trial."""
        return self.status == "canceled" and since < self.ended_at and self.trial_end < self.ended_at


def a_month(subscription: Subscription, rule: DiscountRule, now: float) -> Fraction:
    """The worth of a subscription in a month, whatever its state: in the currency's smallest unit, not rounded.

    Discounts of an item come before those of the subscription, each in the order in which Stripe lists them; a
    percentage is taken of what is left, and nothing falls below zero. Tax within a price is taken out last.
    """
    items = [item for item in subscription.items if item.counts(now)]
    values = [item.price.of(item.quantity) * item.price.a_month for item in items]
    for index, item in enumerate(items):
        for discount in item.discounts:
            if discount.counts(rule, now):
                values[index : index + 1] = _discounted(discount, subscription.currency, [item], [values[index]])
    for discount in subscription.discounts:
        if discount.counts(rule, now):
            values = _discounted(discount, subscription.currency, items, values)
    return sum(
        (value * 100 / (100 + item.inclusive_tax) for item, value in zip(items, values, strict=True)), Fraction()
    )


def _discounted(discount: Discount, currency: str, items: list[Item], values: list[Fraction]) -> list[Fraction]:
    """The items' monthly values after a discount. An amount is taken off every invoice, split between the items."""
    eligible = [discount.products is None or item.price.product in discount.products for item in items]
    total = sum((value for value, fits in zip(values, eligible, strict=True) if fits), Fraction())
    if not total:
        return values
    if discount.percent is not None:
        share = discount.percent / 100
    else:
        invoices = max(item.price.a_month for item, fits in zip(items, eligible, strict=True) if fits)
        share = min(Fraction(1), (discount.amounts or {}).get(currency, 0) * invoices / total)
    return [value * (1 - share) if fits else value for value, fits in zip(values, eligible, strict=True)]
