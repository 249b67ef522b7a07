"""Behaviour of rules that is told best as a rule test: the files beside this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from smithd.cli.main import run

STORIES = sorted(Path(__file__).parent.glob("*.test.yaml"))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name.partition(".")[0])
def test_it_happens_as_told(story: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(story)]) == 0, capsys.readouterr().out
