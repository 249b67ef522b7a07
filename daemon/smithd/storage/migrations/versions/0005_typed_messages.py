"""Messages, and what is shown, with typed keys that name an account; accounts; sent requests by account and boot."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ACCOUNT = "default"

# Of a message's or a shown row's "aside", under its old name, the field that it is now.
_WIDGET = {"time": "time", "raw": "number", "severity": "severity"}
_ACTIVITY = {"meaning": "meaning", "window": "window", "bare_end": "bare_end"}


def upgrade() -> None:
    connection = op.get_bind()
    outbox = connection.execute(sa.text("SELECT * FROM outbox ORDER BY id")).mappings().all()
    shown = connection.execute(sa.text("SELECT * FROM shown ORDER BY at")).mappings().all()
    sent = connection.execute(sa.text("SELECT id, family, at FROM sent")).mappings().all()
    for table in ("outbox", "shown", "sent"):
        op.drop_table(table)
    _make_tables()
    for row in outbox:
        _insert(connection, "outbox", _message(row))
    for row in shown:
        _insert(connection, "shown", _shown(row))
    for row in sent:
        _insert(connection, "sent", {**row, "account": ACCOUNT})
    for entry in connection.execute(sa.text("SELECT id, notice FROM journal WHERE notice LIKE 'push:%'")).all():
        named = {"id": entry.id, "notice": f"push {entry.notice.removeprefix('push:')}"}
        connection.execute(sa.text("UPDATE journal SET notice = :notice WHERE id = :id"), named)


def _make_tables() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        *_key_columns(primary_key=False),
        sa.Column("claimed", sa.Boolean, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.UniqueConstraint("account", "surface", "name", "opened", "sequence", "claimed"),
    )
    op.create_table(
        "shown",
        *_key_columns(primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "sent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("boot", sa.Text),
        sa.Column("boot_time", sa.Float),
    )
    op.create_table(
        "accounts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
    )


def _key_columns(*, primary_key: bool) -> list[sa.Column[Any]]:
    """A key: ``opened`` and ``sequence`` are 0 but for pushes."""
    return [
        sa.Column("account", sa.Text, primary_key=primary_key, nullable=False),
        sa.Column("surface", sa.Text, primary_key=primary_key, nullable=False),
        sa.Column("name", sa.Text, primary_key=primary_key, nullable=False),
        sa.Column("opened", sa.Float, primary_key=primary_key, nullable=False),
        sa.Column("sequence", sa.Integer, primary_key=primary_key, nullable=False),
    ]


def _insert(connection: sa.Connection, table: str, values: dict[str, Any]) -> None:
    connection.execute(sa.table(table, *map(sa.column, values)).insert(), values)


def _message(row: Any) -> dict[str, Any]:
    content, aside = json.loads(row["content"]), json.loads(row["aside"])
    in_place = content.pop("in_place", False)
    match row["kind"]:
        case "metric":
            kind, own = "widget_value", {**content, "tolerance": row["tolerance"], **_renamed(aside, _WIDGET)}
        case "stream":
            kind, own = "activity_state", {"content": content, "meaning": aside.get("meaning", "")}
        case "end":
            kind, own = "activity_end", {"content": content}
        case "badge":
            kind, own = "badge_count", _badge(content)
        case _:
            kind, own = "push_update" if in_place else "push", {"content": content}
            own |= {"expires": row["expires"], "is_open": bool(aside.get("open"))}
            own |= {"only_in_place": in_place == "only"} if in_place else {}
    kept = {name: row[name] for name in ("id", "claimed", "priority", "created", "due")}
    return {**kept, **_key(row["key"]), "kind": kind, "content": _json(own)}


def _shown(row: Any) -> dict[str, Any]:
    content = json.loads(row["content"]) if row["content"] is not None else None
    aside = json.loads(row["aside"])
    match row["kind"]:
        case "metric":
            own = {**(content or {}), **_renamed(aside, _WIDGET)}
        case "stream" | "end":
            own = {"content": content, "ended": bool(row["ended"]), **_renamed(aside, _ACTIVITY)}
        case "badge":
            own = _badge(content or {})
        case _:
            content = content or {}
            replaced = bool(content.pop("in_place", False))
            own = {"content": {"title": "", **content}, "notification_id": row["remote_id"]}
            own |= {"replaced": replaced, "is_open": bool(aside.get("open"))}
    return {**_key(row["key"]), "at": row["at"], "content": _json(own)}


def _badge(content: dict[str, Any]) -> dict[str, Any]:
    return {"count": content.get("badge"), "channels": content.get("channels")}


def _renamed(aside: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {new: aside[old] for old, new in names.items() if old in aside}


def _json(own: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in own.items() if value is not None}, separators=(",", ":"))


def _key(key: str) -> dict[str, Any]:
    """``metric:<name>``, ``stream:<name>``, ``badge``, or ``push:<group>@<opened>.<sequence>``."""
    kind, _, name = key.partition(":")
    surface = {"metric": "widget"}.get(kind, kind)
    found: dict[str, Any] = {"account": ACCOUNT, "surface": surface, "name": name, "opened": 0.0, "sequence": 0}
    if surface == "push":
        group, _, numbers = name.rpartition("@")
        seconds, _, rest = numbers.partition(".")
        thousandths, _, sequence = rest.partition(".")
        opened = float(f"{seconds}.{thousandths or 0}")
        found |= {"name": group, "opened": opened, "sequence": int(sequence or 1)}
    return found
