"""The slots and the countdowns in the state: their tables, and every statement on them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Boolean, Column, Connection, Float, Table, Text, select

from smithd.keys import StreamKey
from smithd.storage import metadata, upsert
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.slots import Holder, LoweredLimit, Slots

# One row an account, with the few streams that have a slot as JSON: they change together.
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


def load(connection: Connection, account: str) -> Slots:
    """What is remembered of an account's slots."""
    found = connection.execute(select(_SLOTS.c.state).where(_SLOTS.c.account == account)).scalar()
    if found is None:
        return Slots()
    state = json.loads(found)
    holders = [Holder(StreamKey(account, name), *times) for name, *times in state["holders"]]
    lowered = LoweredLimit(*state["lowered"]) if state["lowered"] is not None else None
    return Slots(tuple(holders), tuple(state["started"]), lowered)


def write(connection: Connection, account: str, slots: Slots) -> None:
    """Keep the slots as they are now."""
    lowered = slots.lowered
    state = {
        "holders": [[holder.key.name, holder.since, holder.unwanted_since] for holder in slots.holders],
        "started": slots.started,
        "lowered": [lowered.at_once, lowered.until] if lowered is not None else None,
    }
    connection.execute(_KEEP, {"account": account, "state": json.dumps(state)})


def write_all(connection: Connection, slots: dict[str, Slots]) -> None:
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
