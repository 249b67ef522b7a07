"""What the pages ask of the running daemon: its commands, as the command line sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from smithd.control import Handler

GOOD_FOR = 1.0
"""Seconds for which the status is not asked for again at least, however many pages are open."""
RESTS_FOR = 10.0
"""The status is not asked for again for as many times as long as it took: an open page costs a tenth of a core."""


class DaemonClient:
    """Asks the daemon; its answers are plain values, in which secrets are masked."""

    def __init__(self, commands: Mapping[str, Handler], now: Callable[[], float]) -> None:
        self._commands = commands
        self._now = now
        self._asked_at = 0.0
        self._good_for = GOOD_FOR
        self._status: asyncio.Task[Any] | None = None

    async def ask(self, command: str, **arguments: Any) -> Any:
        """The answer to a command."""
        return await self._commands[command](arguments)

    async def status(self) -> Any:
        """The daemon's status, at most a second old; where there is much of it, a few seconds."""
        now = self._now()
        if self._status is None or not 0 <= now - self._asked_at < self._good_for:
            self._asked_at = now
            self._status = asyncio.create_task(self._ask_status())
        # A reader who leaves must not end what others wait for.
        return await asyncio.shield(self._status)

    async def _ask_status(self) -> Any:
        found = await self.ask("status")
        self._good_for = max(GOOD_FOR, RESTS_FOR * (self._now() - self._asked_at))
        return found
