"""What stands in for the world in tests."""

from __future__ import annotations

import asyncio


class FakeClock:
    """A clock that moves only when told to; ``sleep`` moves it, so that waiting costs nothing."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)
