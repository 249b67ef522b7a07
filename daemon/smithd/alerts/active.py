"""The open alerts, remembered: in memory for judging, on disk for the next start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from smithd.alerts.rule import Rule, Severity
from smithd.alerts.state import IDLE, Alert, Hold, Phase, Transition, shown_severity
from smithd.database import metadata
from smithd.plugin.sample import Labels, Series

PENDING_SURVIVES = 3600.0
"""An outage shorter than this (seconds) does not stop the clocks of pending alerts."""

_ALERTS = Table(
    "alerts",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
_ALIVE = Table("alive", metadata, Column("id", Integer, primary_key=True), Column("at", Float, nullable=False))


class Active:
    """The alerts that are not inactive, by rule and labels: that is an alert's identity."""

    def __init__(self) -> None:
        self._alerts: dict[str, dict[Labels, Alert]] = {}
        self.firing: dict[str, dict[Labels, Alert]] = {}

    @classmethod
    def load(cls, connection: Connection, rules: Mapping[str, Rule], now: float) -> tuple[Active, list[Alert]]:
        """What the last run left, and, apart, the alerts whose rule is gone, or watches another metric."""
        active, orphans = cls(), []
        alive = connection.execute(select(_ALIVE.c.at)).scalar()
        slept = now - alive if alive is not None else 0.0
        for row in connection.execute(select(_ALERTS)):
            rule = rules.get(row.rule)
            if rule is not None and json.loads(row.state)["metric"] != rule.metric:
                rule = None  # it watches something else now: this alert has nobody to resolve it
            alert = _read(row.rule, json.loads(row.labels), json.loads(row.state), rule)
            if slept >= PENDING_SURVIVES:
                alert = replace(
                    alert, holds=tuple(IDLE if hold.phase is Phase.PENDING else hold for hold in alert.holds)
                )
            if rule is None:
                orphans.append(alert)
            elif any(hold is not IDLE for hold in alert.holds):
                active._set(alert.rule, alert.series.labels, alert)
        return active, orphans

    @property
    def by_rule(self) -> Mapping[str, Mapping[Labels, Alert]]:
        """All of them, by rule and labels."""
        return self._alerts

    def get(self, rule: str, labels: Labels) -> Alert | None:
        """The alert of a rule on the series with these labels, None where it is inactive."""
        return self._alerts.get(rule, {}).get(labels)

    def __iter__(self) -> Iterator[Alert]:
        return (alert for alerts in self._alerts.values() for alert in alerts.values())

    def move(self, transition: Transition) -> None:
        """Take a transition into memory."""
        alert = transition.alert
        self._set(alert.rule, alert.series.labels, transition.after)

    def _set(self, rule: str, labels: Labels, alert: Alert | None) -> None:
        alerts = self._alerts.setdefault(rule, {})
        if alert is None:
            alerts.pop(labels, None)
        else:
            alerts[labels] = alert
        firing = self.firing.setdefault(rule, {})
        if alert is not None and alert.severity is not None:
            firing[labels] = alert
        else:
            firing.pop(labels, None)
        if not firing:
            del self.firing[rule]


def save(connection: Connection, rules: Mapping[str, Rule], transitions: Iterable[Transition], now: float) -> None:
    """Write the transitions down, and that the daemon was alive at ``now``."""
    for transition in transitions:
        alert = transition.alert
        key = {"rule": alert.rule, "labels": json.dumps(alert.series.labels)}
        if transition.after is None:
            connection.execute(_ALERTS.delete().filter_by(**key))
        else:
            state = json.dumps(_written(rules[alert.rule], transition.after))
            row = insert(_ALERTS).values(**key, state=state)
            connection.execute(row.on_conflict_do_update(index_elements=["rule", "labels"], set_={"state": state}))
    keep_alive(connection, now)


def keep_alive(connection: Connection, now: float) -> None:
    """Write down that the daemon was alive at ``now``: how long an outage lasted is counted from here."""
    row = insert(_ALIVE).values(id=1, at=now)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"at": now}))


def forget(connection: Connection, alert: Alert) -> None:
    """Delete an alert whose rule is gone."""
    connection.execute(_ALERTS.delete().filter_by(rule=alert.rule, labels=json.dumps(alert.series.labels)))


def _written(rule: Rule, alert: Alert) -> dict[str, Any]:
    holds = zip(rule.thresholds, alert.holds, strict=True)
    return {
        "metric": alert.series.metric,
        "holds": {severity: [hold.phase, hold.since] for (severity, _), hold in holds},
        "since": alert.since,
        "fired_at": alert.fired_at,
        "value": alert.value,
        "worst": alert.worst,
        "cause": alert.cause,
    }


def _read(name: str, labels: list[list[str]], state: dict[str, Any], rule: Rule | None) -> Alert:
    found = {severity: Hold(Phase(phase), since) for severity, (phase, since) in state["holds"].items()}
    series = Series(state["metric"], tuple((name, value) for name, value in labels))
    levels = [level for level, _ in rule.thresholds] if rule else [Severity(level) for level in found]
    holds = _fitted(rule, found) if rule else tuple(found.values())
    severity = shown_severity(zip(levels, holds, strict=True))
    peak = Severity(state["worst"]) if state["worst"] else None
    cause = state.get("cause", "")  # an older smithd knew values only
    return Alert(name, series, holds, severity, state["since"], state["fired_at"], state["value"], peak, cause)


def _fitted(rule: Rule, found: Mapping[str, Hold]) -> tuple[Hold, ...]:
    """The remembered holds for the thresholds of today: an edit does not forget an alert that fires."""
    holds = [found.get(severity, IDLE) for severity, _ in rule.thresholds]
    fired = [hold for hold in found.values() if hold.fires]
    if fired and not any(hold.fires for hold in holds):
        holds[0] = fired[0]
    return tuple(holds)
