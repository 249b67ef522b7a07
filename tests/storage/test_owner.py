"""One daemon for a state: real second processes that try to use it, and states that are replaced while in use."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from smithd.errors import DatabaseError, TermLost
from smithd.storage import sqlite
from smithd.storage.database import Database
from smithd.storage.lock import daemon_pid
from smithd.storage.migration import is_earlier

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
sys.stdin.read()
with database.transaction() as connection:
    connection.exec_driver_sql("UPDATE alive SET at = 5")
"""
TAKE_OVER = """
import fcntl, sys
from pathlib import Path
fcntl.flock = lambda *_: None
from smithd.storage.database import Database
with Database.open(Path(sys.argv[1])).transaction() as connection:
    connection.exec_driver_sql("UPDATE alive SET at = 5")
"""
LOCK_AS_BEFORE = """
import fcntl, os, sys
lock = os.open(sys.argv[1] + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
os.write(lock, f"{os.getpid()}\\n".encode())
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@contextmanager
def daemon(path: Path, script: str = HOLD) -> Iterator[int]:
    """Another process that has the state open; yields its pid."""
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process.pid
        process.communicate("")


def refused(path: Path) -> str:
    with pytest.raises(DatabaseError) as error:
        Database.open(path)
    return str(error.value)


def same(path: Path) -> Path:
    return path


def symbolic_link(path: Path) -> Path:
    link = path.with_name("symbolic.db")
    link.symlink_to(path)
    return link


def link_of_the_folder(path: Path) -> Path:
    folder = path.parent / "elsewhere"
    folder.symlink_to(path.parent)
    return folder / path.name


def hard_link(path: Path) -> Path:
    link = path.with_name("hard.db")
    link.hardlink_to(path)
    return link


def deleted_lock_file(path: Path) -> Path:
    path.with_name("state.db.lock").unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("way", [same, symbolic_link, link_of_the_folder, hard_link, deleted_lock_file])
def test_a_second_daemon_is_refused_whichever_way_it_gets_there(path: Path, way: Callable[[Path], Path]) -> None:
    Database.open(path).close()
    with daemon(path) as pid:
        other = way(path)
        assert refused(other) == f"another smithd (pid {pid}) uses {other}"
        assert refused(other) == f"another smithd (pid {pid}) uses {other}"
    if other.exists() and other.stat().st_nlink > 1:
        other.unlink()
    Database.open(path).close()


def test_a_state_with_two_names_is_refused_under_both(path: Path) -> None:
    Database.open(path).close()
    link = hard_link(path)
    for name in (path, link):
        assert refused(name) == (
            f"the state in {name} has another name as well (a hard link), and what is written under one name could be "
            "lost under the other: remove one of them"
        )
    link.unlink()
    Database.open(path).close()


def test_a_daemon_that_uses_a_link_keeps_off_one_that_uses_the_path(path: Path) -> None:
    Database.open(path).close()
    with daemon(symbolic_link(path)) as pid:
        assert f"(pid {pid})" in refused(path)


def test_a_refusal_costs_the_first_daemon_none_of_its_locks(path: Path) -> None:
    """In one process: closing another descriptor of the file would drop the locks that SQLite holds."""
    database = Database.open(path)
    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO alive VALUES (1, 2.0)")
        assert f"(pid {os.getpid()})" in refused(hard_link(path))
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        command = [sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr
    database.close()


def test_a_daemon_of_an_older_version_is_not_disturbed(path: Path) -> None:
    with daemon(path, LOCK_AS_BEFORE) as pid:
        assert refused(path) == f"another smithd (pid {pid}) uses {path}"
        assert not path.exists()
    Database.open(path).close()
    assert not path.with_name("state.db.lock").exists()


def test_each_start_draws_a_term_of_its_own(path: Path) -> None:
    terms = set()
    for _ in range(3):
        database = Database.open(path)
        with database.transaction() as connection:
            terms.add(connection.exec_driver_sql("SELECT term FROM owner").scalar_one())
        database.close()
    assert len(terms) == 3


def write(database: Database, number: float) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT OR REPLACE INTO alive VALUES (1, ?)", (number,))


def read(path: Path) -> float:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (number,) = connection.execute("SELECT at FROM alive").fetchone()
        return float(number)


def by_copy(other: Path, path: Path) -> None:
    shutil.copyfile(other, path)


def by_rename(other: Path, path: Path) -> None:
    other.replace(path)


def by_moving_all(other: Path, path: Path) -> None:
    for end in ("-wal", "-shm", ""):
        path.with_name(path.name + end).rename(path.with_name("old.db" + end))
    other.replace(path)


@pytest.fixture
def other(path: Path) -> Path:
    """A backup of an earlier day."""
    database = Database.open(path)
    write(database, 1.0)
    database.close()
    return shutil.copyfile(path, path.with_name("other.db"))


@pytest.mark.parametrize("replace", [by_copy, by_rename, by_moving_all])
@pytest.mark.parametrize("busy", [True, False])
def test_a_state_that_is_replaced_while_in_use_is_lost_and_the_new_one_is_left_as_it_is(
    path: Path, other: Path, replace: Callable[[Path, Path], None], busy: bool
) -> None:
    database = Database.open(path)
    for number in range(50 if busy else 0):
        write(database, 2.0 + number)
    replace(other, path)
    for _ in range(2):
        with pytest.raises(TermLost, match="is not this smithd's any more: it was replaced by another file"):
            write(database, 3.0)
    database.close()
    assert read(path) == 1.0
    database = Database.open(path)
    write(database, 4.0)
    database.close()
    assert read(path) == 4.0


def test_a_daemon_that_has_lost_its_state_does_not_disturb_the_next_one(path: Path, other: Path) -> None:
    database = Database.open(path)
    write(database, 2.0)
    by_rename(other, path)
    with daemon(path, HOLD.replace("sys.stdin.read()", WRITE)):
        with pytest.raises(TermLost):
            write(database, 3.0)
        database.close()
    assert read(path) == 5.0


def test_a_state_that_was_deleted_is_lost(path: Path) -> None:
    database = Database.open(path)
    path.unlink()
    with pytest.raises(TermLost):
        write(database, 1.0)
    database.close()
    assert not path.exists()


@pytest.mark.parametrize("whole", [True, False])
def test_a_state_that_another_daemon_took_over_is_lost(path: Path, whole: bool) -> None:
    """Where the lock does not hold, as on some disks of the network."""
    database = Database.open(path)
    write(database, 1.0)
    script = TAKE_OVER if whole else "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])"
    change = "UPDATE owner SET term = 'theirs'; UPDATE alive SET at = 5"
    subprocess.run([sys.executable, "-c", script, str(path), change], check=True, env=ENVIRONMENT)
    with pytest.raises(TermLost, match="is not this smithd's any more"):
        write(database, 2.0)
    database.close()
    assert read(path) == 5.0  # and what they wrote is untouched


def test_a_program_that_only_looks_does_not_cost_the_state(path: Path) -> None:
    database = Database.open(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM alive").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    write(database, 1.0)
    database.close()


def test_a_reader_that_was_there_first_does_not_cost_the_state(path: Path, other: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alive").fetchall()
        database = Database.open(path)
        write(database, 2.0)
        reader.execute("COMMIT")
        write(database, 3.0)
        database.close()


def test_the_state_records_the_configuration_that_it_belongs_to(path: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    (tmp_path / "link.yaml").symlink_to(first)
    found = []
    for configuration in (first, tmp_path / "link.yaml", None, second, None, second, first):
        database = Database.open(path, configuration)
        found.append(database.from_another)
        database.close()
    assert found == [False, False, False, True, False, False, True]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("make", "kind"),
    [(pipe, "a named pipe (FIFO)"), (bound_socket, "a socket"), (Path.mkdir, "a folder"), (device, "a device")],
)
def test_what_is_no_file_is_refused_before_it_is_opened(
    make: Callable[[Path], None], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="smithd-") as folder:
        path = Path(folder) / "state.db"
        make(path)
        with monkeypatch.context() as patched:
            patched.setattr(sqlite3, "connect", opened)
            patched.setattr(os, "open", opened)
            assert not is_earlier(path)
            assert daemon_pid(path) is None
            assert sqlite.copy(path, path.with_name("copy.db")) == f"it is {kind}, not a file"
            said = refused(path)
        assert said == f"the state cannot be kept in {path}: it is {kind}, and 'state' names a file"


def opened(*arguments: object, **_: object) -> None:
    pytest.fail(f"opened: {arguments}")
