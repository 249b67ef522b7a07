"""The journal of deliveries: what became of each request, and of what was given up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("seconds", sa.Float),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("is_final", sa.Boolean, nullable=False),
    )
    op.create_index("deliveries_by_key", "deliveries", ["key", "id"])
