"""Amounts in the smallest unit of their currency, exact until they become samples. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, DecimalException
from fractions import Fraction
from math import floor
from typing import Any

from smithd.plugin import Misconfigured, RawSample

# https://docs.stripe.com/currencies: ISK and UGX have no decimals either, but their amounts are written with two.
_WITHOUT_DECIMALS = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_WITH_THREE = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])

Amounts = Mapping[str, Fraction]
"""By currency (small letters), in its smallest unit."""


_LONGEST = 40


def exact(number: Any) -> Fraction:
    """A number of JSON as it was written (33.3 is 333/10); ValueError where it is none, or none of this world."""
    text = str(number)
    try:
        value = Decimal(text) if len(text) <= _LONGEST else Decimal("nan")
    except DecimalException:
        value = Decimal("nan")
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST:
        raise ValueError(f"expected a number, not {text[:_LONGEST]}")
    return Fraction(value)


def whole(number: Any) -> int:
    """An amount of JSON, in the smallest unit of its currency; ValueError where it is none."""
    value = exact(number)
    if value.denominator != 1:
        raise ValueError(f"expected a whole number, not {value}")
    return value.numerator


def digits(currency: str) -> int:
    """How many decimals the amounts of a currency have."""
    return 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _WITH_THREE else 2


def in_units(amount: Fraction, currency: str) -> float:
    """An amount in whole units (euros, not cents), rounded to the smallest unit; a half goes up."""
    return float(Fraction(floor(amount + Fraction(1, 2)), 10 ** digits(currency)))


class CurrencyConverter:
    """Turns amounts into samples: one for each currency, or all of them together in one reporting currency."""

    def __init__(self, reporting: str | None = None, rates: Mapping[str, Decimal] = {}) -> None:
        """``rates``: what one unit of a currency is worth in the reporting currency."""
        self._reporting = reporting
        self._rates = {currency: Fraction(rate) for currency, rate in rates.items()}
        self._missing: set[str] = set()

    def samples(self, metric: str, amounts: Amounts, labels: Mapping[str, str] = {}) -> list[RawSample]:
        """The metric's samples, with the label ``currency``; none where a rate is missing (see ``complaint``)."""
        if self._reporting is not None:
            missing = {name for name, amount in amounts.items() if amount and self._rate(name) is None}
            self._missing |= missing
            amounts = {} if missing else {self._reporting: self._total(amounts)}
        return [
            RawSample(metric, in_units(amount, currency), {**labels, "currency": currency})
            for currency, amount in sorted(amounts.items())
        ]

    def complaint(self) -> Misconfigured | None:
        """The rates that were missing since the last time."""
        missing, self._missing = sorted(self._missing), set()
        if not missing:
            return None
        return Misconfigured(
            f"there are amounts in {', '.join(missing)} too: say what one {missing[0]} is worth in {self._reporting}, "
            f"as in rates: {{{missing[0]}: 1.08}}, or leave out 'currency' to have one series for each"
        )

    def _total(self, amounts: Amounts) -> Fraction:
        assert self._reporting is not None  # the caller has seen to it
        decimals = digits(self._reporting)
        return sum(
            (
                amount * (self._rate(name) or 0) * Fraction(10) ** (decimals - digits(name))
                for name, amount in amounts.items()
            ),
            Fraction(),
        )

    def _rate(self, currency: str) -> Fraction | None:
        return Fraction(1) if currency == self._reporting else self._rates.get(currency)
