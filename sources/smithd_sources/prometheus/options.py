"""The options of a source of ``type: prometheus``. No I/O."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from smithd.plugin import Empty, HttpUrl, MetricName, MetricOptions, PositiveDuration
from smithd_sources.http_options import HttpConnectionOptions
from smithd_sources.prometheus.filter import QueryFilter, find_filter
from smithd_sources.prometheus.promql import problem_with_lookback, problem_with_query

STEP = 300.0
"""The longest step of a lookback, in seconds: a server finds a sample for as long, unless configured otherwise."""
MAX_STEPS = 11_000
"""The most that Prometheus itself allows in a range."""


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


class PrometheusMetric(MetricOptions):
    """A PromQL query. Each series of its result is a series of the metric."""

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

    @cached_property
    def _filter(self) -> QueryFilter | None:
        return find_filter(self.query)

    @property
    def default_empty(self) -> Empty:
        """What a query filters out is clear, as in an alerting rule of Prometheus."""
        return Empty.MISSING if self._filter is None else Empty.CLEAR

    @property
    def advice_on_empty(self) -> str:
        return "" if self._filter is None else self._filter.advice

    @property
    def least_fresh_for(self) -> float:
        """What is looked back for counts as the value of now."""
        return self.lookback or 0.0


def _too_many_steps(lookback: float, step: float | None) -> str | None:
    """The problem with a lookback of more steps than a server allows; None where there is none."""
    if (steps := lookback / (step or STEP)) <= MAX_STEPS:
        return None
    return (
        f"{steps:.0f} values would be looked for, and {MAX_STEPS} are the most: expected a longer 'step' (which the "
        "server's own lookback must reach), or a shorter 'lookback'"
    )


def _check_steps(lookback: float, info: ValidationInfo) -> float:
    if (why := _too_many_steps(lookback, info.data.get("step"))) is not None:
        raise ValueError(why)
    return lookback


def _check_queries(metrics: dict[str, PrometheusMetric], info: ValidationInfo) -> dict[str, PrometheusMetric]:
    """Refuses the queries that Prometheus would refuse, each at its own place."""
    is_checked = info.data.get("dialect") is Dialect.PROMQL
    wrong: list[InitErrorDetails] = []
    for name, metric in metrics.items():
        key, why = "query", problem_with_query(metric.query) if is_checked else None
        if why is not None:
            why = f"this is no PromQL as smithd knows it: {why} (where the server takes it: 'dialect: unchecked')"
        elif metric.lookback is not None:
            key, why = "lookback", _too_many_steps(metric.lookback, metric.step or info.data.get("step"))
            if is_checked and problem_with_lookback(metric.query) is not None:
                why = "only a query that brings a vector can look back, not one of a range, a number or a text"
        if why is not None:
            problem = PydanticCustomError("promql", "{why}", {"why": why})
            wrong.append(InitErrorDetails(type=problem, loc=(name, key), input=None))
    # One error with all of them: each mistake keeps its own place in the file.
    if wrong:
        raise ValidationError.from_exception_data("metrics", wrong)
    return metrics


class PrometheusOptions(HttpConnectionOptions):
    """The keys of a source of ``type: prometheus``."""

    url: Annotated[HttpUrl, AfterValidator(_without_the_api)] = Field(description="Prometheus' own address")
    dialect: Dialect = Field(
        Dialect.PROMQL, description="metricsql (VictoriaMetrics' own) and unchecked: queries are not checked here"
    )
    step: PositiveDuration | None = Field(
        None, description="how far apart to look within 'lookback': no longer than the server's own lookback (5m)"
    )
    lookback: Annotated[PositiveDuration, AfterValidator(_check_steps)] | None = Field(
        None,
        description="ask for the newest value within so long; default: for the value of now, as the server sees it",
    )
    max_series: int = Field(1000, ge=1, le=10_000, description="the series of one metric that count")
    metrics: Annotated[dict[MetricName, PrometheusMetric], AfterValidator(_check_queries)] = Field(
        min_length=1, description="metric to PromQL"
    )
