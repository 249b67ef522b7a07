"""Views to render surfaces from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from smithd.alerts.alert import Alert
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.transitions import on_value
from smithd.keys import DEFAULT_ACCOUNT, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import ActivityContent
from smithd.outbox.shown import Shown, ShownActivity, ShownWidget
from smithd.plugin.sample import Labels, Sample, Series
from smithd.series.expected import Expected, ExpectedSource
from smithd.series.state import begin, record
from smithd.surfaces.view import SurfacesView

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC).timestamp()
METRICS = frozenset({"shop.errors", "shop.revenue", "shop.stock"})
RULE = compile_rule(
    "errors", RuleOptions.model_validate({"metric": "shop.errors", "warning": "> 1", "critical": "> 5"})
)


def widget(name: str) -> WidgetKey:
    return WidgetKey(DEFAULT_ACCOUNT, name)


def stream(name: str) -> StreamKey:
    return StreamKey(DEFAULT_ACCOUNT, name)


def view(
    *samples: Sample,
    now: float = NOW,
    started: float = NOW - 3600,
    answered: float | None = None,
    firing: tuple[Alert, ...] = (),
    suppressed: tuple[Alert, ...] = (),
    windows: Collection[str] = (),
    shown: Iterable[Shown] = (),
    on_phone: Iterable[str] = (),
) -> SurfacesView:
    """A view with these samples (fresh for 100 s), these alerts, of which some are suppressed, and what is shown.
    ``windows``: the time windows that are open.
    """
    sources = dict.fromkeys(("shop", "depot"), ExpectedSource(100.0, 20.0))
    expected = Expected(METRICS, frozenset(), sources, {})
    series = begin(expected, started)
    if samples:
        series = record(series, "shop", samples, None, complete=False, fresh_for=100.0, now=NOW).state
    if answered is not None:
        series = record(series, "shop", (), None, complete=not samples, fresh_for=100.0, now=answered).state
    by_rule: dict[str, dict[Labels, Alert]] = {}
    for alert in firing:
        by_rule.setdefault(alert.rule, {})[alert.series.labels] = alert
    known: dict[SurfaceKey, Shown] = {each.key: each for each in shown if isinstance(each.key, SurfaceKey)}
    counting = {
        rule: {labels: alert for labels, alert in of_rule.items() if alert not in suppressed}
        for rule, of_rule in by_rule.items()
    }
    return SurfacesView(
        now,
        series,
        by_rule,
        lambda rule: counting.get(rule, {}),
        windows.__contains__,
        known.get,
        lambda: {stream(name) for name in on_phone},
    )


def sample(metric: str, value: float, at: float = NOW, **labels: str) -> Sample:
    return Sample(Series(metric, tuple(sorted(labels.items()))), value, at)


def open_alert(value: float = 7.0, at: float = NOW) -> Alert:
    """An alert of the rule ``errors``; critical unless the value says otherwise."""
    transition = on_value(RULE, Series("shop.errors"), None, value, at)
    assert transition is not None
    assert transition.after is not None
    return transition.after


def shown_value(name: str, value: float | str, at: float, severity: str | None = None, **rest: Any) -> ShownWidget:
    return ShownWidget(widget(name), value, at, severity=severity, **rest)


def shown_state(name: str, state: Mapping[str, Any], at: float, meaning: str = "", **rest: Any) -> ShownActivity:
    return ShownActivity(stream(name), ActivityContent(state), at, meaning=meaning, **{"since": at, **rest})
