"""The journal of deliveries: its table, and every statement on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from sqlalchemy import Boolean, Column, Connection, Float, Index, Integer, Table, Text, func, select

from smithd.keys import of_account
from smithd.outbox.delivered import Delivered
from smithd.storage import metadata

KEPT_FOR = 7 * 86400.0
"""Seconds for which a delivery is remembered."""

KEPT_OF_A_KEY, KEPT = 200, 20_000
"""How many are remembered of each key, and of all: a widget that changes all the time does not push out the others."""

PRUNE_EVERY = 500
"""Entries after which those that are too old or too many are looked for again."""

_DELIVERIES = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("account", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("status", Integer),
    Column("seconds", Float),
    Column("detail", Text, nullable=False),
    Column("is_final", Boolean, nullable=False),
    Index("deliveries_by_key", "key", "id"),
)
_ADD = _DELIVERIES.insert()
_ID = _DELIVERIES.c.id


def write_deliveries(connection: Connection, delivered: Sequence[Delivered], now: float) -> None:
    """Keep these entries, and now and then remove those that are too old or too many."""
    if not delivered:
        return
    connection.execute(_ADD, [asdict(each) for each in delivered])
    if connection.execute(select(func.max(_ID))).scalar_one() % PRUNE_EVERY < len(delivered):
        prune(connection, now)


def rename_account(connection: Connection, account: str, name: str) -> None:
    """What is remembered of an account is found by its new name from now on."""
    before, after = of_account("", account), of_account("", name)
    subject = func.substr(_DELIVERIES.c.key, 1, func.length(_DELIVERIES.c.key) - len(before))
    renamed = _DELIVERIES.update().where(_DELIVERIES.c.account == account)
    connection.execute(renamed.values(account=name, key=subject.concat(after)))


def read_deliveries(connection: Connection, key: str, now: float) -> list[Delivered]:
    """What is remembered of a key's deliveries, the oldest first."""
    of_key = (
        select(_DELIVERIES).where(_DELIVERIES.c.key == key, _DELIVERIES.c.at >= now - KEPT_FOR).order_by(_ID.desc())
    )
    rows = connection.execute(of_key.limit(KEPT_OF_A_KEY)).all()
    return [Delivered(*row[1:]) for row in reversed(rows)]


def read_all(connection: Connection) -> Iterator[Delivered]:
    """All that is remembered, the oldest first, row by row."""
    return (Delivered(*row[1:]) for row in connection.execute(select(_DELIVERIES).order_by(_ID)))


def prune(connection: Connection, now: float) -> None:
    """Remove what is too old, or too much of a key or of all."""
    last = connection.execute(select(func.coalesce(func.max(_ID), 0))).scalar_one()
    connection.execute(_DELIVERIES.delete().where((_DELIVERIES.c.at < now - KEPT_FOR) | (last - KEPT >= _ID)))
    many = select(_DELIVERIES.c.key).group_by(_DELIVERIES.c.key).having(func.count() > KEPT_OF_A_KEY)
    for key in connection.execute(many).scalars().all():
        newest = select(_ID).where(_DELIVERIES.c.key == key).order_by(_ID.desc())
        first = connection.execute(newest.offset(KEPT_OF_A_KEY).limit(1)).scalar_one()
        connection.execute(_DELIVERIES.delete().where(_DELIVERIES.c.key == key, first >= _ID))
