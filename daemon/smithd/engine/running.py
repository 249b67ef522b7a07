"""An engine that runs: its writer, and the sender that has messages claimed and settled by it."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TypeVar

from smithd.clock import Clock, boot
from smithd.config.model import Config
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.journal import outcome_of
from smithd.delivery.reply import Reply
from smithd.delivery.sender import Departures, Flight, Sender, Transport
from smithd.engine.engine import Engine
from smithd.engine.entries import ClaimMessages, EndSurfaces, Reconfigure, SettleClaim, WriteAll
from smithd.engine.step import Changes
from smithd.engine.writer import LONGEST_NAP, Writer
from smithd.events import Events, RequestEnded
from smithd.keys import SurfaceKey
from smithd.outbox.message import LATE_ARRIVAL
from smithd.outbox.queued import Boot
from smithd.setup import Setup, set_up
from smithd.startup import load
from smithd.storage.committer import Committer, InlineCommitter
from smithd.storage.database import Database
from smithd.storage.events import EndedDegraded, StartWaits
from smithd.storage.marker import Marker

T = TypeVar("T")

UNKNOWN_SENT = 60.0
"""Seconds to the first request after a run that ended degraded: what it sent in its last minute is neither in the log
of notifications nor counted by the budget.
"""

WAS_DEGRADED = (
    "the last run ended while its state could not be written, and what it sent in that time may come once more"
)
CLOCK_WAS_SET = "the clock was set back since the last run"
"""Why a start waits for that time."""

LONGEST_END = 10.0
"""Seconds that the end waits for what is still to be written; a service manager has less patience than some disks."""

LONGEST_FAREWELL = 5.0
"""Seconds that a stop waits for the ends of Live Activities to be accepted."""

LOOK_EVERY = 0.05
"""Seconds from one look to the next whether they were."""

SHORTEST_END = 1.0
"""Seconds that the committer has to end, though all others are used up."""


class RunningEngine:
    """The engine on an open state, with its writer, and a delivery and a sender for each account.

    An async context manager: entering it commits what the start came to and starts the writer, leaving it writes what
    is not on disk yet and stops the writer. ``send`` is run by the owner, and must have ended before that. Opening
    raises DatabaseError where the state cannot be used.
    """

    def __init__(
        self,
        config: Config,
        events: Events,
        clock: Clock,
        database: Database,
        transports: Mapping[str, Transport],
        committer: Callable[[Database], Committer] = InlineCommitter,
        marker: Marker | None = None,
        chance: Callable[[], float] = random.random,
        longest_nap: float = LONGEST_NAP,
    ) -> None:
        """``transports``: the way to the service for each account; ``chance``: a random number from 0 to 1, which
        spreads retries; the others are those of ``Writer``.
        """
        self._clock = clock
        self._events = events
        self._chance = chance
        now = clock.now()
        setup = set_up(config, now)
        with database.resuming() as connection:
            left = load(connection, setup, database.from_another, now, self._boot())
        self.engine = Engine(setup, left, now)
        self.deliveries: dict[str, AccountDelivery] = {}
        self.senders: dict[str, Sender] = {}
        self._claiming: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By budget: two senders that share one must not both find the last place in it."""
        self._connected = asyncio.Event()
        self._connect(config, transports)
        self._marker = marker
        self._rests_until = clock.monotonic() + UNKNOWN_SENT
        if marker is not None and marker.existed:
            self._wait(WAS_DEGRADED)
        # Only where the machine has no clock of its own.
        elif self._boot() is None and any(each.at > now + LATE_ARRIVAL for each in left.outbox.sent.values()):
            self._wait(CLOCK_WAS_SET)
        self._committer = committer(database)
        self.writer = Writer(self.engine, self._committer, clock, events, self._applied, marker, longest_nap)
        self.writing: asyncio.Task[None] | None = None
        """The writer's task while it runs; where it ends by itself, the state can no longer be kept."""
        self.hangs = False
        """After the end: a commit would not stop. The process must then end without waiting for it."""

    async def reconfigure(self, setup: Setup, staying: set[str], transports: Mapping[str, Transport]) -> None:
        """Go on with another configuration; ``staying``: the sources that are what they were."""
        await self.writer.ask(Reconfigure(self._clock.now(), setup, staying))
        self._connect(setup.config, transports)
        self._wake()

    def _connect(self, config: Config, transports: Mapping[str, Transport]) -> None:
        """Have a delivery and a sender for each account. Those of an account that the configuration does not have any
        more go on until what it shows is ended, with its last known key.
        """
        outbox, served = self.engine.state.outbox, self.served()
        for name in [name for name in self.deliveries if name not in served]:
            del self.deliveries[name], self.senders[name]
        # Those that have their own budget come first.
        for name in sorted(config.accounts, key=lambda name: config.budget_of(name) != name):
            options, owner = config.accounts[name], config.budget_of(name)
            budget = self.deliveries[owner].gate.budget if owner != name else None
            delivery, has_new_budget = self.deliveries.get(name), True
            if delivery is None:
                delivery = self.deliveries[name] = AccountDelivery(name, options, config.zone, budget)
                claim, settle = partial(self._claim, delivery), partial(self._settle, delivery)
                self.senders[name] = Sender(transports[name], self._clock, claim, settle)
            else:
                has_new_budget = delivery.reconfigure(options, config.zone, self._clock.monotonic(), budget)
                self.senders[name].transport = transports[name]
            if has_new_budget:
                delivery.remember(outbox.sent.values(), self._clock.now(), self._clock.monotonic(), self._boot())
        self._connected.set()

    def served(self) -> list[str]:
        """The accounts that have a delivery: those of the configuration, and after them those that a reload has
        removed, until what they show is ended.
        """
        outbox, accounts = self.engine.state.outbox, self.engine.setup.config.accounts
        left = {key.account for key in (*outbox.waiting, *outbox.claimed)} - accounts.keys()
        return [name for name in (*accounts, *sorted(left)) if name in self.deliveries]

    async def send(self) -> None:
        """Run the sender of each account, also of those that a reload adds, until cancelled. Raises what they raise."""
        running: dict[Sender, asyncio.Task[None]] = {}
        try:
            while True:
                self._connected.clear()
                senders = self.senders.values()
                for sender in [each for each in running if each not in senders]:
                    running.pop(sender).cancel()
                running |= {each: asyncio.create_task(each.run()) for each in senders if each not in running}
                connected = asyncio.create_task(self._connected.wait())
                try:
                    await asyncio.wait((connected, *running.values()), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    connected.cancel()
                for task in running.values():
                    if task.done():
                        task.result()
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    async def end_surfaces(self) -> None:
        """End the Live Activities and the badge that end with the daemon. What cannot be ended in time stays."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_FAREWELL):
                ending = await self.writer.ask(EndSurfaces(self._clock.now()))
                while any(self._is_ending(key) for key in ending):
                    await self._clock.sleep(LOOK_EVERY)

    def _is_ending(self, key: SurfaceKey) -> bool:
        status = self.engine.state.outbox.status(key)
        return status.queued is not None or status.in_flight

    def beside(self, compute: Callable[[], T]) -> Awaitable[T]:
        """What ``compute`` returns, worked out where commits run: it takes longer than the loop may wait."""
        return self._committer.run(compute)

    def _wait(self, reason: str) -> None:
        for delivery in self.deliveries.values():
            delivery.gate.rest(self._rests_until)
        self._events.publish(StartWaits(reason, UNKNOWN_SENT))

    def _applied(self, changes: Changes) -> None:
        if changes.has_messages:
            self._wake()

    def _wake(self) -> None:
        for sender in self.senders.values():
            sender.wake()

    async def _claim(self, delivery: AccountDelivery, places: int) -> Departures:
        """Have the engine claim what may go to an account; when it returns, the claims are committed."""
        config, account = self.engine.setup.config, delivery.account
        async with self._claiming[config.budget_of(account) if account in config.accounts else account]:
            return await self._claim_alone(delivery, places)

    async def _claim_alone(self, delivery: AccountDelivery, places: int) -> Departures:
        now, instant = self._clock.now(), self._clock.monotonic()
        is_over = instant >= self._rests_until and not self.writer.health.is_degraded
        if self._marker is not None and self._marker.existed and is_over:
            # Not before the wait is over: a start that crashes in it must be followed by another that waits.
            self._marker.remove()
        departures = await self.writer.ask(ClaimMessages(now, delivery, places, instant, self._boot()))
        for claim, request in departures.flights:
            delivery.send(claim, request, instant)
        return departures

    async def _settle(self, delivery: AccountDelivery, flight: Flight, reply: Reply) -> None:
        now, instant = self._clock.now(), self._clock.monotonic()
        seconds = delivery.seconds_since(flight.claim, instant)
        outcome = await self.writer.ask(
            SettleClaim(now, delivery, flight, reply, self._chance(), self._boot(), seconds)
        )
        family, ended = flight.request.family, outcome_of(outcome.reply)
        self._events.publish(RequestEnded(delivery.account, family, ended, seconds))
        for event in delivery.learn(flight.claim, flight.request, outcome, now, instant):
            self._events.publish(event)

    def _boot(self) -> Boot | None:
        found = boot(self._clock)
        return Boot(*found) if found is not None else None

    async def __aenter__(self) -> RunningEngine:
        try:
            await self.writer.start()
        # What could not be entered is not left either, so the committer's thread is ended here.
        except BaseException:
            await self._committer.close(LONGEST_END)
            raise
        self.writing = asyncio.create_task(self.writer.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.writing is not None
        until = self._clock.monotonic() + LONGEST_END
        has_ended_itself = self.writing.done()
        if not has_ended_itself:
            last = asyncio.ensure_future(self.writer.ask(WriteAll(self._clock.now())))
            await asyncio.wait((last, self.writing), timeout=LONGEST_END, return_when=asyncio.FIRST_COMPLETED)
            last.cancel()
        self.writing.cancel()
        # A commit that hangs holds the writer: the committer, which knows it, says so below.
        await asyncio.wait((self.writing,), timeout=max(0.0, until - self._clock.monotonic()))
        self.hangs = not await self._committer.close(max(SHORTEST_END, until - self._clock.monotonic()))
        if self.writer.health.is_degraded:
            self._events.publish(EndedDegraded())
        with suppress(asyncio.CancelledError, asyncio.InvalidStateError):
            failed = self.writing.exception()
            # Before the end, the task that waits for the writer has seen its error.
            if failed is not None and not has_ended_itself and error is None:
                raise failed
