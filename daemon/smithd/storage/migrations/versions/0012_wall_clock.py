"""By what clock the times in the outbox are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "wall_clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("began", sa.Float, nullable=False),
    )
