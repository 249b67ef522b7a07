"""Figures of subscriptions: MRR, how many there are, churn, and new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from smithd.plugin import RawSample
from smithd_sources.stripe.desk import FigureDesk, Office
from smithd_sources.stripe.figures import Figures, figures
from smithd_sources.stripe.money import Amounts
from smithd_sources.stripe.mrr import DiscountRule
from smithd_sources.stripe.options import Metric
from smithd_sources.stripe.pages import Feed, seen
from smithd_sources.stripe.periods import DAY, period
from smithd_sources.stripe.subscriptions import Subscriptions

_STATUSES = {
    Metric.ACTIVE_SUBSCRIPTIONS: "active",
    Metric.TRIALING_SUBSCRIPTIONS: "trialing",
    Metric.PAST_DUE_SUBSCRIPTIONS: "past_due",
}
_CHURN = frozenset({Metric.CHURN_RATE_30D, Metric.CHURNED_SUBSCRIPTIONS_30D, Metric.CHURNED_MRR_30D})
_MONEY = frozenset({Metric.MRR, Metric.ARR, Metric.CHURNED_MRR_30D})
_VALUED = _CHURN | {Metric.MRR, Metric.ARR, Metric.ACTIVE_SUBSCRIBERS}


class SubscriptionDesk(FigureDesk):
    """MRR, the number of subscriptions, and churn."""

    METRICS = frozenset({*_VALUED, *_STATUSES})

    def __init__(self, office: Office, metrics: frozenset[str]) -> None:
        super().__init__(office, metrics)
        self._rules = office.options.mrr.rules()
        self._currencies: set[str] = set()
        self._subscriptions = Subscriptions(
            office.api,
            office.context.log,
            cap=office.options.max_objects,
            discounts=self._rules.discounts is not DiscountRule.NONE and bool(metrics & _VALUED),
            with_ended=bool(metrics & _CHURN),
        )

    async def answer(self, now: float) -> Sequence[RawSample]:
        known = await self._subscriptions.read(now)
        found = await self._add_up(len(known), lambda: figures(known, self._rules, now))
        await self._note_currencies(found)
        return [sample for sample in self._samples(found) if sample.metric in self._metrics]

    async def _note_currencies(self, found: Figures) -> None:
        """What there was once is 0 when it is gone, not unknown."""
        self._currencies |= found.mrr.keys() | found.churned_mrr.keys()
        if not self._currencies and self._metrics & _MONEY and self._office.options.currency is None:
            newest = await self._subscriptions.newest_currency()
            self._currencies |= {newest} if newest is not None else set()

    def _samples(self, found: Figures) -> Iterator[RawSample]:
        yield from self._money(Metric.MRR, found.mrr)
        yield from self._money(Metric.ARR, {currency: 12 * amount for currency, amount in found.mrr.items()})
        yield from self._money(Metric.CHURNED_MRR_30D, found.churned_mrr)
        for metric, status in _STATUSES.items():
            yield RawSample(metric.value, found.by_status[status])
        yield RawSample(Metric.ACTIVE_SUBSCRIBERS.value, found.subscribers)
        yield RawSample(Metric.CHURNED_SUBSCRIPTIONS_30D.value, found.churned)
        if found.churn_rate is not None:
            yield RawSample(Metric.CHURN_RATE_30D.value, found.churn_rate)

    def _money(self, metric: Metric, amounts: Amounts) -> list[RawSample]:
        if metric not in self._metrics:
            return []  # nor is a missing rate a mistake then
        known = dict.fromkeys(self._currencies, Fraction())
        return self._office.cashier.samples(metric.value, {**known, **amounts})


class NewSubscriptionDesk(FigureDesk):
    """Subscriptions that were taken out lately."""

    METRICS = frozenset({Metric.NEW_SUBSCRIPTIONS_TODAY, Metric.NEW_SUBSCRIPTIONS_30D})
    _NEVER_BEGAN = ("incomplete", "incomplete_expired")

    def __init__(self, office: Office, metrics: frozenset[str]) -> None:
        super().__init__(office, metrics)
        self._feed = Feed(
            office.api,
            "subscriptions",
            seen,
            cap=office.options.max_objects,
            params={"status": "all"},
            may_change=lambda subscription: subscription.status == "incomplete",
        )

    async def answer(self, now: float) -> Sequence[RawSample]:
        starts = {
            Metric.NEW_SUBSCRIPTIONS_TODAY: period("today", now, self._office.context.zone).start,
            Metric.NEW_SUBSCRIPTIONS_30D: int(now) - 30 * DAY,
        }
        wanted = {metric: start for metric, start in starts.items() if metric in self._metrics}
        found = await self._feed.facts(min(wanted.values()), now)
        began = [subscription.created for subscription in found if subscription.status not in self._NEVER_BEGAN]
        return [RawSample(metric.value, sum(created >= start for created in began)) for metric, start in wanted.items()]
