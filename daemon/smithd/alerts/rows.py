"""The alerts on disk: their tables, and every statement on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, select

from smithd.alerts.alert import Alert, AlertKey
from smithd.alerts.alerts import Alerts
from smithd.alerts.damping import Flapping
from smithd.alerts.machine import Hold, Phase
from smithd.alerts.missing import PRESENT, Absence, AbsencePhase
from smithd.alerts.reason import VALUE, Cause, CauseKind
from smithd.alerts.severity import Severity
from smithd.alerts.spell import Spell, Spells
from smithd.storage import delete_by_key, key_parameters, labels_of_text, metadata, text_of_labels, upsert

_ALERTS = Table(
    "alerts",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
_REMOVE = delete_by_key(_ALERTS)
_KEEP = upsert(_ALERTS)
# To look a member up costs a tenth of calling its class, and a start may read tens of thousands.
_SEVERITIES = {severity.value: severity for severity in Severity}
_PHASES = {phase.value: phase for phase in Phase}
_ALIVE = Table("alive", metadata, Column("id", Integer, primary_key=True), Column("at", Float, nullable=False))
_KEEP_ALIVE = upsert(_ALIVE)


class Kept(NamedTuple):
    """What the last run left: its alerts, the flapping of inactive ones, and when it was last known to be alive."""

    alerts: list[Alert]
    flapping: Mapping[AlertKey, Flapping]
    alive_at: float | None


def load(connection: Connection) -> Kept:
    """Read what the last run left; ``resume`` fits it to the rules of today."""
    alerts: list[Alert] = []
    flapping: dict[AlertKey, Flapping] = {}
    for origin, name, labels, written in connection.execute(select(_ALERTS).order_by(*_ALERTS.primary_key)):
        key, state = AlertKey(origin, name, labels_of_text(labels)), json.loads(written)
        if "holds" in state:
            alerts.append(_alert(key, state))
        else:
            flapping[key] = Flapping(*state["flapping"])
    return Kept(alerts, flapping, connection.execute(select(_ALIVE.c.at)).scalar())


def write(connection: Connection, alerts: Alerts, keys: Iterable[AlertKey], now: float) -> None:
    """Write down how the alerts with these keys are, and that the daemon was alive at ``now``: how long an outage
    lasted is counted from here.
    """
    kept, over = [], []
    for key in dict.fromkeys(keys):
        row = {"origin": key.origin, "name": key.name, "labels": text_of_labels(key.labels)}
        alert, flapping = alerts.get(key.rule, key.labels), alerts.flapping.get(key)
        # An inactive alert has a row for as long as it counts as flapping.
        state = _state(alert) if alert is not None else {"flapping": flapping}
        if alert is not None or flapping is not None:
            packed = json.dumps(state, separators=(",", ":"))
            kept.append(row | {"state": packed})
        else:
            over.append(key_parameters(row))
    if kept:
        connection.execute(_KEEP, kept)
    if over:
        connection.execute(_REMOVE, over)
    connection.execute(_KEEP_ALIVE, {"id": 1, "at": now})


def write_all(connection: Connection, alerts: Alerts, now: float) -> None:
    """Replace all that is kept by these alerts."""
    connection.execute(_ALERTS.delete())
    write(connection, alerts, [*(alert.key for alert in alerts), *alerts.flapping], now)


def _state(alert: Alert) -> dict[str, Any]:
    return {
        "metric": alert.metric,
        "holds": [[hold.severity, hold.phase, hold.since, hold.began, hold.baseline] for hold in alert.holds],
        "severity": alert.severity,
        "since": alert.since,
        "fired_at": alert.fired_at,
        "value": alert.value,
        "spells": packed_spells(alert.spells),
        "cause": [alert.cause.kind, alert.cause.source],
        "absence": [alert.absence.phase, alert.absence.since],
        "flapping": alert.flapping,
    }


def _alert(key: AlertKey, state: dict[str, Any]) -> Alert:
    kind, source = state["cause"]
    phase, since = state["absence"]
    return Alert(
        key,
        state["metric"],
        tuple([Hold(_SEVERITIES[severity], _PHASES[at], *rest) for severity, at, *rest in state["holds"]]),
        _severity(state["severity"]),
        state["since"],
        state["fired_at"],
        state["value"],
        unpacked_spells(state["spells"]),
        VALUE if kind == CauseKind.VALUE and not source else Cause(CauseKind(kind), source),
        PRESENT if phase == AbsencePhase.PRESENT and since == PRESENT.since else Absence(AbsencePhase(phase), since),
        Flapping(*state["flapping"]) if state["flapping"] else None,
    )


def packed_spells(spells: Spells) -> list[list[Any]]:
    """Spells as JSON has them."""
    return [[spell.severity, spell.since, spell.until, spell.earlier] for spell in spells]


def unpacked_spells(kept: Iterable[list[Any]]) -> Spells:
    """What ``packed_spells`` made."""
    return tuple([Spell(_SEVERITIES[severity], *times) for severity, *times in kept])


def _severity(given: str | None) -> Severity | None:
    return _SEVERITIES[given] if given else None
