"""Whose slot a stream may take, and how long a holder is protected from that. No I/O."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

from smithd.keys import StreamKey
from smithd.surfaces.slots.draft import Rank, SlotDraft
from smithd.surfaces.slots.order import making_room, outranks

HIGHER_HOLD = 120.0
"""Seconds for which a holder is protected from a higher severity; against others ``min_hold`` counts."""


class Victim(NamedTuple):
    """The holder whose slot may be taken; where there is none, when there may be one."""

    key: StreamKey | None = None
    until: float | None = None


def weaker_than(draft: SlotDraft, key: StreamKey) -> Victim:
    """Of all holders, the one whose slot a stream may take."""
    mine = draft.rank(key)
    if key in draft.folded:
        # It is shown as a row: only an incident is worth a slot of its own.
        mine = Rank(mine.severity, 0)
    return weakest(draft, [each for each in draft.holders() if outranks(draft, mine, each)], mine)


def weakest(draft: SlotDraft, holders: Collection[StreamKey], mine: Rank) -> Victim:
    """The lowest of these holders that is not protected from a rank."""
    protected = {each: _protected_until(draft, each, mine) for each in holders}
    unprotected = [each for each, until in protected.items() if until <= draft.now]
    if unprotected:
        return Victim(making_room(draft, unprotected)[0])
    return Victim(until=min(protected.values(), default=None))


def _protected_until(draft: SlotDraft, holder: StreamKey, mine: Rank) -> float:
    record, min_hold = draft.records[holder], draft.options[holder].min_hold
    if not draft.is_here(holder):
        return draft.now
    # No stream can start: the holder would leave for nothing.
    if draft.before.unpaid:
        return math.inf
    if record.unwanted_since is not None:
        return draft.now
    since = record.slot_since if record.started_at is None else record.started_at
    assert since is not None
    return since + (min(min_hold, HIGHER_HOLD) if mine.severity > draft.rank(holder).severity else min_hold)
