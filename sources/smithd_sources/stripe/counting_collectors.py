"""Figures that are counts: new customers, failed payments, open disputes."""

from __future__ import annotations

from collections.abc import Sequence

from smithd.plugin import RawSample
from smithd_sources.stripe.collector import CollectorContext, FigureCollector
from smithd_sources.stripe.lists import Feed, read_counted
from smithd_sources.stripe.options import Figure
from smithd_sources.stripe.periods import DAY, period


class CustomerCollector(FigureCollector):
    """New customers."""

    METRICS = frozenset({Figure.NEW_CUSTOMERS_TODAY})

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._feed = Feed(shared.api, "customers", read_counted, cap=shared.options.max_objects)

    async def collect(self, now: float) -> Sequence[RawSample]:
        found = await self._feed.objects(period("today", now, self._shared.context.zone).start, now)
        return [RawSample(Figure.NEW_CUSTOMERS_TODAY.value, len(found))]


class PaymentCollector(FigureCollector):
    """Payments that failed."""

    METRICS = frozenset({Figure.FAILED_PAYMENTS_24H})

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._feed = Feed(
            shared.api,
            "charges",
            read_counted,
            cap=shared.options.max_objects,
            may_change=lambda charge: charge.status == "pending",
        )

    async def collect(self, now: float) -> Sequence[RawSample]:
        found = await self._feed.objects(int(now) - DAY, now)
        return [RawSample(Figure.FAILED_PAYMENTS_24H.value, sum(charge.status == "failed" for charge in found))]


class DisputeCollector(FigureCollector):
    """Disputes that are not decided yet."""

    METRICS = frozenset({Figure.OPEN_DISPUTES})
    _OPEN = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        super().__init__(shared, metrics)
        self._feed = Feed(
            shared.api,
            "disputes",
            read_counted,
            cap=shared.options.max_objects,
            may_change=lambda dispute: dispute.status in self._OPEN,
        )

    async def collect(self, now: float) -> Sequence[RawSample]:
        found = await self._feed.objects(0, now)
        return [RawSample(Figure.OPEN_DISPUTES.value, sum(dispute.status in self._OPEN for dispute in found))]
