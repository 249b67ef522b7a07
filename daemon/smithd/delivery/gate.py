"""The gate: may this request go now, and if not, when and why not. No I/O.

Times are those of a clock that never steps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery.account import Limits
from smithd.delivery.budget import Budget
from smithd.delivery.outcome import BILLING_PROBE, RATE_PAUSE, SHORTEST_PAUSE, SLOW_PROBE, BlockScope, Outcome, covers
from smithd.delivery.reply import NotSent, Unknown
from smithd.outbox.message import LATE_ARRIVAL, Priority
from smithd.outbox.settlement import DeliveryReason, Retry

SILENCE = 3
"""Tries in a row without an answer after which the service counts as out of reach."""

UNDECIDED_PROBE = 60.0
"""Seconds to the next probe where the last one met other trouble."""

_PROBES = {BlockScope.EVERYTHING: SLOW_PROBE, BlockScope.BILLED: BILLING_PROBE}
_FIRST = frozenset({Priority.CRITICAL_PUSH, Priority.LATER_CRITICAL_PUSH, Priority.END})


class GateReason(StrEnum):
    """Why a request must wait."""

    BLOCKED = "blocked"
    PROBING = "probing"
    """Another request finds out whether the scope is still blocked."""
    PAUSED = "paused"
    """The service asked for a pause."""
    LIMIT = "limit"
    """The limit of requests per minute is used up."""


@dataclass(frozen=True, slots=True)
class Go:
    """It may go."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """It must wait; ``until`` is infinity where only another request's end can help."""

    until: float
    reason: GateReason


Passage = Go | NotYet


@dataclass(frozen=True, slots=True)
class Blocked:
    """A scope is blocked from now on."""

    scope: BlockScope
    reason: DeliveryReason
    detail: str


@dataclass(frozen=True, slots=True)
class Unblocked:
    """A scope is not blocked any more."""

    scope: BlockScope


@dataclass(frozen=True, slots=True)
class Reachability:
    """Whether the service answers, since when, and how many tries in a row it has not answered."""

    is_reachable: bool = True
    since: float = -math.inf
    unanswered: int = 0

    def after(self, outcome: Outcome, now: float) -> Reachability:
        """What is known once a request has ended."""
        if outcome.is_answer:
            return Reachability(True, self.since if self.is_reachable else now)
        unanswered = self.unanswered + 1
        if self.is_reachable and unanswered >= SILENCE:
            return Reachability(False, now, unanswered)
        return replace(self, unanswered=unanswered)


class Gate:
    """What is blocked, what pauses, and what is left of the budget."""

    def __init__(self, limits: Limits) -> None:
        self.budget = Budget(_by_family(limits))
        self.reachability = Reachability()
        self._in_flight: Counter[Endpoint] = Counter()
        self._pauses: dict[Family, float] = {}
        self._pauses_asked: Counter[Family] = Counter()
        self._blocks: dict[BlockScope, float] = {}

    def limit(self, limits: Limits) -> None:
        """Other limits, from now on; what is blocked or pauses stays so."""
        self.budget.limit(_by_family(limits))

    def decide(self, endpoint: Endpoint, priority: Priority, now: float, chosen: Collection[Endpoint] = ()) -> Passage:
        """Whether a request may go. ``chosen``: those that were chosen to go now before this one. Nothing is changed:
        ``send`` says that it goes.
        """
        for scope, until in self._blocks.items():
            if covers(scope, endpoint):
                if now < until:
                    return NotYet(until, GateReason.BLOCKED)
                # The time for a probe has come. One request is enough to find out; the others wait for its answer.
                if any(covers(scope, other) for other in chain(+self._in_flight, chosen)):
                    return NotYet(math.inf, GateReason.PROBING)
        if now < (until := self._pauses.get(endpoint.family, now)):
            return NotYet(until, GateReason.PAUSED)
        before = sum(other.family is endpoint.family for other in chosen)
        free_at = self.budget.free_at(endpoint.family, now, first=priority in _FIRST, chosen=before)
        return Go() if free_at <= now else NotYet(free_at, GateReason.LIMIT)

    def send(self, endpoint: Endpoint) -> None:
        """A request goes; ``learn`` must follow."""
        self._in_flight[endpoint] += 1
        self.budget.take(endpoint.family)

    def learn(self, endpoint: Endpoint, outcome: Outcome, now: float) -> list[Blocked | Unblocked]:
        """How a request ended; returns what that changed."""
        family = endpoint.family
        self._in_flight[endpoint] -= 1
        self.budget.settle(family, _arrived_by(outcome, now))
        if outcome.pace is not None:
            self.budget.lower(family, outcome.pace, now)
        self.reachability = self.reachability.after(outcome, now)
        self._pause(family, outcome, now)
        changes: list[Blocked | Unblocked] = []
        for scope in [scope for scope in self._blocks if covers(scope, endpoint)]:
            # A key whose account must be paid for is a good key.
            has_good_key = outcome.blocks is BlockScope.BILLED and scope is BlockScope.EVERYTHING
            if outcome.is_verdict or has_good_key:
                del self._blocks[scope]
                changes.append(Unblocked(scope))
            else:
                self._blocks[scope] = max(self._blocks[scope], now + UNDECIDED_PROBE)
        blocked, settlement = outcome.blocks, outcome.settlement
        if blocked is not None and isinstance(settlement, Retry):
            # A probe that was refused as before changes nothing; its scope waits for the next probe.
            if blocked not in self._blocks:
                changes.append(Blocked(blocked, settlement.reason, settlement.detail))
            self._blocks[blocked] = now + _PROBES[blocked]
        return changes

    def blocked(self) -> dict[BlockScope, float]:
        """What is blocked, and when it is tried again."""
        return dict(self._blocks)

    def rest(self, until: float) -> None:
        """Let nothing go before ``until``: what was sent in the last minute is not known."""
        self._pauses |= dict.fromkeys(Family, until)

    def _pause(self, family: Family, outcome: Outcome, now: float) -> None:
        """Rest for as long as the service asks, and longer each time where that turns out to be too short."""
        if outcome.is_verdict:
            del self._pauses_asked[family]
        if outcome.pause:
            least = min(SHORTEST_PAUSE * 2.0 ** min(self._pauses_asked[family], 30), RATE_PAUSE)
            self._pauses_asked[family] += 1
            self._pauses[family] = max(now + max(outcome.pause, least), self._pauses.get(family, now))


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
