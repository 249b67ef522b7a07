"""``smithd outbox``: from the running daemon, and from the state when none runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.test_run import configured, data
from e2e.world import smithd, wait_until, world
from smithd.cli.main import run


def test_what_waits_is_said_with_its_reason_and_its_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        config.write_text(config.read_text().replace("min_interval: 0", "min_interval: 1h"))
        assert run(["outbox", "-c", str(config)]) == 1
        assert "smithd is not running" in capsys.readouterr().err
        with smithd(config):
            wait_until(lambda: len(service.of("metric-value")) == 1, what="the first widget value")
            shop.data = data(orders=2)

            def waits() -> bool:
                assert run(["outbox", "-c", str(config), "--format", "json"]) == 0
                messages = json.loads(capsys.readouterr().out)["messages"]
                return [message["reason"] for message in messages] == ["not_due"]

            wait_until(waits, what="the second value, in the outbox")
            assert run(["outbox", "-c", str(config)]) == 0
            said = capsys.readouterr().out
            assert said.startswith("1 message waits, 0 in flight\n")
            assert "\nroutine\n  widget shop.orders: 2\n" in said
            assert ": it is not due yet, until " in said
        assert run(["outbox", "-c", str(config), "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["running"] is False
        (message,) = found["messages"]
        assert (message["name"], message["says"], message["reason"]) == ("shop.orders", "2", "not_due")
        assert message["until"] > message["since"]
