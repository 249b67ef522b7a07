"""The daemon's pulse: whether its loop turns and its steps are computed. While both do, systemd's watchdog is fed.

A commit that hangs, or a plugin that blocks its own thread, is no reason to end the daemon: another start would find
the same disk and the same plugin.
"""

from __future__ import annotations

import faulthandler
import math
import sys

from smithd.clock import Clock, unbroken
from smithd.engine.writer import Writer
from smithd.events import Events, LoopTurned
from smithd.runtime import systemd

STALLED_AFTER = 10.0
"""Seconds without a turn of the loop, or of the writer, after which the daemon is not well."""

FEEDS = 3
"""How often the watchdog is fed in its time."""


class Pulse:
    """Notes each beat of the loop. ``beat`` again and again."""

    def __init__(self, clock: Clock, events: Events, writer: Writer) -> None:
        self._clock = clock
        self._events = events
        self._writer = writer
        self._turned_at = clock.monotonic()
        self._fed_at = -math.inf
        self._watchdog = systemd.watchdog()
        if self._watchdog is not None:
            # Where the watchdog ends the process, the journal shows what each of its threads was doing.
            faulthandler.enable(sys.stderr)

    async def beat(self, seconds: float) -> None:
        """Wait, see how late the loop comes back, and feed the watchdog where all is well."""
        began = unbroken(self._clock)
        await self._clock.sleep(seconds)
        ended, self._turned_at = unbroken(self._clock), self._clock.monotonic()
        self._events.publish(LoopTurned(max(0.0, ended - began - seconds)))
        is_due = self._watchdog is not None and ended - self._fed_at >= self._watchdog / FEEDS - seconds
        if is_due and not self.problem():
            self._fed_at = ended
            systemd.notify("WATCHDOG=1")

    def problem(self) -> str:
        """What does not go on, for a person; "" where all is well."""
        now, writer = self._clock.monotonic(), self._writer
        if (stood := now - self._turned_at) > STALLED_AFTER:
            return f"the event loop has stood still for {stood:.0f} s"
        if writer.beside_since is None and (stood := now - writer.turned_at) > STALLED_AFTER:
            return f"no step has been computed for {stood:.0f} s"
        return ""
