"""``smithd explain`` of a widget, a Live Activity and the badge: from the running daemon, and from the state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.test_run import configured, data
from e2e.world import smithd, wait_until, world
from smithd.cli.main import run


def test_what_the_phone_shows_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        text = config.read_text().replace("min_interval: 0", "min_interval: 1h, priority: 7")
        # A Live Activity of a rule's name.
        config.write_text(
            text.replace("  shop:\n    type: stats", "  errors:\n    type: stats") + "badge: count(firing)\n"
        )

        def explained(*name: str) -> Any:
            assert run(["explain", *name, "--format", "json", "-c", str(config)]) == 0
            return json.loads(capsys.readouterr().out)

        def awaited(name: str, reason: str) -> Any:
            wait_until(lambda: explained(name)["reason"] == reason, what=f"{name}: {reason}")
            return explained(name)

        def said(*name: str) -> str:
            assert run(["explain", *name, "-c", str(config)]) == 0
            return capsys.readouterr().out

        with smithd(config):
            wait_until(lambda: run(["explain", "shop.orders", "-c", str(config)]) == 0, what="the daemon")
            capsys.readouterr()
            found = awaited("shop.orders", "same")
            assert (found["kind"], found["shows"], found["should_show"]) == ("widget", 1, 1)
            (delivery,) = found["deliveries"]
            assert (delivery["outcome"], delivery["operation"], delivery["final"]) == ("accepted", "set", True)
            assert 0 <= delivery["seconds"] < 30
            shop.data = data(orders=3, errors=7)
            found = awaited("widget:shop.orders", "not_due")
            assert (found["shows"], found["should_show"]) == (1, 3)
            assert (found["score"]["priority"], found["score"]["place"], found["score"]["waiting"]) == (7, 1, 1)
            lines = said("shop.orders").splitlines()
            assert lines[0] == "widget shop.orders"
            assert lines[1].startswith("  shows 1, since ")
            assert lines[2] == "  should show 3"
            assert lines[3].startswith("  it is not due yet, until ")
            assert lines[4].startswith("  score ")
            assert found["score"]["expected_at"] >= found["until"]
            assert lines[6:7] == ["Deliveries"]

            rule = explained("errors")
            assert (rule["kind"], rule["also"]) == ("rule", ["activity:errors"])
            assert "The name also means activity:errors." in said("errors")
            activity = awaited("activity:errors", "same")
            assert (activity["shows"]["title"], activity["also"]) == ("Shop", [])
            assert (activity["slot"]["rank"], activity["slot"]["has_slot"]) == ("critical, priority 5", True)
            assert activity["slot"]["holders"] == ["errors"]
            assert "rank: critical, priority 5; has a slot since" in said("activity:errors")
            # The service of these tests takes no badge.
            badge = awaited("badge", "refused")
            assert (badge["shows"], badge["should_show"]) == (None, 1)
            assert {each["outcome"] for each in badge["deliveries"]} == {"rejected"}
            assert "rejected (HTTP 4" in said("badge")

            assert run(["explain", "shop.orders", "a=b", "-c", str(config)]) == 2
            assert "widget shop.orders is no rule" in capsys.readouterr().err
            assert run(["explain", "shop.ordrs", "-c", str(config)]) == 2
            assert "did you mean 'shop.orders'?" in capsys.readouterr().err
        found = explained("shop.orders")
        assert (found["running"], found["shows"], found["should_show"], found["reason"]) == (False, 1, 3, "not_due")
        assert len(found["deliveries"]) == 1
        assert explained("badge")["reason"] == "not_running"
