"""The notification groups and the silences on disk: their tables, and every statement on them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from rpds import HashTrieMap
from sqlalchemy import Column, Connection, Float, Integer, Row, Table, Text, select

from smithd.alerts.alert import AlertKey
from smithd.alerts.reason import Cause, pack, unpack
from smithd.alerts.rows import packed_spells, unpacked_spells
from smithd.alerts.severity import Severity
from smithd.notify.group import (
    AlertId,
    GroupedAlert,
    GroupKey,
    Groups,
    GroupScope,
    KeptAlert,
    LogEntry,
    NotificationGroup,
)
from smithd.notify.matcher import parse_matchers
from smithd.notify.silence import Silence, Silences
from smithd.storage import (
    IDS_USED_ONCE,
    delete_by_key,
    key_parameters,
    labels_of_text,
    metadata,
    text_of_labels,
    upsert,
)

_GROUPS = Table(
    "notification_groups",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
_KEEP_GROUP = upsert(_GROUPS)
_REMOVE_GROUP = delete_by_key(_GROUPS)

# A row for each alert: what changes one of a thousand does not write the others. An alert is in one group of an account
# at most.
_ALERTS = Table(
    "grouped_alerts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("group_name", Text, nullable=False),
    Column("state", Text, nullable=False),
)
_KEEP_ALERT = upsert(_ALERTS)
_REMOVE_ALERT = delete_by_key(_ALERTS)

# A row for each alert that left a group which has announced it, and remembers that for an hour.
_MEMORIES = Table(
    "remembered_alerts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("group_name", Text, primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("at", Float, nullable=False),
)
_KEEP_MEMORY = upsert(_MEMORIES)
_REMOVE_MEMORY = delete_by_key(_MEMORIES)

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


def load_groups(connection: Connection) -> dict[str, Groups]:
    """The groups that were written last, by their account."""
    alerts: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(_ALERTS)):
        alerts[row.account, row.group_name].append(row)
    remembered: dict[tuple[str, str], dict[AlertId, float]] = defaultdict(dict)
    for row in connection.execute(select(_MEMORIES)):
        remembered[row.account, row.group_name][AlertId(_read_key(row), row.source)] = row.at
    found: dict[str, Groups] = {}
    for row in connection.execute(select(_GROUPS)):
        of_group = row.account, row.name
        group = _read_group(row.account, json.loads(row.state), alerts[of_group], remembered[of_group])
        found[row.account] = found.get(row.account, Groups()).add(group)
    return found


def write_groups(
    connection: Connection,
    account: str,
    before: Groups,
    groups: Groups,
    changed: Iterable[GroupKey],
    alerts: Iterable[AlertId],
) -> None:
    """Write the groups of an account that have these keys, and what is kept of these alerts; those that are not there
    are deleted. ``before``: the account's groups as they are on disk.
    """
    present = [(key, groups.by_key.get(key)) for key in changed]
    kept = [_group_row(group) for _, group in present if group is not None]
    closed = [key_parameters({"account": key.account, "name": str(key)}) for key, group in present if group is None]
    known = [(id_, groups.kept(id_)) for id_ in alerts]
    put = [_key_row(id_) | _alert_row(found) for id_, found in known if found is not None]
    left = [key_parameters({"account": account, **_key_row(id_)}) for id_, found in known if found is None]
    remembered, forgotten = _memories(before, groups, [key for key, _ in present], [id_ for id_, _ in known])
    for statement, rows in (
        (_KEEP_GROUP, kept),
        (_REMOVE_GROUP, closed),
        (_KEEP_ALERT, put),
        (_REMOVE_ALERT, left),
        (_KEEP_MEMORY, remembered),
        (_REMOVE_MEMORY, forgotten),
    ):
        if rows:
            connection.execute(statement, rows)


def write_all_groups(connection: Connection, groups: Mapping[str, Groups]) -> None:
    """Replace the table by these groups, which are by their account."""
    for table in (_GROUPS, _ALERTS, _MEMORIES):
        connection.execute(table.delete())
    for account, each in groups.items():
        write_groups(connection, account, Groups(), each, each.keys, each.of_alert)


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


def _memories(
    before: Groups, after: Groups, changed: Iterable[GroupKey], alerts: Iterable[AlertId]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows to write of alerts that left a group and are remembered, and those to delete."""
    # An alert that came or left was in a group before, or is in one now; a push may change what is remembered of any.
    looked_at: dict[tuple[GroupKey, AlertId], None] = {}
    for id_ in alerts:
        found = (groups.of_alert.get(id_) for groups in (before, after))
        looked_at |= dict.fromkeys((key, id_) for key in found if key is not None)
    for key in changed:
        had, has = (groups.by_key[key].log.announced if key in groups.by_key else None for groups in (before, after))
        if had is not has:
            looked_at |= dict.fromkeys((key, id_) for id_ in (*(had or ()), *(has or ())))
    written, deleted = [], []
    for key, id_ in looked_at:
        was, at = _remembered(before, key, id_), _remembered(after, key, id_)
        row = {"account": key.account, "group_name": str(key), **_key_row(id_)} if was != at else {}
        if row and at is not None:
            written.append(row | {"at": at})
        elif row:
            deleted.append(key_parameters(row))
    return written, deleted


def _remembered(groups: Groups, key: GroupKey, id_: AlertId) -> float | None:
    """When a group has announced an alert that left it, where it remembers that."""
    group = groups.by_key.get(key)
    return group.log.announced.get(id_) if group is not None and id_ not in group.alerts else None


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
        "highest": log.highest,
        "notified_at": log.notified_at,
        "changed_at": log.changed_at,
        "reminders": log.reminders,
        "not_before": log.not_before,
        "remind_not_before": log.remind_not_before,
        "is_outdated": log.is_outdated,
    }
    return {"account": group.key.account, "name": str(group.key), "state": json.dumps(state)}


def _key_row(id_: AlertId) -> dict[str, Any]:
    labels = text_of_labels(id_.labels)
    return {"origin": id_.key.origin, "rule": id_.key.name, "labels": labels, "source": id_.source}


def _alert_row(kept: KeptAlert) -> dict[str, Any]:
    group, alert = kept.group, kept.alert
    state = {
        "metric": alert.metric,
        "since": alert.since,
        "fired_at": alert.fired_at,
        "severity": alert.severity,
        "spells": packed_spells(alert.spells),
        "value": alert.value,
        "evidence": pack(alert.evidence),
        "cause": str(alert.cause),
        "baseline": alert.baseline,
        "ended": alert.ended,
        "notified": kept.notified,
        "named": kept.named,
        "announced": kept.announced,
    }
    return {"account": group.account, "group_name": str(group), "state": json.dumps(state, separators=(",", ":"))}


def _read_group(
    account: str, state: dict[str, Any], rows: Iterable[Row[Any]], remembered: dict[AlertId, float]
) -> NotificationGroup:
    scope, channels = GroupScope(state["scope"]), tuple(state["channels"])
    labels = tuple((name, value) for name, value in state["labels"])
    key = GroupKey(account, scope, state["name"], labels, channels)
    alerts: dict[AlertId, GroupedAlert] = {}
    severities: dict[AlertId, Severity] = {}
    named: dict[AlertId, Severity] = {}
    announced = dict(remembered)
    for row in rows:
        given = json.loads(row.state)
        alert = _read_alert(_read_key(row), row.source, given)
        alerts[alert.id] = alert
        if given["notified"]:
            severities[alert.id] = Severity(given["notified"])
        if given["named"]:
            named[alert.id] = Severity(given["named"])
        if given["announced"] is not None:
            announced[alert.id] = given["announced"]
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


def _read_alert(key: AlertKey, source: str, state: dict[str, Any]) -> GroupedAlert:
    return GroupedAlert(
        key,
        state["metric"],
        state["since"],
        state["fired_at"],
        Severity(state["severity"]),
        unpacked_spells(state["spells"]),
        state["value"],
        unpack(state["evidence"]),
        Cause.parse(state["cause"]),
        state["baseline"],
        source,
        state["ended"],
    )


def _read_key(row: Row[Any]) -> AlertKey:
    return AlertKey(row.origin, row.rule, labels_of_text(row.labels))
