"""SubscriptionFigures of revenue, by balance transactions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from smithd.plugin import RawSample
from smithd_sources.stripe.collector import CollectorContext, FigureCollector
from smithd_sources.stripe.lists import Feed
from smithd_sources.stripe.periods import PERIODS, Period, PeriodName, period
from smithd_sources.stripe.revenue import PARTS, Transaction, parse_transaction, sales, total


class RevenueCollector(FigureCollector):
    """What was earned, by balance transactions."""

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
        await self._note_currencies(found)
        return await self._add_up(len(found), lambda: list(self._figures(found, periods)))

    def _figures(self, found: Collection[Transaction], periods: Mapping[PeriodName, Period]) -> Iterator[RawSample]:
        for name, span in periods.items():
            within = [transaction for transaction in found if span.has(transaction.created)]
            for part in (*PARTS, "payments", "average_order"):
                if (metric := f"{part}_{name}") in self._metrics:
                    yield from self._samples(metric, part, within)

    async def _note_currencies(self, found: Iterable[Transaction]) -> None:
        """A morning without a payment has a revenue of 0, in the currency of the last one there was."""
        self._currencies |= {transaction.currency for transaction in found}
        if not self._currencies and self._shared.options.currency is None:
            newest = await self._feed.newest()
            self._currencies |= {newest.currency} if newest is not None else set()

    def _samples(self, metric: str, part: str, found: Sequence[Transaction]) -> Sequence[RawSample]:
        if part == "payments":
            return [RawSample(metric, len(sales(found)))]
        if part == "average_order":
            return [sample for group in self._orders(found) for sample in self._average(metric, group)]
        known = dict.fromkeys(self._currencies, Fraction())
        return self._shared.converter.samples(metric, {**known, **total(part, found)})

    def _orders(self, found: Sequence[Transaction]) -> Iterable[list[Transaction]]:
        """The payments that have one average: all of them where there is a reporting currency, else a currency's."""
        groups: dict[str, list[Transaction]] = {}
        for payment in sales(found):
            groups.setdefault(self._shared.options.currency or payment.currency, []).append(payment)
        return groups.values()

    def _average(self, metric: str, orders: list[Transaction]) -> Sequence[RawSample]:
        gross = total("gross_revenue", orders)
        return self._shared.converter.samples(metric, {name: amount / len(orders) for name, amount in gross.items()})
