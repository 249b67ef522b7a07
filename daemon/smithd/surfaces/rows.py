"""The slots in the state: their table, and every statement on it."""

from __future__ import annotations

import json

from sqlalchemy import Column, Connection, Table, Text, select

from smithd.keys import StreamKey
from smithd.storage import metadata, upsert
from smithd.surfaces.slots import Holder, LoweredLimit, Slots

# One row an account, with the few streams that have a slot as JSON: they change together.
_SLOTS = Table(
    "slots",
    metadata,
    Column("account", Text, primary_key=True),
    Column("state", Text, nullable=False),
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
