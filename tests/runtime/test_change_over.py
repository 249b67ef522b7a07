"""Changing over to another configuration: what goes through everything there is runs beside the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.life import HEAD, KEYS, PLUGIN
from runtime.test_status import TEXT
from smithd.clock import SystemClock
from smithd.config.load import load
from smithd.events import Events
from smithd.runtime.components import SLICE, Components, _unchanged
from smithd.setup import set_up
from smithd.startup import reconfigure
from smithd.storage.committer import ThreadCommitter
from smithd.storage.database import Database


def noting(call: Callable[..., Any], threads: list[threading.Thread]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread())
        return call(*arguments)

    return noted


def test_compiling_comparing_and_the_engines_step_hold_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.py").write_text(PLUGIN)
    path = tmp_path / "smithd.yaml"
    path.write_text(HEAD.format(key=KEYS[0], zone="UTC") + TEXT)
    threads: list[threading.Thread] = []

    async def life() -> None:
        config = load(path, secrets_required=True)
        database = Database.open(config.state)
        async with Components(config, Events([]), SystemClock(), database, ThreadCommitter) as components:
            monkeypatch.setattr("smithd.runtime.components.set_up", noting(set_up, threads))
            monkeypatch.setattr("smithd.runtime.components._unchanged", noting(_unchanged, threads))
            monkeypatch.setattr("smithd.startup.reconfigure", noting(reconfigure, threads))
            await components.change_over(load(path, secrets_required=True))

    asyncio.run(life())
    assert len(threads) == 3
    assert threading.main_thread() not in threads


def test_sources_are_made_with_turns_for_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.py").write_text(PLUGIN)
    path = tmp_path / "smithd.yaml"
    head = HEAD.format(key=KEYS[0], zone="UTC")
    path.write_text(head + TEXT)
    most: list[int] = []

    async def life() -> None:
        components = Components(
            config := load(path, secrets_required=True), Events([]), SystemClock(), Database.open(config.state)
        )
        made = 0
        poller = components._poller

        def counted(*arguments: Any) -> Any:
            nonlocal made
            made += 1
            return poller(*arguments)

        async def watch() -> None:
            nonlocal made
            while True:
                most.append(made)
                made = 0
                await asyncio.sleep(0)

        monkeypatch.setattr(components, "_poller", counted)
        async with components:
            watching = asyncio.create_task(watch())
            path.write_text(head + "sources:\n" + "".join(f"  s{n}: {{type: shop}}\n" for n in range(5 * SLICE)))
            await components.change_over(load(path, secrets_required=True))
            watching.cancel()

    asyncio.run(life())
    assert sum(most) >= 4 * SLICE
    assert max(most) <= SLICE
