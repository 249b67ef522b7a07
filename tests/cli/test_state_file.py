"""A state that this user may not read is not taken for none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smithd.cli.state_file import copied, unreadable

NOBODY = 65534


@contextmanager
def another_user() -> Iterator[None]:
    """Without the rights of root, where the tests have them."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One whose parents are open to everybody, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)
        Path(made).chmod(0o755)


@pytest.mark.parametrize("closed", ["the state", "its folder"])
def test_it_says_whose_it_is(folder: Path, closed: str, capsys: pytest.CaptureFixture[str]) -> None:
    state = folder / "closed" / "state.db"
    state.parent.mkdir()
    state.touch()
    place = state if closed == "the state" else state.parent
    place.chmod(0)
    with another_user(), tempfile.TemporaryDirectory() as own:
        said = unreadable(state, "unable to open database file")
        copied(state, Path(own) / "state.db")
    state.parent.chmod(0o700)
    assert said.startswith(f"the state {state} cannot be read: this user may not open it ({place} belongs to ")
    assert said.endswith("; ask as root (sudo)")
    assert capsys.readouterr().err == f"note: {said}; starting from an empty one\n"


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert unreadable(folder / "pipe", "it is no file").endswith("pipe cannot be read: it is no file")


def test_none_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = folder / "state.db"
    assert unreadable(state, "unable to open database file") == f"there is no state {state}"
    assert not copied(state, folder / "copy.db").exists()
    assert capsys.readouterr().err == ""
