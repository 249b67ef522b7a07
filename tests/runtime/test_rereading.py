"""A configuration whose reading hangs is left behind: the next reading does not wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import pytest

from smithd.config.model import Config
from smithd.runtime.rereading import Rereading


def test_a_reading_that_hangs_holds_up_no_later_one() -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()
    outcomes: list[Callable[[], object]] = []

    def hang() -> None:
        begun.release()
        may_end.wait()

    async def main() -> None:
        reread = Rereading(lambda: cast("Config", outcomes.pop()()))
        for _ in range(3):
            outcomes.append(hang)
            reading = asyncio.create_task(reread())
            await asyncio.to_thread(begun.acquire)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        outcomes.append(lambda: "good again")
        assert cast("str", await reread()) == "good again"

    try:
        asyncio.run(main())
    finally:
        may_end.set()
