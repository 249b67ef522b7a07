"""The heartbeat: calls an address while the daemon is well, for a service that reports when the calls stay out.

A call proves that the event loop turns, and that a step was just computed and, where it changed something, written. It
says nothing of the sources, nor of ActivitySmith.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from smithd.config.model import HeartbeatOptions
from smithd.engine.entries import CatchUp
from smithd.events import Event, HeartbeatFailed, HeartbeatResumed, Reloaded
from smithd.http import DecodingError
from smithd.runtime.components import Components
from smithd.runtime.pulse import STALLED_AFTER, Pulse
from smithd.transport_errors import TransportError

DEADLINE = 10.0
"""Seconds for one call."""

LARGEST_ANSWER = 64 * 1024
"""Bytes; what an answer says does not matter."""


class Heartbeat:
    """Calls the address of the configuration in use; a reload has it called at once."""

    def __init__(self, components: Components, pulse: Pulse) -> None:
        self._components = components
        self._pulse = pulse
        self._fails = False
        self._reloaded = asyncio.Event()
        components.events.listen(self._note_reload, Reloaded)

    def _note_reload(self, _: Event) -> None:
        self._reloaded.set()

    async def run(self) -> None:
        """Call it whenever it is due, until cancelled; a call that fails disturbs nothing."""
        clock = self._components.clock
        while True:
            self._reloaded.clear()
            options, began = self._components.config.heartbeat, clock.monotonic()
            if options is None:
                await self._reloaded.wait()
                continue
            if await self._is_well():
                self._report(await self._call(options))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, options.every - (clock.monotonic() - began))):
                    await self._reloaded.wait()

    async def _is_well(self) -> bool:
        """Whether a step can be computed and written."""
        writer = self._components.writer
        if self._pulse.problem() or writer.health.is_failing:
            return False
        try:
            async with asyncio.timeout(STALLED_AFTER):
                await writer.ask(CatchUp(self._components.clock.now()))
        except TimeoutError:
            return False
        return not writer.health.is_failing

    async def _call(self, options: HeartbeatOptions) -> str:
        """Why a call failed, without its address, which is a secret; "" where it succeeded."""
        host = urlsplit(options.url).hostname
        try:
            request = self._components.to_others.prepare("GET", options.url, timeout=DEADLINE, limit=LARGEST_ANSWER)
            async with asyncio.timeout(DEADLINE):
                answer = await request.send()
        except TimeoutError:
            return f"{host} gave no answer within {DEADLINE:.0f} s"
        except (TransportError, DecodingError) as error:
            return f"{host}: {error}"
        except Exception as error:  # noqa: BLE001 - whatever a library raises: a heartbeat never ends the daemon
            # The error's text is left out: the address might be in it.
            return f"the request to {host} failed ({type(error).__name__})"
        return "" if 200 <= answer.status < 300 else f"{host} answered with status {answer.status}"

    def _report(self, failure: str) -> None:
        """Say that it fails, or succeeds again, once."""
        if failure and not self._fails:
            self._components.events.publish(HeartbeatFailed(failure))
        elif self._fails and not failure:
            self._components.events.publish(HeartbeatResumed())
        self._fails = bool(failure)
