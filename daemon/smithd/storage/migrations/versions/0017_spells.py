"""How long an alert was at each severity, in place of the worst one.

What it was at before this version is not known but for the severities that fire now: their holds say since when.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    connection = op.get_bind()
    spells: dict[tuple[str, str, str], Any] = {}
    for row in connection.execute(sa.text("SELECT * FROM alerts")).all():
        state = json.loads(row.state)
        # An inactive alert has a row for how much it flaps.
        if "holds" not in state:
            continue
        del state["worst"]
        state["spells"] = spells[row.origin, row.name, row.labels] = _of_alert(state)
        connection.execute(
            sa.text("UPDATE alerts SET state = :state WHERE origin = :origin AND name = :name AND labels = :labels"),
            {"state": _packed(state), "origin": row.origin, "name": row.name, "labels": row.labels},
        )
    for row in connection.execute(sa.text("SELECT * FROM grouped_alerts")).all():
        state = json.loads(row.state)
        worst, ended = state.pop("worst"), state["ended"]
        found = spells.get((row.origin, row.rule, row.labels), []) if ended is None else []
        known = any(severity == state["severity"] for severity, *_ in found)
        alone = [[worst if ended is not None else state["severity"], state["since"], ended, 0.0]]
        state["spells"] = found if known else alone
        connection.execute(
            sa.text(
                "UPDATE grouped_alerts SET state = :state WHERE origin = :origin AND rule = :rule AND labels = :labels"
                " AND source = :source"
            ),
            {
                "state": _packed(state),
                "origin": row.origin,
                "rule": row.rule,
                "labels": row.labels,
                "source": row.source,
            },
        )


def _of_alert(state: dict[str, Any]) -> list[list[Any]]:
    """The spells that the phases of an alert show, lowest first."""
    if state["severity"] is None:
        return []
    fires = {severity: began for severity, phase, _, began, *_ in state["holds"] if phase in ("firing", "recovering")}
    # It fires for missing data, at a severity that no value has.
    if state["severity"] not in fires:
        fires[state["severity"]] = state["absence"][1] if fires else state["since"]
    order = ("info", "warning", "critical")
    return [[severity, fires[severity], None, 0.0] for severity in sorted(fires, key=order.index)]


def _packed(state: dict[str, Any]) -> str:
    return json.dumps(state, separators=(",", ":"))
