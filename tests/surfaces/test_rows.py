"""The slots in the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from smithd.keys import StreamKey
from smithd.storage.database import Database
from smithd.surfaces import rows
from smithd.surfaces.slots.memory import LoweredLimit, Slots, Start, StreamRecord
from surfaces.views import stream

SLOTS = Slots(
    (
        StreamRecord(stream("b"), 0.0, None, 1.5, 1.75, as_critical=True),
        StreamRecord(stream("a"), None, 3.25, 2.0),
        StreamRecord(stream("c"), 2.0, left_at=1.0, preempted=True, makes_room_for=stream("b")),
    ),
    (Start(1.5, critical=False), Start(2.0, critical=True)),
    LoweredLimit(3, 600.0),
    (4.0,),
    (stream("c"), stream("d")),
    5.0,
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database.open(tmp_path / "state.db")
    with database.transaction() as connection:
        yield connection
    database.close()


def test_slots_are_read_as_they_were_written(connection: Connection) -> None:
    assert rows.load(connection) == {}
    for slots in (SLOTS, Slots(), SLOTS):
        rows.write(connection, "default", slots)
        assert rows.load(connection) == {"default": slots}
    rows.write(connection, "default", None)
    assert rows.load(connection) == {}


def test_accounts_that_are_the_same_have_their_streams_in_common(connection: Connection) -> None:
    theirs = StreamKey("team", "a")
    slots = Slots((StreamRecord(stream("a"), 1.0, makes_room_for=theirs), StreamRecord(theirs, 2.0)), folded=(theirs,))
    rows.write(connection, "default", slots)
    assert rows.load(connection) == {"default": slots}


def test_all_of_memory_replaces_what_there_was(connection: Connection) -> None:
    rows.write(connection, "other", SLOTS)
    rows.write_all(connection, {"default": SLOTS})
    assert rows.load(connection) == {"default": SLOTS}


def test_slots_of_an_earlier_version_are_read(connection: Connection) -> None:
    """It remembered the streams that have a slot, and when any started."""
    state = '{"holders": [["b", 1.5, null], ["a", 2.0, 3.25]], "started": [1.5, 2.0], "lowered": [3, 600.0]}'
    connection.exec_driver_sql("INSERT INTO slots (account, state) VALUES (?, ?)", ("default", state))
    assert rows.load(connection)["default"] == Slots(
        (StreamRecord(stream("b"), 1.5, None, 1.5, 1.5), StreamRecord(stream("a"), None, 3.25, 2.0, 2.0)),
        (Start(1.5, critical=False), Start(2.0, critical=False)),
        LoweredLimit(3, 600.0),
    )
