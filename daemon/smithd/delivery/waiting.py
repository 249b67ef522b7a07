"""Why a message waits, and until when, for a person who asks. No I/O.

The ladder of ``waiting``, in order:

    its request is in flight                            IN_FLIGHT
    an earlier request of its key is                    BEHIND
    it was tried, and is tried again at a time          RETRY
    iOS may drop updates, as the service has warned     IOS_WARNED
    iOS' budget of updates is used up                   IOS_BUDGET
    it is not due yet                                   NOT_DUE
    no daemon runs                                      NOT_RUNNING
    the gate does not let it go, for another reason
    than the limit                                      the gate's reason
    it competes with other routine values               WORTH
    the limit is used up                                LIMIT
    else                                                NEXT
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import wire
from smithd.delivery.budget import WINDOW
from smithd.delivery.choice import COMPETING
from smithd.delivery.gate import Gate, GateReason, NotYet, Passage
from smithd.delivery.sentences import why
from smithd.keys import Key
from smithd.outbox.message import ActivityState, Message, Priority, WidgetValue
from smithd.outbox.queued import Queued
from smithd.outbox.shown import ShownActivity, ShownWidget
from smithd.outbox.state import Outbox, lane_of
from smithd.outbox.worth import score, seen


class WaitReason(StrEnum):
    """Why a message waits; the gate's reasons are among them."""

    IN_FLIGHT = "in_flight"
    BEHIND = "behind"
    RETRY = "retry"
    IOS_WARNED = "ios_warned"
    IOS_BUDGET = "ios_budget"
    NOT_DUE = "not_due"
    NOT_RUNNING = "not_running"
    OUT_OF_REACH = "out_of_reach"
    BLOCKED = "blocked"
    PROBING = "probing"
    PAUSED = "paused"
    LIMIT = "limit"
    WORTH = "worth"
    NEXT = "next"


_TEXTS = {
    WaitReason.IN_FLIGHT: "its request is in flight",
    WaitReason.BEHIND: "an earlier request of it is in flight",
    WaitReason.RETRY: "it waits for its next try ({detail})",
    WaitReason.IOS_WARNED: "the service warns that iOS may drop updates",
    WaitReason.IOS_BUDGET: "iOS' budget of updates of this Live Activity is used up ({detail})",
    WaitReason.NOT_DUE: "it is not due yet",
    WaitReason.NOT_RUNNING: "smithd is not running",
    WaitReason.OUT_OF_REACH: "the service cannot be reached",
    WaitReason.BLOCKED: "delivery is blocked: the service refuses the key, or the account must be paid for",
    WaitReason.PROBING: "another request finds out whether the service answers as it should",
    WaitReason.PAUSED: "the service asked for a pause",
    WaitReason.LIMIT: "the limit of requests a minute is used up ({detail})",
    WaitReason.WORTH: "not all widget values that wait can go, and others may be worth more ({detail})",
    WaitReason.NEXT: "it goes next",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a message waits, ``until`` when (seconds since 1970; None: until something happens)."""

    reason: WaitReason
    until: float | None = None
    detail: str = ""

    def __str__(self) -> str:
        """The reason for a person, without its time."""
        return _TEXTS[self.reason].format(detail=self.detail)


@dataclass(frozen=True, slots=True)
class Passages:
    """What an account's gate lets go at one moment. The times are seconds since 1970. ``room``: how many routine widget
    values may go; ``next_at``: when the next of them may go where they compete. ``use``: the requests of each family
    that count now, and the limit; ``share``: how much of the service's limits is ours.
    """

    passages: Mapping[tuple[Endpoint, Priority], Passage]
    room: int
    next_at: float
    use: Mapping[Family, tuple[int, int]]
    share: float

    def expected_at(self, place: int, now: float) -> float:
        """When the routine widget value at this place (from 1) may go, unless others come to be worth more."""
        _, limit = self.use[Family.METRICS]
        at_once = 1 if self.next_at > now else max(1, self.room)
        return max(self.next_at, now) + max(0, place - at_once) * WINDOW / limit

    def used(self, family: Family) -> str:
        """How much of the limit of a family is used, for a person."""
        used, limit = self.use[family]
        share = f", which is its share of {self.share:.0%}" if self.share < 1 else ""
        return f"{used} of {limit}{share}"


def passages(gate: Gate, instant: float, now: float) -> Passages:
    """What a gate lets go at ``now``, which is ``instant`` by the monotonic clock. The gate changes in place, so this
    is for the loop, and takes no longer with more messages.
    """
    found = {}
    for endpoint in Endpoint:
        for priority in Priority:
            competes = (priority, endpoint.family) == COMPETING
            passage = gate.decide(endpoint, priority, instant, uses_kept=competes)
            if isinstance(passage, NotYet):
                passage = replace(passage, until=now + passage.until - instant)
            found[endpoint, priority] = passage
    budget = gate.budget
    next_at = budget.spread_at(Family.METRICS, instant)
    room, use = budget.room(Family.METRICS, instant), budget.use(instant)
    return Passages(found, room, now + max(0.0, next_at - instant), use, budget.share)


def waiting(outbox: Outbox, queued: Queued, passages: Passages | None, updates_at_once: int, now: float) -> Waiting:
    """Why a message waits that is in the outbox (in whose lanes is what may go). ``passages``: what its account's gate
    lets go (None: no daemon runs); ``updates_at_once``: iOS' budget of updates in a row.
    """
    message, key = queued.message, queued.message.key
    claim = outbox.claimed.get(key)
    if claim is not None and claim.queued is queued:
        return Waiting(WaitReason.IN_FLIGHT)
    if claim is not None:
        return Waiting(WaitReason.BEHIND)
    if queued.retry_at > now:
        failed = why(key, queued.reason, queued.detail) if queued.reason is not None else ""
        return Waiting(WaitReason.RETRY, queued.retry_at, failed)
    if message.due > now:
        return _not_due(outbox, message, updates_at_once, now)
    if passages is None:
        return Waiting(WaitReason.NOT_RUNNING)
    passage = passages.passages[wire.endpoint(message, outbox.shown.get(key)), message.priority]
    held = passage if isinstance(passage, NotYet) else None
    until = held.until if held is not None and held.until < math.inf else None
    if held is not None and held.reason is not GateReason.LIMIT:
        return Waiting(WaitReason(held.reason), until)
    lane, used = lane_of(message), passages.used(Family.METRICS)
    # One that waits alone competes with none.
    if (lane.priority, lane.family) == COMPETING and len(outbox.lanes.get(lane, ())) > max(1, passages.room):
        next_at = max(until or now, passages.next_at)
        return Waiting(WaitReason.WORTH, next_at if next_at > now else None, f"{used} went in the last minute")
    return Waiting(WaitReason.NEXT) if held is None else Waiting(WaitReason.LIMIT, until, passages.used(lane.family))


def _not_due(outbox: Outbox, message: Message, updates_at_once: int, now: float) -> Waiting:
    shown = outbox.shown.get(message.key)
    if isinstance(message, ActivityState) and isinstance(shown, ShownActivity):
        updates = shown.updates
        if now < updates.warned_until and message.due >= updates.warned_until:
            return Waiting(WaitReason.IOS_WARNED, message.due)
        allowed = updates_at_once if message.priority is Priority.MEANING else updates_at_once / 2
        if message.due <= updates.free_at(allowed):
            return Waiting(WaitReason.IOS_BUDGET, message.due, f"{updates.used_at(now):.1f} of {allowed:g} count")
    return Waiting(WaitReason.NOT_DUE, message.due)


def worth(outbox: Outbox, queued: Queued, now: float) -> float | None:
    """What sending a routine widget value now is worth (see ``outbox.worth``); None of any other message."""
    message = queued.message
    if not isinstance(message, WidgetValue) or message.priority is not Priority.ROUTINE:
        return None
    shown = outbox.shown.get(message.key)
    movement = outbox.movements.get(message.key) or seen(None, message.value, now)
    return score(message, shown if isinstance(shown, ShownWidget) else None, movement, now)


def place_by_worth(outbox: Outbox, key: Key, now: float) -> tuple[int, int] | None:
    """The place of a routine widget value that waits among those of its account, by their worth, and how many those
    are; None of any other message.
    """
    mine = outbox.waiting.get(key)
    if mine is None or (value := worth(outbox, mine, now)) is None:
        return None
    of_account = [each for other, each in outbox.waiting.items() if other.account == key.account]
    scores = [found for each in of_account if (found := worth(outbox, each, now)) is not None]
    return 1 + sum(other > value for other in scores), len(scores)
