"""A harness that polls the Stripe source on a made-up account, at a time that stands still unless a test moves it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from typing import Any

from fake_stripe import KEY, FakeStripe
from fakes import FakeClock
from smithd.plugin import Context, Http, RawSample
from smithd_sources.stripe.source import Stripe

Values = dict[Any, float]
LOG = logging.getLogger("smithd.sources.billing")


class StripeHarness:
    """An opened source, its clock, and the account that it polls."""

    def __init__(self, source: Stripe, account: FakeStripe, clock: FakeClock) -> None:
        self.source = source
        self.account = account
        self.clock = clock

    async def poll(self) -> Values:
        """The values of a poll, by metric; of a metric with labels, by metric and labels."""
        return by_name(list(await self.source.poll()))

    def later(self, seconds: float) -> None:
        """Let time pass, for the source and for Stripe."""
        self.clock.time += seconds
        self.account.now = int(self.clock.time)


def by_name(samples: Iterable[RawSample]) -> Values:
    """Samples as a dict, which none may overwrite."""
    figures: Values = {}
    for sample in samples:
        name = (sample.metric, *sample.labels.values()) if sample.labels else sample.metric
        assert name not in figures
        figures[name] = sample.value
    return figures


@asynccontextmanager
async def opened(
    given: Mapping[str, Any], clock: FakeClock, zone: tzinfo = UTC, deadline: float = 20.0
) -> AsyncIterator[Stripe]:
    """A source with these options."""
    http = Http()
    source = Stripe(Stripe.Options.model_validate(given), Context("billing", deadline, clock, http, LOG, zone))
    try:
        await source.open()
        yield source
    finally:
        await source.close()
        await http.aclose()


def poll_once(url: str, key: str, metrics: Sequence[str], clock: FakeClock, **options: Any) -> list[RawSample]:
    """What one poll brings from this address."""

    async def poll() -> list[RawSample]:
        given = {"api_key": key, "api_base": url, "metrics": list(metrics), **options}
        async with opened(given, clock) as source:
            return list(await source.poll())

    return asyncio.run(poll())


@asynccontextmanager
async def opened_harness(
    account: FakeStripe, metrics: Sequence[str] = (), /, *, zone: tzinfo = UTC, deadline: float = 20.0, **options: Any
) -> AsyncIterator[StripeHarness]:
    """The source with these metrics and options, opened on this account."""
    given = {"api_key": KEY, "api_base": account.url, "metrics": list(metrics), **options}
    clock = FakeClock(account.now)
    async with opened(given, clock, zone, deadline) as source:
        yield StripeHarness(source, account, clock)


def ask(account: FakeStripe, /, *metrics: str, **options: Any) -> Values:
    """What one poll brings."""

    async def steps(harness: StripeHarness) -> Values:
        return await harness.poll()

    return run_steps(account, steps, *metrics, **options)


def run_steps(
    account: FakeStripe, steps: Callable[[StripeHarness], Awaitable[Values]], /, *metrics: str, **options: Any
) -> Values:
    """What the steps return, which run on an opened source."""

    async def run() -> Values:
        async with opened_harness(account, metrics, **options) as asked:
            return await steps(asked)

    return asyncio.run(run())
