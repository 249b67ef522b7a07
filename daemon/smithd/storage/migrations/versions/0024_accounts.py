"""An alert may be in a notification group of each account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.rename_table("grouped_alerts", "grouped_alerts_before")
    op.create_table(
        "grouped_alerts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("labels", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("group_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO grouped_alerts (account, origin, rule, labels, source, group_name, state) "
        "SELECT account, origin, rule, labels, source, group_name, state FROM grouped_alerts_before"
    )
    op.drop_table("grouped_alerts_before")
