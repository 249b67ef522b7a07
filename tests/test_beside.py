"""Work beside the loop: the collector of garbage rests meanwhile, and the loop has its turns."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from smithd.beside import beside, without_collector


def test_the_collector_rests_while_something_is_made_and_goes_on_after() -> None:
    async def scenario() -> None:
        assert await beside(gc.isenabled) is False
        assert gc.isenabled()

    asyncio.run(scenario())


def test_it_rests_until_the_last_of_several_is_done() -> None:
    async def scenario() -> None:
        begun, may_end = threading.Event(), threading.Event()

        def slow() -> bool:
            begun.set()
            may_end.wait(60)
            return gc.isenabled()

        slower = asyncio.create_task(beside(slow))
        await asyncio.to_thread(begun.wait, 60)
        await beside(list)
        may_end.set()
        assert await slower is False
        assert gc.isenabled()

    asyncio.run(scenario())


def test_it_goes_on_after_a_failure_too() -> None:
    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            await beside(lambda: 1 / 0)
        assert gc.isenabled()

    asyncio.run(scenario())


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
