"""The sender: lets one message after another go, and writes down how each request ended."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Any

from smithd.clock import Clock
from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import wire
from smithd.delivery.account import AccountOptions
from smithd.delivery.budget import MARGIN, WINDOW
from smithd.delivery.gate import Blocked, Gate, NotYet, Passage, Unblocked
from smithd.delivery.outcome import Outcome, judge
from smithd.delivery.reply import Accepted, Reply
from smithd.delivery.wire import Request
from smithd.delivery.wording import sentence
from smithd.events import (
    DeliveryBlocked,
    DeliveryResumed,
    Events,
    SendAccepted,
    SendDelayed,
    SendDropped,
    SurfaceHeld,
)
from smithd.keys import Key, WidgetKey
from smithd.outbox.message import (
    LATE_ARRIVAL,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    Message,
    Push,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queue import Claim, Outbox, Queued
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Wait
from smithd.outbox.shown import ShownActivity

Transport = Callable[[Request], Awaitable[Reply]]

AT_ONCE = 4
KEPT_FOR_PUSHES = 1
"""Requests on their way at once, and how many of these places only pushes may take."""

GRACE = 3.0
"""Seconds that requests on their way are given when the sender is told to stop."""

LONGEST_REST = 30.0
"""Seconds after which the sender looks again although nothing called it: the calendar's clock may have been set."""

SHORTEST_REST = 0.001
CLOCK_STEP = 2.0
SILENCE = 3
"""Tries in a row without an answer after which the service counts as out of reach."""


class Sender:
    """The loop between the outbox and the service. ``run`` it; ``wake`` it when something was put into the outbox."""

    def __init__(
        self,
        outbox: Outbox,
        transport: Transport,
        account: AccountOptions,
        clock: Clock,
        events: Events,
        zone: tzinfo,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._account = account
        self._gate = Gate(account.limits)
        self._clock = clock
        self._events = events
        self._zone = zone
        self._chance = chance
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._drift = clock.now() - clock.monotonic()
        self._silent = 0
        self._warned: set[Key] = set()

    def reconfigure(self, transport: Transport, account: AccountOptions, zone: tzinfo) -> None:
        """Send as another configuration says, from now on. Requests that are on their way end as they began.

        With another key, or at another address, nothing is closed any more; what was sent counts all the same.
        """
        before, self._account = self._account, account
        self._transport, self._zone = transport, zone
        if (account.api_key, account.base_url) == (before.api_key, before.base_url):
            self._gate.limit(account.limits)
        else:
            self._gate = Gate(account.limits)
            self._remember_requests()
            for wait in Wait:
                self._outbox.release(wait)
        self._outbox.try_anew()
        self.wake()

    def wake(self) -> None:
        """Look into the outbox again."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; then requests on their way get a short grace, and what they carry stays claimed.

        Raises DatabaseError where the state can no longer be kept.
        """
        self._remember_requests()
        try:
            while True:
                self._woken.clear()
                self._collect()
                self._watch_clock()
                await self._rest(self._let_go())
        finally:
            await self._wind_down()

    def _remember_requests(self) -> None:
        """Count what an earlier life sent: the service remembers it."""
        now, instant = self._clock.now(), self._clock.monotonic()
        for family, arrived_by in self._outbox.sent_since(now - WINDOW - MARGIN):
            # A time far in the future was written before the clock was set back.
            age = now - min(arrived_by, now + LATE_ARRIVAL)
            self._gate.budget.remember(Family(family), instant - age)

    def _collect(self) -> None:
        """Raise what a request's end has raised: that is no everyday end."""
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()

    def _watch_clock(self) -> None:
        before, self._drift = self._drift, self._clock.now() - self._clock.monotonic()
        if self._drift < before - CLOCK_STEP:
            self._outbox.shift(self._drift - before)

    def _let_go(self) -> float:
        """Send all that may go; returns the seconds until more may (infinite: not before something happens)."""
        now, instant = self._clock.now(), self._clock.monotonic()
        for expired in self._outbox.expire(now):
            why = (
                _sentence(expired.message.key, expired.reason, expired.detail)
                if expired.reason
                else "it never went out"
            )
            self._events.publish(SendDropped(expired.message.key, sentence(DeliveryReason.EXPIRED, why)))
        rest = math.inf
        for queued in self._outbox.ready(now):
            if self._is_full(queued.message):
                break  # pushes come first, so nothing after this one finds a place either
            decision = self._decide(queued, instant)
            if isinstance(decision, NotYet):
                rest = min(rest, decision.until - instant)
            else:
                self._send(queued, now)
        due = self._outbox.next_due(now)
        if due is not None:
            rest = min(rest, due - now)
        if self._outbox.waiting():
            rest = min(rest, LONGEST_REST)
        return max(rest, SHORTEST_REST)

    def _is_full(self, message: Message) -> bool:
        return len(self._tasks) >= (AT_ONCE if isinstance(message, Push | PushUpdate) else AT_ONCE - KEPT_FOR_PUSHES)

    def _decide(self, queued: Queued, instant: float) -> Passage:
        message = queued.message
        shown = self._outbox.standing(message.key).shown
        starts = isinstance(message, ActivityState) and (not isinstance(shown, ShownActivity) or shown.ended)
        streams = len(self._outbox.streams_on_phone()) if starts else 0
        return self._gate.decide(wire.endpoint(message, shown), message.priority, starts, streams, instant)

    def _send(self, queued: Queued, now: float) -> None:
        message = queued.message
        shown = self._outbox.standing(message.key).shown
        try:
            request = wire.request(message, shown, self._account.channels, now, self._zone)
        except ValueError as error:
            self._outbox.drop(queued)
            self._events.publish(SendDropped(message.key, str(error)))
            return
        if isinstance(message, PushUpdate) and message.only_in_place and request.endpoint is not Endpoint.REPLACE:
            self._outbox.drop(queued)  # the phone does not have what this would take the place of
            return
        claim = self._outbox.claim(queued, request.family, now, request.window)
        self._gate.send(request.endpoint)
        task = asyncio.create_task(self._deliver(claim, request, self._transport, self._gate))
        task.add_done_callback(lambda _: self.wake())
        self._tasks.add(task)

    async def _deliver(self, claim: Claim, request: Request, transport: Transport, gate: Gate) -> None:
        reply = await transport(request)
        now, instant = self._clock.now(), self._clock.monotonic()
        outcome = judge(request, reply, claim.queued.attempts, now, self._chance())
        self._outbox.settle(claim, outcome.settlement, now)
        if gate is not self._gate:
            self._outbox.try_anew()  # what was refused to another key may be granted to this one
        self._publish(claim.queued, outcome, now)
        for change in gate.learn(request.endpoint, outcome, instant):
            if gate is not self._gate:
                continue  # it speaks of another key
            match change:
                case Blocked(scope, reason, detail):
                    self._events.publish(DeliveryBlocked(scope, sentence(reason, detail)))
                case Unblocked(scope):
                    self._events.publish(DeliveryResumed(scope))
        self._listen_for_life(outcome)

    def _publish(self, queued: Queued, outcome: Outcome, now: float) -> None:
        key = queued.message.key
        match outcome.settlement:
            case Accept():
                operation = outcome.reply.operation if isinstance(outcome.reply, Accepted) else "ended"
                self._events.publish(SendAccepted(key, operation, _summary(queued.message)))
                self._publish_warnings(key, outcome.reply)
            case Retry(at, reason, detail) if outcome.blocks is None and _is_news(queued, reason, detail):
                self._events.publish(SendDelayed(key, _sentence(key, reason, detail), max(at - now, outcome.pause)))
            case Drop(reason, detail):
                self._events.publish(SendDropped(key, _sentence(key, reason, detail)))

    def _publish_warnings(self, key: Key, reply: Reply) -> None:
        warnings = reply.warnings if isinstance(reply, Accepted) else ()
        if not warnings:
            self._warned.discard(key)
        elif key not in self._warned:
            self._warned.add(key)
            self._events.publish(SurfaceHeld(key, f"the service warns: {'; '.join(warnings)}"))

    def _listen_for_life(self, outcome: Outcome) -> None:
        """With the first answer after an outage, all that waits for one goes at once."""
        if not outcome.is_answer:
            self._silent += 1
            return
        if self._silent >= SILENCE:
            self._outbox.release(Wait.ANSWER)
        self._silent = 0

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


def _is_news(queued: Queued, reason: DeliveryReason, detail: str) -> bool:
    """Whether a delay is worth an event: a push's always, a level's when its reason is another."""
    return isinstance(queued.message, Push | PushUpdate) or (queued.reason, queued.detail) != (reason, detail)


def _sentence(key: Key, reason: DeliveryReason, detail: str) -> str:
    return sentence(reason, detail, key.name if isinstance(key, WidgetKey) else "")


def _summary(message: Message) -> str:
    """What the phone shows now, in a few words."""
    match message:
        case WidgetValue():
            return str(message.value)
        case BadgeCount():
            return str(message.count)
        case ActivityEnd():
            return "leaves the Lock Screen"
        case ActivityState():
            state = message.content.content_state
            rows = [f"{row.get('label')} {row.get('value')}{row.get('unit', '')}" for row in state.get("metrics", ())]
            return ", ".join([str(state.get("title", "")), *rows])
    return str(message.content.title)
