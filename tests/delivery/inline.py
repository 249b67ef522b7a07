"""A sender beside an outbox that is written at once: each claim and each settlement is a transaction of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import tzinfo

from outbox.stored import StoredOutbox
from smithd.clock import Clock, boot
from smithd.delivery.account import AccountOptions
from smithd.delivery.choice import SHORTEST_REST
from smithd.delivery.delivery import AccountDelivery, expired, fingerprint, refused
from smithd.delivery.outcome import put_off
from smithd.delivery.reply import Reply
from smithd.delivery.sender import Departures, Flight, Sender, Transport
from smithd.delivery.sentences import why
from smithd.events import Events, SendDropped
from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.outbox.queued import Boot
from smithd.outbox.settlement import Wait

CLOCK_STEP = 2.0


class InlineSender:
    """The delivery to an account, its sender, and the outbox that both work on."""

    def __init__(
        self,
        outbox: StoredOutbox,
        transport: Transport,
        options: AccountOptions,
        clock: Clock,
        events: Events,
        zone: tzinfo,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._events = events
        self._chance = chance
        self._drift = clock.now() - clock.monotonic()
        self._delivery = AccountDelivery(DEFAULT_ACCOUNT, options, zone)
        self._sender = Sender(transport, clock, self._take, self._report)

    def reconfigure(self, transport: Transport, options: AccountOptions, zone: tzinfo) -> None:
        """Send as another configuration says, from now on. Requests in flight end as they began."""
        self._sender.transport = transport
        if self._delivery.reconfigure(options, zone, self._clock.monotonic()):
            self._remember_requests()
        self._outbox.moved(options.base_url, fingerprint(options))
        self._outbox.try_again()
        self.wake()

    def wake(self) -> None:
        """Look into the outbox again."""
        self._sender.wake()

    async def run(self) -> None:
        """Send until cancelled. Raises DatabaseError where the state can no longer be kept."""
        self._remember_requests()
        await self._sender.run()

    def _remember_requests(self) -> None:
        sent = self._outbox.value.sent.values()
        self._delivery.remember(sent, self._clock.now(), self._clock.monotonic(), self._boot())

    async def _take(self, places: int) -> Departures:
        self._watch_clock()
        now, instant = self._clock.now(), self._clock.monotonic()
        for queued in self._outbox.expire(now):
            self._events.publish(expired(queued))
        choice = self._delivery.choose(self._outbox.value, now, instant, places)
        for queued in choice.obsolete:
            self._outbox.drop(queued)
        look_again = choice.look_again
        for queued, drop in choice.dropped:
            key = queued.message.key
            if isinstance(key, PushKey):
                retry = put_off(drop.reason, drop.detail, now, is_plain=queued.is_plain)
                self._outbox.put_off(queued, retry)
                self._events.publish(refused(self._outbox.value.waiting[key], now))
                look_again = min(look_again, max(retry.at - now, SHORTEST_REST))
            else:
                self._outbox.drop(queued)
                self._events.publish(SendDropped(key, why(key, drop.reason, drop.detail)))
        for message, request in choice.repeated:
            choice.requests.append((self._outbox.repeat(message), request))
        flights = []
        for queued, request in choice.requests:
            claim = self._outbox.claim(queued, request.family, now, request.window, self._boot())
            self._delivery.send(claim, request, instant)
            flights.append(Flight(claim, request))
        return Departures(flights, look_again)

    async def _report(self, flight: Flight, reply: Reply) -> None:
        (claim, request), now, instant = flight, self._clock.now(), self._clock.monotonic()
        outcome = self._delivery.judge(claim, request, reply, now, self._chance())
        self._outbox.settle(claim, outcome.settlement, now, self._boot())
        if self._delivery.is_outdated(claim):
            self._outbox.try_again()  # what was refused to another key may be granted to this one
        elif self._delivery.reaches(outcome):
            self._outbox.release(Wait.ANSWER)
        for event in self._delivery.learn(claim, request, outcome, now, instant):
            self._events.publish(event)

    def _boot(self) -> Boot | None:
        found = boot(self._clock)
        return Boot(*found) if found is not None else None

    def _watch_clock(self) -> None:
        before, self._drift = self._drift, self._clock.now() - self._clock.monotonic()
        if abs(self._drift - before) >= CLOCK_STEP:
            self._outbox.shift(self._drift - before)
