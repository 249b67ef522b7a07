"""A source that asks Stripe for the figures of a business."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from smithd.plugin import Context, RawSample, Source, SourceError
from smithd_sources.http_errors import OWN_DEADLINE
from smithd_sources.partial_failure import settle
from smithd_sources.stripe.errors import merge_permissions
from smithd_sources.stripe.money import CurrencyConverter
from smithd_sources.stripe.options import STRIPE, StripeOptions

if TYPE_CHECKING:
    from smithd_sources.stripe.api import Api
    from smithd_sources.stripe.collector import Collector, CollectorContext


class Stripe(Source[StripeOptions]):
    """MRR, revenue, balances and counts of a Stripe account, exact and by currency."""

    Options = StripeOptions

    def __init__(self, options: StripeOptions, context: Context) -> None:
        super().__init__(options, context)
        self._patience = OWN_DEADLINE * context.timeout
        self._api: Api | None = None
        self._converter = CurrencyConverter(options.currency, options.rates)
        self._collectors: Sequence[Collector] = ()

    @classmethod
    def metrics(cls, options: StripeOptions) -> Collection[str]:
        return options.names()

    async def open(self) -> None:
        from smithd_sources.stripe.api import Api
        from smithd_sources.stripe.collector import CollectorContext

        options, context = self.options, self.context
        key = options.api_key.get_secret_value()
        self._api = Api(
            context.http,
            context.clock,
            key=key,
            base=options.api_base,
            account=options.account,
            timeout=self._patience,
        )
        self._collectors = tuple(make_collectors(CollectorContext(self._api, options, context, self._converter)))
        if "_test_" in key and options.api_base == STRIPE:
            context.log.warning(
                "the api_key is one of test mode: these are figures of the sandbox, not of the business"
            )

    async def poll(self) -> Iterable[RawSample]:
        assert self._api is not None  # open comes first
        clock = self.context.clock
        self._api.deadline = clock.monotonic() + self._patience
        now = clock.now()
        answers = await asyncio.gather(*(_asked(collector, now) for collector in self._collectors))
        failures = [answer for answer in answers if isinstance(answer, SourceError)]
        if (complaint := self._converter.complaint()) is not None:
            failures.append(complaint)
        samples = [sample for answer in answers if not isinstance(answer, SourceError) for sample in answer]
        return settle(samples, merge_permissions(failures))


async def _asked(collector: Collector, now: float) -> Sequence[RawSample] | SourceError:
    try:
        return await collector.collect(now)
    except SourceError as error:
        return error


def make_collectors(shared: CollectorContext) -> Iterator[Collector]:
    """Those that the configured metrics need, and no others."""
    from smithd_sources.stripe.balance_collectors import BalanceCollector, PayoutCollector
    from smithd_sources.stripe.counting_collectors import CustomerCollector, DisputeCollector, PaymentCollector
    from smithd_sources.stripe.query_collector import QueryCollector
    from smithd_sources.stripe.revenue_collector import RevenueCollector
    from smithd_sources.stripe.subscription_collectors import NewSubscriptionCollector, SubscriptionCollector

    wanted = frozenset(metric.value for metric in shared.options.metrics)
    for kind in (
        SubscriptionCollector,
        NewSubscriptionCollector,
        RevenueCollector,
        CustomerCollector,
        PaymentCollector,
        DisputeCollector,
        BalanceCollector,
        PayoutCollector,
    ):
        if metrics := wanted & kind.METRICS:
            yield kind(shared, metrics)
    for name, query in shared.options.query.items():
        yield QueryCollector(shared, name, query)
