"""A daemon that has nothing to write still notices that its state is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runtime.life import HEAD, KEYS, PLUGIN
from smithd.clock import SystemClock
from smithd.config.load import load
from smithd.errors import TermLost
from smithd.events import Event, Events, Polled
from smithd.runtime.daemon import run


def test_a_daemon_whose_state_was_moved_away_ends_though_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smithd.runtime.daemon.STATE_CHECK_EVERY", 0.01)
    (tmp_path / "shop.py").write_text(PLUGIN)
    (tmp_path / "smithd.yaml").write_text(
        HEAD.format(key=KEYS[0], zone="UTC") + "sources:\n  shop: {type: shop, every: 2s}\n"
    )
    config = load(tmp_path / "smithd.yaml", secrets_required=True)
    state = tmp_path / "state.db"

    def hear(event: Event) -> None:
        if isinstance(event, Polled):
            state.rename(tmp_path / "elsewhere.db")

    async def life() -> None:
        async with asyncio.timeout(30):
            await run(config, Events([hear]), SystemClock(), asyncio.Event())

    with pytest.raises(TermLost, match="was replaced by another file while it was in use"):
        asyncio.run(life())
