"""Alerts have an origin, holds by severity and typed causes; the journal keeps reasons instead of sentences."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

SEVERITIES = ("warning", "critical")


def upgrade() -> None:
    op.rename_table("alerts", "alerts_before")
    op.create_table(
        "alerts",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("labels", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    connection = op.get_bind()
    add = sa.text("INSERT INTO alerts (origin, name, labels, state) VALUES ('', :name, :labels, :state)")
    for row in connection.execute(sa.text("SELECT rule, labels, state FROM alerts_before")).all():
        state = json.loads(row.state)
        new = _alert(state) if "holds" in state else {"flapping": state["unrest"]}
        connection.execute(add, {"name": row.rule, "labels": _packed(json.loads(row.labels)), "state": _packed(new)})
    op.drop_table("alerts_before")
    # The sentences that are there stay as they are: a reason is JSON, and what is none is read as a sentence.
    op.alter_column("journal", "why", new_column_name="evidence")


def _alert(state: dict[str, Any]) -> dict[str, Any]:
    baselines = state.get("baselines", {})
    holds = []
    for severity in SEVERITIES:
        if severity in state["holds"]:
            phase, since = state["holds"][severity]
            is_active = phase != "inactive"
            # When a severity's own breach began was not kept: that of the alert is as near as can be.
            began = min(state["since"], since) if is_active else 0.0
            holds.append([severity, phase, since if is_active else 0.0, began, baselines.get(severity)])
    kind, _, source = state.get("cause", "").partition(":")
    phase, since = state.get("absent", ["inactive", 0.0])
    absence = {"inactive": "present", "pending": "waiting", "firing": "firing"}[phase]
    return {
        "metric": state["metric"],
        "holds": holds,
        "severity": state.get("severity"),
        "since": state["since"],
        "fired_at": state["fired_at"],
        "value": state["value"],
        "worst": state.get("worst"),
        "cause": [{"": "value", "series": "series_missing", "source": "source_failing"}[kind], source],
        "absence": [absence, since if absence != "present" else 0.0],
        "flapping": state.get("unrest"),
    }


def _packed(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
