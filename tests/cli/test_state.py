"""``smithd state``: what is in a state, its backup beside a writer, its check, pruning, and export."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from smithd import __version__
from smithd.cli.main import run
from smithd.storage import metadata
from smithd.storage.database import Database
from smithd.storage.migration import HEAD
from smithd.stored.parts import PARTS, READERS

DUMP = Path(__file__).parent.parent / "storage" / "released" / "0024.sql"
CONFIG = """
activitysmith: {api_key: ask_secret_of_the_test}
state: sqlite:///state.db
timezone: Europe/Berlin
history: 2d
sources: {shop: {type: http_json, url: "http://127.0.0.1:1/", metrics: {orders: $.orders, errors: $.errors}}}
rules:
  errors: {metric: shop.errors, warning: '> 1', push: true}
  orders: {metric: shop.orders, warning: drops > 30% over 10m}
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
HOLD = """
import sys
from pathlib import Path
from smithd.storage.database import Database
database = Database.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
database.close()
"""
WRITE = """
import sys
from pathlib import Path
from smithd.storage.database import Database
database = Database.open(Path(sys.argv[1]))
for number in range(100_000):
    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO firing_intervals VALUES ('m', ?, 'r', 0, ?)", (str(number), "x" * 3000))
        connection.exec_driver_sql("INSERT INTO countdowns VALUES ('a', ?, 'n', 0, 0, 0, NULL)", (str(number),))
    if number == 200:
        print("open", flush=True)
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state that smithd wrote, and its configuration, in the current folder."""
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as made:
        made.executescript(DUMP.read_text())
    Database.open(path, tmp_path / "smithd.yaml").close()
    (tmp_path / "smithd.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return path


@contextmanager
def another(script: str, path: Path) -> Iterator[int]:
    """Another process that has the state open; yields its pid."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield process.pid
        process.kill()


def change(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as changed:
        changed.executescript(statements)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert run(["state", *arguments]) == status
    return capsys.readouterr().out


def test_every_table_is_read_and_every_part_has_one() -> None:
    tables = [table for reader in READERS for table in reader.tables]
    assert sorted(tables) == sorted(set(metadata.tables) - {"owner"})
    assert {part.table for part in PARTS.values()} <= set(tables)


def test_info_says_what_is_in_it_and_who_uses_it(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = asked(capsys, "info")
    for line in (
        f"  written by     smithd {__version__} (tables of version {HEAD})",
        "  in use by      no daemon",
        f"  configuration  {state.with_name('smithd.yaml')}",
        "  account        default: http://127.0.0.1:8788/api, key 11fa33e20f314111",
        f"  kept           {state}.before-{HEAD}, from before the last upgrade",
    ):
        assert line in text.splitlines()
    lines = [line.split() for line in text.splitlines()]
    assert ["alerts", "2"] in lines
    assert ["messages", "waiting", "(messages)", "1", "2026-11-29", "12:48:53", "to", "2026-11-29", "12:48:53"] in lines
    assert ["shop.orders", "7", "2026-11-29", "12:48:50", "to", "2026-11-29", "12:48:56"] in lines
    with another(HOLD, state) as pid:
        assert f"  in use by      a daemon, pid {pid}" in asked(capsys, "info").splitlines()
        found = json.loads(asked(capsys, "info", "--format", "json"))
    assert (found["daemon_pid"], found["schema"], found["written_by"]) == (pid, HEAD, __version__)
    assert found["parts"]["decisions"] == {
        "rows": 2,
        "oldest": "2026-11-29T12:48:51+01:00",
        "newest": "2026-11-29T12:48:53+01:00",
    }


def test_info_and_check_read_a_state_of_an_earlier_version(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = f"{state}.before-{HEAD}"
    text = asked(capsys, "info", "--state", kept)
    assert "an earlier smithd (tables of version 0024, which a start upgrades)" in text
    assert "version 0024, which an upgrade to" in asked(capsys, "check", "--state", kept)
    with closing(sqlite3.connect(kept)) as unchanged:
        assert unchanged.execute("SELECT version_num FROM alembic_version").fetchall() == [("0024",)]


def test_a_backup_beside_a_daemon_that_writes_is_whole(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = state.with_name("kept.db")
    with another(WRITE, state):
        assert "checked." in asked(capsys, "backup", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with closing(sqlite3.connect(target)) as kept:
        counts = [
            kept.execute(statement).fetchone()
            for statement in ("SELECT count(*) FROM firing_intervals", "SELECT count(*) FROM countdowns")
        ]
    assert counts[0] == counts[1]
    assert counts[0][0] > 200
    assert sorted(each.name for each in state.parent.glob("kept*")) == ["kept.db"]


def test_a_backup_replaces_nothing_unless_it_is_told_to(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = state.with_name("kept.db")
    target.write_text("precious")
    target.chmod(0o644)
    asked(capsys, "backup", str(target), status=2)
    assert target.read_text() == "precious"
    asked(capsys, "backup", str(target), "--force")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    asked(capsys, "check", "--state", str(target))
    asked(capsys, "backup", str(state.with_name("none") / "kept.db"), status=1)


@pytest.mark.parametrize("name", ["state.db", "state.db-wal", "state.db-shm", "state.db-journal", "link", "second"])
def test_a_backup_never_replaces_a_part_of_the_state(
    name: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.with_name("link").symlink_to(f"{state}-wal")
    with another(HOLD, state):
        state.with_name("second").hardlink_to(state)
        asked(capsys, "backup", name, "--force", status=2)
        asked(capsys, "check")


def test_a_backup_is_restored_by_copying_it(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(capsys, "backup", "kept.db")
    change(state, "DELETE FROM alerts")
    shutil.copy("kept.db", state)
    assert "alerts" in asked(capsys, "info")
    Database.open(state).close()


def test_a_state_that_is_fine_is_said_to_be(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state.read_bytes()
    assert asked(capsys, "check").splitlines() == [
        "integrity: ok",
        f"version {HEAD}: ok",
        "foreign keys: ok",
        "tables: ok",
        "rows: ok",
        f"{state} is fine.",
    ]
    assert state.read_bytes() == before
    with another(HOLD, state):
        assert json.loads(asked(capsys, "check", "--format", "json"))["fine"]


WRONG = {
    "UPDATE alerts SET state = '{}' WHERE name = 'errors'": "alerts: origin='' name='errors' labels='[]'",
    "UPDATE alerts SET labels = '[' WHERE name = 'stock'": "JSONDecodeError",
    "UPDATE journal SET labels = 'x' WHERE id = 2": "journal: id=2",
    "UPDATE samples SET value = 'many' WHERE at = (SELECT min(at) FROM samples)": "could not convert string to float",
    "INSERT INTO samples VALUES (1.0, 99, 1.0)": "samples: at=1.0 series=99 value=1.0: KeyError: 99",
    "UPDATE outbox SET kind = 'letter'": "outbox: id=7",
    "UPDATE shown SET content = '[]' WHERE surface = 'stream'": "shown: account='default' surface='stream' name=",
    "UPDATE silences SET matchers = '='": "silences: id=1",
    "UPDATE grouped_alerts SET state = '{}'": "grouped_alerts: account='default'",
    "UPDATE deliveries SET at = 'x'": None,
    "CREATE TABLE theirs (x)": "theirs is none of smithd's",
    "DROP INDEX journal_by_rule": "journal_by_rule is missing",
    "ALTER TABLE alive ADD COLUMN more": "alive differs from what it should be: CREATE TABLE alive",
    "INSERT INTO alembic_version VALUES ('0024')": f"of several versions (0024, {HEAD})",
    "UPDATE alembic_version SET version_num = '9999'": "was written by a newer smithd",
}


@pytest.mark.parametrize(("statement", "said"), [(key, value) for key, value in WRONG.items() if value])
def test_what_is_wrong_is_named(statement: str, said: str, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(state, statement)
    text = asked(capsys, "check", status=1)
    assert said in text
    assert text.endswith("is not as it should be. docs/state.md says how to restore a backup.\n")


def test_only_the_rows_that_are_not_understood_are_named(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(
        state,
        "INSERT INTO alerts SELECT origin, 'r' || value, labels, iif(value % 10, state, 'x') FROM alerts, "
        "(WITH n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 300) SELECT value FROM n) "
        "WHERE name = 'errors'",
    )
    (rows,) = [
        each for each in json.loads(asked(capsys, "check", "--format", "json", status=1))["findings"] if each["wrong"]
    ]
    assert len(rows["wrong"]) == 21
    assert rows["wrong"][-1] == "alerts: and 10 more"
    assert all("name='r" in each and "0' labels" in each for each in rows["wrong"][:-1])


def test_a_damaged_file_is_found(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with state.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 40_000)
    assert "integrity: WRONG" in asked(capsys, "check", status=1)
    state.write_bytes(b"no database" * 1000)
    assert run(["state", "check"]) == 1
    assert "cannot be read: file is not a database" in capsys.readouterr().err


def test_a_backup_of_which_nothing_is_left_is_not_fine(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state.with_name("kept.db").touch()
    said = asked(capsys, "check", "--state", "kept.db", status=1)
    assert "version: WRONG\n  nothing is in it" in said


def test_what_to_do_about_a_newer_state_names_it_and_its_copy(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(state, "UPDATE alembic_version SET version_num = '9999'")
    shutil.copy(state, f"{state}.before-9999")
    lines = asked(capsys, "check", status=1).splitlines()
    assert f"    - go back to the state from before the upgrade: rm -f {state}-wal {state}-shm; " in "\n".join(lines)
    assert lines[2].startswith(f"  {state} was written by a newer smithd")


@pytest.fixture
def grown(state: Path) -> Path:
    """With old samples and decisions, and unused space."""
    change(
        state,
        "WITH n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20000) "
        "INSERT INTO samples SELECT value, (SELECT id FROM series), 1.0 FROM n;"
        "INSERT INTO journal SELECT id + 1000, 5.0, rule, labels, change, severity, value, evidence, reason, detail, "
        "notification FROM journal;"
        "INSERT INTO deliveries (at, account, key, endpoint, outcome, operation, detail, is_final) "
        "VALUES (5.0, 'a', 'k', 'e', 'o', 'o', 'd', 1)",
    )
    return state


def test_prune_removes_what_is_kept_no_longer_and_shrinks_the_file(
    grown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = grown.stat().st_size
    found = json.loads(asked(capsys, "prune", "--format", "json"))
    assert found["removed"]["samples"] >= 20_000
    assert found["removed"]["decisions"] == 2
    assert found["removed"]["deliveries"] == 1
    assert found["size_after"] == grown.stat().st_size < before
    assert asked(capsys, "prune").startswith("Removed: nothing;")
    asked(capsys, "check")


def test_prune_is_refused_beside_a_daemon_and_a_dry_run_is_not(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with another(HOLD, grown) as pid:
        before = grown.read_bytes()
        assert run(["state", "prune"]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"smithd (pid {pid}) uses {grown}.")
        assert "stop it first" in said
        assert asked(capsys, "prune", "--dry-run").startswith("Would remove: 20,0")
        assert grown.read_bytes() == before


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_export_has_every_part_as_json_lines(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(asked(capsys, "export"))
    assert {row["part"] for row in found} == {
        name for name, each in json.loads(asked(capsys, "info", "--format", "json"))["parts"].items() if each["rows"]
    }
    (waiting,) = [row for row in found if row["part"] == "messages"]
    assert waiting["created"] == "2026-11-29T11:48:53.345Z"
    assert waiting["content"]["content"]["title"] == "stock (north) is critical"
    (decision,) = lines(asked(capsys, "export", "--part", "decisions", "--from", "2026-11-29 12:48:52"))
    assert (decision["rule"], decision["labels"]) == ("stock", {"house": "north"})


def test_export_has_samples_as_csv(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(state, """INSERT INTO series VALUES (50, 'shop.size', '[["house","a,\\"b"]]'); """)
    change(state, "INSERT INTO samples VALUES (1795953000.0, 50, 1e21)")
    (row,) = csv.DictReader(asked(capsys, "export", "--format", "csv", "--metric", "shop.size").splitlines())
    assert row == {
        "time": "2026-11-29T11:50:00.000Z",
        "metric": "shop.size",
        "labels": 'house="a,\\"b"',
        "value": "1e+21",
    }
    all_of_them = asked(capsys, "export", "--format", "csv").splitlines()
    some = asked(capsys, "export", "--format", "csv", "--to", "2026-11-29T11:48:53Z").splitlines()
    assert all_of_them[0] == "time,metric,labels,value"
    assert len(all_of_them) == 9
    assert some == all_of_them[: len(some)]
    assert 1 < len(some) < 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "alrts"], "did you mean 'alerts'?"),
        (["--metric", "shop.order"], "did you mean 'shop.orders'?"),
        (["--format", "csv", "--part", "alerts"], "csv is for samples only"),
        (["--from", "yesterday"], "expected 2026-11-28, '2026-11-28 14:00', or how long ago, like 2h"),
        (["--from", "2026-13-01"], "'2026-13-01' is no time"),
        (["--state", "none.db"], "there is no state none.db"),
    ],
)
def test_what_cannot_be_exported_is_said(
    arguments: list[str], said: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["state", "export", *arguments]) in (1, 2)
    found = capsys.readouterr()
    assert said in found.err
    assert found.out == ""


def test_a_configuration_with_mistakes_does_not_keep_anybody_from_the_state(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("smithd.yaml").write_text("rules: 5")
    assert run(["state", "info"]) == 2
    assert "A state can be named without its configuration: --state PATH" in capsys.readouterr().err
    assert "written by" in asked(capsys, "info", "--state", str(state))
