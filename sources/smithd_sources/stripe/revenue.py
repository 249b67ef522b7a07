"""From balance transactions to revenue. Pure, in the smallest unit of each currency.

Balance transactions are what moved the balance, with Stripe's fees in them; what they are is told by their reporting
category: https://docs.stripe.com/reports/reporting-categories.
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
    """A transaction as the API gives it; KeyError, TypeError and ValueError where it is none."""
    category = found.get("reporting_category")
    kind = _KIND_OF_TYPE.get(found["type"]) if category is None else _KIND_OF_CATEGORY.get(category)
    amount, fee = whole(found["amount"]), whole(found["fee"])
    return Transaction(whole(found["created"]), str(found["currency"]), kind, amount, fee)


def _gross(transaction: Transaction) -> int:
    return transaction.amount if transaction.kind in ("sale", "earning") else 0


def _refunded(transaction: Transaction) -> int:
    return -transaction.amount if transaction.kind == "refund" else 0


def _disputed(transaction: Transaction) -> int:
    return -transaction.amount if transaction.kind == "dispute" else 0


def _fees(transaction: Transaction) -> int:
    return transaction.fee - transaction.amount if transaction.kind == "fee" else transaction.fee


def _transferred(transaction: Transaction) -> int:
    return -transaction.amount if transaction.kind == "transfer" else 0


def _net(transaction: Transaction) -> int:
    return transaction.amount - transaction.fee


Part = Callable[[Transaction], int]

PARTS: Mapping[str, Part] = {
    "gross_revenue": _gross,
    "refunds": _refunded,
    "disputed": _disputed,
    "fees": _fees,
    "transferred": _transferred,
    "net_revenue": _net,
}
"""What can be summed up; net revenue is gross revenue without all the others."""


def total(part: str, transactions: Iterable[Transaction]) -> Amounts:
    """What a part of these transactions adds up to, by currency."""
    of = PARTS[part]
    sums: defaultdict[str, Fraction] = defaultdict(Fraction)
    for transaction in transactions:
        if transaction.kind is not None:
            sums[transaction.currency] += of(transaction)
    return sums


def sales(transactions: Iterable[Transaction]) -> list[Transaction]:
    """The payments among these transactions."""
    return [transaction for transaction in transactions if transaction.kind == "sale"]
