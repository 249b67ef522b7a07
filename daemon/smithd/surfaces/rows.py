"""The slots and the countdowns in the state: their tables, and every statement on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Float, Table, Text, select

from smithd.keys import StreamKey
from smithd.storage import metadata, upsert
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.slots.memory import Away, LoweredLimit, Slots, Start, StreamRecord

# One row an account, with what is remembered of its streams as JSON: it changes together.
_SLOTS = Table(
    "slots",
    metadata,
    Column("account", Text, primary_key=True),
    Column("state", Text, nullable=False),
)
# What the timers of streams count down.
_COUNTDOWNS = Table(
    "countdowns",
    metadata,
    Column("account", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("seconds_left", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("runs", Boolean, nullable=False),
    Column("over_at", Float),
)
_KEEP = upsert(_SLOTS)
_NOT_KEPT = frozenset({"recalled", "refused_until"})


def load(connection: Connection) -> dict[str, Slots]:
    """What is remembered of the slots, by the account that has them."""
    return {row.account: _read(row.account, json.loads(row.state)) for row in connection.execute(select(_SLOTS))}


def _read(account: str, state: dict[str, Any]) -> Slots:
    lowered = LoweredLimit(*state["lowered"]) if state["lowered"] is not None else None
    if "holders" in state:
        # Written before streams had ranks: only those with a slot were remembered.
        held = [
            StreamRecord(StreamKey(account, name), since if unwanted is None else None, unwanted, since, since)
            for name, since, unwanted in state["holders"]
        ]
        return Slots(tuple(held), tuple(Start(at, critical=False) for at in state["started"]), lowered)

    def key(name: str | list[str]) -> StreamKey:
        return StreamKey(account, name) if isinstance(name, str) else StreamKey(*name)

    def record(given: dict[str, Any]) -> StreamRecord:
        for_other = given.get("makes_room_for")
        room = {"makes_room_for": key(for_other)} if for_other is not None else {}
        return StreamRecord(**given | room | {"key": key(given["key"])})

    records = tuple(record(each) for each in state["records"])
    return Slots(
        records,
        tuple(Start(at, critical) for at, critical in state["started"]),
        lowered,
        tuple(state["free_since"]),
        tuple(key(name) for name in state["folded"]),
        state["folded_at"],
        away=tuple(Away(key(name), severity) for name, severity in state.get("away", ())),
    )


def write(connection: Connection, account: str, slots: Slots | None) -> None:
    """Keep the slots of an account as they are now, or none; what was refused is tried again after a start, and is not
    kept.
    """
    if slots is None:
        connection.execute(_SLOTS.delete().where(_SLOTS.c.account == account))
        return
    lowered = slots.lowered
    state = {
        "records": [_stored(record, account) for record in slots.records],
        "started": slots.started,
        "lowered": [lowered.at_once, lowered.until] if lowered is not None else None,
        "free_since": slots.free_since,
        "folded": [_name(key, account) for key in slots.folded],
        "folded_at": slots.folded_at,
        "away": [(_name(each.key, account), each.severity) for each in slots.away],
    }
    connection.execute(_KEEP, {"account": account, "state": json.dumps(state)})


def _name(key: StreamKey, account: str) -> str | tuple[str, str]:
    """A stream by its name, and by its account where that is another one with the same slots."""
    return key.name if key.account == account else (key.account, key.name)


def _stored(record: StreamRecord, account: str) -> dict[str, Any]:
    """What differs from the defaults: most streams wait, and have little."""
    given = {each.name: getattr(record, each.name) for each in fields(StreamRecord) if each.name not in _NOT_KEPT}
    names = {name: _name(value, account) if isinstance(value, StreamKey) else value for name, value in given.items()}
    return {name: value for name, value in names.items() if value is not None and value is not False}


def write_all(connection: Connection, slots: Mapping[str, Slots]) -> None:
    """Replace what is remembered by the slots of these accounts."""
    connection.execute(_SLOTS.delete())
    for account, each in slots.items():
        write(connection, account, each)


def load_countdowns(connection: Connection) -> dict[StreamKey, Countdown]:
    """What timers count down, as the last run left it."""
    return {
        StreamKey(row.account, row.stream): Countdown(row.name, row.seconds_left, row.at, row.runs, row.over_at)
        for row in connection.execute(select(_COUNTDOWNS))
    }


def write_countdowns(connection: Connection, countdowns: Mapping[StreamKey, Countdown]) -> None:
    """Replace what is remembered by these. They are few, and seldom change."""
    connection.execute(_COUNTDOWNS.delete())
    for key, each in countdowns.items():
        row = {"account": key.account, "stream": key.name, "name": each.name, "seconds_left": each.left}
        connection.execute(_COUNTDOWNS.insert(), {**row, "at": each.at, "runs": each.runs, "over_at": each.over_at})
