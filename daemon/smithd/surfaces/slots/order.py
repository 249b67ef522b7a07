"""Which stream comes before which: among those that wait, and among those that make room. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from smithd.keys import StreamKey
from smithd.surfaces.slots.draft import ROUTINE, Rank, SlotDraft


def in_order(draft: SlotDraft, keys: Iterable[StreamKey]) -> list[StreamKey]:
    """Streams that wait, the first one first. Of those that are as severe, a row of the common stream comes last: it is
    shown already.
    """
    place = _places(draft)

    def order(key: StreamKey) -> tuple[object, ...]:
        severity, priority = draft.rank(key)
        record, is_row = draft.records[key], key in draft.folded
        return -severity, not record.recalled, is_row, -priority, record.wanted_since, place[key]

    return sorted(keys, key=order)


def making_room(draft: SlotDraft, keys: Iterable[StreamKey]) -> list[StreamKey]:
    """Holders, in the order in which they make room."""
    place = _places(draft)

    def order(key: StreamKey) -> tuple[object, ...]:
        record, is_common = draft.records[key], key == draft.fold_key
        wanted_since = record.wanted_since if record.wanted_since is not None else record.slot_since or 0.0
        is_wanted = record.unwanted_since is None or is_common
        return is_wanted, *draft.rank(key), is_common, -wanted_since, -place[key]

    return sorted(keys, key=order)


def _places(draft: SlotDraft) -> dict[StreamKey, int]:
    return {key: place for place, key in enumerate(draft.options)}


def outranks(draft: SlotDraft, mine: Rank, holder: StreamKey) -> bool:
    """Whether a rank is higher than a holder's. One that cools down is no match for any incident, and none for a
    routine stream.
    """
    if draft.records[holder].unwanted_since is not None and holder != draft.fold_key:
        return mine.severity > ROUTINE
    return mine > draft.rank(holder)
