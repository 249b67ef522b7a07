"""A bar is seen on a terminal, where something takes long, and is gone at the end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from cli.terminal import terminal

PROGRAM = """
import sys
from smithd.cli import progress
progress.DELAY = float(sys.argv[1])
total = int(sys.argv[2]) or None
with progress.progress("polling", total) as advance:
    advance(1)
    if progress.DELAY < 1:
        sys.stdin.readline()
print("done")
"""


def test_it_shows_how_much_is_done_and_is_gone_at_the_end(tmp_path: Path) -> None:
    with terminal(["-c", PROGRAM, "0.01", "4"], tmp_path) as shown:
        shown.read_until("polling  [#########---------------------------]   25%")
        shown.type("\n")
        shown.read_until("\r\x1b[K\x1b[?25hdone")
        assert shown.end() == 0


def test_it_moves_where_nobody_knows_how_much_there_is(tmp_path: Path) -> None:
    with terminal(["-c", PROGRAM, "0.01", "0"], tmp_path) as shown:
        shown.read_until("polling  [---")
        shown.read_until("#")
        shown.type("\n")
        assert shown.end() == 0
        assert "%" not in shown.seen


def test_what_is_done_at_once_has_none(tmp_path: Path) -> None:
    with terminal(["-c", PROGRAM, "60", "4"], tmp_path) as shown:
        assert shown.end() == 0
        assert shown.seen == "done\r\n"


def test_ctrl_c_gives_the_line_and_the_cursor_back(tmp_path: Path) -> None:
    with terminal(["-c", PROGRAM, "0.01", "4"], tmp_path) as shown:
        shown.read_until("polling")
        shown.type("\x03")
        assert shown.end() != 0
        assert "\r\x1b[K\x1b[?25h" in shown.seen
        assert "KeyboardInterrupt" in shown.seen


def test_it_is_in_no_pipe_and_on_no_dumb_terminal(tmp_path: Path) -> None:
    piped = subprocess.run(
        [sys.executable, "-c", PROGRAM, "0", "4"], input="\n", capture_output=True, text=True, check=True
    )
    assert (piped.stdout, piped.stderr) == ("done\n", "")
    with terminal(["-c", PROGRAM, "0", "4"], tmp_path, {"TERM": "dumb"}) as shown:
        shown.type("\n")
        shown.end()
        assert "polling" not in shown.seen


LINES = """
import sys
from smithd.cli import progress
from smithd.cli.logs.writing import write_logs
from smithd.clock import SystemClock
from smithd.redactor import Redactor
import logging
progress.DELAY = 0.01
write_logs(Redactor(), SystemClock())
with progress.progress("polling", 4) as advance:
    sys.stdin.readline()
    logging.getLogger("smithd").warning("a line of the log")
    with progress.above():
        print("a line of the output", flush=True)
    advance(1)
    sys.stdin.readline()
"""


def test_lines_are_printed_above_it(tmp_path: Path) -> None:
    with terminal(["-c", LINES], tmp_path) as shown:
        shown.read_until("polling")
        shown.type("\n")
        assert "\x1b[K" in shown.read_until("a line of the log")
        assert shown.read_until("a line of the output").endswith("\r\x1b[K\x1b[?25ha line of the output")
        shown.read_until("25%")
        shown.type("\n")
        assert shown.end() == 0


UPGRADE = """
import sys, time
from smithd.cli import progress
from smithd.cli.main import run
from smithd.storage import migration
progress.DELAY = 0.01
upgrade = migration.upgrade
def slow(connection):
    sys.stdin.readline()
    upgrade(connection)
migration.upgrade = slow
sys.exit(run(["run"]))
"""


CONFIG = """
activitysmith: {api_key: ask_x, base_url: "http://127.0.0.1:9/api"}
state: sqlite:///state.db
timezone: UTC
sources: {shop: {type: http_json, url: "http://127.0.0.1:9/", metrics: {errors: $.errors}}}
"""


def test_a_start_that_upgrades_the_state_shows_it(tmp_path: Path) -> None:
    dump = Path(__file__).parent.parent / "storage" / "released" / "0003.sql"
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        state.executescript(dump.read_text())
    (tmp_path / "smithd.yaml").write_text(CONFIG)
    with terminal(["-c", UPGRADE], tmp_path) as shown:
        shown.read_until("is of an earlier version and is upgraded")
        shown.read_until("upgrading the state  [")
        shown.type("\n")
        shown.read_until("was upgraded from version 0003 to")
        shown.read_until("runs")
        shown.type("\x03")
        assert shown.end() in (0, 130)
