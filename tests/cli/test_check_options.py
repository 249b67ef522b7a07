"""What ``smithd check`` does beyond checking: for programs, strictly, online."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from config.corpus import SOUND
from e2e.test_run import configured, data
from e2e.world import world
from smithd.cli import check_online
from smithd.cli.check_online import OnlineAnswer, verdict
from smithd.cli.main import run
from smithd.delivery.reply import Accepted, NotSent, Refusal, Rejected, Reply, Unknown

WHOLE = "".join(SOUND.values())


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOPE", raising=False)
    Path("smithd.yaml").write_text(WHOLE)


def _json(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert run(["check", "--format", "json", *arguments]) == status
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def test_json_has_what_the_text_has(capsys: pytest.CaptureFixture[str]) -> None:
    Path("more.yaml").write_text("activitysmith: {channels: ['${env:NOPE}']}\n")
    found = _json(capsys, "-c", "smithd.yaml", "-c", "more.yaml")
    assert found["fine"]
    assert found["files"] == ["smithd.yaml", "more.yaml"]
    assert found["summary"]["sources"] == 2
    assert {"file": "more.yaml", "line": 1, "column": 29, "message": "${env:NOPE} is not set"} in found["warnings"]
    demand = found["plan"]["requests_a_minute"][0]
    assert demand == {
        "account": "default", "family": "notifications", "steady": 0.0, "worst": demand["worst"], "limit": 60,
        "most_of_it": {"file": "smithd.yaml", "line": 16, "column": 3},
    }  # fmt: skip
    assert found["metrics_to_create"] == [{"key": "shop.revenue", "format": "number", "accounts": ["default"]}]
    assert found["descriptors"]["needed"] > 0


def test_json_has_the_widgets_whose_texts_are_long(capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "--set", 'widgets."a.b"={text: "ten signs."}')
    assert found["plan"]["widgets_too_long_for"] == {"circle": {"a.b": 10}, "rectangle": {}}


def test_json_has_each_mistake_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("smithd.yaml").write_text(WHOLE.replace("error_rate\n    warn", "error_rat\n    warn"))
    found = _json(capsys, status=2)
    assert not found["fine"]
    assert found["mistakes"] == [
        {
            "file": "smithd.yaml",
            "line": 17,
            "column": 13,
            "message": "no source declares the metric 'prod.error_rat'",
            "expected": "source 'prod' has: error_rate",
            "hint": "did you mean 'prod.error_rate'?",
        }
    ]
    found = _json(capsys, "none.yaml", status=2)
    assert found["mistakes"][0]["file"] == "none.yaml"
    assert "line" not in found["mistakes"][0]


def test_json_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "--set", "activitysmith.api_key={planted_1: [planted_2", status=2)
    assert "planted" not in json.dumps(found)
    found = _json(capsys, "--set", "sources.shop.auth.bearer=[planted_secret]", status=2)
    assert "planted" not in json.dumps(found)


def test_strict_takes_missing_secrets_and_files_for_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "sources.shop.auth.bearer=${env:NOPE}", "--set", "sources.shop.tls.ca_file=none.pem"]
    assert run(["check", *settings]) == 0
    assert "warning: ${env:NOPE} is not set" in capsys.readouterr().out
    assert run(["check", "--strict", *settings]) == 2
    said = capsys.readouterr().err
    assert "--set:1:26: ${env:NOPE} is not set" in said
    assert "--set:2:26: " in said
    assert "none.pem cannot be read here: no such file" in said
    assert run(["check", "--strict"]) == 0


def test_online_polls_and_verifies_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data(orders=3)) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        assert run(["check", "--online", str(config)]) == 0
        shown = capsys.readouterr().out
        assert [request.endpoint for request in service.requests] == ["live-activity-stream-delete"]
        assert service.violations() == []
        service.fault = lambda _: 401
        assert run(["check", "--online", str(config)]) == 1
    refused = capsys.readouterr().out
    assert "shop  ok: 2 series; no value of jobs" in shown
    assert "default  ok: the service takes the key" in shown
    assert "Not checked, since only a message would show it: billing, channels" in shown
    assert "default  FAILED: the service refuses the key (HTTP 401" in refused
    assert not (tmp_path / "state.db").exists()


def test_online_says_what_failed_and_what_could_not_be_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("smithd.yaml").write_text(
        "activitysmith: {api_key: a_key_that_is_long, base_url: 'http://127.0.0.1:9/api'}\n"
        "sources:\n  shop: {type: http_json, url: 'http://127.0.0.1:9', metrics: {a: $.a}}\n"
        "  other: {type: http_json, url: 'http://127.0.0.1:9', metrics: {a: $.a}, auth: {bearer: '${env:NOPE}'}}\n"
    )
    online = _json(capsys, "--online", status=1)["online"]
    assert [(each["name"], each["ok"]) for each in online["sources"]] == [("shop", False), ("other", None)]
    assert "connection refused" in online["sources"][0]["said"]
    assert online["accounts"][0]["ok"] is None
    assert "gave no answer: could not connect" in online["accounts"][0]["said"]


def test_online_takes_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def never(*_: object) -> OnlineAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(check_online, "LONGEST", 0.01)
    monkeypatch.setattr(check_online, "_poll", never)
    monkeypatch.setattr(check_online, "_verify", never)
    online = _json(capsys, "--online", status=1)["online"]
    assert [each["ok"] for each in (*online["sources"], *online["accounts"])] == [None, None, None]


@pytest.mark.parametrize(
    ("reply", "ok"),
    [
        (Rejected(Refusal.NOT_FOUND, 404, "HTTP 404"), True),
        (Accepted("ended"), True),
        (Rejected(Refusal.UNAUTHORIZED, 401, "HTTP 401"), False),
        (Rejected(Refusal.RATE_LIMITED, 429, "HTTP 429"), None),
        (Rejected(Refusal.FORBIDDEN, 403, "HTTP 403"), None),
        (Unknown("HTTP 404", 404), None),
        (NotSent("could not connect"), None),
    ],
)
def test_what_an_answer_says_of_a_key(reply: Reply, ok: bool | None) -> None:
    found = verdict("default", reply)
    assert found.ok is ok
    assert "HTTP" in found.said or ok or "could not connect" in found.said
