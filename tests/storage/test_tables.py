"""Statements that every room's rows use: written as the database at hand wants them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Float, Integer, MetaData, Table, Text, bindparam, select

from smithd.storage import execute_many, sqlite, upsert

THINGS = Table(
    "things",
    MetaData(),
    Column("order", Integer, primary_key=True),  # a word that SQL uses itself
    Column("name", Text, primary_key=True),
    Column("value", Float, nullable=False),
    Column("note", Text),
)
NAMES = Table("names", MetaData(), Column("name", Text, primary_key=True))


@pytest.fixture
def connection() -> Iterator[Connection]:
    with sqlite.engine(Path(":memory:")).begin() as connection:
        THINGS.create(connection)
        NAMES.create(connection)
        yield connection


def rows(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(select(THINGS).order_by(THINGS.c.order, THINGS.c.name))]


def test_an_upsert_writes_a_row_or_takes_the_place_of_the_one_with_its_key(connection: Connection) -> None:
    keep = upsert(THINGS)
    connection.execute(keep, {"order": 1, "name": "a", "value": 1.0, "note": "first"})
    connection.execute(keep, {"order": 1, "name": "b", "value": 2.0, "note": None})
    connection.execute(keep, {"order": 1, "name": "a", "value": 3.0, "note": None})
    assert rows(connection) == [(1, "a", 3.0, None), (1, "b", 2.0, None)]


def test_an_upsert_takes_many_rows_at_once(connection: Connection) -> None:
    connection.execute(
        upsert(THINGS), [{"order": number % 2, "name": "a", "value": number, "note": ""} for number in range(5)]
    )
    assert rows(connection) == [(0, "a", 4.0, ""), (1, "a", 3.0, "")]


def test_an_upsert_of_a_table_that_is_all_key_changes_nothing_the_second_time(connection: Connection) -> None:
    for _ in range(2):
        connection.execute(upsert(NAMES), {"name": "a"})
    assert connection.execute(select(NAMES)).scalars().all() == ["a"]


def test_rows_of_plain_values_are_written_in_the_order_of_the_columns(connection: Connection) -> None:
    execute_many(connection, upsert(THINGS), [(1, "a", 1.0, None), (2, "b", 2.0, "n"), (1, "a", 5.0, "m")])
    assert rows(connection) == [(1, "a", 5.0, "m"), (2, "b", 2.0, "n")]
    gone = THINGS.delete().where(THINGS.c.name == bindparam("of"), THINGS.c.order == bindparam("at"))
    execute_many(connection, gone, [("a", 1)])
    execute_many(connection, gone, [])
    assert rows(connection) == [(2, "b", 2.0, "n")]
