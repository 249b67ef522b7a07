"""The one default state of earlier versions: which configuration takes it over, and that nothing in it is lost."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from smithd.errors import DatabaseError, Unwritable
from smithd.storage.adoption import Adoption, ConfiguredNames, adopt
from smithd.storage.database import Database

EARLIER = Path(__file__).with_name("earlier.sql").read_text()
WIDGETS, STREAMS = ("shop.orders", "shop.text"), ("shop", "trouble")
RULES = ("drop", "errors", "night", "quiet", "stock")
OURS = ConfiguredNames(WIDGETS, STREAMS, RULES)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A state with two widgets and two Live Activities, not yet moved from the log into the file."""
    path = tmp_path / "smithd.db"
    with closing(sqlite3.connect(path)) as state:
        state.executescript(EARLIER)
        state.execute("PRAGMA journal_mode=WAL")
        state.execute("PRAGMA wal_autocheckpoint=0")
        state.execute("UPDATE alive SET at = 7")
        state.commit()
        kept = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
    for end, content in kept.items():
        path.with_name(path.name + end).write_bytes(content)
    assert kept["-wal"]
    path.with_name("smithd.db.lock").write_text("123\n")
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "shop-12345678.db"


def test_the_first_configuration_that_has_what_is_shown_gets_it_with_all_that_is_in_it(
    earlier: Path, state: Path
) -> None:
    assert adopt(state, OURS) is Adoption.ADOPTED
    assert sorted(file.name for file in earlier.parent.iterdir()) == [state.name]
    with closing(Database.open(state)) as database, database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT at FROM alive").scalar_one() == 7
        assert connection.exec_driver_sql("SELECT count(*) FROM alerts").scalar_one() == 5
    assert adopt(state, OURS) is Adoption.NONE


@pytest.mark.parametrize(
    ("ours", "outcome"),
    [
        (OURS, Adoption.ADOPTED),
        (ConfiguredNames((*WIDGETS, "another"), (*STREAMS, "another"), (*RULES, "another")), Adoption.ADOPTED),
        # The other widget may have been removed long ago, and two of the rules just now.
        (ConfiguredNames(("shop.orders",), STREAMS, ("drop", "errors", "night")), Adoption.ADOPTED),
        (ConfiguredNames(("shop.orders",), STREAMS, ("drop", "errors")), Adoption.LEFT_ALONE),
        (ConfiguredNames((), STREAMS, ("drop", "theirs")), Adoption.LEFT_ALONE),
        (ConfiguredNames(WIDGETS, ("shop",), RULES), Adoption.LEFT_ALONE),
        (ConfiguredNames(("theirs",), ("theirs",), ("theirs",)), Adoption.LEFT_ALONE),
        (ConfiguredNames((), (), ()), Adoption.LEFT_ALONE),
    ],
)
def test_it_belongs_to_the_configuration_with_its_live_activities_and_half_of_the_rest(
    earlier: Path, state: Path, ours: ConfiguredNames, outcome: Adoption
) -> None:
    before = earlier.read_bytes()
    assert adopt(state, ours) is outcome
    if outcome is Adoption.LEFT_ALONE:
        assert not state.exists()
        assert earlier.read_bytes() == before


def test_a_stream_that_has_ended_does_not_count(earlier: Path, state: Path) -> None:
    with closing(sqlite3.connect(earlier)) as connection, connection:
        connection.execute("UPDATE shown SET ended = 1, kind = 'end' WHERE key = 'stream:trouble'")
    assert adopt(state, ConfiguredNames(WIDGETS, ("shop",), RULES)) is Adoption.ADOPTED


def test_its_open_alerts_alone_say_whose_it_is(earlier: Path, state: Path) -> None:
    with closing(sqlite3.connect(earlier)) as connection, connection:
        connection.execute("DELETE FROM shown")
    assert adopt(state, ConfiguredNames(WIDGETS, STREAMS, ("theirs",))) is Adoption.LEFT_ALONE
    assert adopt(state, ConfiguredNames((), (), RULES)) is Adoption.ADOPTED


def test_where_nothing_says_whose_it_is_it_is_left_alone(earlier: Path, state: Path) -> None:
    with closing(sqlite3.connect(earlier)) as connection, connection:
        connection.execute("DELETE FROM shown")
        connection.execute("DELETE FROM alerts")
    assert adopt(state, OURS) is Adoption.LEFT_ALONE


def test_a_configuration_that_has_a_state_keeps_it(earlier: Path, state: Path) -> None:
    state.touch()
    assert adopt(state, OURS) is Adoption.NONE
    assert earlier.exists()


def test_without_an_earlier_state_there_is_nothing_to_do(state: Path) -> None:
    assert adopt(state, OURS) is Adoption.NONE
    assert adopt(state.with_name("smithd.db"), OURS) is Adoption.NONE


def test_a_file_of_this_version_is_somebodys_who_has_named_it(earlier: Path, state: Path) -> None:
    Database.open(earlier).close()
    assert adopt(state, OURS) is Adoption.LEFT_ALONE


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_what_is_no_state_is_left_alone(tmp_path: Path, state: Path, content: bytes) -> None:
    (tmp_path / "smithd.db").write_bytes(content)
    assert adopt(state, OURS) is Adoption.LEFT_ALONE
    assert (tmp_path / "smithd.db").read_bytes() == content


@contextmanager
def locked(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


def test_one_that_a_daemon_of_an_earlier_version_uses_is_not_taken_from_it(earlier: Path, state: Path) -> None:
    with locked(earlier.with_name("smithd.db.lock")), pytest.raises(DatabaseError, match=r"another smithd \(pid 123\)"):
        adopt(state, OURS)
    assert earlier.exists()
    assert adopt(state, OURS) is Adoption.ADOPTED


def test_one_that_another_program_holds_is_not_taken_from_it(
    earlier: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smithd.storage.sqlite.BUSY_TIMEOUT", 50)
    with closing(sqlite3.connect(earlier, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alerts").fetchall()
        with pytest.raises(Unwritable, match="held by another program"):
            adopt(state, OURS)
    assert earlier.exists()
    assert adopt(state, OURS) is Adoption.ADOPTED
