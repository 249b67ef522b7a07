"""The outbox in the state: its tables, and every statement on them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from rpds import HashTrieMap
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Executable,
    Float,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from smithd.keys import BadgeKey, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityStage,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queued import Boot, Queued, SentRequest, ServiceAccount, WallClock
from smithd.outbox.settlement import DeliveryReason
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget, TimerWindow, unknown
from smithd.outbox.state import Outbox, OutboxChanges, StoredMessage, ordered
from smithd.outbox.update_budget import UpdateBudget
from smithd.outbox.worth import Movement
from smithd.storage import delete_by_key, key_parameters, metadata, upsert

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

# How the value of each widget moves, as JSON: it is read and written as a whole.
_MOVEMENTS = Table(
    "widget_movements",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
)

# One row: when the machine's boot began, by the wall clock that all times are counted by.
_CLOCK = Table(
    "wall_clock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("boot", Text, nullable=False),
    Column("began", Float, nullable=False),
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
_KEEP = upsert(_OUTBOX)
_REMOVE = delete_by_key(_OUTBOX)
_UNCLAIM = _OUTBOX.update().where(_OUTBOX.c.claimed.is_(True)).values(claimed=False)
_KEEP_SHOWN = upsert(_SHOWN)
_FORGET_SHOWN = delete_by_key(_SHOWN)
_KEEP_SENT = upsert(_SENT)
_FORGET_SENT = delete_by_key(_SENT)
_FORGET_ACCOUNT = delete_by_key(_ACCOUNTS)
_KEEP_ACCOUNT = upsert(_ACCOUNTS)
_KEEP_MOVEMENT = upsert(_MOVEMENTS)
_KEEP_CLOCK = upsert(_CLOCK)


def load(connection: Connection) -> Outbox:
    """The outbox as the last run left it. What was in flight then waits again; where a newer message of its key waits
    already, that one replaces both, and the older one is removed.
    """
    waiting: dict[Key, Queued] = {}
    for row in connection.execute(select(_OUTBOX).order_by(_OUTBOX.c.id)):
        kind: Any = _KINDS[row.kind]
        common = {"key": _read_key(row), "priority": Priority(row.priority), "created": row.created, "due": row.due}
        queued = Queued(row.id, kind(**common, **_read_content(row)))
        if row.claimed:
            queued = replace(queued, reason=DeliveryReason.NO_ANSWER, detail="the last run ended meanwhile")
        if (older := waiting.get(queued.message.key)) is not None:
            connection.execute(_REMOVE, key_parameters({"id": older.id}))
        waiting[queued.message.key] = queued
    connection.execute(_UNCLAIM)
    shown = map(_read_shown, connection.execute(select(_SHOWN)))
    sent: dict[int, SentRequest] = {}
    for row in connection.execute(select(_SENT)):
        boot = Boot(row.boot, row.boot_time) if row.boot is not None else None
        sent[row.id] = SentRequest(row.id, row.account, row.family, row.at, boot)
    movements = connection.execute(select(_MOVEMENTS))
    clock = connection.execute(select(_CLOCK)).one_or_none()
    ids = [*sent, *(queued.id for queued in waiting.values())]
    return ordered(
        Outbox(
            waiting=HashTrieMap(waiting),
            shown=HashTrieMap({each.key: each for each in shown}),
            sent=HashTrieMap(sent),
            accounts=HashTrieMap(accounts(connection)),
            movements=HashTrieMap({WidgetKey(*key): Movement(*json.loads(state)) for *key, state in movements}),
            next_id=max(ids, default=0) + 1,
            clock=WallClock(clock.boot, clock.began) if clock is not None else None,
        )
    )


def accounts(connection: Connection) -> dict[str, ServiceAccount]:
    """The accounts that messages were last sent to, by their names."""
    found = connection.execute(select(_ACCOUNTS).order_by(_ACCOUNTS.c.account))
    return {row.account: ServiceAccount(row.address, row.fingerprint) for row in found}


def write(connection: Connection, changes: OutboxChanges) -> None:
    """Write what changed. Of a key, the message in flight is always the older one, so that in the order of their ids
    no two rows conflict.
    """
    messages = sorted(changes.messages.items(), key=lambda item: item[0])
    _run(connection, _REMOVE, [key_parameters({"id": id_}) for id_, stored in messages if stored is None])
    _run(connection, _KEEP, [_written(id_, stored) for id_, stored in messages if stored is not None])

    forgotten = [key_parameters(_written_key(key)) for key, shown in changes.shown.items() if shown is None]
    _run(connection, _FORGET_SHOWN, forgotten)
    kept = [shown for shown in changes.shown.values() if shown is not None]
    rows = [{**_written_key(shown.key), "at": shown.at, "content": _content(shown)} for shown in kept]
    _run(connection, _KEEP_SHOWN, rows)

    _run(
        connection,
        _FORGET_SENT,
        [key_parameters({"id": id_}) for id_, request in changes.sent.items() if request is None],
    )
    rows = []
    for request in changes.sent.values():
        if request is not None:
            boot, boot_time = (request.boot.id, request.boot.time) if request.boot is not None else (None, None)
            row = {"id": request.id, "account": request.account, "family": request.family, "at": request.at}
            rows.append(row | {"boot": boot, "boot_time": boot_time})
    _run(connection, _KEEP_SENT, rows)

    left = [key_parameters({"account": account}) for account, service in changes.accounts.items() if service is None]
    _run(connection, _FORGET_ACCOUNT, left)
    accounts = [
        {"account": account, "address": service.address, "fingerprint": service.fingerprint}
        for account, service in changes.accounts.items()
        if service is not None
    ]
    _run(connection, _KEEP_ACCOUNT, accounts)
    movements = [
        {"account": key.account, "name": key.name, "state": json.dumps(movement, separators=(",", ":"))}
        for key, movement in changes.movements.items()
    ]
    _run(connection, _KEEP_MOVEMENT, movements)
    if changes.clock is not None:
        _run(connection, _KEEP_CLOCK, [{"id": 1, "boot": changes.clock.boot, "began": changes.clock.began}])


def write_all(connection: Connection, outbox: Outbox) -> None:
    """Write the whole outbox in place of what is there."""
    for table in (_OUTBOX, _SHOWN, _SENT, _ACCOUNTS, _MOVEMENTS, _CLOCK):
        connection.execute(table.delete())
    claimed = {claim.queued.id: StoredMessage(claim.queued.message, claimed=True) for claim in outbox.claimed.values()}
    waiting = {queued.id: StoredMessage(queued.message, claimed=False) for queued in outbox.waiting.values()}
    shown = {key: unknown(value) if key in outbox.claimed else value for key, value in outbox.shown.items()}
    changes = OutboxChanges(
        HashTrieMap(claimed | waiting),
        HashTrieMap(shown),
        outbox.sent,
        outbox.accounts,
        outbox.movements,
        outbox.clock,
    )
    write(connection, changes)


def _run(connection: Connection, statement: Executable, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _written(id_: int, stored: StoredMessage) -> dict[str, Any]:
    message = stored.message
    return {
        "id": id_,
        **_written_key(message.key),
        "claimed": stored.claimed,
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


def _read_shown(row: Row[Any]) -> Shown:
    own, key = _read_content(row), _read_key(row)
    match key:
        case WidgetKey():
            return ShownWidget(key, own.pop("value", None), row.at, **own)
        case StreamKey():
            if (window := own.pop("window", None)) is not None:
                own["window"] = TimerWindow(**window)
            if (updates := own.pop("updates", None)) is not None:
                own["updates"] = UpdateBudget(**updates)
            # Written before it was kept: it began then at the latest.
            own.setdefault("since", row.at)
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
    if (stage := own.get("stage")) is not None:
        own["stage"] = ActivityStage(**stage)
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
