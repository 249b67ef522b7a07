"""Slots: which Live Activities may be on the phone, for it holds only a few at once. No I/O.

A stream is on the phone from when its start is enqueued until its end was accepted. So a slot is *occupied* by every
stream that is shown, may be shown (its request's outcome is unknown), is about to start, or is being ended; also by one
that the configuration does not have any more. ``allocate`` looks at all streams together and decides for each:

    wanted   on the phone   decision
    yes      yes            SHOWN: those on the phone stay, whatever comes
    no       yes            COOLING_DOWN, until it was unwanted for its cool-down: an alert that flaps updates it
    no       yes            ENDED, after that; the slot stays occupied until the end was accepted
    either   yes            OVER_LIMIT: the configuration has lowered the limit; the last in the file's order ends
    yes      no             STARTED, while a slot is free, in the file's order
    yes      no             WAITING, else

Two things follow. A stream never starts in the step in which another leaves, since that one still occupies its slot:
so no start is enqueued before its slot is free, and streams need not be counted again. And a stream on the phone leaves
it only unwanted, or over the limit.

``Slots`` is what must be remembered, also over a restart and a reload: since when a stream is unwanted, since when it
has its slot, when streams started lately, and whether the service has said that there are fewer slots. The last three
decide about preemption where streams have ranks: it is one more line between SHOWN and STARTED.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum

from smithd.keys import StreamKey

STARTS_KEPT_FOR = 3600.0
"""Seconds for which the starts of streams are remembered."""


class SlotDecision(StrEnum):
    """The decision about a stream that is wanted or on the phone."""

    SHOWN = "shown"
    COOLING_DOWN = "cooling_down"
    ENDED = "ended"
    OVER_LIMIT = "over_limit"
    STARTED = "started"
    WAITING = "waiting"

    @property
    def has_slot(self) -> bool:
        """Whether the stream shows its state."""
        return self in (SlotDecision.SHOWN, SlotDecision.COOLING_DOWN, SlotDecision.STARTED)

    @property
    def leaves(self) -> bool:
        """Whether the stream is ended."""
        return self in (SlotDecision.ENDED, SlotDecision.OVER_LIMIT)


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many streams may be on the phone at once, and for how many seconds each must be unwanted before it ends: one
    entry for every stream, in the file's order.
    """

    at_once: int
    cool_down: Mapping[StreamKey, float]


@dataclass(frozen=True, slots=True)
class Holder:
    """A stream that has a slot ``since``, and is unwanted since (None: it is wanted)."""

    key: StreamKey
    since: float
    unwanted_since: float | None = None


@dataclass(frozen=True, slots=True)
class LoweredLimit:
    """``at_once`` streams can start, and no more, ``until`` then."""

    at_once: int
    until: float


@dataclass(frozen=True, slots=True)
class Slots:
    """The streams of an account that have a slot, in the file's order; when streams ``started`` lately, the oldest
    first; a limit of the service's that is lower than the configuration's. All times are seconds since 1970.
    """

    holders: tuple[Holder, ...] = ()
    started: tuple[float, ...] = ()
    lowered: LoweredLimit | None = None

    def holder(self, key: StreamKey) -> Holder | None:
        """What is remembered of a stream with a slot."""
        return next((holder for holder in self.holders if holder.key == key), None)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The slots from now on, and what was decided for each stream that is wanted or on the phone, in the file's
    order.
    """

    slots: Slots
    decisions: Mapping[StreamKey, SlotDecision] = field(default_factory=dict)

    @property
    def holders(self) -> tuple[str, ...]:
        """The names of the streams that show their state."""
        return tuple(key.name for key, decision in self.decisions.items() if decision.has_slot)


def allocate(
    wanted: Set[StreamKey], on_phone: Set[StreamKey], slots: Slots, limits: SlotLimits, now: float
) -> Allocation:
    """Decide for every stream. ``on_phone``: all that occupy a slot, also those that are not in the configuration."""
    decisions: dict[StreamKey, SlotDecision] = {}
    holders: list[Holder] = []
    staying = starts = 0
    lowered = slots.lowered if slots.lowered is not None and now < slots.lowered.until else None
    at_once = limits.at_once if lowered is None else min(limits.at_once, lowered.at_once)
    # Those that the configuration does not have any more occupy their slots too, until their end was accepted.
    free = at_once - len(on_phone)
    for key, cool_down in limits.cool_down.items():
        known = slots.holder(key)
        holder = known or Holder(key, now)
        if key in wanted:
            holder = replace(holder, unwanted_since=None)
        elif holder.unwanted_since is None:
            holder = replace(holder, unwanted_since=now)
        if key in on_phone:
            if holder.unwanted_since is not None and now >= holder.unwanted_since + cool_down:
                decisions[key] = SlotDecision.ENDED
            # The configuration's limit, not the lowered one: that only says how many can start.
            elif staying >= limits.at_once:
                decisions[key] = SlotDecision.OVER_LIMIT
            else:
                decisions[key] = SlotDecision.SHOWN if key in wanted else SlotDecision.COOLING_DOWN
            staying += decisions[key].has_slot
            holders.append(holder)
        elif key in wanted and free > 0:
            decisions[key] = SlotDecision.STARTED
            free -= 1
            # A holder that is not on the phone is started again: its first start did not come about, and counts.
            starts += known is None
            holders.append(holder)
        elif key in wanted:
            decisions[key] = SlotDecision.WAITING
    started = slots.started
    if starts:
        # Old starts are dropped only when another is added: a state that did not change is not written.
        started = (*(at for at in started if at > now - STARTS_KEPT_FOR), *[now] * starts)
    return Allocation(Slots(tuple(holders), started, lowered), decisions)


def timers(slots: Slots, limits: SlotLimits, now: float) -> list[tuple[float, StreamKey]]:
    """When slots are to be allocated again though nothing else changes: when a cool-down ends, and when a lower limit
    does.
    """
    cooling = [
        (holder.unwanted_since + limits.cool_down[holder.key], holder.key)
        for holder in slots.holders
        if holder.unwanted_since is not None and holder.key in limits.cool_down
    ]
    if slots.lowered is not None and limits.cool_down:
        cooling.append((slots.lowered.until, next(iter(limits.cool_down))))
    return [(at, key) for at, key in cooling if at > now]


def set_clock(slots: Slots, now: float) -> Slots:
    """After the clock was set: nothing began in the future."""
    return replace(
        slots,
        holders=tuple(
            replace(
                holder,
                since=min(holder.since, now),
                unwanted_since=None if holder.unwanted_since is None else min(holder.unwanted_since, now),
            )
            for holder in slots.holders
        ),
        started=tuple(min(at, now) for at in slots.started),
    )
