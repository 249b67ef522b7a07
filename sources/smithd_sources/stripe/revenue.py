"""Computes revenue from balance transactions, in the smallest unit of each currency. No I/O.

A balance transaction is a change of the balance, with Stripe's fees in it. Its reporting category says what it is:
https://docs.stripe.com/reports/reporting-categories.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from smithd_sources.stripe.money import Amounts, whole

_CATEGORIES = {
    "sale": ("charge",),
    "earning": ("charge_failure", "platform_earning"),
    "refund": ("refund", "refund_failure", "partial_capture_reversal", "platform_earning_refund"),
    "dispute": ("dispute", "dispute_reversal"),
    "fee": ("fee", "network_cost", "tax"),
    "transfer": ("transfer", "transfer_reversal"),
}
_KIND_OF_CATEGORY = {category: kind for kind, categories in _CATEGORIES.items() for category in categories}
_TYPES = {
    "sale": ("charge", "payment"),
    "earning": ("payment_failure_refund", "payment_reversal", "application_fee"),
    "refund": ("refund", "payment_refund", "refund_failure", "application_fee_refund"),
    "dispute": ("adjustment",),
    "fee": ("stripe_fee", "stripe_fx_fee", "tax_fee"),
    "transfer": ("transfer", "transfer_cancel", "transfer_failure", "transfer_refund"),
}
_KIND_OF_TYPE = {type_name: kind for kind, types in _TYPES.items() for type_name in types}


class Transaction(NamedTuple):
    """A balance transaction; ``kind`` is None where it is no revenue: a payout, a top-up, a reserve."""

    created: int
    currency: str
    kind: str | None
    amount: int
    fee: int


def parse_transaction(found: Mapping[str, Any]) -> Transaction:
    """A transaction of the API. Raises KeyError, TypeError or ValueError where it is not shaped as Stripe's are."""
    category = found.get("reporting_category")
    # Old versions of the API have no reporting category; the type says nearly the same.
    kind = _KIND_OF_TYPE.get(found["type"]) if category is None else _KIND_OF_CATEGORY.get(category)
    amount, fee = whole(found["amount"]), whole(found["fee"])
    return Transaction(whole(found["created"]), str(found["currency"]), kind, amount, fee)


Part = Callable[[Transaction], int]

PARTS: Mapping[str, Part] = {
    "gross_revenue": lambda found: found.amount if found.kind in ("sale", "earning") else 0,
    "refunds": lambda found: -found.amount if found.kind == "refund" else 0,
    "disputed": lambda found: -found.amount if found.kind == "dispute" else 0,
    # A fee is a transaction of its own, or was taken out of another one.
    "fees": lambda found: found.fee - found.amount if found.kind == "fee" else found.fee,
    "transferred": lambda found: -found.amount if found.kind == "transfer" else 0,
    "net_revenue": lambda found: found.amount - found.fee,
}
"""The parts of revenue that can be summed up; net revenue is gross revenue without all the others."""


def total(part: str, transactions: Iterable[Transaction]) -> Amounts:
    """The sum of one part over these transactions, by currency."""
    of = PARTS[part]
    sums: defaultdict[str, Fraction] = defaultdict(Fraction)
    for transaction in transactions:
        if transaction.kind is not None:
            sums[transaction.currency] += of(transaction)
    return sums


def sales(transactions: Iterable[Transaction]) -> list[Transaction]:
    """The payments among these transactions."""
    return [transaction for transaction in transactions if transaction.kind == "sale"]
