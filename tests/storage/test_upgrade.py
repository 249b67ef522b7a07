"""A state that any version since 0.1.0 wrote is upgraded, whole or not at all, and kept as it was.

Each file in ``released`` was written by the smithd that had tables of that version, in a run of a few seconds: an alert
that was notified and is shown in a Live Activity, one whose push was refused and waits, a widget, a silence.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import smithd.storage.migrations
from engine.harness import Harness
from smithd import __version__
from smithd.errors import DatabaseError
from smithd.outbox.message import ActivityState, Push, PushUpdate
from smithd.storage import migration, sqlite
from smithd.storage.database import Database
from smithd.storage.migration import HEAD

RELEASED = sorted((Path(__file__).parent / "released").iterdir())
CONFIG = """
activitysmith: {api_key: ask_e2e_secret, base_url: 'http://127.0.0.1:8788/api'}
state: sqlite:///state.db
timezone: UTC
history: 2d
plugins: [shop.py]
sources: {shop: {type: shop, every: 60s}}
rules:
  errors: {metric: shop.errors, warning: '> 1', critical: '> 5', push: true}
  stock: {metric: shop.stock, critical: '< 3', push: true}
  orders: {metric: shop.orders, warning: drops > 30% over 10m, push: true}
widgets: {shop.orders: shop.orders}
live_activities:
  trouble:
    type: stats
    title: Trouble
    show: {while_firing: [errors]}
    stats: [{label: Errors, value: shop.errors}]
"""
STOCK: dict[str, float] = {"north": 1, "south": 8}


def written(folder: Path, dump: Path) -> Path:
    """A state as it was dumped."""
    path = folder / "state.db"
    with closing(sqlite3.connect(path)) as state:
        state.executescript(dump.read_text())
    return path


def dumped(path: Path) -> list[str]:
    """All that is in a state but for its owner, whose term is drawn anew."""
    with closing(sqlite3.connect(path)) as state:
        return [line for line in state.iterdump() if not line.startswith('INSERT INTO "owner"')]


def version(path: Path) -> str:
    ((found,),) = sqlite.look(path, "SELECT version_num FROM alembic_version") or [("none",)]
    return str(found)


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_what_each_version_wrote_is_found_again_and_nothing_is_sent_twice(dump: Path, tmp_path: Path) -> None:
    path = written(tmp_path, dump)
    before = dumped(path)
    (left_at,) = (sqlite.look(path, "SELECT at FROM alive") or [])[0]
    now = left_at + 5
    with Harness(tmp_path, CONFIG, now, head=" ") as harness:
        alerts = {(alert.rule, dict(alert.labels).get("house", ""), alert.severity) for alert in harness.engine.alerts}
        assert alerts == {("errors", "", "critical"), ("stock", "north", "critical")}
        silences = [(silence.text, silence.comment, silence.author) for silence in harness.engine.silences(now)]
        assert silences == [("rule=orders", "deploying", "ann")]
        assert {key.subject for key in harness.outbox.shown()} == {
            "widget shop.orders",
            "Live Activity trouble",
            "push errors",
        }
        harness.poll(now, errors=7, orders=50, stock=STOCK)
        harness.pass_time(now + 10)
        (sent,) = harness.take()
        assert isinstance(sent, Push)
        assert sent.content.title == "stock (north) is critical"
        harness.poll(now + 60, errors=0, orders=50, stock=STOCK)
        resolved = {type(message): message.key.subject for message in harness.take()}
        assert resolved == {PushUpdate: "push errors", ActivityState: "Live Activity trouble"}
        assert harness.engine.entries("errors")[-1].change == "resolved"

    kept = tmp_path / f"state.db.before-{HEAD}"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert dumped(kept) == before


def test_there_is_a_state_of_each_version_that_was_released() -> None:
    (folder,) = smithd.storage.migrations.__path__
    found = {script.revision for script in ScriptDirectory(folder).walk_revisions()}
    # 0.1.0 began with 0003; 0004 to 0008 came together with 0009.
    until_now = {each for each in found if each == "0003" or "0009" <= each <= "0024"}
    assert {dump.stem for dump in RELEASED} >= until_now


def test_each_step_alone_leads_to_what_all_of_them_lead_to(tmp_path: Path) -> None:
    (folder,) = smithd.storage.migrations.__path__
    revisions = [script.revision for script in ScriptDirectory(folder).walk_revisions()]
    at_once = written(tmp_path, RELEASED[0])
    Database.open(at_once).close()
    found = dumped(at_once)
    (tmp_path / "step").mkdir()
    path = written(tmp_path / "step", RELEASED[0])
    for revision in reversed(revisions[: revisions.index("0003")]):
        with sqlite.engine(path).begin() as connection:
            migration.upgrade(connection, revision)
        assert version(path) == revision
    Database.open(path).close()
    assert dumped(path) == found


KILLED = """
import os, sys
from pathlib import Path
from sqlalchemy import Engine, event
from smithd.storage import migration
from smithd.storage.database import Database

left = int(sys.argv[2])
upgrade = migration.upgrade

def count(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), 9)

def counted(connection):
    event.listen(connection, "before_cursor_execute", count)
    upgrade(connection)

migration.upgrade = counted
Database.open(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("statements", [1, 12, 60, 100])
def test_a_kill_in_the_middle_leaves_the_state_as_it_was(statements: int, tmp_path: Path) -> None:
    path = written(tmp_path, RELEASED[0])
    before = dumped(path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", KILLED, str(path), str(statements)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert dumped(path) == before
    Database.open(path).close()
    assert version(path) == HEAD


def test_an_upgrade_that_fails_leaves_the_state_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, RELEASED[0])
    before, upgrade = dumped(path), migration.upgrade

    def fail(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type] # handed on as it came
        raise ZeroDivisionError

    monkeypatch.setattr(migration, "upgrade", fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            Database.open(path)
        assert dumped(path) == before
    monkeypatch.undo()
    Database.open(path).close()
    assert version(path) == HEAD


def test_without_room_for_a_copy_the_upgrade_goes_on_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, RELEASED[0])
    (tmp_path / f"state.db.before-{HEAD}").mkdir()
    database = Database.open(path)
    database.close()
    assert database.upgrade is not None
    assert database.upgrade.backup is None
    assert "cannot be copied" in database.upgrade.reason
    assert version(path) == HEAD


def test_only_the_copy_from_before_the_last_upgrade_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, RELEASED[0])
    (tmp_path / "state.db.before-0007").touch()
    (tmp_path / "other.db.before-0007").touch()
    Database.open(path).close()
    assert sorted(each.name for each in tmp_path.glob("*.before-*")) == [
        "other.db.before-0007",
        f"state.db.before-{HEAD}",
    ]
    Database.open(path).close()
    assert (tmp_path / f"state.db.before-{HEAD}").exists()


def test_a_state_of_a_newer_smithd_is_refused_with_what_helps(tmp_path: Path) -> None:
    path = written(tmp_path, RELEASED[0])
    Database.open(path).close()
    with closing(sqlite3.connect(path)) as newer:
        newer.executescript("UPDATE alembic_version SET version_num = '9999'; UPDATE owner SET version = '7.1.0'")
    (tmp_path / "state.db.before-9999").touch()
    before = dumped(path)
    with pytest.raises(DatabaseError) as refused:
        Database.open(path)
    assert str(refused.value) == (
        f"{path} was written by a newer smithd (7.1.0, with tables of version 9999; this is {__version__}, which knows "
        f"{HEAD}). Do one of these:\n"
        "  - install smithd 7.1.0 again\n"
        f"  - go back to the state from before the upgrade: "
        f"rm -f {path}-wal {path}-shm; cp {path}.before-9999 {path}\n"
        "    (what was notified since then may be notified again: docs/state.md)\n"
        "  - give 'state' another file, to start afresh"
    )
    assert dumped(path) == before
