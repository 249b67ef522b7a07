"""``smithd status``: a text for a terminal, or everything as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smithd.cli.main import run

AT = "2026-11-28T22:27:23+00:00"
FOUND: dict[str, Any] = {
    "version": "1.2.3",
    "started_at": AT,
    "configuration": "smithd.yaml",
    "degraded": False,
    "last_reload": {"reloaded_at": AT, "refused": "smithd.yaml:3:1: no"},
    "sources": [
        {
            "name": "shop",
            "health": "failing",
            "since": AT,
            "reason": "connection refused",
            "put_off_until": AT,
            "polls_skipped": 3,
            "answers_dropped": 0,
        }
    ],
    "rules": [{"name": "both", "problem": "several series"}],
    "alerts": [
        {
            "rule": "stock",
            "labels": {"house": "a\x1b[31m"},
            "state": "firing",
            "severity": "warning",
            "since": AT,
            "value": 2.0,
            "suppressed": "muted",
            "suppressed_until": AT,
        }
    ],
    "surfaces": [
        {"kind": "widget", "name": "shop.orders", "shown": 12, "shown_at": AT, "waiting": True, "reason": ""},
        {
            "kind": "live_activity",
            "name": "shop",
            "shown": None,
            "shown_at": None,
            "waiting": False,
            "reason": "no slot",
            "rank": "critical, priority 5",
            "may_start_at": AT,
        },
        {"kind": "badge", "name": "", "shown": 3, "shown_at": AT, "waiting": False, "reason": ""},
    ],
    "accounts": [
        {
            "name": "default",
            "reachable": False,
            "reachable_since": AT,
            "next_probe_at": AT,
            "blocked": [{"scope": "everything", "why": "the service refuses the key (api_key)", "retry_at": AT}],
            "budgets": [{"family": "notifications", "used": 1, "limit": 60}],
            "slots_used": 1,
            "slots": 4,
            "removed": True,
            "waiting": [{"priority": "critical_push", "waiting": 2, "oldest_at": AT}],
            "in_flight": 1,
            "refused": [
                {"notification": "push a", "title": "a is critical", "reason": "HTTP 400, no", "retry_at": AT},
            ],
        }
    ],
    "state": {"path": "state.db", "committed_at": AT, "failing_since": AT, "reason": "full", "entries_waiting": 5},
}


@pytest.fixture(autouse=True)
def daemon(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the running daemon answers."""
    found = dict(FOUND)
    monkeypatch.setattr("smithd.cli.status.ask", lambda *_: found)
    return found


def test_the_text_has_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 0
    out = capsys.readouterr().out
    for line in (
        "last reload Sat 28 Nov 22:27:23: refused; 'smithd reload' shows why",
        (
            "  shop: failing since Sat 28 Nov 22:27:23: connection refused; "
            "not polled before Sat 28 Nov 22:27:23 (3 polls skipped)"
        ),
        "  both: cannot be evaluated: several series",
        '  stock{house="a [31m"}: firing warning since Sat 28 Nov 22:27:23, value 2 (muted until Sat 28 Nov 22:27:23)',
        "  widget shop.orders: 12 since Sat 28 Nov 22:27:23, an update waits",
        "  badge: 3 since Sat 28 Nov 22:27:23",
        "  Live Activity shop (critical, priority 5): not shown, no slot; it may start Sat 28 Nov 22:27:23",
        "  account default: out of reach since Sat 28 Nov 22:27:23, tried again Sat 28 Nov 22:27:23",
        "  not configured any more: it is here until what it shows is ended",
        "  blocked for everything, tried again Sat 28 Nov 22:27:23: the service refuses the key (api_key)",
        "  requests in the last minute: notifications 1 of 60; Live Activities 1 of 4",
        "  2 waiting (critical push), the oldest since Sat 28 Nov 22:27:23",
        "  refused: a is critical: HTTP 400, no; tried again Sat 28 Nov 22:27:23",
        "  state.db, last written Sat 28 Nov 22:27:23, 5 entries wait",
    ):
        assert line in out.split("\n"), out


def test_degraded_comes_first(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["degraded"] = True
    assert run(["status"]) == 0
    assert capsys.readouterr().out.startswith("DEGRADED since Sat 28 Nov 22:27:23: the state cannot be written (full)")


def test_json_is_the_whole_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["reason"] == "connection refused"


def test_without_a_daemon_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    assert run(["status", "-c", str(tmp_path / "smithd.yaml"), "--socket", str(tmp_path / "none.sock")]) == 1
    assert "smithd is not running" in capsys.readouterr().err
