"""Secrets that are short, or ordinary words: no text shows them, and no text is garbled by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.world import smithd, wait_until
from smithd.cli.main import run
from smithd.testing.server import Reply, Server

PLUGIN = """
from smithd.plugin import Options, Source, Unavailable

class Odd(Source):
    class Options(Options):
        password: str
        refuses: bool

    @classmethod
    def metrics(cls, options):
        return ["load"]

    async def poll(self):
        said = f"http://me:{self.options.password}@host/ says that <{self.options.password}> is wrong"
        raise Unavailable(said) if self.options.refuses else ValueError(said)
"""
CONFIG = """
activitysmith: {{api_key: ask_4711_unused, base_url: {url}/api}}
state: sqlite:///state.db
plugins: [odd.py]
defaults: {{every: 200ms}}
sources:
  error:
    type: http_json
    url: {url}/refused
    auth: {{basic: {{username: me, password: "${{env:PW}}"}}}}
    metrics: {{m: $.m}}
  metric: {{type: http_json, url: {url}/echo, headers: {{X-Key: "{word}"}}, metrics: {{link: $.link, none: $.none}}}}
  localhost: {{type: prometheus, url: "{url}/refused", auth: {{bearer: "{word}"}}, metrics: {{up: up}}}}
  postgres: {{type: sql, url: "postgresql://me:{word}@localhost:1/postgres", metrics: {{n: SELECT 1}}}}
  admin: {{type: sql, url: "sqlite:///empty.db", password: "${{env:PW}}", metrics: {{n: SELECT x FROM {word}s}}}}
  refuses: {{type: odd, password: "{word}", refuses: true}}
  fails: {{type: odd, password: "${{env:PW}}", refuses: false}}
rules:
  error: {{metric: error.m, warning: "> 1", on_error: {{severity: critical, after: 0s}}}}
"""
WORDS = ("metric", "error", "admin", "postgres", "true", "localhost", "abc", "secret", "x9")


def said(word: str) -> bytes:
    link = f"http://me:{word}@localhost/x?access_token={word}&page=2"
    return json.dumps({"you sent": f"<{word}>", "link": link}).encode()


def configured(folder: Path, url: str, word: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PW", word)
    (folder / "odd.py").write_text(PLUGIN)
    (folder / "empty.db").touch()
    config = folder / "smithd.yaml"
    config.write_text(CONFIG.format(url=url, word=word))
    return config


def replies(word: str) -> dict[str, Reply]:
    # ``http_json`` asks for the one, the client of Prometheus for another path below it.
    refused = Reply(said(word), 401)
    return {"/refused": refused, "/refused/api/v1/query": refused, "/echo": Reply(said(word))}


@pytest.mark.parametrize("word", WORDS)
def test_no_command_shows_it_or_is_garbled(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server(replies(word)) as web:
        config = configured(tmp_path, web.url, word, monkeypatch)
        assert run(["check", str(config)]) == 0
        assert "7 sources, 8 metrics, 1 rule" in capsys.readouterr().out
        assert run(["once", str(config)]) == 1
        place = web.url.removeprefix("http://")
    shown = capsys.readouterr().out
    refused = "HTTP 401, we are not let in: (not shown: it holds a secret); check auth and headers"
    assert f"  error: {place}: {refused}" in shown
    assert f"  localhost: {place}: {refused}" in shown
    assert "$.none finds nothing in (not shown: it holds a secret)" in shown
    assert "  postgres: localhost:1: nothing listens there: is the server running" in shown
    assert "  refuses: (not shown: it holds a secret)" in shown
    assert "  fails: the plugin failed: ValueError: (not shown: it holds a secret) (odd.py:15)" in shown
    assert "  error: critical" in shown or "error: not known, since error failed" in shown
    assert f"<{word}>" not in shown
    assert f":{word}@" not in shown
    assert f"={word}" not in shown
    assert "[secret]s" not in shown


def test_an_address_is_shown_without_its_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server(replies("abc")) as web:
        config = configured(tmp_path, web.url, "another", monkeypatch)
        run(["once", "--source", "metric", str(config)])
    shown = capsys.readouterr().out
    # Nothing says that this is a secret but where it stands.
    assert '$.link is "http://[secret]@localhost/x?access_token=[secret]&page=2", not a number' in shown


@pytest.mark.parametrize("word", ["error", "abc"])
def test_neither_the_log_nor_explain_shows_it(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "smithd.log"
    with Server(replies(word)) as web:
        config = configured(tmp_path, web.url, word, monkeypatch)
        with smithd(config):
            wait_until(lambda: "alert error fired" in log.read_text(), what="the alert")
            wait_until(lambda: "fails: poll failed" in log.read_text(), what="the other failures")
            assert run(["explain", "error", "-c", str(config)]) == 0
            assert run(["status", "-c", str(config)]) == 0
    shown = log.read_text() + capsys.readouterr().out
    assert "error: poll failed: " in shown
    assert "we are not let in: (not shown: it holds a secret); check auth" in shown
    for part in (f"<{word}>", f":{word}@", f"={word}", "[secret]s", "[secret]:"):
        assert part not in shown
