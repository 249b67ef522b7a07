"""``smithd status``: a text for a terminal, or everything as JSON."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import terminal
from engine.harness import Harness
from smithd.cli.main import run
from smithd.status.as_json import as_json
from test_status import CONFIG, T, seen

NOW, THEN, LATER = "2026-11-28T22:27:23+00:00", "2026-11-28T22:17:23+00:00", "2026-11-28T22:28:23+00:00"
FOUND: dict[str, Any] = {
    "at": NOW,
    "timezone": "UTC",
    "version": "1.2.3",
    "started_at": THEN,
    "configuration": "smithd.yaml",
    "degraded": False,
    "last_reload": {"reloaded_at": THEN, "refused": "smithd.yaml:3:1: no"},
    "sources": [
        {
            "name": "depot",
            "health": "up",
            "since": THEN,
            "reason": "",
            "answered_at": THEN,
            "next_poll_at": LATER,
            "put_off_until": None,
            "polls_skipped": 1,
            "answers_dropped": 0,
        },
        {
            "name": "shop",
            "health": "failing",
            "since": THEN,
            "reason": "connection refused",
            "answered_at": None,
            "next_poll_at": LATER,
            "put_off_until": LATER,
            "polls_skipped": 0,
            "answers_dropped": 0,
        },
    ],
    "rules": [{"name": "both", "problem": "several series"}],
    "alerts": [
        {
            "rule": "stock",
            "labels": {"house": "a\x1b[31m"},
            "state": "firing",
            "severity": "warning",
            "since": THEN,
            "value": 2.0,
            "suppressed_why": "muted: nights",
            "suppressed_until": LATER,
        }
    ],
    "surfaces": [
        {
            "kind": "widget",
            "account": "default",
            "name": "shop.orders",
            "shown": 12,
            "shown_at": THEN,
            "desired": 13,
            "waiting_why": "it is not due yet",
            "waiting_until": LATER,
            "stale": True,
            "rank": "",
        },
        {
            "kind": "live_activity",
            "account": "team",
            "name": "shop",
            "shown": None,
            "shown_at": None,
            "desired": None,
            "waiting_why": "waits for a slot",
            "waiting_until": None,
            "stale": False,
            "rank": "critical, priority 5",
        },
    ],
    "silences": [{"id": 3, "matchers": "rule=errors", "comment": "deploying", "author": "ann", "ends_at": LATER}],
    "accounts": [
        {
            "name": "default",
            "reachable": False,
            "reachable_since": THEN,
            "next_probe_at": LATER,
            "blocked": [{"scope": "everything", "why": "the service refuses the key (api_key)", "retry_at": LATER}],
            "budgets": [{"family": "notifications", "used": 1, "limit": 60}],
            "slots_used": 1,
            "slots": 4,
            "slots_wanted": 3,
            "removed": True,
            "waiting": [{"priority": "critical_push", "waiting": 2, "oldest_at": THEN}],
            "in_flight": 1,
            "refused": [
                {"notification": "push a", "title": "a is critical", "reason": "HTTP 400, no", "retry_at": LATER},
            ],
        }
    ],
    "state": {
        "path": "state.db",
        "size": 12_345_678,
        "committed_at": THEN,
        "failing_since": THEN,
        "reason": "full",
        "entries_waiting": 5,
        "commit_hangs_since": THEN,
    },
}
TEXT = """\
smithd 1.2.3, running for 10m with smithd.yaml
last reload 10m ago: refused; 'smithd reload' shows why

Alerts
                                         for  value
  both                   not evaluated               several series
  stock{house="a [31m"}  firing warning  10m  2      muted: nights until 22:28:23

Sources: 1 failing, 1 up
                  for  answered  next poll
  shop   failing  10m  never     in 1m      connection refused; not polled before 22:28:23
  depot  up       10m  10m ago   in 1m      1 poll skipped

Surfaces
                         shows      for
  widget shop.orders     12         10m  stale  should show 13; it is not due yet, until 22:28:23
  activity shop of team  not shown              waits for a slot; critical, priority 5

Silences
  3  rule=errors  until 22:28:23  ann: deploying

Delivery
  default  out of reach for 10m, tried again at 22:28:23
           not configured any more: it is here until what it shows is ended
           blocked for everything, tried again at 22:28:23: the service refuses the key (api_key)
           requests in the last minute: notifications 1 of 60
           Live Activities: 1 of 4, 3 wanted
           2 waiting (critical push), the oldest for 10m
           refused: a is critical: HTTP 400, no; tried again at 22:28:23
           1 in flight

State
  state.db, 12.3 MB, last written 10m ago, 5 entries wait; a commit has been running for 10m, and messages wait for it
"""


@pytest.fixture(autouse=True)
def daemon(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the running daemon answers."""
    found = dict(FOUND)
    monkeypatch.setattr("smithd.cli.status.ask", lambda *_: found)
    return found


def test_the_text_has_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 0
    assert capsys.readouterr().out == TEXT


def test_of_many_rows_those_with_trouble_are_listed(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    up, failing = daemon["sources"]
    daemon["sources"] = [*({**up, "name": f"s{number}"} for number in range(100)), failing]
    assert run(["status"]) == 0
    out = capsys.readouterr().out
    assert "  shop  failing" in out
    assert "  and 51 more (--format json has them)" in out


def test_a_real_status_has_all_that_the_text_needs(
    tmp_path: Path, daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with Harness(tmp_path, CONFIG + "badge: count(firing)\n", T) as harness:
        harness.poll(T + 1, errors={"a": 9, "b": 0}, orders=1)
        harness.take()
        harness.engine.add_silence("rule=slow", 60.0, "deploying", "ann", T + 1)
        daemon |= as_json(seen(harness), UTC)
    assert run(["status"]) == 0
    assert 'errors{house="a"}  firing critical' in capsys.readouterr().out


def test_degraded_comes_first(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["degraded"] = True
    assert run(["status"]) == 0
    assert capsys.readouterr().out.startswith("DEGRADED for 10m: the state cannot be written (full)\n")


def test_json_is_the_whole_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][1]["reason"] == "connection refused"


def test_without_a_daemon_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    assert run(["status", "-c", str(tmp_path / "smithd.yaml"), "--socket", str(tmp_path / "none.sock")]) == 1
    assert "smithd is not running" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--watch"], ["--watch", "--format", "json"]])
def test_a_pipe_is_not_watched(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", *options]) == 2
    assert "--watch draws on a terminal" in capsys.readouterr().err


WATCHING = """
import sys
from cli.test_status import FOUND
from smithd.cli import status
from smithd.cli.main import run
status.EVERY, calls = 0.01, []
status.ask = lambda *_: calls.append(1) or {**FOUND, "version": f"1.2.{len(calls)}"}
sys.exit(run(["status", *sys.argv[1:]]))
"""


@pytest.mark.parametrize(("environment", "in_color"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_watching_draws_again_and_ctrl_c_gives_the_terminal_back(
    tmp_path: Path, environment: dict[str, str], in_color: bool
) -> None:
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with terminal(["-c", WATCHING, "--watch"], tmp_path, paths | environment) as shown:
        shown.read_until("\033[?1049h\033[?25l\033[Hsmithd 1.2.1, running")
        shown.read_until("\033[Hsmithd 1.2.2, running")
        shown.type("\x03")
        assert shown.end() == 0
        assert shown.seen.endswith("\033[?25h\033[?1049l")
        assert ("\033[31mfailing" in shown.seen) is in_color
