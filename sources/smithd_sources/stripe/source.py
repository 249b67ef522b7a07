"""A source that polls Stripe for the figures of a business."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from smithd.plugin import Context, MetricOptions, RawSample, Source, SourceError
from smithd_sources.http_errors import OWN_DEADLINE
from smithd_sources.masking import masked
from smithd_sources.partial_failure import settle
from smithd_sources.stripe.errors import merge_permissions
from smithd_sources.stripe.money import CurrencyConverter
from smithd_sources.stripe.options import STRIPE, StripeOptions

if TYPE_CHECKING:
    from smithd_sources.stripe.api import Api
    from smithd_sources.stripe.collector import Collector


class Stripe(Source[StripeOptions]):
    """MRR, revenue, balances and counts of a Stripe account, exact and by currency."""

    Options = StripeOptions
    masks_errors = True

    def __init__(self, options: StripeOptions, context: Context) -> None:
        super().__init__(options, context)
        self._timeout = OWN_DEADLINE * context.timeout
        self._api: Api | None = None
        self._converter = CurrencyConverter(options.currency, options.rates)
        self._collectors: Sequence[Collector] = ()

    @classmethod
    def metrics(cls, options: StripeOptions) -> Collection[str]:
        return options.names()

    @classmethod
    def metric_options(cls, options: StripeOptions) -> Mapping[str, MetricOptions]:
        # What is counted from midnight on starts again there.
        daily = [figure.value for figure in options.metrics if figure.counts_from_midnight]
        return {**dict.fromkeys(daily, MetricOptions(counter="daily")), **options.query}

    async def open(self) -> None:
        # The official library is heavy: it is imported when a source is first opened.
        from smithd_sources.stripe.api import Api
        from smithd_sources.stripe.balance_collectors import BalanceCollector, PayoutCollector
        from smithd_sources.stripe.collector import CollectorContext
        from smithd_sources.stripe.counting_collectors import CustomerCollector, DisputeCollector, PaymentCollector
        from smithd_sources.stripe.query_collector import QueryCollector
        from smithd_sources.stripe.revenue_collector import RevenueCollector
        from smithd_sources.stripe.subscription_collectors import NewSubscriptionCollector, SubscriptionCollector

        options, context = self.options, self.context
        key = options.api_key.get_secret_value()
        self._api = Api(
            context.http,
            context.clock,
            key=key,
            base=options.api_base,
            account=options.account,
            timeout=self._timeout,
        )
        # The collectors that the configured metrics need, and no others: each asks for permissions of its own.
        shared = CollectorContext(self._api, options, context, self._converter)
        wanted = frozenset(figure.value for figure in options.metrics)
        kinds = (
            SubscriptionCollector,
            NewSubscriptionCollector,
            RevenueCollector,
            CustomerCollector,
            PaymentCollector,
            DisputeCollector,
            BalanceCollector,
            PayoutCollector,
        )
        collectors: list[Collector] = [kind(shared, metrics) for kind in kinds if (metrics := wanted & kind.METRICS)]
        collectors += [QueryCollector(shared, name, query) for name, query in options.query.items()]
        self._collectors = collectors

        if "_test_" in key and options.api_base == STRIPE:
            context.log.warning(
                "the api_key is one of test mode: these are figures of the sandbox, not of the business"
            )

    async def poll(self) -> Iterable[RawSample]:
        # Another server at 'api_base' may repeat the key in its answer.
        with masked(self.context, lambda: [self.options.api_key.get_secret_value()]):
            return await self._collect()

    async def _collect(self) -> Iterable[RawSample]:
        assert self._api is not None  # open comes first
        clock = self.context.clock
        self._api.deadline = clock.monotonic() + self._timeout
        now = clock.now()
        samples: list[RawSample] = []
        failures: list[SourceError] = []

        # The failure of one collector must not cancel the others: their figures still count.
        async def collect(collector: Collector) -> Sequence[RawSample] | SourceError:
            try:
                return await collector.collect(now)
            except SourceError as error:
                return error

        for collected in await asyncio.gather(*map(collect, self._collectors)):
            if isinstance(collected, SourceError):
                failures.append(collected)
                samples += collected.samples
            else:
                samples += collected
        # All collectors share the converter, so a missing rate is reported once.
        if (missing_rates := self._converter.take_missing_rates()) is not None:
            failures.append(missing_rates)
        return settle(samples, merge_permissions(failures))
