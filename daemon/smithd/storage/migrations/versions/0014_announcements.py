"""What a group has announced, apart from what its text names; and the priorities of later pushes and updates."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

PRIORITIES = {1: 2, 2: 4, 3: 5, 4: 7, 5: 8, 6: 9}
"""The numbers that were priorities, and those that they are now: others were put in between."""


def upgrade() -> None:
    connection = op.get_bind()
    notified_at: dict[tuple[str, str], float] = {}
    for row in connection.execute(sa.text("SELECT account, name, state FROM notification_groups")).all():
        state = json.loads(row.state)
        # Until now the text named what was announced, and nothing else.
        state |= {"announced_at": state["notified_at"], "remembered": []}
        notified_at[row.account, row.name] = state["notified_at"]
        connection.execute(
            sa.text("UPDATE notification_groups SET state = :state WHERE account = :account AND name = :name"),
            {"account": row.account, "name": row.name, "state": json.dumps(state)},
        )
    for row in connection.execute(sa.text("SELECT * FROM grouped_alerts")).all():
        state = json.loads(row.state)
        at = notified_at.get((row.account, row.group_name))
        state |= {"named": state["notified"], "announced": at if state["notified"] else None}
        connection.execute(
            sa.text(
                "UPDATE grouped_alerts SET state = :state WHERE origin = :origin AND rule = :rule AND labels = :labels"
                " AND source = :source"
            ),
            {
                "state": json.dumps(state),
                "origin": row.origin,
                "rule": row.rule,
                "labels": row.labels,
                "source": row.source,
            },
        )
    # The largest first, so that none is changed twice.
    for before, after in sorted(PRIORITIES.items(), reverse=True):
        connection.execute(
            sa.text("UPDATE outbox SET priority = :after WHERE priority = :before"), {"before": before, "after": after}
        )
