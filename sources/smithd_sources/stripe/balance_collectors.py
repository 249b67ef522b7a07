"""Figures of the balance, and of payouts to the bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from smithd.plugin import BadResponse, RawSample
from smithd_sources.stripe.collector import CollectorContext, FigureCollector
from smithd_sources.stripe.lists import ApiObject, Listing, ResumableListing
from smithd_sources.stripe.money import CurrencyConverter, whole
from smithd_sources.stripe.options import Figure
from smithd_sources.stripe.periods import utc_midnight

_PARTS = {Figure.AVAILABLE_BALANCE: "available", Figure.PENDING_BALANCE: "pending"}


class BalanceCollector(FigureCollector):
    """The balance of the account."""

    METRICS = frozenset(_PARTS)

    async def collect(self, _: float) -> Sequence[RawSample]:
        found = await self._shared.api.get("balance")
        samples: list[RawSample] = []
        for metric, part in _PARTS.items():
            if metric not in self._metrics:
                continue
            try:
                amounts = {entry["currency"]: Fraction(whole(entry["amount"])) for entry in found[part]}
            except (KeyError, TypeError, ValueError) as error:
                raise BadResponse(f"balance: {type(error).__name__}: {error}: not shaped as Stripe's is") from None
            samples += self._shared.converter.samples(metric.value, amounts)
        return samples


class Payout(NamedTuple):
    """A transfer to the bank."""

    arrival: int
    currency: str
    amount: int


class PayoutCollector(FigureCollector):
    """The payout that arrives next, in each currency; amounts stay in it."""

    METRICS = frozenset({Figure.NEXT_PAYOUT, Figure.NEXT_PAYOUT_DATE, Figure.NEXT_PAYOUT_IN})
    _UNDER_WAY = ("pending", "in_transit")

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._listing = ResumableListing[Payout]()

    async def collect(self, now: float) -> Sequence[RawSample]:
        shared = self._shared
        due_from = {"arrival_date": {"gte": utc_midnight(now)}}
        listing = await self._listing.run(
            lambda: Listing(shared.api, "payouts", [due_from], self._take, shared.options.max_objects), now
        )
        found = listing.kept.values()
        samples: list[RawSample] = []
        for currency in sorted({payout.currency for payout in found}):
            date = min(payout.arrival for payout in found if payout.currency == currency)
            due = [payout.amount for payout in found if (payout.currency, payout.arrival) == (currency, date)]
            label = {"currency": currency}
            # Without a reporting currency: payouts are never converted.
            samples += CurrencyConverter().samples(Figure.NEXT_PAYOUT.value, {currency: Fraction(sum(due))})
            samples.append(RawSample(Figure.NEXT_PAYOUT_DATE.value, date, label))
            samples.append(RawSample(Figure.NEXT_PAYOUT_IN.value, max(0.0, date - now), label))
        return [sample for sample in samples if sample.metric in self._metrics]

    async def _take(self, objects: Sequence[ApiObject]) -> Mapping[str, Payout]:
        try:
            return {
                found["id"]: Payout(whole(found["arrival_date"]), str(found["currency"]), whole(found["amount"]))
                for found in objects
                if found["status"] in self._UNDER_WAY
            }
        except (KeyError, ValueError) as error:
            raise BadResponse(f"payouts: {type(error).__name__}: {error}: not shaped as Stripe's are") from None
