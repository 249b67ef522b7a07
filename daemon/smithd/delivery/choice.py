"""What may go now: the messages of an account, the most urgent first, as far as the gate lets them. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from heapq import heappop, heappush

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import wire
from smithd.delivery.gate import Gate, NotYet
from smithd.delivery.wire import Request
from smithd.outbox.message import LevelMessage, Priority, Push, PushUpdate
from smithd.outbox.queue import fill_lanes
from smithd.outbox.queued import Queued
from smithd.outbox.settlement import DeliveryReason, Drop
from smithd.outbox.state import Lane, Outbox

AT_ONCE = 5
KEPT_FOR_PUSHES = 1
KEPT_FOR_CRITICALS = 1
"""Requests in flight at once for an account, and how many of these places only pushes, and only critical ones, may
take: requests that are never answered must not delay an alert.
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
            _push_next(heads, family, filled.lane(Lane(addressee.account, priority, family)))
        while heads and len(choice.requests) < places:
            _, family, queued, rest = heappop(heads)
            message, shown = queued.message, filled.shown.get(queued.message.key)
            kept = KEPT_FOR_CRITICALS if priority > Priority.CRITICAL_PUSH else 0
            kept += KEPT_FOR_PUSHES if not isinstance(message, Push | PushUpdate) else 0
            if places - len(choice.requests) <= kept:
                continue
            chosen = [request.endpoint for _, request in choice.requests]
            passage = gate.decide(wire.endpoint(message, shown), priority, instant, chosen)
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
                    choice.requests.append((queued, request))
            _push_next(heads, family, rest)
    rest_of_time = min(choice.look_again, filled.next_at() - now, LONGEST_REST if outbox.count() else math.inf)
    choice.look_again = max(rest_of_time, SHORTEST_REST)
    return choice


Head = tuple[int, Family, Queued, Iterator[Queued]]


def _push_next(heads: list[Head], family: Family, rest: Iterator[Queued]) -> None:
    if (queued := next(rest, None)) is not None:
        heappush(heads, (queued.id, family, queued, rest))


def channels_of(channels: Sequence[str] | None) -> tuple[str, ...] | None:
    """The account's own channels, as an addressee has them."""
    return tuple(channels) if channels is not None else None
