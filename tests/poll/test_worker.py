"""The thread of an isolated source: code that blocks there holds up no other code."""

from __future__ import annotations

import asyncio
import threading

from smithd.poll.worker import Worker


def test_the_line_at_which_it_blocks_is_named() -> None:
    began, release = threading.Event(), threading.Event()

    async def block() -> str:
        began.set()
        release.wait()  # this is the line
        return "back"

    async def main() -> None:
        worker = Worker("test")
        running = asyncio.ensure_future(worker.run(block))
        await asyncio.to_thread(began.wait)
        assert worker.busy
        assert worker.current_line(__file__) == f"test_worker.py:{block.__code__.co_firstlineno + 2}"
        assert worker.current_line("elsewhere.py") is None
        release.set()
        assert await running == "back"
        assert not worker.busy
        worker.stop()

    asyncio.run(asyncio.wait_for(main(), 100))


def test_cancelling_cancels_there_and_does_not_wait() -> None:
    async def linger() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        worker = Worker("test")
        running = asyncio.ensure_future(worker.run(linger))
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled()
        assert await worker.is_idle_within(60)
        worker.stop()

    asyncio.run(asyncio.wait_for(main(), 100))
