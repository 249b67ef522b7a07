"""A bar is seen on a terminal, where something takes long, and is gone at the end."""

from __future__ import annotations

import subprocess
import sys
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
