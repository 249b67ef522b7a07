"""The common stream of those that may be folded and find no slot: whether there is one, and its rows. No I/O."""

from __future__ import annotations

import math
from dataclasses import replace

from smithd.keys import StreamKey
from smithd.surfaces.slots.decision import SlotDecision, TimedDecision
from smithd.surfaces.slots.demand import FOLD_EVERY, Readiness
from smithd.surfaces.slots.draft import SlotDraft
from smithd.surfaces.slots.order import in_order, making_room
from smithd.surfaces.slots.preemption import weakest
from smithd.surfaces.slots.restraint import held_back

SOON = 1.0
"""Seconds to the next allocation, after one that changed which stream comes first."""

_FOLDABLE = frozenset({SlotDecision.NO_SLOT, SlotDecision.RESTING, SlotDecision.NO_STARTS, SlotDecision.RETURNING})


def keep_fold(draft: SlotDraft) -> None:
    """A common stream that is to come takes its slot before its rows could."""
    key = draft.fold_key
    if key is None or key in draft.decided or not draft.folded:
        return
    if sum(each in draft.demand.wanted for each in draft.folded) < 2 or not _find_slot(draft, key):
        draft.folded = ()


def fold(draft: SlotDraft) -> None:
    """Decide what the common stream shows, and whether there is one."""
    key = draft.fold_key
    if key is None:
        return
    if key not in draft.decided:
        _begin(draft, key)
    elif draft.decided[key].decision.has_slot:
        _tend(draft, key)
    if key in draft.decided and not draft.decided[key].decision.leaves:
        for each in [each for each in draft.folded if each in draft.decided]:
            decision, until = draft.decided[each]
            if decision.waits and decision is not SlotDecision.NEXT:
                draft.decided[each] = TimedDecision(SlotDecision.FOLDED, until)


def _begin(draft: SlotDraft, key: StreamKey) -> None:
    """Have a common stream, where some find no slot and a holder can be folded with them."""
    rows = [
        each
        for each in _without_slot(draft)
        if draft.decided[each].decision is SlotDecision.NO_SLOT and draft.demand.readiness(each) is Readiness.READY
    ]
    draft.folded = tuple(rows)
    if rows and not _find_slot(draft, key):
        draft.folded = ()


def _without_slot(draft: SlotDraft) -> list[StreamKey]:
    """The streams that may be folded and find no slot, the first one first."""
    return in_order(
        draft,
        [each for each, made in draft.decided.items() if draft.options[each].fold and made.decision in _FOLDABLE],
    )


def _find_slot(draft: SlotDraft, key: StreamKey) -> bool:
    """Find a slot for the common stream; returns whether there is one, or will be at once."""
    if draft.records[key].refused_until > draft.now or draft.demand.readiness(key) is Readiness.UNABLE:
        return False
    if not (_takes_free_slot(draft, key) if draft.free.is_any_soon else _takes_slot_of_row(draft, key)):
        return False
    if draft.folded != draft.before.folded:
        draft.folded_at = draft.now
    return True


def _takes_free_slot(draft: SlotDraft, key: StreamKey) -> bool:
    if (held := held_back(draft, key)) is not None:
        _look_again_at(draft, held.until)
        return False
    draft.start_or_follow(key)
    return True


def _takes_slot_of_row(draft: SlotDraft, key: StreamKey) -> bool:
    """Take the slot of the lowest holder that may be folded, too, and shows no worse incident: it becomes a row."""
    mine = draft.rank(key)
    foldable = [
        each for each in draft.holders() if draft.options[each].fold and draft.rank(each).severity <= mine.severity
    ]
    victim, until = weakest(draft, making_room(draft, foldable)[:1], mine)
    if victim is None:
        _look_again_at(draft, until)
        return False
    if (held := held_back(draft, key, victim)) is not None:
        _look_again_at(draft, held.until)
        return False
    draft.take_slot_of(victim, key, SlotDecision.FOLDING)
    if victim not in draft.folded:
        draft.folded = (*draft.folded, victim)
    return True


def _look_again_at(draft: SlotDraft, until: float | None) -> None:
    """The streams that could be folded then are looked at again."""
    if until is None or until == math.inf:
        return
    # While a common stream that was to come finds no slot any more, nothing is decided about its rows yet.
    for each in [each for each in draft.folded if each in draft.decided]:
        decision, earlier = draft.decided[each]
        draft.decided[each] = TimedDecision(decision, until if earlier is None else min(until, earlier))


def _tend(draft: SlotDraft, key: StreamKey) -> None:
    """Keep its rows up to date; where it is not needed any more, it cools down."""
    if draft.decided[key].decision is SlotDecision.STARTED:
        return
    record, until, waiting = draft.records[key], math.inf, _without_slot(draft)
    if waiting and set(waiting) != set(draft.folded):
        until = draft.folded_at + FOLD_EVERY
        if draft.now >= until:
            # A row comes after all that are shown nowhere: a slot that is kept for a new one may be for another now.
            draft.folded, draft.folded_at, until = tuple(waiting), draft.now, draft.now + SOON
    if len(waiting) >= 2:
        draft.records[key] = replace(record, unwanted_since=None)
        draft.decide(key, SlotDecision.SHOWN, until)
    else:
        since = draft.now if record.unwanted_since is None else record.unwanted_since
        draft.records[key] = replace(record, unwanted_since=since)
        draft.decide(key, SlotDecision.COOLING_DOWN, min(until, since + FOLD_EVERY))
