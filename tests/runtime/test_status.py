"""The daemon's status while it runs: when the state cannot be written, and without holding up its loop."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from runtime.life import HEAD, KEYS, PLUGIN
from smithd.clock import SystemClock
from smithd.config.load import load
from smithd.engine.entries import WriteAll
from smithd.errors import Unwritable
from smithd.events import AlertChanged, Event, Events
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.runtime import commands
from smithd.runtime.components import Components
from smithd.storage.database import Database

TEXT = """
sources:
  shop: {type: shop, every: 60s}
rules:
  errors: {metric: shop.errors, critical: "> 5", push: true}
"""


def components_in(folder: Path, hear: Callable[[Event], None]) -> Components:
    (folder / "shop.py").write_text(PLUGIN)
    (folder / "smithd.yaml").write_text(HEAD.format(key=KEYS[0], zone="UTC") + TEXT)
    config = load(folder / "smithd.yaml", secrets_required=True)
    return Components(config, Events([hear]), SystemClock(), Database.open(config.state))


async def asked(components: Components) -> Any:
    """What the command answers."""
    return await commands.of(components)["status"]({})


def breach(components: Components) -> None:
    now = components.clock.now()
    sample = Sample(Series("shop.errors"), 9.0, now)
    components.writer.put(Poll("shop", now, 160.0, (sample,), failure=f"401 for {KEYS[0]}", is_partial=True))


async def status_on_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the command answers after an alert began to fire that could not be written."""

    def full(*_: object) -> AbstractContextManager[Connection]:
        raise Unwritable("the disk is full")

    fired = asyncio.Event()

    def hear(event: Event) -> None:
        if isinstance(event, AlertChanged):
            fired.set()

    async with components_in(folder, hear) as components:
        assert not (await asked(components))["degraded"]
        with monkeypatch.context() as disk:
            disk.setattr(Database, "transaction", full)
            breach(components)
            async with asyncio.timeout(5):
                await fired.wait()
            return await asked(components)


def test_while_degraded_it_says_so_and_shows_the_alert_and_masks_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smithd.storage.degraded.DEGRADED_AFTER", 0.0)
    found = asyncio.run(status_on_a_full_disk(tmp_path, monkeypatch))
    state = found["state"]
    assert (found["degraded"], state["degraded"], state["reason"]) == (True, True, "the disk is full")
    assert state["failing_since"] is not None
    assert [(alert["rule"], alert["severity"]) for alert in found["alerts"]] == [("errors", "critical")]
    assert found["sources"][0]["reason"] == "401 for [secret]"
    assert KEYS[0] not in json.dumps(found)


def test_after_a_reload_secrets_of_the_earlier_configuration_are_masked_too(tmp_path: Path) -> None:
    async def life() -> Any:
        async with components_in(tmp_path, lambda _: None) as components:
            breach(components)
            await components.writer.ask(WriteAll(components.clock.now()))
            (tmp_path / "smithd.yaml").write_text(HEAD.format(key=KEYS[1], zone="UTC") + TEXT)
            await components.change_over(load(tmp_path / "smithd.yaml", secrets_required=True))
            return await asked(components)

    assert asyncio.run(life())["sources"][0]["reason"] == "401 for [secret]"


def test_it_is_put_together_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def noted(*_: object) -> dict[str, Any]:
        threads.append(threading.current_thread())
        return {}

    async def life() -> None:
        async with components_in(tmp_path, lambda _: None) as components:
            await asked(components)

    monkeypatch.setattr("smithd.status.fill.status", noted)
    asyncio.run(life())
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_those_who_ask_at_once_are_given_the_same_and_later_ones_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(*_: object) -> dict[str, Any]:
        made.append(1)
        return {}

    async def life() -> None:
        async with components_in(tmp_path, lambda _: None) as components:
            ask = commands.of(components)["status"]
            await asyncio.gather(*(ask({}) for _ in range(5)))
            await ask({})

    monkeypatch.setattr("smithd.status.fill.status", counted)
    asyncio.run(life())
    assert len(made) == 2
