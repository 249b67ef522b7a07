"""A source that asks Prometheus (or what speaks its HTTP API) for the values of PromQL queries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from smithd.plugin import (
    BadResponse,
    Context,
    HttpUrl,
    MetricName,
    Misconfigured,
    Options,
    PositiveDuration,
    RawSample,
    Source,
    SourceError,
    Threads,
)
from smithd_sources.http_errors import OWN_DEADLINE
from smithd_sources.http_options import HttpConnectionOptions
from smithd_sources.partial_failure import settle
from smithd_sources.prometheus.promql import LookbackQueries, look_back, problem_with_lookback, problem_with_query
from smithd_sources.prometheus.response import QueryResponse, with_times

if TYPE_CHECKING:
    from smithd_sources.prometheus.client import PrometheusClient
    from smithd_sources.prometheus.transport import PendingRequest

QUERIES_AT_ONCE = 4
STEP = 300.0
"""The seconds for which a server finds a sample, where nobody told it otherwise: no longer are a lookback's steps."""
MOST_STEPS = 11_000
"""As many as Prometheus itself allows in a range."""


def _not_blank(query: str) -> str:
    if not query.strip():
        raise ValueError("expected a PromQL query")
    return query


def _without_the_api(url: str) -> str:
    if "/api/v1" in url or "?" in url:
        raise ValueError("expected the address of Prometheus itself, without /api/v1 and without ?")
    return url


class Dialect(StrEnum):
    """The language of the queries."""

    PROMQL = "promql"
    METRICSQL = "metricsql"
    UNCHECKED = "unchecked"


class PrometheusMetric(Options):
    """A PromQL query; each series of its result is one of the metric's."""

    short_form: ClassVar = {"type": "string"}

    query: Annotated[str, AfterValidator(_not_blank)] = Field(description="PromQL; the text alone means the same")
    lookback: PositiveDuration | None = Field(
        None, description="the newest value within so long counts; default: the source's"
    )
    step: PositiveDuration | None = Field(None, description="how far apart to look for it; default: the source's")

    @model_validator(mode="before")
    @classmethod
    def _query_alone(cls, given: Any) -> Any:
        return given if isinstance(given, dict | PrometheusMetric) else {"query": given}

    @model_validator(mode="after")
    def _step_of_a_lookback(self) -> PrometheusMetric:
        if self.step is not None and (self.lookback is None or self.step > self.lookback):
            raise PydanticCustomError("step", "'step' divides a 'lookback', and is no longer than it")
        return self


def _too_many_steps(lookback: float, step: float | None) -> str | None:
    """What there is to say of a lookback that is divided into more steps than a server can be asked for."""
    if (steps := lookback / (step or STEP)) <= MOST_STEPS:
        return None
    return (
        f"{steps:.0f} values would be looked for, and {MOST_STEPS} are the most: expected a longer 'step' (which the "
        "server's own lookback must reach), or a shorter 'lookback'"
    )


def _few_steps(lookback: float, info: ValidationInfo) -> float:
    if (why := _too_many_steps(lookback, info.data.get("step"))) is not None:
        raise ValueError(why)
    return lookback


def _understood(metrics: dict[str, PrometheusMetric], info: ValidationInfo) -> dict[str, PrometheusMetric]:
    """Refuses queries that Prometheus would refuse, each at its own place."""
    wrong = [
        InitErrorDetails(type=PydanticCustomError("promql", "{why}", {"why": why}), loc=(name, key), input=None)
        for name, metric in metrics.items()
        for key, why in _problems_with(metric, info)
    ]
    if wrong:
        raise ValidationError.from_exception_data("metrics", wrong)
    return metrics


def _problems_with(metric: PrometheusMetric, info: ValidationInfo) -> Iterator[tuple[str, str]]:
    """The key at fault, and why."""
    is_checked = info.data.get("dialect") is Dialect.PROMQL
    if is_checked and (said := problem_with_query(metric.query)) is not None:
        yield "query", f"this is no PromQL as smithd knows it: {said} (where the server takes it: 'dialect: unchecked')"
    elif metric.lookback is not None:
        if is_checked and problem_with_lookback(metric.query) is not None:
            yield "lookback", "only a query that brings a vector can look back, not one of a range, a number or a text"
        elif (why := _too_many_steps(metric.lookback, metric.step or info.data.get("step"))) is not None:
            yield "lookback", why


class PrometheusOptions(HttpConnectionOptions):
    """What may stand under a source of ``type: prometheus``."""

    url: Annotated[HttpUrl, AfterValidator(_without_the_api)] = Field(description="Prometheus' own address")
    dialect: Dialect = Field(
        Dialect.PROMQL, description="metricsql (VictoriaMetrics' own) and unchecked: queries are not checked here"
    )
    step: PositiveDuration | None = Field(
        None, description="how far apart to look within 'lookback': no longer than the server's own lookback (5m)"
    )
    lookback: Annotated[PositiveDuration, AfterValidator(_few_steps)] | None = Field(
        None,
        description="ask for the newest value within so long; default: for the value of now, as the server sees it",
    )
    max_series: int = Field(1000, ge=1, le=10_000, description="the series of one metric that count")
    metrics: Annotated[dict[MetricName, PrometheusMetric], AfterValidator(_understood)] = Field(
        min_length=1, description="metric to PromQL"
    )


class Prometheus(Source[PrometheusOptions]):
    """Values of PromQL queries, from a Prometheus server or what speaks its HTTP API."""

    Options = PrometheusOptions

    def __init__(self, options: PrometheusOptions, context: Context) -> None:
        super().__init__(options, context)
        self._threads = Threads(f"ask {context.name}", places=QUERIES_AT_ONCE)
        self._warned: dict[str, tuple[str, ...]] = {}
        self._client: PrometheusClient | None = None

    @classmethod
    def metrics(cls, options: PrometheusOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        self._client = await self._threads.run(self._make_client)  # its libraries are heavy, and so are authorities

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
            )
        except OSError as error:
            raise Misconfigured(f"the files under tls cannot be used: {error}") from None

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()

    async def poll(self) -> Iterable[RawSample]:
        answers = await asyncio.gather(*(self._ask(name, metric) for name, metric in self.options.metrics.items()))
        failures = [answer for answer in answers if isinstance(answer, SourceError)]
        brought = [answer.samples if isinstance(answer, SourceError) else answer for answer in answers]
        return settle(list(chain.from_iterable(brought)), failures)

    async def _ask(self, name: str, metric: PrometheusMetric) -> list[RawSample] | SourceError:
        from smithd_sources.prometheus.transport import PendingRequest

        assert self._client is not None  # open comes first
        pending = PendingRequest()
        try:
            async with asyncio.timeout(OWN_DEADLINE * self.context.timeout):
                response = await self._threads.run(partial(self._asked, pending, name, metric))
        except SourceError as error:
            return error
        except TimeoutError:
            return self._client.late(pending)
        finally:
            pending.end()  # a thread that nobody waits for any more gives back its place
        self._pass_on_warnings(name, response)
        if not response.cut:
            return list(response.samples)
        return BadResponse(
            f"{name}: more than {self.options.max_series} series, and the first {self.options.max_series} count: "
            "aggregate them in the query (sum by, topk), or raise max_series",
            samples=response.samples,
        )

    def _asked(self, pending: PendingRequest, name: str, metric: PrometheusMetric) -> QueryResponse:
        """The answer to a metric's query; in a thread."""
        client, most = self._client, self.options.max_series
        assert client is not None
        query = self._looking_back(metric)
        if query is None:
            return client.ask(pending, name, metric.query, most)
        now = self.context.clock.now()
        times = client.ask(pending, name, query.times, most, now)
        return with_times(client.ask(pending, name, query.values, most, now), times)

    def _looking_back(self, metric: PrometheusMetric) -> LookbackQueries | None:
        lookback = metric.lookback or self.options.lookback
        if lookback is None:
            return None
        if self.options.dialect is Dialect.PROMQL and problem_with_lookback(metric.query) is not None:
            return None  # a range has its own times, and a number is true at any time
        step = metric.step or self.options.step or STEP
        return look_back(metric.query, lookback, min(step, lookback))

    def _pass_on_warnings(self, name: str, response: QueryResponse) -> None:
        if response.warnings != self._warned.get(name, ()):
            self._warned[name] = response.warnings
            for warning in response.warnings:
                self.context.log.warning("%s: Prometheus warns: %s", name, warning)
