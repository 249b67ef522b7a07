"""A source that asks Prometheus (or what speaks its HTTP API) for the values of PromQL queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin import (
    BadAnswer,
    Context,
    HttpUrl,
    MetricName,
    Misconfigured,
    Options,
    PositiveDuration,
    Sample,
    Source,
    SourceError,
    Threads,
)
from smithd_sources.connection import PATIENCE, Connection
from smithd_sources.number import to_number
from smithd_sources.partly import settle

if TYPE_CHECKING:
    from smithd_sources.prometheus_client import Client, Reply, Window

QUERIES_AT_ONCE = 4
STEPS = 10
"""Into how many steps a lookback is divided, where the configuration does not say."""


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


class PrometheusMetric(Options):
    """A PromQL query; each series of its result is one of the metric's."""

    short_form: ClassVar = {"type": "string"}

    query: Annotated[str, AfterValidator(_not_blank)] = Field(description="PromQL; the text alone means the same")
    lookback: PositiveDuration | None = Field(
        None, description="the newest value within so long counts; default: the source's"
    )
    step: PositiveDuration | None = Field(None, description="how far apart values are looked for within 'lookback'")

    @model_validator(mode="before")
    @classmethod
    def _query_alone(cls, given: Any) -> Any:
        return given if isinstance(given, dict | PrometheusMetric) else {"query": given}

    @model_validator(mode="after")
    def _step_of_a_lookback(self) -> PrometheusMetric:
        if self.step is not None and (self.lookback is None or self.step > self.lookback):
            raise PydanticCustomError("step", "'step' divides a 'lookback', and is no longer than it")
        return self


def _understood(metrics: dict[str, PrometheusMetric], info: ValidationInfo) -> dict[str, PrometheusMetric]:
    """Refuses queries that Prometheus would refuse, each at its own place; a server may know more functions."""
    if info.data.get("dialect") is not Dialect.PROMQL:
        return metrics
    wrong = {name: why for name, metric in metrics.items() if (why := complaint_about(metric.query)) is not None}
    if wrong:
        raise ValidationError.from_exception_data(
            "metrics",
            [
                {"type": PydanticCustomError("promql", "{why}", {"why": why}), "loc": (name, "query"), "input": None}
                for name, why in wrong.items()
            ],
        )
    return metrics


def complaint_about(query: str) -> str | None:
    """What is wrong with a PromQL query, as far as its text alone tells; None where nothing is."""
    import promql_parser

    try:
        promql_parser.parse(query)
    except ValueError as error:
        said = " ".join(str(error).split())
        if not said.startswith("unknown function"):
            return f"this is no PromQL: {said} (with VictoriaMetrics: 'dialect: metricsql')"
    return None


class PrometheusOptions(Connection):
    """What may stand under a source of ``type: prometheus``."""

    url: Annotated[HttpUrl, AfterValidator(_without_the_api)] = Field(description="Prometheus' own address")
    dialect: Dialect = Field(Dialect.PROMQL, description="metricsql: VictoriaMetrics' own, which is not checked here")
    lookback: PositiveDuration | None = Field(
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
        self._client: Client | None = None

    @classmethod
    def metrics(cls, options: PrometheusOptions) -> Collection[str]:
        return options.metrics.keys()

    async def open(self) -> None:
        from smithd_sources.prometheus_client import Client

        options, timeout = self.options, PATIENCE * self.context.timeout
        try:
            self._client = Client(
                options.url,
                options.sent_headers(),
                options.tls.settings(),
                timeout=timeout,
                places=QUERIES_AT_ONCE,
            )
        except OSError as error:
            raise Misconfigured(f"the files under tls cannot be used: {error}") from None

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()

    async def poll(self) -> Iterable[Sample]:
        answers = await asyncio.gather(*(self._ask(name, metric) for name, metric in self.options.metrics.items()))
        failures = [answer for answer in answers if isinstance(answer, SourceError)]
        brought = [answer.samples if isinstance(answer, SourceError) else answer for answer in answers]
        return settle(list(chain.from_iterable(brought)), failures)

    async def _ask(self, name: str, metric: PrometheusMetric) -> list[Sample] | SourceError:
        client = self._client
        assert client is not None  # open comes first
        try:
            reply = await self._threads.run(lambda: client.ask(name, metric.query, self._window(metric)))
            self._pass_on_warnings(name, reply)
            samples = read_reply(name, reply)
        except SourceError as error:
            return error
        if len(samples) <= self.options.max_series:
            return samples
        return BadAnswer(
            f"{name}: {len(samples)} series, and the first {self.options.max_series} count: "
            "aggregate them in the query (sum by, topk), or raise max_series",
            samples=samples[: self.options.max_series],
        )

    def _window(self, metric: PrometheusMetric) -> Window | None:
        lookback = metric.lookback or self.options.lookback
        if lookback is None:
            return None
        from smithd_sources.prometheus_client import Window

        now = self.context.clock.now()
        return Window(now - lookback, now, metric.step or max(lookback / STEPS, 1.0))

    def _pass_on_warnings(self, name: str, reply: Reply) -> None:
        if reply.warnings != self._warned.get(name, ()):
            self._warned[name] = reply.warnings
            for warning in reply.warnings:
                self.context.log.warning("%s: Prometheus warns: %s", name, warning)


def read_reply(name: str, reply: Reply) -> list[Sample]:
    """A reply's samples: one for each series, without those that are NaN or infinite."""
    try:
        if reply.kind == "vector":
            return _read_series(name, reply.result, lambda series: series["value"])
        if reply.kind == "matrix":  # its times are those of values, so they are the samples' own
            return _read_series(name, reply.result, lambda series: series["values"][-1], dated=True)
        return _sample(name, reply.result, {})
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadAnswer(f"{name}: this is no result of a query ({type(error).__name__}: {error})") from None


def _read_series(name: str, result: Any, value_of: Callable[[Any], Any], *, dated: bool = False) -> list[Sample]:
    samples: list[Sample] = []
    seen: set[frozenset[tuple[str, str]]] = set()
    for series in result:
        labels = {label: text for label, text in series["metric"].items() if label != "__name__"}
        if (identity := frozenset(labels.items())) in seen:
            raise Misconfigured(
                f"{name}: two series differ only in their metric's name; ask for one, or aggregate them"
            )
        seen.add(identity)
        if "histogram" in series or "histograms" in series:
            raise Misconfigured(
                f"{name}: the query brings native histograms; take a number of them by histogram_quantile()"
            )
        pair = value_of(series)
        samples += _sample(name, pair, labels, float(pair[0]) if dated else None)
    return samples


def _sample(name: str, pair: Any, labels: dict[str, str], time: float | None = None) -> list[Sample]:
    value = to_number(pair[1], f"{name}: the result")
    return [] if value is None else [Sample(name, value, labels, time)]
