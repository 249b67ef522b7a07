"""The state file: who may open it, what it refuses, and that what it has is what the rooms declare."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

import smithd.alerts.rows
import smithd.journal
import smithd.notify.rows
import smithd.outbox.rows
import smithd.series.rows
import smithd.storage.migrations
from smithd.errors import DatabaseError, Unwritable
from smithd.notify.apply import push_key
from smithd.storage import metadata
from smithd.storage.database import Database
from smithd.storage.migration import HEAD, upgrade


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "smithd.db"


def fill(database: Database, rows: int) -> None:
    with database.transaction() as connection:
        for number in range(rows):
            connection.exec_driver_sql("INSERT INTO alerts VALUES ('', ?, '[]', ?)", (str(number), "x" * 1000))


def test_the_tables_are_those_that_the_rooms_declare(path: Path) -> None:
    database = Database.open(path)
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def schema(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {name: " ".join(sql.split()) for name, sql in rows}


def test_a_new_file_is_what_the_migrations_make(path: Path) -> None:
    migrated = create_engine("sqlite://")
    database = Database.open(path)
    with database.transaction() as new, migrated.begin() as old:
        upgrade(old)
        assert schema(new) == schema(old)
        assert new.exec_driver_sql("SELECT * FROM alembic_version").all() == [(HEAD,)]
    database.close()


def test_the_known_version_is_the_newest_migration() -> None:
    (folder,) = smithd.storage.migrations.__path__
    assert ScriptDirectory(folder).get_heads() == [HEAD]


def test_the_state_is_private_and_durable(path: Path) -> None:
    database = Database.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    database.close()


def test_a_state_that_is_new_or_up_to_date_opens_without_alembic(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from smithd.storage.database import Database\n"
        f"Database.open(Path({str(path)!r})).close(); sys.exit('alembic' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    database = Database.open(path)

    def fail() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("INSERT INTO alive VALUES (1, 2.0)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alive").scalar_one() == 0

    database.close()


def test_a_second_smithd_is_kept_off_until_the_first_has_ended(path: Path) -> None:
    database = Database.open(path)
    with pytest.raises(DatabaseError, match=rf"another smithd \(pid {os.getpid()}\) uses {path}"):
        Database.open(path)
    database.close()
    Database.open(path).close()


def test_the_lock_of_a_smithd_that_was_killed_is_free(path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from smithd.storage.database import Database\n"
        f"database = Database.open(Path({str(path)!r})); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == -9
    Database.open(path).close()


@pytest.mark.parametrize("version", ["9998", "9999", "abc"])
def test_a_newer_version_is_refused(path: Path, version: str) -> None:
    database = Database.open(path)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (version,))
    database.close()
    with pytest.raises(DatabaseError, match=f"was written by a newer smithd .*{version}"):
        Database.open(path)
    with pytest.raises(DatabaseError, match="newer"):  # and the lock was let go
        Database.open(path)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"\0" * 5000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="is damaged, or no state of smithd's"):
        Database.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(DatabaseError, match="belongs to another program"):
        Database.open(path)


def test_a_damaged_file_is_refused_when_opened(path: Path) -> None:
    database = Database.open(path)
    fill(database, 200)
    database.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    with pytest.raises(DatabaseError, match="is damaged"):
        Database.open(path)


def test_damage_that_comes_later_is_found_by_the_transaction_that_meets_it(path: Path) -> None:
    database = Database.open(path)
    fill(database, 2000)
    with database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA cache_size=1")
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    with pytest.raises(DatabaseError, match="is damaged") as error, database.transaction() as connection:
        connection.exec_driver_sql("SELECT sum(length(state)) FROM alerts").all()
    assert type(error.value) is DatabaseError
    database.close()


def test_a_full_disk_is_found_by_the_transaction_that_meets_it_and_costs_nothing_else(path: Path) -> None:
    database = Database.open(path)
    with database.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(Unwritable, match="the disk is full"):
        fill(database, 50)
    fill(database, 1)
    database.close()


def test_a_state_that_became_unwritable_is_found(path: Path) -> None:
    database = Database.open(path)
    with database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA query_only=1")
    with pytest.raises(Unwritable, match="cannot be written"):
        fill(database, 1)
    database.close()


def test_a_program_that_writes_into_the_file_is_not_waited_for_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smithd.storage.sqlite.BUSY_TIMEOUT", 50)
    database = Database.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unwritable, match="held by another program"):
        fill(database, 1)
    other.close()
    fill(database, 1)
    database.close()


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "smithd.db", tmp_path, Path("/proc/smithd/smithd.db")):
        with pytest.raises(DatabaseError, match="cannot be kept in"):
            Database.open(place)


def test_what_an_older_smithd_notified_of_its_alerts_is_known_to_this_one(path: Path) -> None:
    old = create_engine(f"sqlite:///{path}")
    path.parent.mkdir()
    state: dict[str, object] = {
        "metric": "shop.errors",
        "holds": {"warning": ["inactive", 0.0], "critical": ["firing", 5.0]},
    }
    state |= {"since": 5.0, "fired_at": 5.0, "value": 7.0, "worst": "critical"}
    with old.begin() as connection:
        upgrade(connection, "0001")
        for rule, key in (("sent", 'push:sent{host="a"}@5.000'), ("unsent", "push:other@5.000")):
            labels = '[["host", "a"]]' if rule == "sent" else "[]"
            connection.exec_driver_sql("INSERT INTO alerts VALUES (?, ?, ?)", (rule, labels, json.dumps(state)))
            connection.exec_driver_sql("INSERT INTO shown VALUES (?, 'push', '{}', 5.0, 0, 'n', '{}')", (key,))
    old.dispose()
    database = Database.open(path)
    with database.transaction() as connection:
        groups = smithd.notify.rows.load_groups(connection)["default"]
    database.close()
    (group,) = groups.by_key.values()
    assert str(push_key(group.key, group.log)) == 'push sent{host="a"}@5.000'
    assert list(group.log.severities.values()) == ["critical"]
