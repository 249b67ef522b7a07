"""The only file that asks the time or waits for it; everything else takes ``now`` as an argument."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time. Tests bring one of their own."""

    def now(self) -> float:
        """The calendar's time, in seconds since 1970 (UTC)."""

    def monotonic(self) -> float:
        """Seconds that never step; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds, on the monotonic clock."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
