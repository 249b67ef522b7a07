"""Figures that are counts: new customers, failed payments, open disputes."""

from __future__ import annotations

from collections.abc import Sequence

from smithd.plugin import RawSample
from smithd_sources.stripe.desk import FigureDesk, Office
from smithd_sources.stripe.options import Metric
from smithd_sources.stripe.pages import Feed, seen
from smithd_sources.stripe.periods import DAY, period


class CustomerDesk(FigureDesk):
    """New customers."""

    METRICS = frozenset({Metric.NEW_CUSTOMERS_TODAY})

    def __init__(self, office: Office, metrics: frozenset[str]) -> None:
        super().__init__(office, metrics)
        self._feed = Feed(office.api, "customers", seen, cap=office.options.max_objects)

    async def answer(self, now: float) -> Sequence[RawSample]:
        found = await self._feed.facts(period("today", now, self._office.context.zone).start, now)
        return [RawSample(Metric.NEW_CUSTOMERS_TODAY.value, len(found))]


class PaymentDesk(FigureDesk):
    """Payments that failed."""

    METRICS = frozenset({Metric.FAILED_PAYMENTS_24H})

    def __init__(self, office: Office, metrics: frozenset[str]) -> None:
        super().__init__(office, metrics)
        self._feed = Feed(
            office.api,
            "charges",
            seen,
            cap=office.options.max_objects,
            may_change=lambda charge: charge.status == "pending",
        )

    async def answer(self, now: float) -> Sequence[RawSample]:
        found = await self._feed.facts(int(now) - DAY, now)
        return [RawSample(Metric.FAILED_PAYMENTS_24H.value, sum(charge.status == "failed" for charge in found))]


class DisputeDesk(FigureDesk):
    """Disputes that are not decided."""

    METRICS = frozenset({Metric.OPEN_DISPUTES})
    _OPEN = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")

    def __init__(self, office: Office, metrics: frozenset[str]) -> None:
        super().__init__(office, metrics)
        self._feed = Feed(
            office.api,
            "disputes",
            seen,
            cap=office.options.max_objects,
            may_change=lambda dispute: dispute.status in self._OPEN,
        )

    async def answer(self, now: float) -> Sequence[RawSample]:
        found = await self._feed.facts(0, now)
        return [RawSample(Metric.OPEN_DISPUTES.value, sum(dispute.status in self._OPEN for dispute in found))]
