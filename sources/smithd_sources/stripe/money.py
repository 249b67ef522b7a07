"""Amounts in the smallest unit of their currency, exact until they become samples. No I/O."""

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
"""The digits of a number."""


def exact(number: Any) -> Fraction:
    """A number of JSON exactly as written (33.3 is 333/10). Raises ValueError for what is none, or far too long."""
    text = str(number)
    try:
        value = Decimal(text) if len(text) <= _LONGEST else Decimal("nan")
    except DecimalException:
        value = Decimal("nan")
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST:
        raise ValueError(f"expected a number, not {text[:_LONGEST]}")
    return Fraction(value)


def whole(number: Any) -> int:
    """An amount of JSON, in the smallest unit of its currency. Raises ValueError where it is no whole number."""
    value = exact(number)
    if value.denominator != 1:
        raise ValueError(f"expected a whole number, not {value}")
    return value.numerator


def digits(currency: str) -> int:
    """The number of decimals of a currency's amounts."""
    return 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _WITH_THREE else 2


class CurrencyConverter:
    """Turns amounts into samples: one for each currency, or one in the reporting currency, where that is configured."""

    def __init__(self, reporting: str | None = None, rates: Mapping[str, Decimal] = {}) -> None:
        """``rates``: the worth of one unit of a currency in the reporting currency."""
        self._reporting = reporting
        self._rates = {currency: Fraction(rate) for currency, rate in rates.items()}
        if reporting is not None:
            self._rates[reporting] = Fraction(1)
        self._missing: set[str] = set()

    def samples(self, metric: str, amounts: Amounts, labels: Mapping[str, str] = {}) -> list[RawSample]:
        """The metric's samples, in whole units (euros, not cents), with the label ``currency``; none where a rate is
        missing.
        """
        if self._reporting is not None:
            # An amount of 0 needs no rate.
            missing = {currency for currency, amount in amounts.items() if amount and currency not in self._rates}
            self._missing |= missing
            decimals, total = digits(self._reporting), Fraction()
            for currency, amount in amounts.items():
                total += amount * self._rates.get(currency, 0) * Fraction(10) ** (decimals - digits(currency))
            amounts = {} if missing else {self._reporting: total}
        found: list[RawSample] = []
        for currency, amount in sorted(amounts.items()):
            # A half of the smallest unit goes up: round() would round it to the even neighbour.
            value = float(Fraction(floor(amount + Fraction(1, 2)), 10 ** digits(currency)))
            found.append(RawSample(metric, value, {**labels, "currency": currency}))
        return found

    def take_missing_rates(self) -> Misconfigured | None:
        """An error that names the rates that were missing since the last call; None where none was."""
        missing, self._missing = sorted(self._missing), set()
        if not missing:
            return None
        return Misconfigured(
            f"there are amounts in {', '.join(missing)} too: say what one {missing[0]} is worth in {self._reporting}, "
            f"as in rates: {{{missing[0]}: 1.08}}, or leave out 'currency' to have one series for each"
        )
