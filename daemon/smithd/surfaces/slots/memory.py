"""What is remembered of an account's slots, also over a restart and a reload. No I/O."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from smithd.keys import StreamKey


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """What is remembered of a stream. It is wanted, or unwanted with a slot, since then; it has its slot since
    ``slot_since``, and is on the phone for certain since ``started_at``; its last end was accepted at ``left_at``.

    ``as_critical``: its start was a critical's. ``preempted``: it had to make room, for ``makes_room_for`` as long as
    that has not started; ``recalled``: it may start at once, since that start was refused. ``refused_until``: it is not
    started before.
    """

    key: StreamKey
    wanted_since: float | None = None
    unwanted_since: float | None = None
    slot_since: float | None = None
    started_at: float | None = None
    left_at: float | None = None
    as_critical: bool = False
    preempted: bool = False
    makes_room_for: StreamKey | None = None
    recalled: bool = False
    refused_until: float = 0.0


class Start(NamedTuple):
    """A stream started, as a critical or not."""

    at: float
    critical: bool


@dataclass(frozen=True, slots=True)
class LoweredLimit:
    """``at_once`` streams can start, and no more, ``until`` then."""

    at_once: int
    until: float


class Away(NamedTuple):
    """A stream that was swiped away, at a severity by its place on the scale. None: what follows is still to be decided
    (see ``swipe``).
    """

    key: StreamKey
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """What is remembered of an account's slots; all times are seconds since 1970.

    ``records``: in the file's order; ``started``: the starts of the last hour, the oldest first; ``lowered``: a limit
    of the service's that is lower than the configuration's; ``free_since``: since when slots are free, one each;
    ``folded``: the rows of the common stream, since ``folded_at``. ``unpaid``: the account must be paid for, so that
    nothing can start. ``away``: the streams that were swiped away. ``look_again``: when to allocate again though
    nothing else changes; there is a timer for it.
    """

    records: tuple[StreamRecord, ...] = ()
    started: tuple[Start, ...] = ()
    lowered: LoweredLimit | None = None
    free_since: tuple[float, ...] = ()
    folded: tuple[StreamKey, ...] = ()
    folded_at: float = 0.0
    unpaid: bool = False
    away: tuple[Away, ...] = ()
    look_again: float | None = field(default=None, compare=False)

    def record(self, key: StreamKey) -> StreamRecord | None:
        """What is remembered of a stream."""
        return next((record for record in self.records if record.key == key), None)

    def with_record(self, key: StreamKey, **changes: Any) -> Slots:
        """These slots, with something else remembered of a stream."""
        records = {record.key: record for record in self.records}
        records[key] = replace(records.get(key) or StreamRecord(key), **changes)
        return replace(self, records=tuple(records.values()))


def try_again(slots: Slots) -> Slots:
    """Forget what was refused, and that there is a timer: the configuration, or the account, may be right by now."""
    records = tuple(replace(each, refused_until=0.0) if each.refused_until else each for each in slots.records)
    return replace(slots, records=records, unpaid=False, look_again=None)


def set_clock(slots: Slots, now: float) -> Slots:
    """After the clock was set: nothing began in the future, and what was to end at a time has ended."""

    def past(at: float | None) -> float | None:
        return None if at is None else min(at, now)

    records = tuple(
        replace(
            each,
            wanted_since=past(each.wanted_since),
            unwanted_since=past(each.unwanted_since),
            slot_since=past(each.slot_since),
            started_at=past(each.started_at),
            left_at=past(each.left_at),
            refused_until=0.0 if each.refused_until < math.inf else math.inf,
        )
        for each in slots.records
    )
    return replace(
        slots,
        records=records,
        started=tuple(Start(min(at, now), critical) for at, critical in slots.started),
        lowered=None,
        free_since=tuple(min(at, now) for at in slots.free_since),
        folded_at=min(slots.folded_at, now),
        look_again=None,
    )


def renamed(slots: Slots, names: Mapping[str, str]) -> Slots:
    """The slots with the streams of accounts that have other names by now."""

    def today(key: StreamKey) -> StreamKey:
        return StreamKey(names.get(key.account, key.account), key.name)

    records = tuple(
        replace(each, key=today(each.key), makes_room_for=today(each.makes_room_for) if each.makes_room_for else None)
        for each in slots.records
    )
    away = tuple(each._replace(key=today(each.key)) for each in slots.away)
    return replace(slots, records=records, folded=tuple(map(today, slots.folded)), away=away)


def joined(slots: Sequence[Slots], accounts: Collection[str]) -> Slots:
    """The slots of accounts that have the same ones, of which some may have had their own before, or those of others.
    The first says what is remembered of no stream.
    """
    first = slots[0]
    streams = (each.key for of in slots for each in of.records)
    if len(slots) == 1 and all(key.account in accounts for key in streams):
        return first
    return replace(
        first,
        records=tuple(each for of in slots for each in of.records if each.key.account in accounts),
        started=tuple(sorted(start for of in slots for start in of.started)),
        folded=tuple(key for key in first.folded if key.account in accounts),
        away=tuple(each for of in slots for each in of.away if each.key.account in accounts),
    )
