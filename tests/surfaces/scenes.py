"""Views to word surfaces from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from smithd.alerts.alert import Alert, Transition
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.severity import Severity
from smithd.alerts.transitions import on_value
from smithd.keys import Key
from smithd.outbox.shown import Standing
from smithd.plugin.sample import Sample, Series
from smithd.series.expected import Expected, ExpectedSource
from smithd.series.state import begin, record
from smithd.surfaces.view import View

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC).timestamp()
ERRORS = Series("shop.errors")
METRICS = frozenset({"shop.errors", "shop.revenue", "shop.stock"})
RULE = compile_rule(
    "errors", RuleOptions.model_validate({"metric": "shop.errors", "warning": "> 1", "critical": "> 5"})
)


def view(
    *samples: Sample,
    now: float = NOW,
    started: float = NOW - 3600,
    standings: Mapping[Key, Standing] | None = None,
) -> View:
    """What the surfaces see: these readings (fresh for 100 s), these alerts, these standings."""
    expected = Expected(METRICS, frozenset(), {"shop": ExpectedSource(100.0, 20.0)}, {})
    series = begin(expected, started)
    if samples:
        series = record(series, "shop", samples, None, complete=False, fresh_for=100.0, now=NOW).state
    known = standings or {}
    return View(now, UTC, series, lambda key: known.get(key, Standing()))


def sample(metric: str, value: float, at: float = NOW, **labels: str) -> Sample:
    return Sample(Series(metric, tuple(sorted(labels.items()))), value, at)


def fires(value: float = 7.0, at: float = NOW, series: Series = ERRORS) -> Transition:
    """The transition by which the rule ``errors`` fires on ``series``."""
    transition = on_value(RULE, series, None, value, at)
    assert transition is not None
    return transition


def resolves(alert: Alert, at: float, value: float = 0.5) -> Transition:
    transition = on_value(RULE, alert.series, alert, value, at)
    assert transition is not None
    return transition


def open_alert(value: float = 7.0, at: float = NOW) -> Alert:
    alert = fires(value, at).after
    assert alert is not None
    assert alert.severity in tuple(Severity)
    return alert
