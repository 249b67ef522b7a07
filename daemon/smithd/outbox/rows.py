"""The outbox in the state: its tables, and every statement on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
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

from smithd.keys import BadgeKey, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget, TimerWindow
from smithd.storage import metadata, upsert

# A key is five columns: ``opened`` and ``sequence`` are 0 but for pushes.
_KEY = ("account", "surface", "name", "opened", "sequence")

# At most one row of a key is claimed (its request is in flight) and at most one waits.
_OUTBOX = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("opened", Float, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("claimed", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("due", Float, nullable=False),
    Column("content", Text, nullable=False),
    UniqueConstraint(*_KEY, "claimed"),
)
_SHOWN = Table(
    "shown",
    metadata,
    Column("account", Text, primary_key=True),
    Column("surface", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("opened", Float, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("content", Text, nullable=False),
)
# ``at`` is the latest moment at which the request can have reached the service.
_SENT = Table(
    "sent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("boot", Text),
    Column("boot_time", Float),
)
_ACCOUNTS = Table(
    "accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
)

_SURFACES: dict[type[Key], str] = {WidgetKey: "widget", StreamKey: "stream", BadgeKey: "badge", PushKey: "push"}
_KINDS: dict[str, type[Message]] = {
    "widget_value": WidgetValue,
    "activity_state": ActivityState,
    "activity_end": ActivityEnd,
    "badge_count": BadgeCount,
    "push": Push,
    "push_update": PushUpdate,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_OWN_COLUMNS = frozenset({"key", "priority", "created", "due", "at"})

# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_ADD = _OUTBOX.insert()
_CHANGE = _OUTBOX.update().where(_OUTBOX.c.id == bindparam("row"))
_SET_CLAIMED = _CHANGE.values(claimed=bindparam("now_claimed"))
_REMOVE = _OUTBOX.delete().where(_OUTBOX.c.id == bindparam("row"))
_KEEP_SHOWN = upsert(_SHOWN)
_FORGET_SHOWN = _SHOWN.delete().where(*(_SHOWN.c[name] == bindparam(f"the_{name}") for name in _KEY))
_ADD_SENT = _SENT.insert()
_CORRECT_SENT = _SENT.update().where(_SENT.c.id == bindparam("row"))


def add(connection: Connection, message: Message) -> int:
    """A new row that waits; returns its id."""
    return _new_id(connection.execute(_ADD, {**_written_key(message.key), **_written(message), "claimed": False}))


def replace(connection: Connection, row: int, message: Message) -> None:
    """Another message in a row's place, so that it keeps its age."""
    connection.execute(_CHANGE, {**_written(message), "row": row})


def remove(connection: Connection, row: int) -> None:
    """A row that need not be sent any more, or was."""
    connection.execute(_REMOVE, {"row": row})


def claim(connection: Connection, row: int) -> None:
    """A row's request is in flight."""
    connection.execute(_SET_CLAIMED, {"row": row, "now_claimed": True})


def unclaim(connection: Connection, row: int) -> None:
    """A row waits again."""
    connection.execute(_SET_CLAIMED, {"row": row, "now_claimed": False})


def unclaim_all(connection: Connection) -> None:
    """What a dead process had claimed waits again; where a newer message waits already, that one stands for both."""
    columns = [_OUTBOX.c[name] for name in ("id", *_KEY)]
    waiting = {tuple(row)[1:] for row in connection.execute(select(*columns).where(_OUTBOX.c.claimed.is_(False)))}
    for row in connection.execute(select(*columns).where(_OUTBOX.c.claimed.is_(True))).all():
        (remove if tuple(row)[1:] in waiting else unclaim)(connection, row.id)


def waiting(connection: Connection) -> Iterator[tuple[int, Message]]:
    """The rows that wait, with their ids."""
    for row in connection.execute(select(_OUTBOX).where(_OUTBOX.c.claimed.is_(False))):
        yield row.id, _read(row)


def keep_shown(connection: Connection, shown: Shown) -> None:
    """What a key shows now."""
    values = {**_written_key(shown.key), "at": shown.at, "content": _content(shown)}
    connection.execute(_KEEP_SHOWN, values)


def forget_shown(connection: Connection, keys: Iterable[Key]) -> None:
    """The phone shows nothing under these keys that would be worth remembering."""
    for key in keys:
        connection.execute(_FORGET_SHOWN, {f"the_{name}": value for name, value in _written_key(key).items()})


def shown(connection: Connection) -> Iterator[Shown]:
    """All that is shown, the oldest first."""
    for row in connection.execute(select(_SHOWN).order_by(_SHOWN.c.at)):
        yield _read_shown(row)


def add_sent(connection: Connection, account: str, family: str, at: float) -> int:
    """A request goes out, and has arrived by ``at`` if it ever does; returns its id."""
    return _new_id(connection.execute(_ADD_SENT, {"account": account, "family": family, "at": at}))


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
        "kind": _NAMES[type(message)],
        "priority": message.priority,
        "created": message.created,
        "due": message.due,
        "content": _content(message),
    }


def _content(value: Message | Shown) -> str:
    """The fields that have no column of their own, as JSON; what is None is left out."""
    own = {name: field for name, field in _fields(value).items() if name not in _OWN_COLUMNS}
    return json.dumps(own, separators=(",", ":"), default=_fields)


def _fields(value: Any) -> dict[str, Any]:
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: value for name, value in found.items() if value is not None}


def _read(row: Row[Any]) -> Message:
    own = _read_content(row)
    kind: Any = _KINDS[row.kind]
    message: Message = kind(
        key=_read_key(row), priority=Priority(row.priority), created=row.created, due=row.due, **own
    )
    return message


def _read_shown(row: Row[Any]) -> Shown:
    own, key = _read_content(row), _read_key(row)
    match key:
        case WidgetKey():
            return ShownWidget(key, own.pop("value", None), row.at, **own)
        case StreamKey():
            if (window := own.pop("window", None)) is not None:
                own["window"] = TimerWindow(**window)
            return ShownActivity(key, own.pop("content", None), row.at, **own)
        case BadgeKey():
            return ShownBadge(key, own.pop("count", None), row.at, **own)
        case PushKey():
            return ShownPush(key, own.pop("content"), row.at, **own)


def _read_content(row: Row[Any]) -> dict[str, Any]:
    own = _tuples(json.loads(row.content))
    if (content := own.get("content")) is not None:
        parts = _tuples(content)
        is_push = row.surface == "push"
        own["content"] = PushContent(**parts) if is_push else ActivityContent(**{"content_state": {}, **parts})
    return own


def _tuples(given: dict[str, Any]) -> dict[str, Any]:
    """The lists of our own fields are tuples; those inside of what is the API's stay lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _written_key(key: Key) -> dict[str, Any]:
    values: dict[str, Any] = {"account": key.account, "surface": _SURFACES[type(key)], "name": ""}
    values |= {"opened": 0.0, "sequence": 0}
    match key:
        case WidgetKey(_, name) | StreamKey(_, name):
            values["name"] = name
        case PushKey(_, group, opened, sequence):
            values |= {"name": group, "opened": opened, "sequence": sequence}
    return values


def _read_key(row: Row[Any]) -> Key:
    match row.surface:
        case "widget":
            return WidgetKey(row.account, row.name)
        case "stream":
            return StreamKey(row.account, row.name)
        case "badge":
            return BadgeKey(row.account)
        case "push":
            return PushKey(row.account, row.name, row.opened, row.sequence)
    raise ValueError(f"there is no surface '{row.surface}'")


def _new_id(result: Any) -> int:
    (row,) = result.inserted_primary_key
    return int(row)
