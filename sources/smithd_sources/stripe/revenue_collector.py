"""Figures of revenue, by balance transactions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction

from smithd.plugin import RawSample
from smithd_sources.stripe.collector import CollectorContext, FigureCollector
from smithd_sources.stripe.lists import Feed
from smithd_sources.stripe.periods import PERIODS, Period, PeriodName, period
from smithd_sources.stripe.revenue import PARTS, Transaction, parse_transaction, sales, total


class RevenueCollector(FigureCollector):
    """Revenue and its parts, by balance transactions."""

    METRICS = frozenset(f"{part}_{name}" for part in (*PARTS, "payments", "average_order") for name in PERIODS)

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._periods = [name for name in PERIODS if any(metric.endswith(f"_{name}") for metric in metrics)]
        self._currencies: set[str] = set()
        self._feed = Feed(shared.api, "balance_transactions", parse_transaction, cap=shared.options.max_objects)

    async def collect(self, now: float) -> Sequence[RawSample]:
        periods = {name: period(name, now, self._shared.context.zone) for name in self._periods}
        since = min(span.start for span in periods.values())
        found = await self._feed.objects(since, now)
        # A morning without a payment has a revenue of 0, in the currency of the last payment.
        self._currencies |= {transaction.currency for transaction in found}
        if not self._currencies and self._shared.options.currency is None:
            newest = await self._feed.newest()
            self._currencies |= {newest.currency} if newest is not None else set()
        return await self._add_up(len(found), lambda: list(self._figures(found, periods)))

    def _figures(self, found: Collection[Transaction], periods: Mapping[PeriodName, Period]) -> Iterator[RawSample]:
        for name, span in periods.items():
            within = [transaction for transaction in found if span.has(transaction.created)]
            for part in (*PARTS, "payments", "average_order"):
                if (metric := f"{part}_{name}") in self._metrics:
                    yield from self._samples(metric, part, within)

    def _samples(self, metric: str, part: str, found: Sequence[Transaction]) -> Iterator[RawSample]:
        converter = self._shared.converter
        if part == "payments":
            yield RawSample(metric, len(sales(found)))
        elif part == "average_order":
            # One average over all payments where there is a reporting currency, else one for each currency.
            orders: dict[str, list[Transaction]] = {}
            for payment in sales(found):
                orders.setdefault(self._shared.options.currency or payment.currency, []).append(payment)
            for group in orders.values():
                gross = total("gross_revenue", group)
                averages = {currency: amount / len(group) for currency, amount in gross.items()}
                yield from converter.samples(metric, averages)
        else:
            known = dict.fromkeys(self._currencies, Fraction())
            yield from converter.samples(metric, {**known, **total(part, found)})
