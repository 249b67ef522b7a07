"""What the timers of Live Activities count down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "countdowns",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("seconds_left", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("runs", sa.Boolean, nullable=False),
        sa.Column("over_at", sa.Float),
    )
