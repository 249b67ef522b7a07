"""The gate: may this request go now, and if not, when and why not. Pure.

Times are those of a clock that never steps.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery.account import Limits
from smithd.delivery.budget import Budget
from smithd.delivery.outcome import BILLING_PROBE, RATE_PAUSE, SHORTEST_PAUSE, SLOW_PROBE, Outcome, Scope, covers
from smithd.delivery.reply import NotSent, Unknown
from smithd.outbox.message import LATE_ARRIVAL, Priority

UNDECIDED_PROBE = 60.0
"""Seconds to the next probe where the last one met other trouble."""

_PROBES = {Scope.EVERYTHING: SLOW_PROBE, Scope.BILLED: BILLING_PROBE}
_FIRST = frozenset({Priority.CRITICAL_PUSH, Priority.END})


@dataclass(frozen=True, slots=True)
class Go:
    """It may go."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It must wait; ``until`` is infinity where only another request's end can help."""

    until: float
    reason: str


Decision = Go | Hold


@dataclass(frozen=True, slots=True)
class Closed:
    """The gate has closed for a scope."""

    scope: Scope
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The gate is open again for a scope."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class _Block:
    until: float
    reason: str


class Gate:
    """What is closed, what pauses, and what is left of the budget."""

    def __init__(self, limits: Limits) -> None:
        self.budget = Budget(_by_family(limits))
        self._streams = limits.live_activities_at_once
        self._on_way: Counter[Endpoint] = Counter()
        self._pauses: dict[Family, float] = {}
        self._asked: Counter[Family] = Counter()
        self._blocks: dict[Scope, _Block] = {}

    def limit(self, limits: Limits) -> None:
        """Other limits, from now on; what is closed or pauses stays so."""
        self.budget.limit(_by_family(limits))
        self._streams = limits.live_activities_at_once

    def decide(self, endpoint: Endpoint, priority: Priority, starts: bool, streams: int, now: float) -> Decision:
        """Whether a request may go. ``starts``: it puts another stream on the phone, where ``streams`` are already."""
        for scope, block in self._blocks.items():
            if covers(scope, endpoint):
                if now < block.until:
                    return Hold(block.until, block.reason)
                if any(covers(scope, other) for other in +self._on_way):
                    return Hold(math.inf, f"another request probes: {block.reason}")
        if now < (until := self._pauses.get(endpoint.family, now)):
            return Hold(until, "the service asked for a pause")
        if starts and streams >= self._streams:
            return Hold(math.inf, f"{streams} Live Activities are on the phone; it waits for one to end")
        free_at = self.budget.free_at(endpoint.family, now, first=priority in _FIRST)
        return Go() if free_at <= now else Hold(free_at, "the limit of requests per minute is used up")

    def send(self, endpoint: Endpoint) -> None:
        """A request goes; ``learn`` must follow."""
        self._on_way[endpoint] += 1
        self.budget.take(endpoint.family)

    def learn(self, endpoint: Endpoint, outcome: Outcome, now: float) -> list[Closed | Opened]:
        """How a request ended; returns what that changed."""
        family = endpoint.family
        self._on_way[endpoint] -= 1
        self.budget.settle(family, _arrived_by(outcome, now))
        if outcome.pace is not None:
            self.budget.heed(family, outcome.pace, now)
        self._pause(family, outcome, now)
        opened: list[Closed | Opened] = [Opened(scope) for scope in self._disproved(endpoint, outcome)]
        for scope in [scope for scope in self._blocks if covers(scope, endpoint)]:
            if Opened(scope) in opened:
                del self._blocks[scope]
            else:
                self._postpone(scope, now + UNDECIDED_PROBE)
        return opened + self._close(outcome, now)

    def _pause(self, family: Family, outcome: Outcome, now: float) -> None:
        """Rest for as long as the service asks, and longer each time where that turns out to be too short."""
        if outcome.is_verdict:
            del self._asked[family]
        if outcome.pause:
            least = min(SHORTEST_PAUSE * 2.0 ** min(self._asked[family], 30), RATE_PAUSE)
            self._asked[family] += 1
            self._pauses[family] = max(now + max(outcome.pause, least), self._pauses.get(family, now))

    def _disproved(self, endpoint: Endpoint, outcome: Outcome) -> list[Scope]:
        """The closed scopes that this outcome shows to be open: who must pay has a key that is good."""
        closed = [scope for scope in self._blocks if covers(scope, endpoint)]
        if outcome.is_verdict:
            return closed
        return [scope for scope in closed if outcome.blocks is Scope.BILLED and scope is Scope.EVERYTHING]

    def _postpone(self, scope: Scope, until: float) -> None:
        block = self._blocks[scope]
        self._blocks[scope] = _Block(max(block.until, until), block.reason)

    def _close(self, outcome: Outcome, now: float) -> list[Closed | Opened]:
        scope = outcome.blocks
        if scope is None:
            return []
        news = scope not in self._blocks
        self._blocks[scope] = _Block(now + _PROBES[scope], outcome.detail)
        return [Closed(scope, outcome.detail)] if news else []


def _by_family(limits: Limits) -> dict[Family, int]:
    return {
        Family.NOTIFICATIONS: limits.notifications_per_minute,
        Family.BADGES: limits.badges_per_minute,
        Family.LIVE_ACTIVITIES: limits.live_activities_per_minute,
        Family.METRICS: limits.metrics_per_minute,
    }


def _arrived_by(outcome: Outcome, now: float) -> float | None:
    """The latest moment at which a request can reach the service."""
    match outcome.reply:
        case NotSent():
            return None
        case Unknown(status=None):
            return now + LATE_ARRIVAL
    return now
