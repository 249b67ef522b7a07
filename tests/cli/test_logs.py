"""The log, as a terminal and the journal get it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from smithd.cli.logs import write_logs
from smithd.redactor import Redactor


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    log = logging.getLogger("smithd")
    handlers, propagate = list(log.handlers), log.propagate
    # Those of a command that ran before in this process write to a stream that is closed.
    log.handlers = []
    yield log
    log.handlers, log.propagate = handlers, propagate


def test_a_polled_text_neither_forges_a_line_nor_controls_the_terminal(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    redactor = Redactor()
    redactor.add("hunter2")
    write_logs(redactor)
    log.warning("cpu (%s) fired: %s", "\x1b[2J\u202eevil\u202c\u2066\u2069\u200f\n<0>forged\u2028\x85", "hunter2")
    line = capsys.readouterr().err
    assert line.endswith("WARNING cpu ( [2J evil     <0>forged  ) fired: [secret]\n")
    assert line.count("\n") == 1
