"""The outbox on disk: its tables, and every statement on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
)

from smithd.outbox.message import Kind, Message, Priority, Shown
from smithd.storage import metadata, upsert

# At most one row of a key is claimed (its request is on its way) and at most one waits.
_OUTBOX = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("claimed", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("due", Float, nullable=False),
    Column("expires", Float),
    Column("tolerance", Float, nullable=False),
    Column("aside", Text, nullable=False),
    UniqueConstraint("key", "claimed"),
)
_SHOWN = Table(
    "shown",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("content", Text),
    Column("at", Float, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("remote_id", Text),
    Column("aside", Text, nullable=False),
)
# ``at`` is the latest moment at which the request can have reached the service.
_SENT = Table(
    "sent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("family", Text, nullable=False),
    Column("at", Float, nullable=False),
)


# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_ADD = _OUTBOX.insert()
_CHANGE = _OUTBOX.update().where(_OUTBOX.c.id == bindparam("row"))
_SET_CLAIMED = _CHANGE.values(claimed=bindparam("now_claimed"))
_REMOVE = _OUTBOX.delete().where(_OUTBOX.c.id == bindparam("row"))
_NEWER = select(_OUTBOX.c.key).where(_OUTBOX.c.claimed.is_(False)).scalar_subquery()
_KEEP_SHOWN = upsert(_SHOWN)
_FORGET_SHOWN = _SHOWN.delete().where(_SHOWN.c.key == bindparam("gone"))
_ADD_SENT = _SENT.insert()
_CORRECT_SENT = _SENT.update().where(_SENT.c.id == bindparam("row"))


def add(connection: Connection, message: Message) -> int:
    """A new row that waits; returns its id."""
    return _new_id(connection.execute(_ADD, {**_written(message), "key": message.key, "claimed": False}))


def replace(connection: Connection, row: int, message: Message) -> None:
    """Another message in a row's place, so that it keeps its age."""
    connection.execute(_CHANGE, {**_written(message), "row": row})


def remove(connection: Connection, row: int) -> None:
    """A row that need not be sent any more, or was."""
    connection.execute(_REMOVE, {"row": row})


def claim(connection: Connection, row: int) -> None:
    """A row's request goes on its way."""
    connection.execute(_SET_CLAIMED, {"row": row, "now_claimed": True})


def unclaim(connection: Connection, row: int) -> None:
    """A row waits again."""
    connection.execute(_SET_CLAIMED, {"row": row, "now_claimed": False})


def unclaim_all(connection: Connection) -> None:
    """What a dead process had claimed waits again; where a newer message waits already, that one stands for both."""
    connection.execute(_OUTBOX.delete().where(_OUTBOX.c.claimed.is_(True), _OUTBOX.c.key.in_(_NEWER)))
    connection.execute(_OUTBOX.update().where(_OUTBOX.c.claimed.is_(True)).values(claimed=False))


def waiting(connection: Connection) -> Iterator[tuple[int, Message]]:
    """The rows that wait, with their ids."""
    for row in connection.execute(select(_OUTBOX).where(_OUTBOX.c.claimed.is_(False))):
        yield row.id, _read(row)


def keep_shown(connection: Connection, shown: Shown) -> None:
    """What the phone was told about a key now."""
    values = {
        "key": shown.key,
        "kind": shown.kind,
        "content": None if shown.content is None else _json(shown.content),
        "at": shown.at,
        "ended": shown.ended,
        "remote_id": shown.remote_id,
        "aside": _json(shown.aside),
    }
    connection.execute(_KEEP_SHOWN, values)


def forget_shown(connection: Connection, keys: Iterable[str]) -> None:
    """The phone shows nothing under these keys that would be worth remembering."""
    for key in keys:
        connection.execute(_FORGET_SHOWN, {"gone": key})


def shown(connection: Connection) -> Iterator[Shown]:
    """All that the phone was told, the oldest first."""
    for row in connection.execute(select(_SHOWN).order_by(_SHOWN.c.at)):
        content = None if row.content is None else json.loads(row.content)
        yield Shown(row.key, Kind(row.kind), content, row.at, row.ended, row.remote_id, json.loads(row.aside))


def add_sent(connection: Connection, family: str, at: float) -> int:
    """A request goes out, and has arrived by ``at`` if it ever does; returns its id."""
    return _new_id(connection.execute(_ADD_SENT, {"family": family, "at": at}))


def correct_sent(connection: Connection, row: int, at: float) -> None:
    """When a request had arrived at the latest is known better now."""
    connection.execute(_CORRECT_SENT, {"row": row, "at": at})


def prune_sent(connection: Connection, oldest: float, newest: float) -> None:
    """Drop what no limit looks back on; what a clock set back has left in the future ends at ``newest``."""
    connection.execute(_SENT.delete().where(_SENT.c.at < oldest))
    connection.execute(_SENT.update().where(_SENT.c.at > newest).values(at=newest))


def sent_since(connection: Connection, at: float) -> list[tuple[str, float]]:
    """Family and time of the requests that may have arrived since ``at``."""
    found = connection.execute(select(_SENT.c.family, _SENT.c.at).where(_SENT.c.at >= at))
    return [(row.family, row.at) for row in found]


def _written(message: Message) -> dict[str, Any]:
    return {
        "kind": message.kind,
        "content": _json(message.content),
        "priority": message.priority,
        "created": message.created,
        "due": message.due,
        "expires": message.expires,
        "tolerance": message.tolerance,
        "aside": _json(message.aside),
    }


def _read(row: Row[Any]) -> Message:
    return Message(
        row.key,
        Kind(row.kind),
        json.loads(row.content),
        Priority(row.priority),
        row.created,
        row.due,
        row.expires,
        row.tolerance,
        json.loads(row.aside),
    )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _new_id(result: Any) -> int:
    (row,) = result.inserted_primary_key
    return int(row)
