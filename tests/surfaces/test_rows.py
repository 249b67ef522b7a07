"""The slots in the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from smithd.storage.database import Database
from smithd.surfaces import rows
from smithd.surfaces.slots import Holder, LoweredLimit, Slots
from surfaces.views import stream

SLOTS = Slots((Holder(stream("b"), 1.5), Holder(stream("a"), 2.0, 3.25)), (1.5, 2.0), LoweredLimit(3, 600.0))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database.open(tmp_path / "state.db")
    with database.transaction() as connection:
        yield connection
    database.close()


def test_slots_are_read_as_they_were_written(connection: Connection) -> None:
    assert rows.load(connection, "default") == Slots()
    for slots in (SLOTS, Slots(), SLOTS):
        rows.write(connection, "default", slots)
        assert rows.load(connection, "default") == slots
    assert rows.load(connection, "other") == Slots()


def test_all_of_memory_replaces_what_there_was(connection: Connection) -> None:
    rows.write(connection, "other", SLOTS)
    rows.write_all(connection, {"default": SLOTS})
    assert rows.load(connection, "default") == SLOTS
    assert rows.load(connection, "other") == Slots()
