"""A daemon that is stopped ends the Live Activities that end with it, within the time that a stop has."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from runtime.life import Phone, Scripted, living
from smithd.delivery.reply import NotSent, Reply
from smithd.delivery.wire import Request
from virtual_time import run_virtual

CONFIG = """
sources:
  shop: {type: shop, every: 20s}
live_activities:
  stays: {type: stats, title: Stays, stats: [{label: Errors, value: shop.errors}]}
  ends: {type: stats, title: Ends, stats: [{label: Errors, value: shop.errors}], on_shutdown: end}
"""


async def unreachable(_: Request) -> Reply:
    return NotSent("no route to host")


def stopped(folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_reachable: bool) -> tuple[list[str], float]:
    """The streams whose end was taken, and how long the stop took."""

    async def main() -> tuple[list[str], float]:
        phone = Phone()
        async with living(folder, CONFIG, monkeypatch, phone):
            Scripted.values["shop"] = 1.0
            await asyncio.sleep(60)
            phone.fault = None if is_reachable else unreachable
            began = time.monotonic()
        ended = [sent.path.rpartition("/")[2] for sent in phone.sent if sent.method == "DELETE" and sent.is_taken]
        return ended, time.monotonic() - began

    return run_virtual(main)


def test_the_end_is_sent_before_the_daemon_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, seconds = stopped(tmp_path, monkeypatch, is_reachable=True)
    assert ended == ["ends"]
    assert seconds < 1


def test_a_service_out_of_reach_delays_the_stop_for_seconds_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, seconds = stopped(tmp_path, monkeypatch, is_reachable=False)
    assert ended == []
    assert seconds < 6
