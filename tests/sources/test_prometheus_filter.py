"""Which PromQL queries filter, so that what their answer lacks is clear, and how they are written with a threshold."""

from __future__ import annotations

import pytest

from smithd.plugin import Empty
from smithd_sources.prometheus.options import PrometheusMetric

FILTERS = [
    # query, the query and the threshold that mean the same ("": there is none)
    ("up == 0", "up", "== 0"),
    ("(up == 0)", "up", "== 0"),
    ("8 < node_load5", "node_load5", "> 8"),
    ("-1 >= temperature", "temperature", "<= -1"),
    ("rate(errors[5m]) / rate(requests[5m]) > 0.05", "rate(errors[5m]) / rate(requests[5m])", "> 0.05"),
    ("errors > orders", "", ""),
    ("(free / size * 100 < 5) and readonly == 0", "", ""),
    ("errors > 1 AND ON (job) up", "", ""),
    ("errors unless on (job) maintenance", "", ""),
    ("(errors > 1) * 100", "", ""),
    ("100 - (errors > 1) / 2", "", ""),
    ("-(errors > 1)", "", ""),
    ("count by (job) (up == 0)", "", ""),
    ("count(up == 0) > 2", "", ""),
    ("max_over_time((errors > 1)[10m:1m])", "", ""),
    ('label_replace(up == 0, "a", "$1", "b", "(.*)")', "", ""),
    ("absent(up)", "", ""),
    ('absent_over_time(up{job="x"}[5m])', "", ""),
    ('ALERTS{alertstate="firing"}', "", ""),
    ('{__name__="ALERTS"}', "", ""),
    ("count by (alertname) (ALERTS)", "", ""),
    ("errors > 1 or orders < 2", "", ""),
    ("(errors > bool 1) + (orders > 2)", "", ""),
]
VALUES = [
    "up",
    "sum by (job) (rate(errors[5m]))",
    "errors > bool 5",
    "errors == bool 1 or vector(0)",
    "count(up == 0) or vector(0)",
    "topk(3, errors)",
    "scalar(errors > 1)",
    "vector(1)",
    'errors{le="ALERTS"}',
    "up ==",  # no PromQL that is known here
    "+".join(["a"] * 2000),
]


@pytest.mark.parametrize(("query", "value", "threshold"), FILTERS)
def test_what_a_query_filters_out_is_clear(query: str, value: str, threshold: str) -> None:
    metric = PrometheusMetric.model_validate(query)
    assert metric.default_empty is Empty.CLEAR
    assert "'empty: clear'" in metric.advice_on_empty
    if threshold:
        assert f"query '{value}', in the rule '{threshold}'" in metric.advice_on_empty


@pytest.mark.parametrize("query", VALUES)
def test_what_a_query_of_values_lacks_is_missing(query: str) -> None:
    metric = PrometheusMetric.model_validate(query)
    assert metric.default_empty is Empty.MISSING
    assert metric.advice_on_empty == ""
