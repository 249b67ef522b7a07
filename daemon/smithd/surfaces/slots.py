"""Slots: which Live Activities may be on the phone, for it holds only a few at once. No I/O.

A stream is on the phone from when its start is enqueued until its end was accepted. So a slot is *occupied* by every
stream that is shown, may be shown (its request's outcome is unknown), is about to start, or is being ended; also by one
that the configuration does not have any more. ``allocate`` looks at all streams together.

**Rank.** A stream ranks by the severity of the incident that it shows (none: it is routine), then by its priority.
Among equals the one on the phone comes first, then the one that is wanted for longer, then the file's order.

**Those on the phone** (``_Draft.keep_holders``):

    its end was sent and is not accepted yet            ENDED, PREEMPTED or FOLDING, as it was
    unwanted for its cool-down                          ENDED; until then COOLING_DOWN: an alert that flaps updates it
    the configuration has lowered the limit             OVER_LIMIT: those of the lowest ranks
    else                                                SHOWN, unless it makes room below

**Those that are wanted and are not there**, the highest rank first (``_Draft.place``):

    the service refused its start                       REFUSED, for a while
    no slot is free or about to be, and none to take    NO_SLOT
    routine, and its own last end is too recent         RESTING, for ``min_hold`` after that
    the starts of this hour are used up                 NO_STARTS
    routine, was preempted, and the slot is newly free  RETURNING, until it has been free for ``return_after``
    it has nothing to show                              NOT_READY
    a slot is free                                      STARTED
    a slot is about to be free                          NEXT
    it may take one                                     NEXT; the holder of the lowest rank is PREEMPTED

A slot may be taken from a holder of a lower rank that is not protected: for ``min_hold`` from its start against no
higher severity, for ``HIGHER_HOLD`` against a higher one. A holder that cools down is no match for any incident, and
none for a routine stream. RETURNING and a stream whose first values are still to come keep a free slot from those of a
lower rank. So a stream is preempted only when all that depends on us lets the other start; where the service refuses
that start, what made room is *recalled*: it starts at once, in place of the start that was refused.

**Starts** (``_Draft.may_start_at``): iOS has a budget for them that nobody documents. In any hour there are at most
``starts_per_hour``, of which ``KEPT_FOR_CRITICALS`` are for criticals; a critical may start beyond that, up to
``MOST_STARTS``. A start counts from when it was accepted; one on its way counts, too.

**Folding** (``_Draft.fold``). Streams that may be folded and find no slot are FOLDED: they become rows of one common
stream, ``smithd-more``. It takes the slot of the lowest holder that may be folded, too, and shows no worse incident;
that one is FOLDING and becomes a row itself. It is protected as against any other. The common stream ranks as the
highest of its rows, is the last among equals to make room, and ends when it has been worth less than two rows for
``FOLD_EVERY``. A row takes a slot of its own from another only as an incident.

Everything else follows: a stream never starts in the step in which another leaves the phone, since that one still
occupies its slot, so no start is enqueued before its slot is free, and streams need not be counted again.

``Slots`` is what must be remembered, also over a restart and a reload. What becomes of requests is told by ``started``,
``left`` and ``refused``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from smithd.alerts.severity import Severity, rank
from smithd.keys import StreamKey

STARTS_WINDOW = 3601.0
"""Seconds within which starts are counted: an hour, and a second for the way of a request."""

KEPT_FOR_CRITICALS = 2
MOST_STARTS = 10
"""Of the starts in an hour: those that only criticals may take, and the most that they may take."""

HIGHER_HOLD = 120.0
"""Seconds for which a holder is protected from a higher severity; against others ``min_hold`` counts."""

FOLD_EVERY = 120.0
"""Seconds between two changes of which streams the common one shows (as between two cosmetic updates: iOS throttles an
activity that is updated more often)."""

FOLD_KEY = "smithd-more"
"""The stream key of the common stream."""


class SlotDecision(StrEnum):
    """The decision about a stream that is wanted or on the phone."""

    SHOWN = "shown"
    COOLING_DOWN = "cooling_down"
    STARTED = "started"

    ENDED = "ended"
    OVER_LIMIT = "over_limit"
    PREEMPTED = "preempted"
    FOLDING = "folding"

    REFUSED = "refused"
    NO_SLOT = "no_slot"
    RESTING = "resting"
    NO_STARTS = "no_starts"
    RETURNING = "returning"
    NOT_READY = "not_ready"
    NEXT = "next"
    FOLDED = "folded"

    @property
    def has_slot(self) -> bool:
        """Whether the stream shows its state."""
        return self in (SlotDecision.SHOWN, SlotDecision.COOLING_DOWN, SlotDecision.STARTED)

    @property
    def leaves(self) -> bool:
        """Whether the stream is ended."""
        return self in _LEAVES

    @property
    def waits(self) -> bool:
        """Whether the stream is wanted, and not on the phone."""
        return not self.has_slot and not self.leaves


_LEAVES = frozenset({SlotDecision.ENDED, SlotDecision.OVER_LIMIT, SlotDecision.PREEMPTED, SlotDecision.FOLDING})
_FOLDABLE = frozenset({SlotDecision.NO_SLOT, SlotDecision.RESTING, SlotDecision.NO_STARTS, SlotDecision.RETURNING})


class Readiness(StrEnum):
    """Whether a stream could be started: it can be rendered, and the service has not refused just that."""

    READY = "ready"
    EXPECTED = "expected"
    """Its first values since the start are still to come: a free slot is kept for it."""
    UNABLE = "unable"


@dataclass(frozen=True, slots=True)
class SlotOptions:
    """What a stream's options say of its slot; times are in seconds."""

    priority: int = 5
    min_hold: float = 600.0
    cool_down: float = 60.0
    fold: bool = False


FOLD_OPTIONS = SlotOptions(cool_down=FOLD_EVERY)


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many streams may be on the phone at once and start in an hour, how long (seconds) a slot must be free for
    what was preempted, and the options of every stream, in the file's order.
    """

    at_once: int
    streams: Mapping[StreamKey, SlotOptions]
    starts_per_hour: int = 6
    return_after: float = 300.0

    @property
    def fold_key(self) -> StreamKey | None:
        """The common stream's key, where there are streams that may be folded."""
        return next((StreamKey(key.account, FOLD_KEY) for key, each in self.streams.items() if each.fold), None)


@dataclass(frozen=True, slots=True)
class SlotDemand:
    """What is wanted, and what the phone has. ``wanted``: with the severity of the incident that each stream shows.

    ``on_phone``: all that occupy a slot, also those that are not in the configuration; ``enqueued``: those of them
    whose start waits to be sent, and can be withdrawn; ``ending``: those whose end was sent.
    """

    wanted: Mapping[StreamKey, Severity | None]
    on_phone: Set[StreamKey] = frozenset()
    enqueued: Set[StreamKey] = frozenset()
    ending: Set[StreamKey] = frozenset()
    readiness: Callable[[StreamKey], Readiness] = lambda _: Readiness.READY


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


class Away(NamedTuple):
    """A stream that was swiped away, at a severity by its place on the scale. None: what follows is still to be decided
    (see ``swipe``).
    """

    key: StreamKey
    severity: int | None = None


class TimedDecision(NamedTuple):
    """A decision, and when it may be another one though nothing else changes (None: never by itself)."""

    decision: SlotDecision
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """The slots from now on, and what was decided for each stream that is wanted or on the phone, in the file's order,
    the common stream last.
    """

    slots: Slots
    decided: Mapping[StreamKey, TimedDecision]

    @property
    def holders(self) -> tuple[StreamKey, ...]:
        """The streams that show their state."""
        return tuple(key for key, each in self.decided.items() if each.decision.has_slot)


def allocate(demand: SlotDemand, slots: Slots, limits: SlotLimits, now: float) -> Allocation:
    """Decide for every stream."""
    draft = _Draft(demand, slots, limits, now)
    draft.keep_holders()
    draft.keep_fold()
    for key in draft.in_order(key for key in demand.wanted if key not in draft.decided):
        draft.place(key)
    draft.fold()
    return draft.allocation()


_Rank = tuple[int, int]
_ROUTINE = rank(None)


class _Draft:
    """One allocation while it is made: what was decided so far, and which slots are left."""

    def __init__(self, demand: SlotDemand, slots: Slots, limits: SlotLimits, now: float) -> None:
        self._demand, self._before, self._limits, self._now = demand, slots, limits, now
        self._fold_key = limits.fold_key
        self._options = dict(limits.streams) | ({self._fold_key: FOLD_OPTIONS} if self._fold_key else {})
        self._place_in_file = {key: place for place, key in enumerate(self._options)}
        self._folded = slots.folded if self._fold_key else ()
        self._folded_at = slots.folded_at
        self.decided: dict[StreamKey, TimedDecision] = {}

        known = {record.key: record for record in slots.records}
        self._records = {key: self._today(known.get(key) or StreamRecord(key)) for key in self._options}
        lowered = slots.lowered
        self._lowered = lowered if lowered is not None and now < lowered.until else None
        at_once = limits.at_once if self._lowered is None else min(limits.at_once, self._lowered.at_once)
        # Below zero where the limit was lowered: so many must leave before one is free.
        self._free = at_once - len(demand.on_phone)
        self._coming = 0
        free_since = slots.free_since[: max(self._free, 0)]
        self._free_since = [*free_since, *[now] * (self._free - len(free_since))]
        self._kept_free: list[float] = []

    def _today(self, record: StreamRecord) -> StreamRecord:
        """What is remembered of a stream, with whether it is wanted and on the phone now."""
        key, now = record.key, self._now
        has_slot = key in self._demand.on_phone
        if has_slot and record.slot_since is None:
            record = replace(record, slot_since=now, started_at=now)
        elif not has_slot and record.slot_since is not None:
            # Its start did not come about.
            record = replace(record, slot_since=None, started_at=None)
        if key in self._demand.wanted:
            if record.wanted_since is not None and record.unwanted_since is None:
                return record
            since = now if record.wanted_since is None else record.wanted_since
            return replace(record, wanted_since=since, unwanted_since=None)
        if key == self._fold_key:
            return record
        if has_slot:
            since = now if record.unwanted_since is None else record.unwanted_since
            return replace(record, wanted_since=None, unwanted_since=since)
        return StreamRecord(key, left_at=record.left_at, refused_until=record.refused_until)

    def keep_holders(self) -> None:
        """Decide for those on the phone."""
        staying: list[StreamKey] = []
        leaving = len(self._demand.on_phone - self._options.keys())
        for key in [key for key in self._options if key in self._demand.on_phone]:
            record = self._records[key]
            ends_at = math.inf
            if record.unwanted_since is not None:
                ends_at = record.unwanted_since + self._options[key].cool_down
            if key in self._demand.ending:
                self.decided[key] = TimedDecision(self._how_it_left(record))
                leaving += 1
            elif self._now >= ends_at:
                leaving += self._leave(key, SlotDecision.ENDED)
            else:
                is_wanted = record.unwanted_since is None
                self._decide(key, SlotDecision.SHOWN if is_wanted else SlotDecision.COOLING_DOWN, ends_at)
                if record.preempted:
                    self._records[key] = replace(record, preempted=False, makes_room_for=None)
                staying.append(key)
        # The configuration's limit, not the lowered one: that only says how many can start.
        for key in sorted(staying, key=self._holder_order, reverse=True)[self._limits.at_once :]:
            leaving += self._leave(key, SlotDecision.OVER_LIMIT)
        self._coming = max(0, min(leaving, self._free + leaving))

    def in_order(self, keys: Iterable[StreamKey]) -> list[StreamKey]:
        """Streams that wait, the first one first."""

        def place(key: StreamKey) -> tuple[object, ...]:
            severity, priority = self._rank(key)
            record = self._records[key]
            return -severity, not record.recalled, -priority, record.wanted_since, self._place_in_file[key]

        return sorted(keys, key=place)

    def place(self, key: StreamKey) -> None:
        """Decide for a stream that is wanted and is not on the phone."""
        record = self._records[key]
        if record.refused_until > self._now:
            self._decide(key, SlotDecision.REFUSED, record.refused_until)
            return
        victim, until = None, None
        if self._free <= 0 and not self._coming:
            victim, until = self._weaker_than(key)
            if victim is None:
                self._decide(key, SlotDecision.NO_SLOT, until)
                return
        if (held := self._held_back(key, victim)) is not None:
            self.decided[key] = held
            if record.preempted:
                self._keep_free()
        elif (readiness := self._demand.readiness(key)) is not Readiness.READY:
            self._decide(key, SlotDecision.NOT_READY)
            if readiness is Readiness.EXPECTED:
                self._keep_free()
        elif victim is not None:
            self._take_slot_of(victim, key, SlotDecision.PREEMPTED)
        else:
            self._start_or_follow(key)

    def _start_or_follow(self, key: StreamKey) -> None:
        """Give it a free slot, or the next one that becomes free."""
        if self._free <= 0:
            self._coming -= 1
            self._decide(key, SlotDecision.NEXT)
            return
        self._free -= 1
        # What returns takes the slot that is free for longest, so that others which return wait no longer.
        self._free_since.pop(0 if self._records[key].preempted else -1)
        self._start(key)

    def _start(self, key: StreamKey) -> None:
        is_critical = self._rank(key)[0] == rank(Severity.CRITICAL)
        self.decided[key] = TimedDecision(SlotDecision.STARTED)
        self._records[key] = replace(
            self._records[key],
            slot_since=self._now,
            started_at=None,
            as_critical=is_critical,
            preempted=False,
            makes_room_for=None,
            recalled=False,
        )

    def _take_slot_of(self, victim: StreamKey, key: StreamKey, how: SlotDecision) -> None:
        """Have a holder make room. One that is not on the phone yet does so at once: its start is withdrawn."""
        if not self._is_here(victim):
            started_now = self.decided[victim].decision is SlotDecision.STARTED
            self._records[victim] = replace(self._records[victim], slot_since=None, started_at=None)
            self.decided[victim] = TimedDecision(SlotDecision.NO_SLOT if started_now else how)
            self._start(key)
            return
        self.decided[victim] = TimedDecision(how)
        self._records[victim] = replace(self._records[victim], preempted=True, makes_room_for=key)
        self._decide(key, SlotDecision.NEXT)

    def _is_here(self, key: StreamKey) -> bool:
        """Whether a stream is on the phone, or its start is on the way."""
        return key in self._demand.on_phone and key not in self._demand.enqueued

    def _leave(self, key: StreamKey, how: SlotDecision) -> bool:
        """End a holder; returns whether its slot becomes free later: a start that is withdrawn frees it now."""
        self.decided[key] = TimedDecision(how)
        if key not in self._demand.enqueued:
            return True
        self._records[key] = replace(self._records[key], slot_since=None, started_at=None)
        self._free += 1
        if self._free > 0:
            self._free_since.append(self._now)
        return False

    def _decide(self, key: StreamKey, decision: SlotDecision, until: float | None = None) -> None:
        self.decided[key] = TimedDecision(decision, until if until is not None and until < math.inf else None)

    def _keep_free(self) -> None:
        """Keep a free slot for a stream that cannot start yet."""
        if self._free > 0:
            self._free -= 1
            self._kept_free.append(self._free_since.pop(0))
        elif self._coming:
            self._coming -= 1

    def _held_back(self, key: StreamKey, victim: StreamKey | None = None) -> TimedDecision | None:
        """Why a stream may not start now, apart from slots; the reason that holds it longest. ``victim``: whose slot it
        would take.
        """
        record, (severity, _) = self._records[key], self._rank(key)
        if record.recalled:
            return None
        starts_at = self.may_start_at(victim, critical=severity == rank(Severity.CRITICAL))
        found = [TimedDecision(SlotDecision.NO_STARTS, starts_at)]
        if severity == _ROUTINE and record.left_at is not None:
            found.append(TimedDecision(SlotDecision.RESTING, record.left_at + self._options[key].min_hold))
        if severity == _ROUTINE and record.preempted and self._free > 0:
            found.append(TimedDecision(SlotDecision.RETURNING, self._free_since[0] + self._limits.return_after))
        longest = max(found, key=lambda each: each.until or 0.0)
        return longest if longest.until is not None and longest.until > self._now else None

    def may_start_at(self, victim: StreamKey | None = None, *, critical: bool) -> float:
        """When one more start is within the limits of an hour. A start that is withdrawn for it does not count."""
        at_most = self._limits.starts_per_hour
        # Of a limit of one or two, fewer are kept: something must be able to start.
        others = at_most - min(KEPT_FOR_CRITICALS, at_most - 1)
        on_way = [
            Start(record.slot_since, record.as_critical)
            for record in self._records.values()
            if record.slot_since is not None and record.started_at is None
            if record.key != victim or self._is_here(record.key)
        ]
        starts = sorted([*self._before.started, *on_way])

        def is_allowed(at: float) -> bool:
            recent = [start for start in starts if start.at + STARTS_WINDOW > at]
            if critical:
                return len(recent) < max(MOST_STARTS, at_most)
            return len(recent) < at_most and sum(not start.critical for start in recent) < others

        times = [self._now, *[start.at + STARTS_WINDOW for start in starts]]
        return next(at for at in times if at >= self._now and is_allowed(at))

    def _weaker_than(self, key: StreamKey) -> tuple[StreamKey | None, float | None]:
        """The holder whose slot a stream may take, or when there may be one."""
        mine = self._rank(key)
        if key in self._folded:
            # It is shown as a row: only an incident is worth a slot of its own.
            mine = mine[0], 0
        weaker = [each for each in self._holders() if self._outranks(mine, each)]
        return self._weakest(weaker, mine)

    def _weakest(self, holders: Collection[StreamKey], mine: _Rank) -> tuple[StreamKey | None, float | None]:
        """The lowest of these holders that is not protected from a rank, or when one will not be."""
        protected = {each: self._protected_until(each, mine) for each in holders}
        open_to_us = [each for each, until in protected.items() if until <= self._now]
        if open_to_us:
            return min(open_to_us, key=self._holder_order), None
        return None, min(protected.values(), default=None)

    def _holders(self) -> list[StreamKey]:
        return [key for key, each in self.decided.items() if each.decision.has_slot]

    def _outranks(self, mine: _Rank, holder: StreamKey) -> bool:
        if self._records[holder].unwanted_since is not None and holder != self._fold_key:
            return mine[0] > _ROUTINE
        return mine > self._rank(holder)

    def _protected_until(self, holder: StreamKey, mine: _Rank) -> float:
        record, min_hold = self._records[holder], self._options[holder].min_hold
        if not self._is_here(holder):
            return self._now
        # Nobody can start: the holder would leave for nothing.
        if self._before.unpaid:
            return math.inf
        if record.unwanted_since is not None:
            return self._now
        since = record.slot_since if record.started_at is None else record.started_at
        assert since is not None
        return since + (min(min_hold, HIGHER_HOLD) if mine[0] > self._rank(holder)[0] else min_hold)

    def _holder_order(self, key: StreamKey) -> tuple[object, ...]:
        """Which holder makes room first, the first one first."""
        record = self._records[key]
        is_common = key == self._fold_key
        wanted_since = record.wanted_since if record.wanted_since is not None else record.slot_since or 0.0
        is_wanted = record.unwanted_since is None or is_common
        return is_wanted, *self._rank(key), is_common, -wanted_since, -self._place_in_file[key]

    def _rank(self, key: StreamKey) -> _Rank:
        if key == self._fold_key:
            ranks = [self._rank(each) for each in self._folded if each in self._demand.wanted]
            return max(ranks, default=(_ROUTINE, 0))
        return rank(self._demand.wanted.get(key)), self._options[key].priority

    def _how_it_left(self, record: StreamRecord) -> SlotDecision:
        if not record.preempted:
            return SlotDecision.ENDED
        return SlotDecision.FOLDING if record.makes_room_for == self._fold_key else SlotDecision.PREEMPTED

    def keep_fold(self) -> None:
        """The common stream that is to come takes its slot before its rows could."""
        if self._fold_key is None or self._fold_key in self.decided or not self._folded:
            return
        if sum(each in self._demand.wanted for each in self._folded) < 2 or not self._place_fold():
            self._folded = ()

    def fold(self) -> None:
        """Decide what the common stream shows, and whether there is one."""
        key = self._fold_key
        if key is None:
            return
        waiting = self.in_order(
            each for each, decided in self.decided.items() if self._options[each].fold and decided.decision in _FOLDABLE
        )
        if key not in self.decided:
            self._begin_fold(waiting)
        elif self.decided[key].decision.has_slot:
            self._tend_fold(key, waiting)
        if key in self.decided and not self.decided[key].decision.leaves:
            for each in [each for each in self._folded if each in self.decided]:
                decision, until = self.decided[each]
                if decision.waits and decision is not SlotDecision.NEXT:
                    self.decided[each] = TimedDecision(SlotDecision.FOLDED, until)

    def _begin_fold(self, waiting: list[StreamKey]) -> None:
        """Have a common stream, where some find no slot and a holder can be folded with them."""
        rows = [
            each
            for each in waiting
            if self.decided[each].decision is SlotDecision.NO_SLOT and self._demand.readiness(each) is Readiness.READY
        ]
        if not rows:
            return
        self._folded = tuple(rows)
        if not self._place_fold():
            self._folded = ()

    def _place_fold(self) -> bool:
        """Find a slot for the common stream; returns whether there is one, or will be at once."""
        key = self._fold_key
        assert key is not None
        record = self._records[key]
        if record.refused_until > self._now or self._demand.readiness(key) is Readiness.UNABLE:
            return False
        if self._free > 0 or self._coming:
            if self._held_back(key) is not None:
                return False
            self._start_or_follow(key)
        else:
            mine = self._rank(key)
            foldable = [each for each in self._holders() if self._options[each].fold and self._rank(each)[0] <= mine[0]]
            lowest = min(foldable, key=self._holder_order, default=None)
            if lowest is None:
                return False
            victim, until = self._weakest([lowest], mine)
            if victim is None:
                self._look_again_at(until)
                return False
            if self._held_back(key, victim) is not None:
                return False
            self._take_slot_of(victim, key, SlotDecision.FOLDING)
            if victim not in self._folded:
                self._folded = (*self._folded, victim)
        if self._folded != self._before.folded:
            self._folded_at = self._now
        return True

    def _look_again_at(self, until: float | None) -> None:
        """The streams that could be folded then are looked at again."""
        if until is None or until == math.inf:
            return
        for each in self._folded:
            decision, earlier = self.decided[each]
            self.decided[each] = TimedDecision(decision, until if earlier is None else min(until, earlier))

    def _tend_fold(self, key: StreamKey, waiting: list[StreamKey]) -> None:
        """Keep its rows up to date; where it is not needed any more, it cools down."""
        record, until = self._records[key], math.inf
        if self.decided[key].decision is SlotDecision.STARTED:
            return
        if waiting and set(waiting) != set(self._folded):
            until = self._folded_at + FOLD_EVERY
            if self._now >= until:
                self._folded, self._folded_at, until = tuple(waiting), self._now, math.inf
        if len(waiting) >= 2:
            self._records[key] = replace(record, unwanted_since=None)
            self._decide(key, SlotDecision.SHOWN, until)
        else:
            since = self._now if record.unwanted_since is None else record.unwanted_since
            self._records[key] = replace(record, unwanted_since=since)
            self._decide(key, SlotDecision.COOLING_DOWN, min(until, since + FOLD_EVERY))

    def allocation(self) -> Allocation:
        """What was decided."""
        now, before = self._now, self._before
        started = before.started
        if any(start.at + STARTS_WINDOW <= now for start in started):
            started = tuple(start for start in started if start.at + STARTS_WINDOW > now)
        times = [each.until for each in self.decided.values()]
        times.append(self._lowered.until if self._lowered is not None else None)
        slots = Slots(
            tuple(self._remembered(record) for record in self._records.values() if self._is_worth_keeping(record)),
            started,
            self._lowered,
            tuple(sorted([*self._kept_free, *self._free_since])),
            self._folded,
            self._folded_at if self._folded else 0.0,
            before.unpaid,
            before.away,
            min((at for at in times if at is not None and at > now), default=None),
        )
        decided = {key: self.decided[key] for key in self._options if key in self.decided}
        return Allocation(slots, decided)

    def _remembered(self, record: StreamRecord) -> StreamRecord:
        """A recall is for this moment: later, its start would be one too many."""
        return replace(record, recalled=False) if record.recalled else record

    def _is_worth_keeping(self, record: StreamRecord) -> bool:
        rests = record.left_at is not None and record.left_at + self._options[record.key].min_hold > self._now
        has_slot = record.slot_since is not None
        return has_slot or rests or record.wanted_since is not None or record.refused_until > self._now


def started(slots: Slots, key: StreamKey, now: float) -> Slots:
    """A state of a stream was accepted: where that was its start, it counts, and nobody makes room for it any more."""
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
