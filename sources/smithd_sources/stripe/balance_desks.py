"""Figures of the balance, and of what goes to the bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from smithd.plugin import BadResponse, RawSample
from smithd_sources.stripe.desk import FigureDesk, Office
from smithd_sources.stripe.money import Amounts, Cashier, whole
from smithd_sources.stripe.options import Metric
from smithd_sources.stripe.pages import Found, Resumed, Sample
from smithd_sources.stripe.periods import utc_midnight

_PARTS = {Metric.AVAILABLE_BALANCE: "available", Metric.PENDING_BALANCE: "pending"}


class BalanceDesk(FigureDesk):
    """The balance of the account."""

    METRICS = frozenset(_PARTS)

    async def answer(self, _: float) -> Sequence[RawSample]:
        found = await self._office.api.get("balance")
        return [
            sample
            for metric, part in _PARTS.items()
            if metric in self._metrics
            for sample in self._office.cashier.samples(metric.value, _amounts(found, part))
        ]


def _amounts(balance: Found, part: str) -> Amounts:
    try:
        return {entry["currency"]: Fraction(whole(entry["amount"])) for entry in balance[part]}
    except (KeyError, TypeError, ValueError) as error:
        raise BadResponse(f"balance: {type(error).__name__}: {error}: not shaped as Stripe's is") from None


class Payout(NamedTuple):
    """A transfer to the bank."""

    arrival: int
    currency: str
    amount: int


class PayoutDesk(FigureDesk):
    """The payout that arrives next, in each currency; amounts stay in it."""

    METRICS = frozenset({Metric.NEXT_PAYOUT, Metric.NEXT_PAYOUT_DATE, Metric.NEXT_PAYOUT_IN})
    _ON_ITS_WAY = ("pending", "in_transit")

    def __init__(self, office: Office, metrics: frozenset[str]) -> None:
        super().__init__(office, metrics)
        self._resumed = Resumed[Payout]()

    async def answer(self, now: float) -> Sequence[RawSample]:
        office = self._office
        due_from = {"arrival_date": {"gte": utc_midnight(now)}}
        sample = await self._resumed.run(
            lambda: Sample(office.api, "payouts", [due_from], self._take, office.options.max_objects), now
        )
        found = sample.kept.values()
        samples: list[RawSample] = []
        for currency in sorted({payout.currency for payout in found}):
            date = min(payout.arrival for payout in found if payout.currency == currency)
            due = [payout.amount for payout in found if (payout.currency, payout.arrival) == (currency, date)]
            label = {"currency": currency}
            samples += Cashier().samples(Metric.NEXT_PAYOUT.value, {currency: Fraction(sum(due))})
            samples.append(RawSample(Metric.NEXT_PAYOUT_DATE.value, date, label))
            samples.append(RawSample(Metric.NEXT_PAYOUT_IN.value, max(0.0, date - now), label))
        return [sample for sample in samples if sample.metric in self._metrics]

    async def _take(self, objects: Sequence[Found]) -> Mapping[str, Payout]:
        try:
            return {
                found["id"]: Payout(whole(found["arrival_date"]), str(found["currency"]), whole(found["amount"]))
                for found in objects
                if found["status"] in self._ON_ITS_WAY
            }
        except (KeyError, ValueError) as error:
            raise BadResponse(f"payouts: {type(error).__name__}: {error}: not shaped as Stripe's are") from None
