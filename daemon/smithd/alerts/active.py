"""The open alerts, remembered: in memory for judging, on disk for the next start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, select

from smithd.alerts.damping import Unrest
from smithd.alerts.rule import Rule
from smithd.alerts.severity import SEVERITIES, Severity
from smithd.alerts.state import IDLE, Alert, Hold, Phase, Transition, shown_severity, worst_of
from smithd.plugin.sample import Labels, Series
from smithd.storage import metadata, upsert

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

_KEEP = upsert(_ALERTS)
_KEEP_ALIVE = upsert(_ALIVE)


class Active:
    """The alerts that are not inactive, by rule and labels: that is an alert's identity.

    ``calm``: those that are inactive, and no longer restless either; ``save`` is to forget them.
    """

    def __init__(self) -> None:
        self._alerts: dict[str, dict[Labels, Alert]] = {}
        self._restless: dict[tuple[str, Labels], Unrest] = {}
        self.firing: dict[str, dict[Labels, Alert]] = {}
        self.calm: set[tuple[str, Labels]] = set()

    @classmethod
    def load(cls, connection: Connection, rules: Mapping[str, Rule], now: float) -> tuple[Active, list[Alert]]:
        """What the last run left, and, apart, the alerts whose rule is gone, or watches another metric."""
        active, orphans = cls(), []
        alive = connection.execute(select(_ALIVE.c.at)).scalar()
        slept = now - alive if alive is not None else 0.0
        for row in connection.execute(select(_ALERTS)):
            rule, state, labels = rules.get(row.rule), json.loads(row.state), _labels(json.loads(row.labels))
            if "holds" not in state:
                active._rest(row.rule, labels, state, rule, now)
                continue
            if rule is not None and state["metric"] != rule.metric:
                rule = None  # it watches something else now: this alert has nobody to resolve it
            alert = _read(row.rule, labels, state, rule, now, go_on=slept < PENDING_SURVIVES)
            if rule is None:
                orphans.append(alert)
            elif any(hold is not IDLE for hold in (*alert.holds, alert.absent)):
                active._set(alert.rule, alert.series.labels, alert)
            else:
                active.calm.add((alert.rule, labels))
        return active, orphans

    @property
    def by_rule(self) -> Mapping[str, Mapping[Labels, Alert]]:
        """All of them, by rule and labels."""
        return self._alerts

    def _rest(self, name: str, labels: Labels, state: dict[str, Any], rule: Rule | None, now: float) -> None:
        unrest = Unrest(*state["unrest"])
        if rule is not None and unrest.now(rule.damping or 1.0, now) > 0:
            self._restless[name, labels] = unrest
        else:
            self.calm.add((name, labels))

    def get(self, rule: str, labels: Labels) -> Alert | None:
        """The alert of a rule on the series with these labels, None where it is inactive."""
        return self._alerts.get(rule, {}).get(labels)

    def of(self, rule: str) -> Mapping[Labels, Alert]:
        """The alerts of a rule."""
        return self._alerts.get(rule, {})

    def unrest(self, rule: str, labels: Labels) -> Unrest | None:
        """How restless an inactive alert still is."""
        return self._restless.get((rule, labels)) if self._restless else None

    def calm_at(self, rule: Rule, labels: Labels) -> float | None:
        """When an inactive alert is not restless any more; None where it is not now."""
        unrest = self._restless.get((rule.name, labels))
        return unrest.calm_at(rule.damping) if unrest is not None else None

    def calm_down(self, rule: Rule, labels: Labels, now: float) -> None:
        """Let go of the unrest of an inactive alert, if it is over."""
        calm_at = self.calm_at(rule, labels)
        if calm_at is not None and calm_at <= now:
            del self._restless[rule.name, labels]
            self.calm.add((rule.name, labels))

    @property
    def restless(self) -> list[tuple[str, Labels]]:
        """The inactive alerts that are restless still."""
        return list(self._restless)

    def __iter__(self) -> Iterator[Alert]:
        return (alert for alerts in self._alerts.values() for alert in alerts.values())

    def move(self, transition: Transition) -> None:
        """Take a transition into memory."""
        alert = transition.alert
        self._set(alert.rule, alert.series.labels, transition.after)
        self.calm.discard((alert.rule, alert.series.labels))
        if transition.after is None and alert.unrest is not None:
            self._restless[alert.rule, alert.series.labels] = alert.unrest
        else:
            self._restless.pop((alert.rule, alert.series.labels), None)

    def set_clock(self, now: float) -> None:
        """The clock was set: nothing began in the future."""
        for alert in list(self):
            self._set(alert.rule, alert.series.labels, alert.by(now))

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


def save(
    connection: Connection, rules: Mapping[str, Rule], transitions: Iterable[Transition], active: Active, now: float
) -> None:
    """Write the transitions down, which ``active`` has taken, and that the daemon was alive at ``now``."""
    for rule, labels in active.calm:
        forget(connection, rule, labels)
    active.calm.clear()
    for transition in transitions:
        alert = transition.alert
        if transition.after is not None:
            _put(connection, alert, _written(rules[alert.rule], transition.after))
        elif alert.unrest is not None:
            _put(connection, alert, {"unrest": alert.unrest})
        else:
            forget(connection, alert.rule, alert.series.labels)
    keep_alive(connection, now)


def _put(connection: Connection, alert: Alert, state: dict[str, Any]) -> None:
    row = {"rule": alert.rule, "labels": json.dumps(alert.series.labels), "state": json.dumps(state)}
    connection.execute(_KEEP, row)


def keep_alive(connection: Connection, now: float) -> None:
    """Write down that the daemon was alive at ``now``: how long an outage lasted is counted from here."""
    connection.execute(_KEEP_ALIVE, {"id": 1, "at": now})


def forget(connection: Connection, rule: str, labels: Labels) -> None:
    """Delete an alert."""
    connection.execute(_ALERTS.delete().filter_by(rule=rule, labels=json.dumps(labels)))


def _written(rule: Rule, alert: Alert) -> dict[str, Any]:
    severities = [severity for severity, _ in rule.thresholds]
    holds = zip(severities, alert.holds, strict=True)
    return {
        "metric": alert.series.metric,
        "holds": {severity: [hold.phase, hold.since] for severity, hold in holds},
        "severity": alert.severity,
        "since": alert.since,
        "fired_at": alert.fired_at,
        "value": alert.value,
        "worst": alert.worst,
        "cause": alert.cause,
        "absent": [alert.absent.phase, alert.absent.since],
        "baselines": dict(zip(severities, alert.baselines, strict=False)),
        "unrest": alert.unrest,
    }


def _read(name: str, labels: Labels, state: dict[str, Any], rule: Rule | None, now: float, *, go_on: bool) -> Alert:
    """``go_on``: the clocks of pending alerts did not stop meanwhile."""
    found = {Severity(severity): _hold(hold) for severity, hold in state["holds"].items()}
    if not go_on:
        found = {severity: IDLE if hold.phase is Phase.PENDING else hold for severity, hold in found.items()}
    levels = [level for level, _ in rule.thresholds] if rule else list(found)
    holds = _fitted(rule, found, now) if rule else tuple(found.values())
    absent = _hold(state["absent"]) if "absent" in state else IDLE  # an older smithd knew values only
    told = Severity(state["severity"]) if state["severity"] else None
    by_value = shown_severity(zip(levels, holds, strict=True))
    baselines = state.get("baselines", {})
    kept = tuple(baselines.get(level) for level in levels) if baselines else ()
    return Alert(
        name,
        Series(state["metric"], labels),
        holds,
        worst_of(by_value, told) if absent.fires else by_value or told,
        state["since"],
        state["fired_at"],
        state["value"],
        Severity(state["worst"]) if state["worst"] else None,
        state.get("cause", ""),
        absent,
        kept,
        Unrest(*state["unrest"]) if state.get("unrest") else None,
    ).by(now)


def _hold(given: list[Any]) -> Hold:
    phase, since = given
    return IDLE if phase == Phase.INACTIVE else Hold(Phase(phase), since)


def _labels(given: list[list[str]]) -> Labels:
    return tuple((name, value) for name, value in given)


def _fitted(rule: Rule, found: Mapping[Severity, Hold], now: float) -> tuple[Hold, ...]:
    """The remembered holds for the thresholds of today: an edit does not forget an alert that fires.

    A new severity below one that fires, fires too. One that is gone, and was the lowest, leaves its alert waiting for
    the next value, which ends it, or begins what is asked for now.
    """
    holds = [found.get(severity, _above(found, severity)) for severity, _ in rule.thresholds]
    fired = [severity for severity, hold in found.items() if hold.fires]
    if fired and not any(hold.fires for hold in holds):
        if SEVERITIES.index(fired[-1]) > SEVERITIES.index(rule.thresholds[0][0]):
            holds[0] = found[fired[-1]]
        elif holds[0] is IDLE:
            holds[0] = Hold(Phase.PENDING, now)
    return tuple(holds)


def _above(found: Mapping[Severity, Hold], severity: Severity) -> Hold:
    """The lowest hold that fires of the severities above one."""
    above = SEVERITIES[SEVERITIES.index(severity) + 1 :]
    return next((found[higher] for higher in above if higher in found and found[higher].fires), IDLE)
