"""What was told of which alert, silences, and the journal of decisions."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("starts", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("notice", sa.Text, nullable=False),
    )
    op.create_index("journal_by_rule", "journal", ["rule", "id"])
    _take_over_what_was_told()


def _take_over_what_was_told() -> None:
    """An alert that was told by an older smithd is not told again."""
    connection = op.get_bind()
    told = set(connection.execute(sa.text("SELECT key FROM shown UNION SELECT key FROM outbox")).scalars())
    for row in connection.execute(sa.text("SELECT rule, labels, state FROM alerts")).all():
        state, labels = json.loads(row.state), json.loads(row.labels)
        firing = [severity for severity in ("warning", "critical") if _fires(state["holds"].get(severity))]
        inner = ", ".join(f'{name}="{value}"' for name, value in labels)
        name = f"{row.rule}{{{inner}}}" if inner else row.rule
        if not firing or f"push:{name}@{state['fired_at']:.3f}" not in told:
            continue
        notice = _notice(row.rule, labels, state, firing[-1])
        connection.execute(
            sa.text("INSERT INTO notices VALUES (:name, :state)"), {"name": name, "state": json.dumps(notice)}
        )


def _fires(hold: list[Any] | None) -> bool:
    return hold is not None and hold[0] in ("firing", "recovering")


def _notice(rule: str, labels: list[Any], state: dict[str, Any], severity: str) -> dict[str, Any]:
    member = {
        "rule": rule,
        "metric": state["metric"],
        "labels": labels,
        "since": state["since"],
        "fired_at": state["fired_at"],
        "severity": severity,
        "worst": state["worst"] or severity,
        "value": state["value"],
        "why": "",
        "cause": "",
        "baseline": None,
        "source": "",
        "told": severity,
        "ended": None,
    }
    times = dict.fromkeys(("opened", "told_at", "spoke_at"), state["fired_at"])
    rest = {"channels": [], "chapter": 1, "repeats": 0, "not_before": 0.0, "is_stale": False}
    return {"scope": "rule", "group": rule, "labels": labels, "members": [member], **times, **rest}
