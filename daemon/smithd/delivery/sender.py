"""The sender: asks for what may go, sends it, and reports how each request ended. It decides and writes nothing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from smithd.clock import Clock
from smithd.delivery.choice import AT_ONCE
from smithd.delivery.reply import Reply
from smithd.delivery.wire import Request
from smithd.outbox.queued import Claim

Transport = Callable[[Request], Awaitable[Reply]]

GRACE = 3.0
"""Seconds that requests in flight are given when the sender is asked to stop."""


class Flight(NamedTuple):
    """A message that was claimed, and its request."""

    claim: Claim
    request: Request


class Departures(NamedTuple):
    """What is to be sent now, and in how many seconds to ask again (infinite: not before the sender is woken)."""

    flights: Sequence[Flight]
    ask_again: float


Take = Callable[[int], Awaitable[Departures]]
"""Claims what may go now, for as many free places; when it returns, the claims are committed."""

Report = Callable[[Flight, Reply], Awaitable[None]]
"""Settles a claim."""


class Sender:
    """The loop between the engine and the service, for one account. ``run`` it; ``wake`` it when something may go."""

    def __init__(self, transport: Transport, clock: Clock, take: Take, report: Report) -> None:
        self.transport = transport
        """Where the next requests go; those in flight end as they began."""
        self._clock = clock
        self._take = take
        self._report = report
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Ask again for what may go."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; then requests in flight get a short grace, and what they carry stays claimed.

        Raises what taking and reporting raise.
        """
        try:
            while True:
                # Cleared before it asks: what happens while it asks makes it ask again.
                self._woken.clear()
                # Reporting that fails is no everyday end: what a task has raised is raised here.
                for task in [task for task in self._tasks if task.done()]:
                    self._tasks.discard(task)
                    task.result()
                departures = await self._take(AT_ONCE - len(self._tasks))
                for flight in departures.flights:
                    task = asyncio.create_task(self._deliver(flight, self.transport))
                    task.add_done_callback(lambda _: self.wake())
                    self._tasks.add(task)
                await self._rest(departures.ask_again)
        finally:
            await self._wind_down()

    async def _deliver(self, flight: Flight, transport: Transport) -> None:
        await self._report(flight, await transport(flight.request))

    async def _rest(self, seconds: float) -> None:
        ends: set[asyncio.Future[Any]] = {asyncio.create_task(self._woken.wait())}
        if seconds < math.inf:
            ends.add(asyncio.create_task(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def _wind_down(self) -> None:
        if not self._tasks:
            return
        grace = asyncio.create_task(self._clock.sleep(GRACE))
        all_ended = asyncio.gather(*self._tasks, return_exceptions=True)
        ends: set[asyncio.Future[Any]] = {grace, all_ended}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            grace.cancel()
            for task in self._tasks:
                task.cancel()
        await all_ended
