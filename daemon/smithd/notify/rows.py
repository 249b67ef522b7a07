"""The notification groups and the silences on disk: their tables, and every statement on them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from rpds import HashTrieMap
from sqlalchemy import Column, Connection, Float, Integer, Table, Text, bindparam, select

from smithd.alerts.alert import AlertKey
from smithd.alerts.reason import Cause, pack, unpack
from smithd.alerts.severity import Severity
from smithd.notify.group import AlertId, GroupedAlert, GroupKey, Groups, GroupScope, LogEntry, NotificationGroup
from smithd.notify.matcher import parse_matchers
from smithd.notify.silence import Silence, Silences
from smithd.plugin.sample import Labels
from smithd.storage import IDS_USED_ONCE, metadata, upsert

_GROUPS = Table(
    "notification_groups",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
_KEEP_GROUP = upsert(_GROUPS)

# A group may have a thousand alerts, of which one changes: each is a row, and one text.
_ALERTS = Table(
    "grouped_alerts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("alert", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
_KEEP_ALERT = upsert(_ALERTS)
_DROP_ALERT = _ALERTS.delete().where(*(column == bindparam(f"gone_{column.name}") for column in _ALERTS.primary_key))

_SILENCES = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("matchers", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("starts", Float, nullable=False),
    Column("ends", Float, nullable=False),
    # A person has seen the ids, and may still ask for one of them.
    **IDS_USED_ONCE,
)
_KEEP_SILENCE = upsert(_SILENCES)


def load_groups(connection: Connection) -> Groups:
    """The groups that were written last."""
    alerts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(select(_ALERTS.c.account, _ALERTS.c.name, _ALERTS.c.state)):
        alerts[row.account, row.name].append(json.loads(row.state))
    groups = Groups()
    for row in connection.execute(select(_GROUPS)):
        groups = groups.add(_read_group(row.account, json.loads(row.state), alerts[row.account, row.name]))
    return groups


def write_groups(connection: Connection, before: Groups, after: Groups, changed: Iterable[GroupKey]) -> None:
    """Write what is others now in the groups of these keys; those that are closed are deleted. ``before``: the groups
    as they are on disk.
    """
    for key in changed:
        group = after.by_key.get(key)
        if group is None:
            for table in (_GROUPS, _ALERTS):
                connection.execute(table.delete().where(table.c.account == key.account, table.c.name == str(key)))
            continue
        connection.execute(_KEEP_GROUP, _group_row(group))
        old = before.by_key.get(key) or NotificationGroup(key, HashTrieMap(), group.log)
        rows = [_alert_row(group, id_) for id_ in group.alerts if _known(old, id_) != _known(group, id_)]
        gone = [_alert_key(group, id_) for id_ in old.alerts if id_ not in group.alerts]
        if rows:
            connection.execute(_KEEP_ALERT, rows)
        if gone:
            connection.execute(_DROP_ALERT, [{f"gone_{name}": value for name, value in each.items()} for each in gone])


def write_all_groups(connection: Connection, groups: Groups) -> None:
    """Replace the table by these groups."""
    connection.execute(_GROUPS.delete())
    connection.execute(_ALERTS.delete())
    write_groups(connection, Groups(), groups, groups.keys)


def load_silences(connection: Connection) -> Silences:
    """The silences that were written last."""
    rows = connection.execute(select(_SILENCES))
    silences = [
        Silence(row.id, parse_matchers(row.matchers), row.comment, row.author, row.starts, row.ends) for row in rows
    ]
    return Silences(HashTrieMap({silence.id: silence for silence in silences}))


def write_silences(connection: Connection, before: Silences, after: Silences) -> None:
    """Write the difference between what is on disk and what there is now."""
    for id_ in before.by_id:
        if id_ not in after.by_id:
            connection.execute(_SILENCES.delete().where(_SILENCES.c.id == id_))
    for id_, silence in after.by_id.items():
        if before.by_id.get(id_) != silence:
            row = {
                "id": silence.id,
                "matchers": silence.text,
                "comment": silence.comment,
                "author": silence.author,
                "starts": silence.starts,
                "ends": silence.ends,
            }
            connection.execute(_KEEP_SILENCE, row)


def write_all_silences(connection: Connection, silences: Silences) -> None:
    """Replace the table by these silences."""
    connection.execute(_SILENCES.delete())
    write_silences(connection, Silences(), silences)


def _group_row(group: NotificationGroup) -> dict[str, Any]:
    log = group.log
    state = {
        "scope": group.key.scope,
        "name": group.key.name,
        "labels": group.key.labels,
        "channels": group.key.channels,
        "opened": log.opened,
        "sequence": log.sequence,
        "announced_at": log.announced_at,
        "remembered": [[*_packed(id_), at] for id_, at in log.announced.items() if id_ not in group.alerts],
        "highest": log.highest,
        "notified_at": log.notified_at,
        "changed_at": log.changed_at,
        "reminders": log.reminders,
        "not_before": log.not_before,
        "remind_not_before": log.remind_not_before,
        "is_outdated": log.is_outdated,
    }
    return {"account": group.key.account, "name": str(group.key), "state": json.dumps(state)}


def _known(group: NotificationGroup, id_: AlertId) -> tuple[Any, ...]:
    """All that a group knows of an alert."""
    log = group.log
    return group.alerts.get(id_), log.severities.get(id_), log.named.get(id_), log.announced.get(id_)


def _alert_key(group: NotificationGroup, id_: AlertId) -> dict[str, Any]:
    return {"account": group.key.account, "name": str(group.key), "alert": json.dumps(_packed(id_))}


def _alert_row(group: NotificationGroup, id_: AlertId) -> dict[str, Any]:
    return _alert_key(group, id_) | {"state": json.dumps(_alert_state(group.alerts[id_], group.log))}


def _alert_state(alert: GroupedAlert, log: LogEntry) -> dict[str, Any]:
    return {
        "origin": alert.key.origin,
        "rule": alert.key.name,
        "labels": alert.key.labels,
        "metric": alert.metric,
        "since": alert.since,
        "fired_at": alert.fired_at,
        "severity": alert.severity,
        "worst": alert.worst,
        "value": alert.value,
        "evidence": pack(alert.evidence),
        "cause": str(alert.cause),
        "baseline": alert.baseline,
        "source": alert.source,
        "ended": alert.ended,
        "notified": log.severities.get(alert.id),
        "named": log.named.get(alert.id),
        "announced": log.announced.get(alert.id),
    }


def _packed(id_: AlertId) -> tuple[str, str, Labels, str]:
    return id_.key.origin, id_.key.name, id_.key.labels, id_.source


def _read_group(account: str, state: dict[str, Any], states: Iterable[dict[str, Any]]) -> NotificationGroup:
    scope, channels = GroupScope(state["scope"]), tuple(state["channels"])
    key = GroupKey(account, scope, state["name"], _labels(state["labels"]), channels)
    alerts: dict[AlertId, GroupedAlert] = {}
    severities: dict[AlertId, Severity] = {}
    named: dict[AlertId, Severity] = {}
    announced: dict[AlertId, float] = {}
    for given in states:
        alert = _read_alert(given)
        alerts[alert.id] = alert
        if given["notified"]:
            severities[alert.id] = Severity(given["notified"])
        if given["named"]:
            named[alert.id] = Severity(given["named"])
        if given["announced"] is not None:
            announced[alert.id] = given["announced"]
    for origin, rule, labels, source, at in state["remembered"]:
        announced[AlertId(AlertKey(origin, rule, _labels(labels)), source)] = at
    log = LogEntry(
        state["opened"],
        state["sequence"],
        HashTrieMap(severities),
        HashTrieMap(named),
        HashTrieMap(announced),
        state["announced_at"],
        Severity(state["highest"]) if state["highest"] else None,
        state["notified_at"],
        state["changed_at"],
        state["reminders"],
        state["not_before"],
        state["remind_not_before"],
        state["is_outdated"],
    )
    return NotificationGroup(key, HashTrieMap(alerts), log)


def _read_alert(state: dict[str, Any]) -> GroupedAlert:
    return GroupedAlert(
        AlertKey(state["origin"], state["rule"], _labels(state["labels"])),
        state["metric"],
        state["since"],
        state["fired_at"],
        Severity(state["severity"]),
        Severity(state["worst"]),
        state["value"],
        unpack(state["evidence"]),
        Cause.parse(state["cause"]),
        state["baseline"],
        state["source"],
        state["ended"],
    )


def _labels(pairs: list[list[str]]) -> Labels:
    return tuple((name, value) for name, value in pairs)
