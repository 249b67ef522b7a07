"""``--log-level`` for all, for a part or for one source, and ``--log-format``."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from smithd.cli.main import run

CONFIG = """
activitysmith: {api_key: a-key}
state: sqlite:///state.db
sources:
  shop: {type: http_json, url: "http://127.0.0.1:9/x", metrics: {orders: $.a}}
  billing: {type: http_json, url: "http://127.0.0.1:9/y", metrics: {mrr: $.a}}
"""


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("smithd.yaml").write_text(CONFIG)
    log = logging.getLogger("smithd")
    before = list(log.handlers), log.propagate, log.level
    log.handlers = []
    yield
    log.handlers, log.propagate = before[:2]
    log.setLevel(before[2])
    for name in ("sources", "sources.shop", "sources.billing", "rules"):
        logging.getLogger(f"smithd.{name}").setLevel(logging.NOTSET)


def effective(part: str) -> str:
    return logging.getLevelName(logging.getLogger(f"smithd.{part}").getEffectiveLevel())


def test_a_level_is_that_of_all_of_a_part_or_of_one_source_in_any_order() -> None:
    levels = ["sources.shop=debug", "error", "sources=warning", "rules=INFO"]
    assert run(["check", *(word for level in levels for word in ("--log-level", level))]) == 0
    assert [effective(part) for part in ("state", "sources.billing", "sources.shop", "rules")] == [
        "ERROR",
        "WARNING",
        "DEBUG",
        "INFO",
    ]


def test_without_a_level_for_all_it_is_info() -> None:
    assert run(["check", "--log-level", "sources.shop=debug"]) == 0
    assert (effective("rules"), effective("sources.shop")) == ("INFO", "DEBUG")


@pytest.mark.parametrize(
    ("command", "level", "said"),
    [
        ("check", "dbug", "There is no level 'dbug'; did you mean 'debug'?"),
        ("check", "loud", "There is no level 'loud'; there are: debug, info, warning, error"),
        ("check", "delivry=debug", "The log has no part 'delivry'; did you mean 'delivery'?"),
        ("check", "=debug", "The log has no part ''; there are: daemon, sources, rules"),
        ("once", "sources.shpo=debug", "there is no source 'shpo'; did you mean 'shop'?"),
        ("run", "sources.shpo=debug", "there is no source 'shpo'; did you mean 'shop'?"),
    ],
)
def test_a_level_a_part_or_a_source_that_there_is_not_is_refused_with_the_nearest(
    command: str, level: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--log-level", level]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_json_has_each_line_of_the_log_as_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["once", "--log-format", "json", "--log-level", "sources.shop=debug", "--source", "shop"]) == 1
    logging.getLogger("smithd.sources.shop").debug("said")
    logging.getLogger("smithd.rules").debug("not said")
    (found,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (found["part"], found["level"], found["message"], found["source"]) == (
        "sources.shop",
        "debug",
        "said",
        "shop",
    )
