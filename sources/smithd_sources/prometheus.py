"""A source that asks Prometheus (or what speaks its HTTP API) for instant values of PromQL queries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from smithd.plugin import (
    BadAnswer,
    Context,
    HttpUrl,
    MetricName,
    Misconfigured,
    Options,
    Sample,
    Source,
    SourceError,
    Threads,
)
from smithd_sources.connection import PATIENCE, Connection
from smithd_sources.number import to_number
from smithd_sources.partly import settle

if TYPE_CHECKING:
    from smithd_sources.prometheus_client import Client, Reply

QUERIES_AT_ONCE = 4


def _not_blank(query: str) -> str:
    if not query.strip():
        raise ValueError("expected a PromQL query")
    return query


def _without_the_api(url: str) -> str:
    if "/api/v1" in url or "?" in url:
        raise ValueError("expected the address of Prometheus itself, without /api/v1 and without ?")
    return url


class PrometheusMetric(Options):
    """A PromQL query; each series of its result is one of the metric's."""

    short_form: ClassVar = {"type": "string"}

    query: Annotated[str, AfterValidator(_not_blank)] = Field(description="PromQL; the text alone means the same")

    @model_validator(mode="before")
    @classmethod
    def _query_alone(cls, given: Any) -> Any:
        return given if isinstance(given, dict | PrometheusMetric) else {"query": given}


class PrometheusOptions(Connection):
    """What may stand under a source of ``type: prometheus``."""

    url: Annotated[HttpUrl, AfterValidator(_without_the_api)] = Field(description="Prometheus' own address")
    metrics: dict[MetricName, PrometheusMetric] = Field(min_length=1, description="metric to PromQL")


class Prometheus(Source[PrometheusOptions]):
    """Instant values of PromQL queries, from a Prometheus server or what speaks its HTTP API."""

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
                options.url, options.sent_headers(), options.tls.settings(), timeout=timeout, places=QUERIES_AT_ONCE
            )
        except OSError as error:
            raise Misconfigured(f"the files under tls cannot be used: {error}") from None

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()

    async def poll(self) -> Iterable[Sample]:
        answers = await asyncio.gather(*(self._ask(name, metric) for name, metric in self.options.metrics.items()))
        failures = [answer for answer in answers if isinstance(answer, SourceError)]
        return settle([sample for answer in answers if isinstance(answer, list) for sample in answer], failures)

    async def _ask(self, name: str, metric: PrometheusMetric) -> list[Sample] | SourceError:
        client = self._client
        assert client is not None  # open comes first
        try:
            reply = await self._threads.run(lambda: client.ask(name, metric.query))
            self._pass_on_warnings(name, reply)
            return read_reply(name, reply)
        except SourceError as error:
            return error

    def _pass_on_warnings(self, name: str, reply: Reply) -> None:
        if reply.warnings != self._warned.get(name, ()):
            self._warned[name] = reply.warnings
            for warning in reply.warnings:
                self.context.log.warning("%s: Prometheus warns: %s", name, warning)


def read_reply(name: str, reply: Reply) -> list[Sample]:
    """A reply's samples: one for each series, without those that are NaN or infinite."""
    if reply.kind == "matrix":
        raise Misconfigured(
            f"{name}: the query brings a range of values where one is needed: leave out the range at its end, "
            "or wrap it, as in last_over_time(...[5m])"
        )
    try:
        if reply.kind == "vector":
            return _read_vector(name, reply.result)
        return _sample(name, reply.result, {})
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadAnswer(f"{name}: this is no result of a query ({type(error).__name__}: {error})") from None


def _read_vector(name: str, result: Any) -> list[Sample]:
    samples: list[Sample] = []
    seen: set[frozenset[tuple[str, str]]] = set()
    for series in result:
        labels = {label: text for label, text in series["metric"].items() if label != "__name__"}
        if (identity := frozenset(labels.items())) in seen:
            raise Misconfigured(
                f"{name}: two series differ only in their metric's name; ask for one, or aggregate them"
            )
        seen.add(identity)
        if "histogram" in series:
            raise Misconfigured(
                f"{name}: the query brings native histograms; take a number of them by histogram_quantile()"
            )
        samples += _sample(name, series["value"], labels)
    return samples


def _sample(name: str, pair: Any, labels: dict[str, str]) -> list[Sample]:
    value = to_number(pair[1], f"{name}: the result")
    return [] if value is None else [Sample(name, value, labels)]
