"""Behaviour that is said best as a rule test: the files beside this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from smithd.cli.main import run

RULE_TESTS = sorted(Path(__file__).parent.glob("*.test.yaml"))


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda path: path.name.partition(".")[0])
def test_the_rule_test_passes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(file)]) == 0, capsys.readouterr().out
