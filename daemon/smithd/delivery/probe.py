"""Probes: what is sent to find out whether the service can be reached again. No I/O.

The choice is a ladder: the first that is there, and that the gate lets go, is the probe. All but the last are safe to
repeat, or were not accepted yet. Of the last each try may show a notification once more: it comes once an hour at most.
A push ``at_most_once`` is never repeated: where it may have been accepted, it does not wait any more.

    a waiting level that starts no timer's window
    the last accepted value of a widget
    an end that waits, or that of a stream that has ended
    a waiting notification that replaces another one in place
    a waiting push, rather not one ``at_most_once``
    a waiting level that starts a timer's window
    the end of a stream that never was, which the service does not know
    a push that may have been accepted before
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import wire
from smithd.delivery.choice import LONGEST_REST, SHORTEST_REST, Addressee, Chosen
from smithd.delivery.gate import Gate, NotYet
from smithd.delivery.wire import Request
from smithd.keys import StreamKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    LevelMessage,
    Message,
    Priority,
    Push,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queue import fill_lanes
from smithd.outbox.queued import Queued
from smithd.outbox.shown import ShownActivity, ShownWidget
from smithd.outbox.state import Lane, Outbox

NO_STREAM = "smithd-probe"
"""The key of a stream that never was."""

UNKNOWN_PROBE = 3600.0
"""Seconds between two probes by a push that may have been accepted before."""


class ProbeReason(StrEnum):
    """Why this is the probe."""

    WAITING_LEVEL = "waiting_level"
    LAST_VALUE = "last_value"
    WAITING_END = "waiting_end"
    PAST_END = "past_end"
    UPDATE_IN_PLACE = "update_in_place"
    PUSH = "push"
    PUSH_AT_MOST_ONCE = "push_at_most_once"
    TIMER_START = "timer_start"
    END_OF_NOTHING = "end_of_nothing"
    PUSH_OF_UNKNOWN_OUTCOME = "push_of_unknown_outcome"


_LADDER = list(ProbeReason)


@dataclass(frozen=True, slots=True)
class Probe:
    """A message that can be the probe, with its request, and why. ``queued``: None where it changes nothing.
    ``not_before``: when it may go at the earliest, by a clock that never steps.
    """

    reason: ProbeReason
    message: Message
    request: Request
    queued: Queued | None = None
    not_before: float = 0.0


def probes(outbox: Outbox, addressee: Addressee, unknown: Mapping[int, float], now: float) -> list[Probe]:
    """What can be the probe, the best first; nothing where nothing waits. ``outbox``: with its lanes filled;
    ``unknown``: the ids of pushes that may have been accepted, and when each may be the probe.
    """
    waiting = [*_waiting(outbox, addressee, unknown, now)]
    if not waiting:
        return []
    # A sort that keeps the order of equals: that of sending.
    return sorted([*waiting, *_repeated(outbox, addressee, now)], key=lambda probe: _LADDER.index(probe.reason))


def choose_probe(
    outbox: Outbox, addressee: Addressee, gate: Gate, unknown: Mapping[int, float], now: float, instant: float
) -> Chosen:
    """The probe that may go now, if any, and when to look again. Neither the outbox nor the gate is changed."""
    filled, choice = fill_lanes(outbox, now), Chosen()
    choice.look_again = min(filled.next_at() - now, LONGEST_REST if outbox.count() else math.inf)
    # Nobody looks into the outbox before that.
    if instant < gate.next_probe_at:
        choice.look_again = min(choice.look_again, gate.next_probe_at - instant)
        return choice
    for probe in probes(filled, addressee, unknown, now):
        passage = gate.decide(probe.request.endpoint, probe.message.priority, instant, is_probe=True)
        not_before = passage.until if isinstance(passage, NotYet) else probe.not_before
        if not_before > instant:
            choice.look_again = min(choice.look_again, not_before - instant)
            continue
        request = replace(probe.request, is_probe=True)
        if probe.queued is not None:
            choice.requests.append((probe.queued, request))
        elif not isinstance(probe.message, Push | PushUpdate):
            choice.repeated.append((probe.message, request))
        break
    choice.look_again = max(choice.look_again, SHORTEST_REST)
    return choice


def _waiting(outbox: Outbox, addressee: Addressee, unknown: Mapping[int, float], now: float) -> Iterator[Probe]:
    """What waits, in the order of sending. Of a lane no more than is needed: thousands may wait in it."""
    for priority in Priority:
        for family in Family:
            for queued in outbox.lane(Lane(addressee.account, priority, family)):
                message = queued.message
                request = _request(message, outbox, addressee, now, is_plain=queued.is_plain)
                only_in_place = isinstance(message, PushUpdate) and message.only_in_place
                if request is None or (only_in_place and request.endpoint is not Endpoint.REPLACE):
                    # It is taken out when its turn comes.
                    continue
                reason = _reason(queued, request, unknown)
                yield Probe(reason, message, request, queued, unknown.get(queued.id, 0.0))
                if reason in _ENOUGH:
                    break


_ENOUGH = frozenset({ProbeReason.WAITING_LEVEL, ProbeReason.WAITING_END, ProbeReason.PUSH})


def _reason(queued: Queued, request: Request, unknown: Mapping[int, float]) -> ProbeReason:
    match queued.message:
        case ActivityEnd():
            return ProbeReason.WAITING_END
        case Push() | PushUpdate() as push:
            if request.endpoint is Endpoint.REPLACE:
                return ProbeReason.UPDATE_IN_PLACE
            if queued.id in unknown:
                return ProbeReason.PUSH_OF_UNKNOWN_OUTCOME
            return ProbeReason.PUSH_AT_MOST_ONCE if push.at_most_once else ProbeReason.PUSH
    return ProbeReason.TIMER_START if request.sets_window else ProbeReason.WAITING_LEVEL


def _repeated(outbox: Outbox, addressee: Addressee, now: float) -> Iterator[Probe]:
    """What changes nothing: the newest value of a widget, the last end of a stream, and an end of nothing."""
    message: LevelMessage
    newest: dict[ProbeReason, tuple[float, LevelMessage]] = {}
    for key, shown in outbox.shown.items():
        if key.account != addressee.account or key in outbox.waiting or key in outbox.claimed:
            continue
        match shown:
            case ShownWidget(key=widget, value=str() | int() | float() as value, time=time):
                if outbox.wanted is not None and widget not in outbox.wanted:
                    continue
                reason = ProbeReason.LAST_VALUE
                # With its own time: the value is not newer than it was.
                message = WidgetValue(widget, value, Priority.ROUTINE, now, time=time)
            case ShownActivity(key=stream, ended=True):
                reason, message = ProbeReason.PAST_END, ActivityEnd(stream, ActivityContent({}), now)
            case _:
                continue
        if reason not in newest or newest[reason][0] < shown.at:
            newest[reason] = shown.at, message
    nothing = StreamKey(addressee.account, NO_STREAM)
    if nothing not in outbox.shown and nothing not in (outbox.wanted or ()):
        newest[ProbeReason.END_OF_NOTHING] = now, ActivityEnd(nothing, ActivityContent({}), now)
    for reason, (_, message) in newest.items():
        if (request := _request(message, outbox, addressee, now)) is not None:
            yield Probe(reason, message, request)


def _request(
    message: Message, outbox: Outbox, addressee: Addressee, now: float, *, is_plain: bool = False
) -> Request | None:
    """The request for a message; None where none can be made of it. ``is_plain``: it was refused as it is."""
    shown = outbox.shown.get(message.key)
    try:
        return wire.request(message, shown, addressee.channels, now, addressee.zone, is_plain=is_plain)
    except ValueError:
        return None
