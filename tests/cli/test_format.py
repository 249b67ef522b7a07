"""``--format json``: on each command that prints for a person, and in place of any other way to ask for JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from e2e.test_run import configured, data
from e2e.world import smithd, wait_until, world
from smithd.cli.main import group, run

EXAMPLES = Path(__file__).parents[2] / "examples" / "rules"
PRINT_NO_FINDINGS = {"run", "demo", "simulator", "schema", "completion", "man", "sources new"}
"""Servers, and commands that print a document or make files."""
HAVE_ANOTHER_OWN = {"check", "state export", "init"}
"""Those with other formats, or none yet."""


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {each}", command.commands[each]) for each in command.commands)
        else:
            yield name, command


def test_every_command_that_prints_for_a_person_has_it() -> None:
    lacking = set()
    for name, command in commands():
        options = {option for each in command.params for option in each.opts}
        assert "--json" not in options, name
        if "--format" not in options:
            lacking.add(name)
    assert lacking - HAVE_ANOTHER_OWN == PRINT_NO_FINDINGS - HAVE_ANOTHER_OWN


def test_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "http_json", "--format", "json"]) == 0
    found = printed(capsys)
    assert "every" in [option["key"] for option in found["every_source"]]
    (http_json,) = found["types"]
    assert (http_json["name"], http_json["problem"]) == ("http_json", "")
    assert {"key": "url", "kind": "text, required"}.items() <= http_json["options"][0].items()


def test_rule_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(EXAMPLES / "rules.test.yaml"), "--format", "json"]) == 0
    found = printed(capsys)
    assert found["failed"] == 0
    assert all(each["ok"] and each["differences"] == [] for each in found["tests"])
    for name in ("rules.test.yaml", "smithd.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    broken = (tmp_path / "rules.test.yaml").read_text().replace("severity: critical", "severity: warning")
    (tmp_path / "rules.test.yaml").write_text(broken)
    assert run(["test", str(tmp_path / "rules.test.yaml"), "--format", "json"]) == 1
    found = printed(capsys)
    failed = [each for each in found["tests"] if not each["ok"]]
    assert len(failed) == found["failed"] > 0
    assert failed[0]["differences"][0]["place"].startswith(str(tmp_path / "rules.test.yaml:"))


def test_once_test_push_and_reload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data(orders=3, errors=7, jobs={"a": 0})) as (service, _, url):
        config = str(configured(tmp_path, service.key, url))
        assert run(["once", "-c", config, "--format", "json"]) == 0
        found = printed(capsys)
        assert {"metric": "shop.jobs", "labels": {"id": "a"}, "value": 0.0} in found["samples"]
        assert [(each["rule"], each["severity"]) for each in found["alerts"]] == [("errors", "critical")]
        assert "errors is critical" in [
            each["content"].get("title")
            for each in found["messages"]
            if each["subject"] != "shop.orders" and isinstance(each["content"], dict)
        ]
        assert (found["failures"], found["sent"]) == ([], [])
        assert run(["once", "--send", "-c", config, "--format", "json"]) == 0
        assert len(printed(capsys)["sent"]) == 3
        assert run(["test-push", "-c", config, "--format", "json"]) == 0
        assert printed(capsys)["accepted"] is True
        with smithd(Path(config)):
            wait_until(lambda: run(["reload", "-c", config, "--format", "json"]) == 0, what="the reload")
            assert printed(capsys)["sources_kept"] == 1
        service.fault = lambda _: 401
        assert run(["test-push", "-c", config, "--format", "json"]) == 1
        found = printed(capsys)
        assert (found["accepted"], "refuses the key" in found["why"]) == (False, True)
