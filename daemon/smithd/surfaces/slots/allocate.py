"""The allocation of slots: a decision for every Live Activity that is wanted or on the phone. No I/O.

A stream is on the phone from when its start is enqueued until its end was accepted. So a slot is *occupied* by every
stream that is shown, may be shown (its request's outcome is unknown), is about to start, or is being ended; also by one
that the configuration does not have any more. ``allocate`` looks at all streams together.

**Rank.** A stream ranks by the severity of the incident that it shows (none: it is routine), then by its priority.
Among equals the one on the phone comes first, then the one that is wanted for longer, then the file's order.

**Those on the phone** (``_keep_holders``):

    its end was sent and is not accepted yet            ENDED, PREEMPTED or FOLDING, as it was
    unwanted for its cool-down                          ENDED; until then COOLING_DOWN: an alert that flaps updates it
    the configuration has lowered the limit             OVER_LIMIT: those of the lowest ranks
    else                                                SHOWN, unless it makes room below

**Those that are wanted and are not there**, the highest rank first (``_place``):

    the service refused its start                       REFUSED, for a while
    no slot is free or about to be, and none to take    NO_SLOT
    routine, and its own last end is too recent         RESTING, for ``min_hold`` after that
    the starts of this hour are used up                 NO_STARTS
    routine, was preempted, and the slot is newly free  RETURNING, until it has been free for ``return_after``
    it has nothing to show                              NOT_READY
    a slot is free                                      STARTED
    a slot is about to be free                          NEXT
    it may take one                                     NEXT; the holder of the lowest rank is PREEMPTED

Of RESTING, NO_STARTS and RETURNING, the one that holds it longest is named.

A slot may be taken from a holder of a lower rank that is not protected: for ``min_hold`` from its start against no
higher severity, for ``HIGHER_HOLD`` against a higher one (``preemption``). A holder that cools down is no match for any
incident, and none for a routine stream. RETURNING and a stream whose first values are still to come keep a free slot
from those of a lower rank. So a stream is preempted only when all that depends on us lets the other start; where the
service refuses that start, what made room is *recalled*: it starts at once, in place of the start that was refused.

**Starts** (``starts``): iOS has an undocumented budget for them. In any hour there are at most
``starts_per_hour``, of which ``KEPT_FOR_CRITICALS`` are for criticals; a critical may start beyond that, up to
``MOST_STARTS``. A start counts from when it was accepted; one on its way counts, too.

**Folding** (``fold``). Streams that may be folded and find no slot are FOLDED: they become rows of one common
stream, ``smithd-more``. It takes the slot of the lowest holder that may be folded, too, and shows no worse incident;
that one is FOLDING and becomes a row itself. It is protected as against any other. The common stream ranks as the
highest of its rows, is the last among equals to make room, and ends when it has been worth less than two rows for
``FOLD_EVERY``. A row takes a slot of its own from another only as an incident, and a free one after all that are as
severe and shown nowhere.

Everything else follows: a stream never starts in the step in which another leaves the phone, since that one still
occupies its slot, so no start is enqueued before its slot is free, and streams need not be counted again.

What the replies to the requests that follow mean is in ``settled``.
"""

from __future__ import annotations

import math
from dataclasses import replace

from smithd.keys import StreamKey
from smithd.surfaces.slots.decision import Allocation, SlotDecision
from smithd.surfaces.slots.demand import Readiness, SlotDemand, SlotLimits
from smithd.surfaces.slots.draft import SlotDraft, begin
from smithd.surfaces.slots.fold import fold, keep_fold
from smithd.surfaces.slots.memory import Slots, StreamRecord
from smithd.surfaces.slots.order import in_order, making_room
from smithd.surfaces.slots.preemption import Victim, weaker_than
from smithd.surfaces.slots.restraint import held_back


def allocate(demand: SlotDemand, slots: Slots, limits: SlotLimits, now: float) -> Allocation:
    """Decide for every stream."""
    draft = begin(demand, slots, limits, now)
    _keep_holders(draft)
    keep_fold(draft)
    for key in in_order(draft, [key for key in demand.wanted if key not in draft.decided]):
        _place(draft, key)
    fold(draft)
    return draft.allocation()


def _keep_holders(draft: SlotDraft) -> None:
    """Decide for those on the phone."""
    on_phone, options = draft.demand.on_phone, draft.options
    # Of those that the configuration does not have any more, the end waits already.
    leaving = len(on_phone - options.keys())
    for key in [key for key in options if key in on_phone]:
        leaving += _keep_or_end(draft, key)
    # The configuration's limit, not the lowered one: that only says how many can start.
    for key in making_room(draft, draft.holders())[::-1][draft.limits.at_once :]:
        leaving += draft.leave(key, SlotDecision.OVER_LIMIT)
    draft.free.expect(leaving)


def _keep_or_end(draft: SlotDraft, key: StreamKey) -> bool:
    """Decide for a stream on the phone; returns whether its slot becomes free later."""
    record, ends_at = draft.records[key], math.inf
    if record.unwanted_since is not None:
        ends_at = record.unwanted_since + draft.options[key].cool_down
    if key in draft.demand.ending:
        draft.decide(key, _how_it_left(draft, record))
        return True
    if draft.now >= ends_at:
        return draft.leave(key, SlotDecision.ENDED)
    is_wanted = record.unwanted_since is None
    draft.decide(key, SlotDecision.SHOWN if is_wanted else SlotDecision.COOLING_DOWN, ends_at)
    if record.preempted:
        draft.records[key] = replace(record, preempted=False, makes_room_for=None)
    return False


def _how_it_left(draft: SlotDraft, record: StreamRecord) -> SlotDecision:
    if not record.preempted:
        return SlotDecision.ENDED
    return SlotDecision.FOLDING if record.makes_room_for == draft.fold_key else SlotDecision.PREEMPTED


def _place(draft: SlotDraft, key: StreamKey) -> None:
    """Decide for a stream that is wanted and is not on the phone."""
    record = draft.records[key]
    if record.refused_until > draft.now:
        draft.decide(key, SlotDecision.REFUSED, record.refused_until)
        return
    is_any_soon = draft.free.is_any_soon
    victim, until = Victim() if is_any_soon else weaker_than(draft, key)
    if victim is None and not is_any_soon:
        draft.decide(key, SlotDecision.NO_SLOT, until)
    elif (held := held_back(draft, key, victim)) is not None:
        draft.decided[key] = held
        if record.preempted:
            draft.free.keep()
    elif (readiness := draft.demand.readiness(key)) is not Readiness.READY:
        draft.decide(key, SlotDecision.NOT_READY)
        if readiness is Readiness.EXPECTED:
            draft.free.keep()
    elif victim is not None:
        draft.take_slot_of(victim, key, SlotDecision.PREEMPTED)
    else:
        draft.start_or_follow(key)
