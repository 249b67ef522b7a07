"""The pages ask the daemon for its status once, however many look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from smithd.web.client import DaemonClient


class Daemon:
    """A daemon whose status takes ``seconds``, by a clock that moves only then and by hand."""

    def __init__(self, seconds: float) -> None:
        self.now = 100.0
        self.asked = 0
        self._seconds = seconds

    def client(self) -> DaemonClient:
        return DaemonClient({"status": self._status}, lambda: self.now)

    async def _status(self, _: Mapping[str, Any]) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        self.now += self._seconds
        return self.asked


def test_a_second_long_everybody_sees_the_same_status() -> None:
    async def scenario() -> None:
        daemon = Daemon(0.01)
        client = daemon.client()
        assert await asyncio.gather(*(client.status() for _ in range(5))) == [1] * 5
        daemon.now += 0.9
        assert await client.status() == 1
        daemon.now += 0.1
        assert await client.status() == 2

    asyncio.run(scenario())


def test_what_takes_long_is_asked_for_less_often() -> None:
    async def scenario() -> None:
        daemon = Daemon(0.5)
        client = daemon.client()
        assert await client.status() == 1
        daemon.now += 4.4
        assert await client.status() == 1
        daemon.now += 0.2
        assert await client.status() == 2

    asyncio.run(scenario())


def test_a_clock_that_was_set_back_keeps_nothing_old() -> None:
    async def scenario() -> None:
        daemon = Daemon(0.01)
        client = daemon.client()
        assert await client.status() == 1
        daemon.now -= 3600
        assert await client.status() == 2

    asyncio.run(scenario())


def test_somebody_who_leaves_does_not_end_what_others_wait_for() -> None:
    async def scenario() -> None:
        client = Daemon(0.01).client()
        leaving, staying = asyncio.create_task(client.status()), asyncio.create_task(client.status())
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 1

    asyncio.run(scenario())
