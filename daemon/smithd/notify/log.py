"""The open notices, remembered: their table, and every statement on it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, select

from smithd.alerts.reason import Cause, pack, unpack
from smithd.alerts.severity import Severity, worst_of
from smithd.notify.group import Group, Member, Notice, Notices, Scope
from smithd.plugin.sample import Labels, Series
from smithd.storage import metadata, upsert

_NOTICES = Table(
    "notices",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
_KEEP = upsert(_NOTICES)


def load(connection: Connection, notices: Notices) -> None:
    """Take in what the last run left."""
    for row in connection.execute(select(_NOTICES.c.state)):
        notices.add(_read(json.loads(row.state)))


def save(connection: Connection, notices: Notices, groups: Iterable[Group]) -> None:
    """Write down how the notices of these groups stand; one that is over is forgotten."""
    for group in groups:
        notice = notices.get(group)
        if notice is None:
            connection.execute(_NOTICES.delete().where(_NOTICES.c.name == str(group)))
        else:
            connection.execute(_KEEP, {"name": str(group), "state": json.dumps(_written(notice))})


def _written(notice: Notice) -> dict[str, Any]:
    return {
        "scope": notice.group.scope,
        "group": notice.group.name,
        "labels": notice.group.labels,
        "channels": notice.group.channels,
        "opened": notice.opened,
        "chapter": notice.chapter,
        "told_at": notice.told_at,
        "spoke_at": notice.spoke_at,
        "repeats": notice.repeats,
        "not_before": notice.not_before,
        "is_stale": notice.is_stale,
        "loudest": notice.loudest,
        "members": [_written_member(member) for member in notice.members.values()],
    }


def _written_member(member: Member) -> dict[str, Any]:
    return {
        "rule": member.rule,
        "metric": member.series.metric,
        "labels": member.series.labels,
        "since": member.since,
        "fired_at": member.fired_at,
        "severity": member.severity,
        "worst": member.worst,
        "value": member.value,
        "why": pack(member.evidence),
        "cause": str(member.cause),
        "baseline": member.baseline,
        "source": member.source,
        "told": member.told,
        "ended": member.ended,
    }


def _read(state: dict[str, Any]) -> Notice:
    group = Group(Scope(state["scope"]), state["group"], _labels(state["labels"]), tuple(state["channels"]))
    members = [_read_member(member) for member in state["members"]]
    return Notice(
        group,
        state["opened"],
        {member.id: member for member in members},
        state["chapter"],
        state["told_at"],
        state["spoke_at"],
        state["repeats"],
        state["not_before"],
        state["is_stale"],
        worst_of(_severity(state.get("loudest")), *(member.told for member in members)),
    )


def _read_member(state: dict[str, Any]) -> Member:
    return Member(
        state["rule"],
        Series(state["metric"], _labels(state["labels"])),
        state["since"],
        state["fired_at"],
        Severity(state["severity"]),
        Severity(state["worst"]),
        state["value"],
        unpack(state["why"]),
        Cause.parse(state["cause"]),
        state["baseline"],
        state["source"],
        _severity(state["told"]),
        state["ended"],
    )


def _severity(given: str | None) -> Severity | None:
    return Severity(given) if given else None


def _labels(pairs: list[list[str]]) -> Labels:
    return tuple((name, value) for name, value in pairs)
