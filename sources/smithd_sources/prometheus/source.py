"""A source that polls Prometheus (or what speaks its HTTP API) for the values of PromQL queries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from smithd.plugin import (
    BadResponse,
    Context,
    MetricOptions,
    Misconfigured,
    PartialSamples,
    RawSample,
    Source,
    SourceError,
    Threads,
    quoted,
)
from smithd_sources.http_errors import OWN_DEADLINE
from smithd_sources.http_options import AuthOptions
from smithd_sources.masking import masked
from smithd_sources.partial_failure import settle
from smithd_sources.prometheus.options import STEP, Dialect, PrometheusMetric, PrometheusOptions
from smithd_sources.prometheus.promql import LookbackQueries, look_back, problem_with_lookback
from smithd_sources.prometheus.response import QueryResponse, with_times

if TYPE_CHECKING:
    from smithd_sources.prometheus.client import PrometheusClient

QUERIES_AT_ONCE = 4


class Prometheus(Source[PrometheusOptions]):
    """Values of PromQL queries, from a Prometheus server or what speaks its HTTP API."""

    Options = PrometheusOptions
    masks_errors = True
    own_descriptors = QUERIES_AT_ONCE

    def __init__(self, options: PrometheusOptions, context: Context) -> None:
        super().__init__(options, context)
        self._threads = Threads(f"ask {context.name}", places=QUERIES_AT_ONCE)
        self._warned: dict[str, tuple[str, ...]] = {}
        self._client: PrometheusClient | None = None

    @classmethod
    def metrics(cls, options: PrometheusOptions) -> Collection[str]:
        return options.metrics.keys()

    @classmethod
    def metric_options(cls, options: PrometheusOptions) -> Mapping[str, MetricOptions]:
        return {
            name: metric.model_copy(update={"lookback": metric.lookback or options.lookback})
            for name, metric in options.metrics.items()
        }

    async def open(self) -> None:
        # In a thread: the client's libraries take long to import, and so do certificate authorities to load.
        self._client = await self._threads.run(self._make_client)

    def _make_client(self) -> PrometheusClient:
        from smithd_sources.prometheus.client import PrometheusClient

        options = self.options
        try:
            return PrometheusClient(
                options.url,
                options.sent_headers(),
                options.tls.settings(),
                timeout=self.context.timeout,
                places=QUERIES_AT_ONCE,
                clock=self.context.clock,
                zone=self.context.zone,
                ways={way: getattr(options.auth, way, None) is not None for way in AuthOptions.ways},
            )
        except OSError as error:
            raise Misconfigured(f"the files under tls cannot be used: {error}") from None

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()

    async def poll(self) -> Iterable[RawSample]:
        with masked(self.context, self.options.secrets):
            return await self._queried()

    async def _queried(self) -> Iterable[RawSample]:
        answers = await asyncio.gather(*(self._query(name, metric) for name, metric in self.options.metrics.items()))
        failures = [answer for answer in answers if isinstance(answer, SourceError)]
        samples = list(chain.from_iterable(each.samples for each in answers))
        is_partial = any(isinstance(answer, QueryResponse) and answer.partial for answer in answers)
        return settle(PartialSamples(samples) if is_partial else samples, failures)

    async def _query(self, name: str, metric: PrometheusMetric) -> QueryResponse | SourceError:
        from smithd_sources.prometheus.transport import PendingRequest

        client, pending, most = self._client, PendingRequest(), self.options.max_series
        assert client is not None  # open comes first

        def query() -> QueryResponse:
            queries = self._lookback_queries(metric)
            if queries is None:
                return client.query(pending, name, metric.query, most)
            # Both queries are for the same moment: else a value could have the time of another one.
            now = self.context.clock.now()
            times = client.query(pending, name, queries.times, most, now)
            return with_times(client.query(pending, name, queries.values, most, now), times)

        try:
            async with asyncio.timeout(OWN_DEADLINE * self.context.timeout):
                response = await self._threads.run(query)
        except SourceError as error:
            return error
        except TimeoutError:
            return client.too_late(pending)
        finally:
            # A thread that is late then ends soon, and gives back its place.
            pending.end()
        if response.warnings != self._warned.get(name, ()):
            self._warned[name] = response.warnings
            for warning in response.warnings:
                said = self.context.redactor.clean(quoted(warning))
                self.context.log.warning("%s.%s: Prometheus warns: %s", self.context.name, name, said)
        if not response.cut:
            return response
        return BadResponse(
            f"{name}: more than {most} series, and the first {most} count: "
            "aggregate them in the query (sum by, topk), or raise max_series",
            samples=response.samples,
        )

    def _lookback_queries(self, metric: PrometheusMetric) -> LookbackQueries | None:
        """The queries for the newest value within the configured time; None where the plain query is asked."""
        lookback = metric.lookback or self.options.lookback
        if lookback is None:
            return None
        if self.options.dialect is Dialect.PROMQL and problem_with_lookback(metric.query) is not None:
            # A range brings its own times, and a number is true at any time.
            return None
        step = metric.step or self.options.step or STEP
        return look_back(metric.query, lookback, min(step, lookback))
