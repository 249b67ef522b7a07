"""What a group has announced, apart from what its text names; a row for each of its alerts; and the priorities of later
pushes and updates.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

PRIORITIES = {1: 2, 2: 4, 3: 5, 4: 7, 5: 8, 6: 9}
"""The numbers that were priorities, and those that they are now: others were put in between."""


def upgrade() -> None:
    connection = op.get_bind()
    op.create_table(
        "grouped_alerts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("alert", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    for row in connection.execute(sa.text("SELECT account, name, state FROM notification_groups")).all():
        state = json.loads(row.state)
        # Until now the text named what was announced, and nothing else.
        state |= {"announced_at": state["notified_at"], "remembered": []}
        for alert in state.pop("alerts"):
            alert |= {"named": alert["notified"], "announced": state["notified_at"] if alert["notified"] else None}
            id_ = [alert["origin"], alert["rule"], alert["labels"], alert["source"]]
            connection.execute(
                sa.text("INSERT INTO grouped_alerts VALUES (:account, :name, :alert, :state)"),
                {"account": row.account, "name": row.name, "alert": json.dumps(id_), "state": json.dumps(alert)},
            )
        connection.execute(
            sa.text("UPDATE notification_groups SET state = :state WHERE account = :account AND name = :name"),
            {"account": row.account, "name": row.name, "state": json.dumps(state)},
        )
    # The largest first, so that none is changed twice.
    for before, after in sorted(PRIORITIES.items(), reverse=True):
        connection.execute(
            sa.text("UPDATE outbox SET priority = :after WHERE priority = :before"), {"before": before, "after": after}
        )
