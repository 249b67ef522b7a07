"""A row for each alert of a notification group: a group of a thousand is not written anew for one of them."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_OF_KEY = ("origin", "rule", "source")


def upgrade() -> None:
    connection = op.get_bind()
    table = op.create_table(
        "grouped_alerts",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("labels", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("group_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    rows = {}
    for group in connection.execute(sa.text("SELECT account, name, state FROM notification_groups")).all():
        state = json.loads(group.state)
        for alert in state.pop("alerts"):
            row = {name: alert.pop(name) for name in _OF_KEY}
            row["labels"] = json.dumps(alert.pop("labels"), separators=(",", ":"))
            row |= {"account": group.account, "group_name": group.name, "state": json.dumps(alert)}
            rows[row["origin"], row["rule"], row["labels"], row["source"]] = row
        connection.execute(
            sa.text("UPDATE notification_groups SET state = :state WHERE account = :account AND name = :name"),
            {"state": json.dumps(state), "account": group.account, "name": group.name},
        )
    if rows:
        connection.execute(table.insert(), list(rows.values()))
