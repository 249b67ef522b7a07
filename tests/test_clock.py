"""The daemon's own time stands still while its loop is stalled; a loop that keeps stalling is slow, and not dead."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from smithd import clock
from smithd.clock import SystemClock


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> SystemClock:
    """A clock with short stalls."""
    monkeypatch.setattr(clock, "STALL", 0.1)
    monkeypatch.setattr(clock, "COUNTED", 0.05)
    monkeypatch.setattr(clock, "PULSE", 0.02)
    return SystemClock()


def test_what_came_in_a_stall_is_read_before_a_time_out_ends_the_waiting(steady: SystemClock) -> None:
    async def main() -> bytes:
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            async with asyncio.timeout(0.3):
                reading = asyncio.create_task(asyncio.get_running_loop().sock_recv(here, 10))
                await asyncio.sleep(0)
                there.sendall(b"answer")
                time.sleep(1.0)  # noqa: ASYNC251 - the stall
                return await reading

    assert steady.run(main) == b"answer"


def test_most_of_a_stall_does_not_count(steady: SystemClock) -> None:
    async def main() -> float:
        before = steady.monotonic()
        time.sleep(1.0)  # noqa: ASYNC251 - the stall
        await steady.sleep(0.01)
        return steady.monotonic() - before

    assert steady.run(main) < 0.9


def test_timers_come_though_stalls_follow_one_another(steady: SystemClock) -> None:
    async def main() -> int:
        loop, stalls = asyncio.get_running_loop(), 0
        ended = asyncio.Event()
        loop.call_later(0.3, ended.set)
        while not ended.is_set():
            time.sleep(0.15)  # noqa: ASYNC251 - the stall
            stalls += 1
            await asyncio.sleep(0.001)
        return stalls

    assert steady.run(main) <= 8
