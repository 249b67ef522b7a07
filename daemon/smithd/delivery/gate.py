"""The gate: may this request go now, and if not, when and why not. No I/O.

Times are those of a clock that never steps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery.account import Limits
from smithd.delivery.budget import MARGIN, WINDOW, Budget
from smithd.delivery.outcome import BILLING_PROBE, SLOW_PROBE, BlockScope, Outcome, covers
from smithd.delivery.reachability import Reachability
from smithd.delivery.reply import NotSent, Unknown
from smithd.outbox.message import LATE_ARRIVAL, Priority
from smithd.outbox.settlement import DeliveryReason, Drop, Retry

UNDECIDED_PROBE = 60.0
"""Seconds to the next probe where the last one met other trouble."""

_PROBES = {BlockScope.EVERYTHING: SLOW_PROBE, BlockScope.BILLED: BILLING_PROBE}
_FIRST = frozenset({Priority.CRITICAL_PUSH, Priority.LATER_CRITICAL_PUSH, Priority.END, Priority.SEVERITY})


class GateReason(StrEnum):
    """Why a request must wait."""

    OUT_OF_REACH = "out_of_reach"
    """The service cannot be reached: only probes go."""
    BLOCKED = "blocked"
    PROBING = "probing"
    """Another request finds out whether the reason to wait is over."""
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
class OutOfReach:
    """The service cannot be reached from now on; ``detail``: what the last try came to."""

    detail: str


@dataclass(frozen=True, slots=True)
class WithinReach:
    """The service can be reached again."""


Change = Blocked | Unblocked | OutOfReach | WithinReach


class Gate:
    """What is blocked, and whether the service can be reached, with a key; what pauses, and what is left of the budget,
    of its account.
    """

    def __init__(self, limits: Limits, budget: Budget | None = None) -> None:
        """``budget``: that of another key of the same account, whose limits and pauses then count."""
        self.budget = budget or Budget(_by_family(limits), limits.share)
        self.reachability = Reachability()
        self._in_flight: Counter[Endpoint] = Counter()
        self._is_probing = False
        self._late_at: dict[Family, float] = dict.fromkeys(Family, -math.inf)
        """When the next that is late may go before those that are worth more."""
        self._blocks: dict[BlockScope, float] = {}

    def limit(self, limits: Limits) -> None:
        """Other limits, from now on; what is blocked or pauses stays so."""
        self.budget.limit(_by_family(limits), limits.share)

    def decide(
        self,
        endpoint: Endpoint,
        priority: Priority,
        now: float,
        chosen: Collection[Endpoint] = (),
        *,
        is_probe: bool = False,
        uses_kept: bool = False,
    ) -> Passage:
        """Whether a request may go. ``chosen``: those that were chosen to go now before this one; ``is_probe``: it is
        to find out whether the service can be reached; ``uses_kept``: it goes by ``spread_at``, so that it may use what
        is kept. Nothing is changed: ``send`` says that it goes.
        """
        if not self.reachability.is_reachable and not (is_probe and now >= self.next_probe_at):
            return NotYet(self.next_probe_at, GateReason.OUT_OF_REACH)
        # The + leaves out the endpoints of which no request is in flight any more.
        in_flight = [*+self._in_flight, *chosen]
        for scope, until in self._blocks.items():
            if covers(scope, endpoint):
                if now < until:
                    return NotYet(until, GateReason.BLOCKED)
                # The time for a probe has come. One request is enough to find out; the others wait for its answer.
                if any(covers(scope, other) for other in in_flight):
                    return NotYet(math.inf, GateReason.PROBING)
        family, pauses = endpoint.family, self.budget.pauses
        if now < (until := pauses.until(family)):
            return NotYet(until, GateReason.PAUSED)
        # After a pause, too, one request finds out whether it was long enough: one of each key, for another key may
        # have no answer for long.
        if pauses.is_on_trial(family) and any(other.family is family for other in in_flight):
            return NotYet(math.inf, GateReason.PROBING)
        before = sum(other.family is family for other in chosen)
        first = uses_kept or priority in _FIRST
        follows = priority is Priority.LATER_CRITICAL_PUSH
        free_at = self.budget.free_at(family, now, first=first, follows=follows, chosen=before)
        return Go() if free_at <= now else NotYet(free_at, GateReason.LIMIT)

    def late_at(self, family: Family) -> float:
        """When the next request that has waited for too long may go, whatever the others are worth."""
        return self._late_at[family]

    @property
    def next_probe_at(self) -> float:
        """While the service is out of reach: when the next probe may go; infinity where one is in flight."""
        return math.inf if self._is_probing else self.reachability.probe_at

    def send(
        self, endpoint: Endpoint, now: float = -math.inf, *, is_probe: bool = False, is_late: bool = False
    ) -> None:
        """A request goes; ``learn`` must follow."""
        if is_late:
            # A tenth of the budget, spread over the minute.
            self._late_at[endpoint.family] = now + (WINDOW + MARGIN) / max(1, self.budget.kept(endpoint.family))
        self._in_flight[endpoint] += 1
        self._is_probing |= is_probe
        self.budget.take(endpoint.family, now)

    def learn(
        self, endpoint: Endpoint, outcome: Outcome, began: float, now: float, *, is_probe: bool = False
    ) -> list[Change]:
        """How a request ended that went out at ``began``; returns what that changed."""
        family = endpoint.family
        self._in_flight[endpoint] -= 1
        # The latest moment at which the request can reach the service: one without an answer may still be on its way.
        arrived_by: float | None = now
        match outcome.reply:
            case NotSent():
                arrived_by = None
            case Unknown(status=None):
                arrived_by = now + LATE_ARRIVAL
        self.budget.settle(family, arrived_by)
        if outcome.pace is not None:
            self.budget.lower(family, outcome.pace, now)

        if outcome.is_verdict:
            self.budget.pauses.was_enough(family)
        if outcome.pause:
            self.budget.pauses.ask(family, outcome.pause, now)

        changes = self._reach(outcome, began, now, is_probe=is_probe)
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
            is_new = blocked not in self._blocks
            if is_new:
                changes.append(Blocked(blocked, settlement.reason, settlement.detail))
            # Another may have made room for a Live Activity that is refused: whether it can return is tried at once.
            at_once = is_new and blocked is BlockScope.BILLED and endpoint is Endpoint.STREAM_PUT
            self._blocks[blocked] = now if at_once else now + _PROBES[blocked]
        return changes

    def _reach(self, outcome: Outcome, began: float, now: float, *, is_probe: bool) -> list[Change]:
        """Whether the service can be reached, after a request ended."""
        before = self.reachability
        self._is_probing &= not is_probe
        self.reachability = before.after(outcome, began, now, is_probe=is_probe)
        if before.is_reachable is self.reachability.is_reachable:
            return []
        if before.is_reachable:
            return [OutOfReach(outcome.settlement.detail if isinstance(outcome.settlement, Retry | Drop) else "")]
        return [WithinReach()]

    def blocked(self) -> dict[BlockScope, float]:
        """What is blocked, and when it is tried again."""
        return dict(self._blocks)

    def probe(self, now: float) -> None:
        """Try what is blocked at once: the account may have been put in order."""
        self._blocks = {scope: min(until, now) for scope, until in self._blocks.items()}

    def rest(self, until: float) -> None:
        """Let nothing go before ``until``: what was sent in the last minute is not known."""
        self.budget.pauses.rest(until)


def _by_family(limits: Limits) -> dict[Family, int]:
    return {
        Family.NOTIFICATIONS: limits.notifications_per_minute,
        Family.BADGES: limits.badges_per_minute,
        Family.LIVE_ACTIVITIES: limits.live_activities_per_minute,
        Family.METRICS: limits.metrics_per_minute,
    }
