"""A row for each alert that left a group and is remembered; and names of groups that no labels can make equal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_RENAMED = (
    "UPDATE notification_groups SET name = :after WHERE account = :account AND name = :before",
    "UPDATE grouped_alerts SET group_name = :after WHERE account = :account AND group_name = :before",
    "UPDATE outbox SET name = :after WHERE account = :account AND surface = 'push' AND name = :before",
    "UPDATE shown SET name = :after WHERE account = :account AND surface = 'push' AND name = :before",
)

_KEY = ("origin", "rule", "labels", "source")


def upgrade() -> None:
    connection = op.get_bind()
    groups = connection.execute(sa.text("SELECT account, name, state FROM notification_groups")).all()
    # The new name is the longer one, so that this way none is taken yet.
    for group in sorted(groups, key=lambda group: -len(group.name)):
        if (name := _name(json.loads(group.state))) != group.name:
            _rename(connection, group.account, group.name, name)
    _move_memories(connection)


def _name(state: Mapping[str, Any]) -> str:
    """Until now a quote or a backslash in a label stood in the name as it was."""
    inner = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in state["labels"])
    to = f" to {', '.join(state['channels'])}" if state["channels"] else ""
    kind = "" if state["scope"] == "rule" else f"{state['scope']} "
    return f"{kind}{state['name']}{f'{{{inner}}}' if inner else ''}{to}"


def _rename(connection: sa.Connection, account: str, before: str, after: str) -> None:
    values = {"account": account, "before": before, "after": after}
    for statement in _RENAMED:
        connection.execute(sa.text(statement), values)
    connection.execute(
        sa.text(
            "UPDATE journal SET notification = :after || substr(notification, length(:before) + 1)"
            " WHERE substr(notification, 1, length(:before) + 1) = :before || '@'"
        ),
        {"before": f"push {before}", "after": f"push {after}"},
    )


def _move_memories(connection: sa.Connection) -> None:
    table = op.create_table(
        "remembered_alerts",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("account", "group_name", *_KEY)),
        sa.Column("at", sa.Float, nullable=False),
    )
    rows = []
    for group in connection.execute(sa.text("SELECT account, name, state FROM notification_groups")).all():
        state, of_group = json.loads(group.state), {"account": group.account, "group_name": group.name}
        rows += [of_group | dict(zip((*_KEY, "at"), each, strict=True)) for each in state.pop("remembered")]
        connection.execute(
            sa.text("UPDATE notification_groups SET state = :state WHERE account = :account AND name = :group_name"),
            of_group | {"state": json.dumps(state)},
        )
    if rows:
        connection.execute(table.insert(), rows)
