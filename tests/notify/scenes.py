"""Alerts, groups and views to decide about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rpds import HashTrieMap

from smithd.alerts.alert import Alert, Transition
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.severity import Severity
from smithd.alerts.transitions import on_value
from smithd.keys import PushKey
from smithd.notify.config import NotifyConfig, notify_config
from smithd.notify.group import GroupedAlert, GroupKey, GroupScope, LogEntry, NotificationGroup, grouped
from smithd.notify.options import PushOptions
from smithd.notify.silence import Silence
from smithd.notify.suppression import SuppressionOptions, compile_suppressors
from smithd.notify.view import NotifyView
from smithd.outbox.shown import KeyStatus
from smithd.plugin.sample import Labels, Sample, Series
from smithd.series.expected import Expected, ExpectedSource
from smithd.series.state import begin, record

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC).timestamp()
RULE = compile_rule(
    "errors", RuleOptions.model_validate({"metric": "shop.errors", "warning": "> 1", "critical": "> 5"})
)
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def series(host: str = "", metric: str = "shop.errors") -> Series:
    return Series(metric, (("host", host),) if host else ())


def fires(value: float = 7.0, at: float = NOW, host: str = "", rule: str = "errors") -> Transition:
    """The transition by which a rule fires: a warning above 1, critical above 5."""
    transition = on_value(replace(RULE, name=rule), series(host), None, value, at)
    assert transition is not None
    return transition


def changes(alert: Alert | None, value: float, at: float) -> Transition:
    """The transition of an open alert at another value."""
    assert alert is not None
    transition = on_value(replace(RULE, name=alert.rule), alert.series, alert, value, at)
    assert transition is not None
    return transition


def open_alert(value: float = 7.0, at: float = NOW, host: str = "", rule: str = "errors") -> Alert:
    alert = fires(value, at, host, rule).after
    assert alert is not None
    return alert


def alert(severity: Severity = WARNING, host: str = "", at: float = NOW, ended: float | None = None) -> GroupedAlert:
    """An alert of the group of ``errors``."""
    known = grouped(open_alert(7.0 if severity is CRITICAL else 2.0, at, host))
    return replace(known, ended=ended)


def group(
    *alerts: GroupedAlert,
    notified: Mapping[GroupedAlert, Severity] | None = None,
    scope: GroupScope = GroupScope.RULE,
    **log: object,
) -> NotificationGroup:
    """A group of these alerts. ``notified``: what was announced of them, and the text says; ``log``: the log entry's
    other fields.
    """
    severities = {each.id: severity for each, severity in (notified or {}).items()}
    fields: dict[str, Any] = {"severities": HashTrieMap(severities), "named": HashTrieMap(severities)}
    fields |= {"announced": HashTrieMap((id_, NOW) for id_ in severities)} | log
    entry = replace(LogEntry(NOW), **fields)
    return NotificationGroup(
        GroupKey("default", scope, "errors"), HashTrieMap({each.id: each for each in alerts}), entry
    )


def config(*rules: str, push: Mapping[str, object] | None = None, **keys: object) -> NotifyConfig:
    """Rules like ``errors``, notified alike. ``keys``: what suppresses the last of them."""
    names = rules or ("errors",)
    options = {name: SuppressionOptions() for name in names}
    options[names[-1]] = SuppressionOptions.model_validate(keys)
    return notify_config(
        {name: replace(RULE, name=name) for name in names},
        {name: PushOptions.model_validate(dict(push or {})) for name in names},
        compile_suppressors(options),
    )


def view(
    now: float = NOW,
    alerts: Sequence[Alert] = (),
    windows: Mapping[str, float] | None = None,
    silences: Sequence[Silence] = (),
    statuses: Mapping[PushKey, KeyStatus] | None = None,
    samples: Sequence[Sample] = (),
) -> NotifyView:
    """What the decision looks at; nothing was sent but ``statuses``."""
    by_rule: dict[str, dict[Labels, Alert]] = {}
    for each in alerts:
        by_rule.setdefault(each.rule, {})[each.series.labels] = each
    known = statuses or {}
    expected = Expected(frozenset({"shop.errors"}), frozenset(), {"shop": ExpectedSource(100.0, 20.0)}, {})
    state = begin(expected, NOW - 3600)
    if samples:
        state = record(state, "shop", samples, None, True, 100.0, NOW).state
    return NotifyView(now, UTC, by_rule, windows or {}, silences, state, lambda key: known.get(key, KeyStatus()))
