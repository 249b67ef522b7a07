"""``smithd silence``, spoken to a running daemon: an alert is held back, and told when the silence ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.test_run import configured, data
from e2e.world import await_polls, smithd, wait_until, world
from smithd.cli.main import run


def test_a_silence_holds_an_alert_back_until_it_is_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data()) as (service, shop, url):
        config = str(configured(tmp_path, service.key, url))
        with smithd(Path(config)):
            wait_until(lambda: len(service.of("metric-value")) == 1, what="the first widget value")
            assert run(["silence", "list", "-c", config]) == 0
            assert capsys.readouterr().out == "No silences.\n"
            arguments = ["--comment", "trying\nit", "--author", "me", "-c", config]
            assert run(["silence", "add", "rule=errors", "2h", *arguments]) == 0
            assert "Silence 1 suppresses rule=errors until 20" in capsys.readouterr().out
            shop.data = data(errors=7)
            await_polls(shop, 3)
            assert (service.of("push-notification-send"), service.of("live-activity-stream-put")) == ([], [])
        with smithd(Path(config)):
            await_polls(shop, 2)
            assert run(["silence", "list", "-c", config]) == 0
            listed = capsys.readouterr().out
            assert listed.splitlines()[0].split() == ["ID", "UNTIL", "MATCHERS", "BY", "COMMENT"]
            assert listed.splitlines()[1].endswith("rule=errors  me  trying it")
            assert run(["silence", "list", "--format", "json", "-c", config]) == 0
            (silence,) = json.loads(capsys.readouterr().out)["silences"]
            assert (silence["matchers"], silence["author"], silence["timezone"]) == (
                "rule=errors",
                "me",
                "Europe/Berlin",
            )
            assert run(["explain", "errors", "-c", config]) == 0
            assert "shop.errors is 7" in capsys.readouterr().out
            assert run(["explain", "erors", "-c", config]) == 2
            assert "did you mean 'errors'?" in capsys.readouterr().err
            assert run(["silence", "add", "rule=erors", "2h", "-c", config]) == 2
            assert "did you mean 'errors'?" in capsys.readouterr().err
            assert run(["silence", "expire", "7", "-c", config]) == 2
            assert "no silence 7" in capsys.readouterr().err
            assert run(["silence", "expire", "1", "-c", config]) == 0
            wait_until(lambda: len(service.of("push-notification-send")) == 1, what="the push")
            wait_until(lambda: len(service.of("live-activity-stream-put")) >= 1, what="the alert, on the Lock Screen")
        assert service.violations() == []


def test_words_that_make_no_sense_are_refused_before_anybody_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(tmp_path / "smithd.yaml")
    assert run(["silence", "add", "rule=errors", "soon", "-c", config]) == 2
    assert "expected a duration like 30s" in capsys.readouterr().err
    assert run(["silence", "list", "-c", config]) == 1
    assert "smithd is not running" in capsys.readouterr().err
