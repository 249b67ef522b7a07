"""One allocation of slots while it is made: what was decided so far, and which slots are left. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from smithd.alerts.severity import Severity, rank
from smithd.keys import StreamKey
from smithd.surfaces.slots.decision import Allocation, SlotDecision, TimedDecision
from smithd.surfaces.slots.demand import FOLD_OPTIONS, SlotDemand, SlotLimits, SlotOptions
from smithd.surfaces.slots.free import FreeSlots
from smithd.surfaces.slots.memory import LoweredLimit, Slots, StreamRecord
from smithd.surfaces.slots.starts import within_window

ROUTINE = rank(None)
CRITICAL = rank(Severity.CRITICAL)


class Rank(NamedTuple):
    """What streams are compared by: the place of the severity on its scale, then the priority."""

    severity: int
    priority: int


@dataclass(slots=True)
class SlotDraft:
    """What slots are allocated for, ``now``, and what came of that so far. ``options`` and ``records`` are those of
    every stream, in the file's order, the common stream's last; ``folded``: its rows, since ``folded_at``.
    """

    demand: SlotDemand
    before: Slots
    limits: SlotLimits
    now: float
    fold_key: StreamKey | None
    options: Mapping[StreamKey, SlotOptions]
    records: dict[StreamKey, StreamRecord]
    free: FreeSlots
    folded: tuple[StreamKey, ...]
    folded_at: float
    decided: dict[StreamKey, TimedDecision] = field(default_factory=dict)

    def rank(self, key: StreamKey) -> Rank:
        """A stream's rank; the common stream's is that of its highest row."""
        if key == self.fold_key:
            ranks = [self.rank(each) for each in self.folded if each in self.demand.wanted]
            return max(ranks, default=Rank(ROUTINE, 0))
        return Rank(rank(self.demand.wanted.get(key)), self.options[key].priority)

    def holders(self) -> list[StreamKey]:
        """The streams that show their state, as far as that was decided."""
        return [key for key, each in self.decided.items() if each.decision.has_slot]

    def is_here(self, key: StreamKey) -> bool:
        """Whether a stream is on the phone, or its start is on the way."""
        return key in self.demand.on_phone and key not in self.demand.enqueued

    def decide(self, key: StreamKey, decision: SlotDecision, until: float | None = None) -> None:
        """Decide about a stream, until then."""
        self.decided[key] = TimedDecision(decision, until if until is not None and until < math.inf else None)

    def start(self, key: StreamKey) -> None:
        """Start a stream in a slot that is free."""
        self.decided[key] = TimedDecision(SlotDecision.STARTED)
        self.records[key] = replace(
            self.records[key],
            slot_since=self.now,
            started_at=None,
            as_critical=self.rank(key).severity == CRITICAL,
            preempted=False,
            makes_room_for=None,
            recalled=False,
        )

    def start_or_follow(self, key: StreamKey) -> None:
        """Give a stream a free slot, or the next one that becomes free."""
        if not self.free.is_any:
            self.free.take_coming()
            self.decide(key, SlotDecision.NEXT)
            return
        # What returns takes the slot that is free for longest, so that others which return wait no longer.
        if self.records[key].preempted:
            self.free.take_longest()
        else:
            self.free.take_newest()
        self.start(key)

    def take_slot_of(self, victim: StreamKey, key: StreamKey, how: SlotDecision) -> None:
        """Have a holder make room. One that is not on the phone yet does so at once: its start is withdrawn."""
        if not self.is_here(victim):
            started_now = self.decided[victim].decision is SlotDecision.STARTED
            self._withdraw(victim)
            self.decided[victim] = TimedDecision(SlotDecision.NO_SLOT if started_now else how)
            self.start(key)
            return
        self.decided[victim] = TimedDecision(how)
        self.records[victim] = replace(self.records[victim], preempted=True, makes_room_for=key)
        self.decide(key, SlotDecision.NEXT)

    def leave(self, key: StreamKey, how: SlotDecision) -> bool:
        """End a holder; returns whether its slot becomes free later: a start that is withdrawn frees it now."""
        self.decided[key] = TimedDecision(how)
        if key not in self.demand.enqueued:
            return True
        self._withdraw(key)
        self.free.add()
        return False

    def _withdraw(self, key: StreamKey) -> None:
        self.records[key] = replace(self.records[key], slot_since=None, started_at=None)

    def allocation(self) -> Allocation:
        """What was decided, and what is to be remembered of it."""
        lowered = _in_force(self.before, self.now)
        times = [each.until for each in self.decided.values()]
        times.append(lowered.until if lowered is not None else None)
        slots = Slots(
            # A recall is for this moment: later, its start would be one too many.
            tuple(
                replace(record, recalled=False) if record.recalled else record
                for record in self.records.values()
                if self._is_worth_keeping(record)
            ),
            within_window(self.before.started, self.now),
            lowered,
            self.free.all_since(),
            self.folded,
            self.folded_at if self.folded else 0.0,
            self.before.unpaid,
            self.before.away,
            min((at for at in times if at is not None and at > self.now), default=None),
        )
        return Allocation(slots, {key: self.decided[key] for key in self.options if key in self.decided})

    def _is_worth_keeping(self, record: StreamRecord) -> bool:
        rests = record.left_at is not None and record.left_at + self.options[record.key].min_hold > self.now
        has_slot = record.slot_since is not None
        return has_slot or rests or record.wanted_since is not None or record.refused_until > self.now


def begin(demand: SlotDemand, slots: Slots, limits: SlotLimits, now: float) -> SlotDraft:
    """Nothing is decided yet."""
    fold_key = limits.fold_key
    options = dict(limits.streams) | ({fold_key: FOLD_OPTIONS} if fold_key else {})
    known = {record.key: record for record in slots.records}
    records = {key: _today(known.get(key) or StreamRecord(key), demand, fold_key, now) for key in options}
    lowered = _in_force(slots, now)
    at_once = limits.at_once if lowered is None else min(limits.at_once, lowered.at_once)
    free = FreeSlots(at_once - len(demand.on_phone), slots.free_since, now)
    folded = slots.folded if fold_key else ()
    return SlotDraft(demand, slots, limits, now, fold_key, options, records, free, folded, slots.folded_at)


def _in_force(slots: Slots, now: float) -> LoweredLimit | None:
    """The service's lower limit, as long as it is believed."""
    return slots.lowered if slots.lowered is not None and now < slots.lowered.until else None


def _today(record: StreamRecord, demand: SlotDemand, fold_key: StreamKey | None, now: float) -> StreamRecord:
    """What is remembered of a stream, with whether it is wanted and on the phone now."""
    key, has_slot = record.key, record.key in demand.on_phone
    if has_slot and record.slot_since is None:
        record = replace(record, slot_since=now, started_at=now)
    elif not has_slot and record.slot_since is not None:
        # Its start did not come about.
        record = replace(record, slot_since=None, started_at=None)

    if key in demand.wanted:
        if record.wanted_since is not None and record.unwanted_since is None:
            return record
        since = now if record.wanted_since is None else record.wanted_since
        return replace(record, wanted_since=since, unwanted_since=None)
    if key == fold_key:
        return record
    if has_slot:
        since = now if record.unwanted_since is None else record.unwanted_since
        return replace(record, wanted_since=None, unwanted_since=since)
    return StreamRecord(key, left_at=record.left_at, refused_until=record.refused_until)
