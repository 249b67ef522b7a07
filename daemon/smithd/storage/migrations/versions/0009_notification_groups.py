"""Notification groups with their log entries in place of notices, and reasons as identifiers."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

REASONS = {
    "told": "notified",
    "told again": "reminded",
    "told in a digest": "digest",
    "told silently": "updated_in_place",
    "waits for its group": "group_wait",
    "depends on another": "dependent",
    "not confirmed yet": "unconfirmed",
    "the last one still waits": "previous_unsent",
    "severity not asked for": "severity_not_listed",
    "no push": "no_push",
    "a step on the way": "intermediate",
    "a fall": "severity_lowered",
    "back before its end was told": "fired_again",
    "never told": "resolved_before_notified",
    "ends are not told": "resolve_not_notified",
    "not watched any more": "closed",
}
"""The sentences that were reasons, and their identifiers; silenced, muted and inhibited are their own."""


def upgrade() -> None:
    connection = op.get_bind()
    op.create_table(
        "notification_groups",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    for row in connection.execute(sa.text("SELECT name, state FROM notices")).all():
        state = json.loads(row.state)
        connection.execute(
            sa.text("INSERT INTO notification_groups VALUES ('default', :name, :state)"),
            {"name": _name(row.name, state["scope"]), "state": json.dumps(_group(state))},
        )
    op.drop_table("notices")
    for table, column, kind in (("shown", "name", ""), ("outbox", "name", ""), ("journal", "notice", "push ")):
        key: sa.ColumnClause[str] = sa.column(column)
        renamed = sa.literal(f"{kind}digest ").concat(sa.func.substr(key, len(f"{kind}mute ") + 1))
        rows = sa.table(table, key).update().where(key.like(f"{kind}mute %"))
        connection.execute(rows.values({column: renamed}))
    connection.execute(sa.text("ALTER TABLE journal RENAME COLUMN notice TO notification"))
    for text, identifier in REASONS.items():
        connection.execute(
            sa.text("UPDATE journal SET reason = :identifier WHERE reason = :text"),
            {"identifier": identifier, "text": text},
        )
    _keep_last_silence(connection)


def _name(name: str, scope: str) -> str:
    return "digest" + name.removeprefix("mute") if scope == "mute" else name


def _group(notice: dict[str, Any]) -> dict[str, Any]:
    alerts = notice["members"]
    ranks = {None: -1, "warning": 0, "critical": 1}
    notified = [notice.get("loudest"), *(alert["told"] for alert in alerts)]
    return {
        "scope": "digest" if notice["scope"] == "mute" else notice["scope"],
        "name": notice["group"],
        "labels": notice["labels"],
        "channels": notice["channels"],
        "alerts": [_alert(alert) for alert in alerts],
        "opened": notice["opened"],
        "sequence": notice["chapter"],
        "highest": max(notified, key=lambda severity: ranks[severity]),
        "notified_at": notice["told_at"],
        "changed_at": notice["spoke_at"],
        "reminders": notice["repeats"],
        "not_before": notice["not_before"],
        "remind_not_before": 0.0,
        "is_outdated": notice["is_stale"],
    }


def _alert(member: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in member.items() if name not in ("told", "why")}
    return {**kept, "origin": "", "evidence": member["why"], "notified": member["told"]}


def _keep_last_silence(connection: sa.Connection) -> None:
    """An id is not given again while its row is the newest: where that was deleted, one that has ended replaces it."""
    if connection.dialect.name != "sqlite":
        return
    last = connection.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'silences'")).scalar()
    newest = connection.execute(sa.text("SELECT max(id) FROM silences")).scalar()
    if last is not None and last > (newest or 0):
        values = {"id": last, "matchers": "rule=expired"}
        connection.execute(sa.text("INSERT INTO silences VALUES (:id, :matchers, '', '', 0, 0)"), values)
