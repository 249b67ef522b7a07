"""A source that asks Stripe for the figures of a business."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from smithd.plugin import Context, RawSample, Source, SourceError
from smithd_sources.connection import PATIENCE
from smithd_sources.partly import settle
from smithd_sources.stripe.complaint import together
from smithd_sources.stripe.money import Cashier
from smithd_sources.stripe.options import STRIPE, StripeOptions

if TYPE_CHECKING:
    from smithd_sources.stripe.api import Api
    from smithd_sources.stripe.desk import Desk, Office


class Stripe(Source[StripeOptions]):
    """MRR, revenue, balances and counts of a Stripe account, exact and by currency."""

    Options = StripeOptions

    def __init__(self, options: StripeOptions, context: Context) -> None:
        super().__init__(options, context)
        self._patience = PATIENCE * context.timeout
        self._api: Api | None = None
        self._cashier = Cashier(options.currency, options.rates)
        self._desks: Sequence[Desk] = ()

    @classmethod
    def metrics(cls, options: StripeOptions) -> Collection[str]:
        return options.names()

    async def open(self) -> None:
        from smithd_sources.stripe.api import Api
        from smithd_sources.stripe.desk import Office

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
        self._desks = tuple(open_desks(Office(self._api, options, context, self._cashier)))
        if "_test_" in key and options.api_base == STRIPE:
            context.log.warning(
                "the api_key is one of test mode: these are figures of the sandbox, not of the business"
            )

    async def poll(self) -> Iterable[RawSample]:
        assert self._api is not None  # open comes first
        clock = self.context.clock
        self._api.deadline = clock.monotonic() + self._patience
        now = clock.now()
        answers = await asyncio.gather(*(_asked(desk, now) for desk in self._desks))
        failures = [answer for answer in answers if isinstance(answer, SourceError)]
        if (complaint := self._cashier.complaint()) is not None:
            failures.append(complaint)
        samples = [sample for answer in answers if not isinstance(answer, SourceError) for sample in answer]
        return settle(samples, together(failures))


async def _asked(desk: Desk, now: float) -> Sequence[RawSample] | SourceError:
    try:
        return await desk.answer(now)
    except SourceError as error:
        return error


def open_desks(office: Office) -> Iterator[Desk]:
    """Those that the configured metrics need, and no others."""
    from smithd_sources.stripe.balance_desks import BalanceDesk, PayoutDesk
    from smithd_sources.stripe.counting_desks import CustomerDesk, DisputeDesk, PaymentDesk
    from smithd_sources.stripe.query_desk import QueryDesk
    from smithd_sources.stripe.revenue_desk import RevenueDesk
    from smithd_sources.stripe.subscription_desk import NewSubscriptionDesk, SubscriptionDesk

    wanted = frozenset(metric.value for metric in office.options.metrics)
    for kind in (
        SubscriptionDesk,
        NewSubscriptionDesk,
        RevenueDesk,
        CustomerDesk,
        PaymentDesk,
        DisputeDesk,
        BalanceDesk,
        PayoutDesk,
    ):
        if metrics := wanted & kind.METRICS:
            yield kind(office, metrics)
    for name, query in office.options.query.items():
        yield QueryDesk(office, name, query)
