"""Figures of subscriptions: MRR, their number, churn, and new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from smithd.plugin import RawSample
from smithd_sources.stripe.collector import CollectorContext, FigureCollector
from smithd_sources.stripe.errors import MissingPermission
from smithd_sources.stripe.lists import ApiObject, Feed, Listing, ResumableListing, read_counted
from smithd_sources.stripe.money import Amounts
from smithd_sources.stripe.mrr import DiscountRule
from smithd_sources.stripe.options import Figure
from smithd_sources.stripe.periods import DAY, period
from smithd_sources.stripe.subscription_figures import subscription_figures
from smithd_sources.stripe.subscriptions import Subscriptions

_STATUSES = {
    Figure.ACTIVE_SUBSCRIPTIONS: "active",
    Figure.TRIALING_SUBSCRIPTIONS: "trialing",
    Figure.PAST_DUE_SUBSCRIPTIONS: "past_due",
}
_CHURN = frozenset({Figure.CHURN_RATE_30D, Figure.CHURNED_SUBSCRIPTIONS_30D, Figure.CHURNED_MRR_30D})
_MONEY = frozenset({Figure.MRR, Figure.ARR, Figure.CHURNED_MRR_30D})
_VALUED = _CHURN | {Figure.MRR, Figure.ARR, Figure.ACTIVE_SUBSCRIBERS}


class SubscriptionCollector(FigureCollector):
    """MRR, the number of subscriptions, and churn."""

    METRICS = frozenset({*_VALUED, *_STATUSES})

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._rules = shared.options.mrr.rules()
        self._currencies: set[str] = set()
        self._statuses = ResumableListing[str]()
        self._subscriptions = Subscriptions(
            shared.api,
            shared.context.log,
            cap=shared.options.max_objects,
            discounts=self._rules.discounts is not DiscountRule.NONE and bool(metrics & _VALUED),
            with_ended=bool(metrics & _CHURN),
        )

    async def collect(self, now: float) -> Sequence[RawSample]:
        try:
            known = await self._subscriptions.read(now)
        except MissingPermission as missing:
            # Coupons or prices cannot be read; the number of subscriptions needs neither.
            if self._metrics & _VALUED and self._metrics & _STATUSES.keys():
                missing.samples = tuple(self._counted(await self._count(now)))
            raise
        found = await self._add_up(len(known), lambda: subscription_figures(known, self._rules, now))
        # What was there once is 0 from then on, and not unknown.
        self._currencies |= found.mrr.keys() | found.churned_mrr.keys()
        if not self._currencies and self._metrics & _MONEY and self._shared.options.currency is None:
            newest = await self._subscriptions.newest_currency()
            self._currencies |= {newest} if newest is not None else set()
        samples = [
            *self._money(Figure.MRR, found.mrr),
            *self._money(Figure.ARR, {currency: 12 * amount for currency, amount in found.mrr.items()}),
            *self._money(Figure.CHURNED_MRR_30D, found.churned_mrr),
            *self._counted(found.by_status),
            RawSample(Figure.ACTIVE_SUBSCRIBERS.value, found.subscribers),
            RawSample(Figure.CHURNED_SUBSCRIPTIONS_30D.value, found.churned),
        ]
        if found.churn_rate is not None:
            samples.append(RawSample(Figure.CHURN_RATE_30D.value, found.churn_rate))
        return [sample for sample in samples if sample.metric in self._metrics]

    async def _count(self, now: float) -> Counter[str]:
        """How many subscriptions there are of each status, read without anything else."""

        async def take(objects: Sequence[ApiObject]) -> Mapping[str, str]:
            return {found["id"]: str(found.get("status")) for found in objects}

        api, cap = self._shared.api, self._shared.options.max_objects
        listing = await self._statuses.run(lambda: Listing(api, "subscriptions", [{}], take, cap), now)
        return Counter(listing.kept.values())

    def _counted(self, by_status: Counter[str]) -> list[RawSample]:
        return [
            RawSample(metric.value, by_status[status])
            for metric, status in _STATUSES.items()
            if metric in self._metrics
        ]

    def _money(self, metric: Figure, amounts: Amounts) -> list[RawSample]:
        if metric not in self._metrics:
            # Where no such figure is configured, a missing rate is no mistake.
            return []
        known = dict.fromkeys(self._currencies, Fraction())
        return self._shared.converter.samples(metric.value, {**known, **amounts})


class NewSubscriptionCollector(FigureCollector):
    """New subscriptions."""

    METRICS = frozenset({Figure.NEW_SUBSCRIPTIONS_TODAY, Figure.NEW_SUBSCRIPTIONS_30D})
    _NEVER_BEGAN = ("incomplete", "incomplete_expired")

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._feed = Feed(
            shared.api,
            "subscriptions",
            read_counted,
            cap=shared.options.max_objects,
            params={"status": "all"},
            may_change=lambda subscription: subscription.status == "incomplete",
        )

    async def collect(self, now: float) -> Sequence[RawSample]:
        starts = {
            Figure.NEW_SUBSCRIPTIONS_TODAY: period("today", now, self._shared.context.zone).start,
            Figure.NEW_SUBSCRIPTIONS_30D: int(now) - 30 * DAY,
        }
        wanted = {metric: start for metric, start in starts.items() if metric in self._metrics}
        found = await self._feed.objects(min(wanted.values()), now)
        began = [subscription.created for subscription in found if subscription.status not in self._NEVER_BEGAN]
        return [RawSample(metric.value, sum(created >= start for created in began)) for metric, start in wanted.items()]
