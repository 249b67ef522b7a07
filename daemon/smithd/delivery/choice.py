"""What may go now: the messages of an account, the most urgent first, as far as the gate lets them. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from heapq import heappop, heappush, nlargest
from itertools import islice

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import wire
from smithd.delivery.gate import Gate, NotYet
from smithd.delivery.wire import Request
from smithd.outbox.message import LevelMessage, Priority, Push, PushUpdate, WidgetValue
from smithd.outbox.queue import fill_lanes
from smithd.outbox.queued import Queued
from smithd.outbox.settlement import DeliveryReason, Drop
from smithd.outbox.shown import ShownWidget
from smithd.outbox.state import Lane, Outbox
from smithd.outbox.worth import score, seen, updates_a_second

AT_ONCE = 5
KEPT_FOR_PUSHES = 1
KEPT_FOR_CRITICALS = 1
"""Requests in flight at once for an account, and how many of these places only pushes, and only critical ones, may
take: requests that are never answered must not delay an alert.
"""

COMPETING = (Priority.ROUTINE, Family.METRICS)
"""The lane whose messages go by their worth, and not by their age, where there is no room for all of them."""

MOST_SHARES = 20.0
"""How many times its equal share of the limit one widget may take before the others, where not all can go. One that
moves a thousand times as much as they do would always be worth most.
"""

LONGEST_REST = 30.0
"""Seconds after which is looked again although nothing happened: the calendar's clock may have been set."""

SHORTEST_REST = 0.001


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where messages of an account go. ``channels``: who gets what does not name its own (None: everybody)."""

    account: str
    channels: tuple[str, ...] | None
    zone: tzinfo


@dataclass(slots=True)
class Chosen:
    """The messages that may go now, with their requests; those that no request can be made of, and why; those that are
    not worth sending any more; and in how many seconds to look again (infinite: not before something happens).
    ``repeated``: what the phone shows already, and is sent all the same (see ``probe``).
    """

    requests: list[tuple[Queued, Request]] = field(default_factory=list)
    repeated: list[tuple[LevelMessage, Request]] = field(default_factory=list)
    dropped: list[tuple[Queued, Drop]] = field(default_factory=list)
    obsolete: list[Queued] = field(default_factory=list)
    look_again: float = math.inf


def choose(outbox: Outbox, addressee: Addressee, gate: Gate, now: float, instant: float, places: int) -> Chosen:
    """What may go now. ``places``: how many more requests may be in flight; ``instant``: now, by a clock that never
    steps. Neither the outbox nor the gate is changed.

    What the gate holds back holds back its lane: a later message there would wait for the same.
    """
    filled, choice = fill_lanes(outbox, now), Chosen()
    # The lanes of a priority are merged by age: the order is that of one queue, and a lane that waits stops no other.
    for priority in Priority:
        heads: list[Head] = []
        for family in Family:
            lane = Lane(addressee.account, priority, family)
            competes = (priority, family) == COMPETING
            rest = _by_worth(filled, lane, gate, choice, now, instant, places) if competes else filled.lane(lane)
            _push_next(heads, family, rest)
        while heads and len(choice.requests) < places:
            _, family, queued, rest = heappop(heads)
            message, shown = queued.message, filled.shown.get(queued.message.key)
            kept = KEPT_FOR_CRITICALS if priority > Priority.CRITICAL_PUSH else 0
            kept += KEPT_FOR_PUSHES if not isinstance(message, Push | PushUpdate) else 0
            if places - len(choice.requests) <= kept:
                continue
            chosen = [request.endpoint for _, request in choice.requests]
            competes = (priority, family) == COMPETING
            passage = gate.decide(wire.endpoint(message, shown), priority, instant, chosen, uses_kept=competes)
            if isinstance(passage, NotYet):
                choice.look_again = min(choice.look_again, passage.until - instant)
                continue
            try:
                request = wire.request(
                    message, shown, addressee.channels, now, addressee.zone, is_plain=queued.is_plain
                )
            except ValueError as error:
                choice.dropped.append((queued, Drop(DeliveryReason.INVALID, str(error))))
            else:
                only_in_place = isinstance(message, PushUpdate) and message.only_in_place
                if only_in_place and request.endpoint is not Endpoint.REPLACE:
                    # The phone does not have the notification that this one was to replace.
                    choice.obsolete.append(queued)
                else:
                    choice.requests.append(
                        (queued, replace(request, is_late=True) if queued.late_at <= now else request)
                    )
            _push_next(heads, family, rest)
    rest_of_time = min(choice.look_again, filled.next_at() - now, LONGEST_REST if outbox.count() else math.inf)
    choice.look_again = max(rest_of_time, SHORTEST_REST)
    return choice


def _by_worth(
    outbox: Outbox, lane: Lane, gate: Gate, choice: Chosen, now: float, instant: float, places: int
) -> Iterator[Queued]:
    """The routine widget values that may go now: by age where there is room for all that wait, else what has waited for
    too long, else those that are worth most.

    Scores are worked out only when one of them can go: they change with the values, and most claims find the budget
    used up.
    """
    room = gate.budget.room(lane.family, instant)
    free = places - len(choice.requests) - KEPT_FOR_PUSHES - KEPT_FOR_CRITICALS
    if len(outbox.lanes.get(lane, ())) <= room:
        yield from outbox.lane(lane)
    elif free > 0:
        chosen = [request.endpoint for _, request in choice.requests]
        passage = gate.decide(Endpoint.METRIC, lane.priority, instant, chosen, uses_kept=True)
        next_at = passage.until if isinstance(passage, NotYet) else gate.budget.spread_at(lane.family, instant)
        if next_at > instant:
            choice.look_again = min(choice.look_again, next_at - instant)
            return
        late = list(islice(outbox.late_in(lane, now), 1)) if gate.late_at(lane.family) <= instant else []
        equal_share = gate.budget.pace(lane.family) / len(outbox.lanes[lane])
        count = min(room, free) if next_at == -math.inf else 1
        yield from late or _worth_most(outbox, lane, now, count, MOST_SHARES * equal_share)


def _worth_most(outbox: Outbox, lane: Lane, now: float, count: int, most: float) -> list[Queued]:
    """The messages of the lane of routine widget values that are worth most, the best first; the older of equals. Those
    of widgets with more than ``most`` updates a second are behind all others.
    """

    def worth(queued: Queued) -> tuple[bool, float, int]:
        message, shown = queued.message, outbox.shown.get(queued.message.key)
        assert isinstance(message, WidgetValue)
        assert shown is None or isinstance(shown, ShownWidget)
        movement = outbox.movements.get(message.key) or seen(None, message.value, now)
        return updates_a_second(movement) <= most, score(message, shown, movement, now), -queued.id

    return nlargest(count, outbox.lane(lane), key=worth)


Head = tuple[int, Family, Queued, Iterator[Queued]]


def _push_next(heads: list[Head], family: Family, rest: Iterator[Queued]) -> None:
    if (queued := next(rest, None)) is not None:
        heappush(heads, (queued.id, family, queued, rest))


def channels_of(channels: Sequence[str] | None) -> tuple[str, ...] | None:
    """The account's own channels, as an addressee has them."""
    return tuple(channels) if channels is not None else None
