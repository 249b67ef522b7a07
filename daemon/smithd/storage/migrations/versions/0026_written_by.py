"""Which version of smithd has written the state: a state of a newer one names it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("owner", sa.Column("version", sa.Text, nullable=False, server_default=""))
