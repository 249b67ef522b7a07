"""Which Live Activities have a slot, and since when they are unwanted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "slots",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
