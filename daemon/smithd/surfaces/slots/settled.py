"""What the end of a request for a stream means for the slots. No I/O."""

from __future__ import annotations

from dataclasses import replace

from smithd.keys import StreamKey
from smithd.surfaces.slots.demand import FOLD_KEY
from smithd.surfaces.slots.memory import Away, LoweredLimit, Slots, Start


def started(slots: Slots, key: StreamKey, now: float) -> Slots:
    """A state of a stream was accepted: where that was its start, it counts, and none makes room for it any more."""
    record = slots.record(key)
    if record is None or record.slot_since is None or record.started_at is not None:
        return slots
    slots = slots.with_record(key, started_at=now)
    records = tuple(
        replace(each, makes_room_for=None) if each.makes_room_for == key else each for each in slots.records
    )
    return replace(slots, records=records, started=(*slots.started, Start(now, record.as_critical)))


def swiped(slots: Slots, key: StreamKey, now: float) -> Slots:
    """A state of a stream was accepted, and started it, though it was on the phone: it was swiped away, or its end was
    lost. iOS counts that start.
    """
    record = slots.record(key)
    start = Start(now, record is not None and record.as_critical)
    away = (*(each for each in slots.away if each.key != key), Away(key))
    return replace(slots, started=(*slots.started, start), away=away)


def left(slots: Slots, key: StreamKey, now: float) -> Slots:
    """The end of a stream was accepted."""
    record = slots.record(key)
    if record is not None and record.slot_since is not None and record.started_at is None:
        # Whether its start was accepted was never known: it counts.
        slots = replace(slots, started=(*slots.started, Start(now, record.as_critical)))
    slots = slots.with_record(key, slot_since=None, started_at=None, unwanted_since=None, left_at=now)
    return replace(slots, folded=()) if key.name == FOLD_KEY else slots


def refused(slots: Slots, key: StreamKey, until: float) -> Slots:
    """The service refused a stream's start: it is not started before ``until``, and what made room for it is
    recalled.
    """
    slots = slots.with_record(key, slot_since=None, started_at=None, refused_until=until)
    records = tuple(
        replace(each, recalled=each.slot_since is None, makes_room_for=None) if each.makes_room_for == key else each
        for each in slots.records
    )
    return replace(slots, records=records, folded=() if key.name == FOLD_KEY else slots.folded)


def no_slot(slots: Slots, key: StreamKey, on_phone: int, until: float) -> Slots:
    """The service refused a stream's start for lack of a slot: there are no more than we have by now, ``on_phone`` of
    them; that is believed ``until`` then. What made room for it gets its slot back, and it waits as long; where nothing
    did, it may try for the slot of another.
    """
    made_room = [each for each in slots.records if each.makes_room_for == key and each.slot_since is None]
    lowered = LoweredLimit(on_phone + len(made_room), until)
    return replace(refused(slots, key, lowered.until if made_room else 0.0), lowered=lowered)
