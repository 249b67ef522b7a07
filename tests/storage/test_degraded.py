"""Commits that fail: for how long the daemon waits, when it goes on without them, and what it leaves behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from smithd.errors import DatabaseError, TermLost, Unwritable
from smithd.storage.degraded import CommitHealth
from smithd.storage.marker import Marker

FULL = Unwritable("the disk is full")


def after(*failures: tuple[float, float]) -> CommitHealth:
    health = CommitHealth()
    for began, now in failures:
        health = health.failed(FULL, began, now)
    return health


@pytest.mark.parametrize(
    ("failures", "is_failing", "is_degraded", "retry_at"),
    [
        ([], False, False, 0.0),
        ([(100.0, 100.0)], True, False, 100.5),
        ([(100.0, 100.0), (100.5, 100.5)], True, False, 101.0),
        ([(100.0, 100.0), (104.7, 104.7)], True, False, 105.0),  # no later than when it is degraded
        ([(100.0, 100.0), (104.9, 104.9)], True, False, 105.0),
        ([(100.0, 100.0), (105.0, 105.0)], True, True, 110.0),
        ([(100.0, 105.1)], True, True, 110.1),  # it waited for another program all that time
        ([(100.0, 100.0), (105.0, 105.0), (110.0, 110.0)], True, True, 115.0),
    ],
)
def test_five_seconds_of_failing_commits_are_waited_for(
    failures: list[tuple[float, float]], is_failing: bool, is_degraded: bool, retry_at: float
) -> None:
    health = after(*failures)
    assert (health.is_failing, health.is_degraded, health.retry_at) == (is_failing, is_degraded, retry_at)
    assert health.since == (100.0 if failures else None)
    assert health.reason == ("the disk is full" if failures else "")


def test_one_success_ends_it() -> None:
    assert after((100.0, 100.0)).succeeded() == CommitHealth()
    assert after((100.0, 100.0), (105.0, 105.0)).succeeded() == CommitHealth()
    assert not after((100.0, 100.0)).succeeded().failed(FULL, 106.0, 106.0).is_degraded


@pytest.mark.parametrize("error", [TermLost("taken over"), DatabaseError("damaged")])
def test_what_does_not_pass_is_raised(error: DatabaseError) -> None:
    for health in (CommitHealth(), after((100.0, 106.0))):
        with pytest.raises(type(error)):
            health.failed(error, 107.0, 107.0)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path / 'run'}:/run/other")
    return tmp_path / "run"


def test_a_marker_is_private_and_found_by_the_next_start_until_it_is_removed(runtime: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    marker = Marker.of(state)
    assert not marker.existed
    assert marker.create()
    assert marker.create()
    assert marker.path.parent == runtime
    assert stat.S_IMODE(marker.path.stat().st_mode) == 0o600
    (tmp_path / "link.db").symlink_to(state)
    assert Marker.of(tmp_path / "link.db").existed
    assert not Marker.of(tmp_path / "other.db").existed
    found = Marker.of(state)
    found.remove()
    found.remove()
    assert not found.existed
    assert not Marker.of(state).existed


def test_without_systemd_the_marker_is_in_the_users_runtime_folder_or_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "user"))
    assert Marker.of(Path("state.db")).path.parent == tmp_path / "user"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert Marker.of(Path("state.db")).path.parent == tmp_path / "tmp"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
@pytest.mark.usefixtures("runtime")
def test_another_users_file_is_no_marker(tmp_path: Path) -> None:
    marker = Marker.of(tmp_path / "state.db")
    marker.create()
    os.chown(marker.path, 65534, 65534)
    assert not Marker.of(tmp_path / "state.db").existed
    assert not marker.create()


def test_a_marker_that_cannot_be_written_is_no_reason_to_stop(runtime: Path, tmp_path: Path) -> None:
    runtime.write_text("no folder")
    marker = Marker.of(tmp_path / "state.db")
    assert not marker.create()
    marker.remove()
    assert not marker.existed


def test_a_link_is_not_followed(runtime: Path, tmp_path: Path) -> None:
    marker = Marker.of(tmp_path / "state.db")
    runtime.mkdir()
    marker.path.symlink_to(tmp_path / "target")
    assert not marker.create()
    assert not (tmp_path / "target").exists()
