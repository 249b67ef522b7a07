"""How a command that runs until it is stopped ends: SIGTERM with status 0, and Ctrl-C (SIGINT) with 130."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from smithd.cli.main import INTERRUPTED


class StopSignals:
    """Calls ``stop`` at each of the two signals. ``status``: the exit status by now. Made inside the running loop."""

    def __init__(self, stop: Callable[[], object]) -> None:
        self.status = 0
        self._stop = stop
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ended_by, number)

    def _ended_by(self, number: signal.Signals) -> None:
        # The first one counts: it is why the command ends.
        self.status = self.status or (INTERRUPTED if number is signal.SIGINT else 0)
        self._stop()
