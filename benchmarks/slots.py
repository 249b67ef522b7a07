"""Slots over a simulated time: thirty Live Activities on four slots, whose rules fire and clear, and a phone whose
answers take some seconds. What is measured are the promises: each as the worst that was seen, beside what is allowed.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from smithd.alerts.severity import Severity
from smithd.keys import DEFAULT_ACCOUNT, StreamKey
from smithd.surfaces.slots import settled
from smithd.surfaces.slots.allocate import allocate
from smithd.surfaces.slots.decision import Allocation, SlotDecision
from smithd.surfaces.slots.demand import FOLD_KEY, FOLD_OPTIONS, SlotDemand, SlotLimits, SlotOptions
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.slots.starts import KEPT_FOR_CRITICALS, STARTS_WINDOW

DAY = 86400.0
POLL_EVERY = 15.0
LONGEST_ANSWER = 2.0
STREAMS = 30
AT_ONCE = 4
STARTS, MOST_STARTS = 6, 10
IN_TIME = 120.0
"""Seconds within which an incident has its slot."""


@dataclass(slots=True)
class Activity:
    """One Live Activity of the simulated configuration. Its rule fires now and then: ``severity``, ``changes_at``."""

    key: StreamKey
    options: SlotOptions
    always: bool
    calm: float
    severity: Severity | None = None
    changes_at: float = 0.0

    @property
    def is_wanted(self) -> bool:
        return self.always or self.severity is not None


@dataclass(frozen=True, slots=True)
class Begun:
    """A start: when, of what, and as which incident."""

    at: float
    key: StreamKey
    severity: Severity | None


@dataclass(slots=True)
class Seen:
    """What happened. ``most``: on the phone at once; ``rests``: seconds from an end to the next routine start of the
    same activity, as a share of its ``min_hold``, the shortest; ``critical`` and ``warning``: the longest waits in
    seconds while a slot could be had.
    """

    most: int = 0
    rests: float = math.inf
    critical: float = 0.0
    warning: float = 0.0
    starts: list[Begun] = field(default_factory=list)

    def busiest(self, *, up_to_others: bool) -> int:
        """The most starts in any hour; or in an hour that ends with the start of what is no critical's."""
        times = [each.at for each in self.starts]
        return max(
            (
                place + 1 - bisect_right(times, each.at - 3600)
                for place, each in enumerate(self.starts)
                if not up_to_others or each.severity is not Severity.CRITICAL
            ),
            default=0,
        )


class Phone:
    """The phone and the service: each request is answered after a while."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.on_phone: set[StreamKey] = set()
        self.ending: set[StreamKey] = set()
        self.answers: list[tuple[float, StreamKey, bool]] = []

    def send(self, key: StreamKey, now: float, *, is_end: bool) -> None:
        self.answers.append((now + self._random.uniform(0.1, LONGEST_ANSWER), key, is_end))
        (self.ending if is_end else self.on_phone).add(key)


def simulate(seconds: float, seed: int) -> Seen:
    """So many seconds, from an empty phone on."""
    random = Random(seed)
    activities = [_activity(number, random) for number in range(STREAMS)]
    limits = SlotLimits(AT_ONCE, {each.key: each.options for each in activities})
    world = _World(activities, limits, Phone(random), random)
    now = 0.0
    while now < seconds:
        world.step(now)
        times = [at for at, _, _ in world.phone.answers]
        times += [math.floor(now / POLL_EVERY + 1) * POLL_EVERY, world.slots.look_again or math.inf]
        now = min(at for at in times if at > now)
    return world.seen


def _activity(number: int, random: Random) -> Activity:
    options = SlotOptions(random.randint(1, 10), random.choice([300.0, 600.0, 900.0]), 60.0, number % 3 == 0)
    return Activity(
        StreamKey(DEFAULT_ACCOUNT, f"s{number}"), options, number < 12, random.choice([4 * 3600.0, 40 * 3600.0])
    )


class _World:
    """The simulation at a moment."""

    def __init__(self, activities: list[Activity], limits: SlotLimits, phone: Phone, random: Random) -> None:
        self.activities, self.limits, self.phone = activities, limits, phone
        self.slots, self.seen = Slots(), Seen()
        self._random = random
        self._left_at: dict[StreamKey, float] = {}
        self._waits_since: dict[StreamKey, float] = {}

    def step(self, now: float) -> None:
        self._answer(now)
        if now % POLL_EVERY == 0:
            self._fire(now)
        wanted = {each.key: each.severity for each in self.activities if each.is_wanted}
        phone = self.phone
        demand = SlotDemand(wanted, frozenset(phone.on_phone), ending=frozenset(phone.ending))
        allocation = allocate(demand, self.slots, self.limits, now)
        self.slots = allocation.slots
        self._note_waits(allocation, wanted, now)
        for key, each in allocation.decided.items():
            if each.decision is SlotDecision.STARTED:
                self._note_start(key, self._severity_of(key, wanted), now)
                phone.send(key, now, is_end=False)
            elif each.decision.leaves and key not in phone.ending:
                phone.send(key, now, is_end=True)
        self.seen.most = max(self.seen.most, len(phone.on_phone))

    def _answer(self, now: float) -> None:
        due = sorted(each for each in self.phone.answers if each[0] <= now)
        self.phone.answers = [each for each in self.phone.answers if each[0] > now]
        for _, key, is_end in due:
            if is_end:
                self.phone.on_phone.discard(key)
                self.phone.ending.discard(key)
                self._left_at[key] = now
            self.slots = (settled.left if is_end else settled.started)(self.slots, key, now)

    def _fire(self, now: float) -> None:
        """Rules begin and cease to fire, some of them often."""
        for each in self.activities:
            if now < each.changes_at:
                continue
            each.severity = (
                None if each.severity is not None else self._random.choice([Severity.WARNING, Severity.CRITICAL])
            )
            each.changes_at = now + self._random.expovariate(1 / (each.calm if each.severity is None else 900.0))

    def _severity_of(self, key: StreamKey, wanted: Mapping[StreamKey, Severity | None]) -> Severity | None:
        if key.name != FOLD_KEY:
            return wanted[key]
        return max((found for row in self.slots.folded if (found := wanted.get(row)) is not None), default=None)

    def _note_start(self, key: StreamKey, severity: Severity | None, now: float) -> None:
        self.seen.starts.append(Begun(now, key, severity))
        options = self.limits.streams.get(key, FOLD_OPTIONS)
        if severity is None and key in self._left_at:
            self.seen.rests = min(self.seen.rests, (now - self._left_at[key]) / options.min_hold)

    def _note_waits(self, allocation: Allocation, wanted: Mapping[StreamKey, Severity | None], now: float) -> None:
        """How long incidents wait while a start is left and a holder shows no incident that is as bad."""
        for each in self.activities:
            decided = allocation.decided.get(each.key)
            can_start = self._can_start(each.severity, wanted, now)
            if each.severity is None or decided is None or not decided.decision.waits or not can_start:
                self._waits_since.pop(each.key, None)
                continue
            waited = now - self._waits_since.setdefault(each.key, now)
            if each.severity is Severity.CRITICAL:
                self.seen.critical = max(self.seen.critical, waited)
            else:
                self.seen.warning = max(self.seen.warning, waited)

    def _can_start(self, severity: Severity | None, wanted: Mapping[StreamKey, Severity | None], now: float) -> bool:
        if severity is None:
            return False
        recent = [each for each in self.seen.starts if each.at > now - STARTS_WINDOW]
        others = sum(each.severity is not Severity.CRITICAL for each in recent)
        is_left = len(recent) < MOST_STARTS
        if severity is not Severity.CRITICAL:
            is_left = len(recent) < STARTS and others < STARTS - KEPT_FOR_CRITICALS
        holders = [
            self._severity_of(key, wanted) if key in wanted or key.name == FOLD_KEY else None
            for key in self.phone.on_phone
        ]
        worse = sum(held is not None and held >= severity for held in holders)
        return is_left and worse < AT_ONCE


def promises(days: float, seeds: int) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Each promise, with the worst that was seen in each run and what is allowed."""
    runs = [simulate(days * DAY, seed) for seed in range(seeds)]
    yield "slots: on the phone at once", [(each.most, AT_ONCE) for each in runs]
    yield "slots: starts in an hour, no critical last", [(each.busiest(up_to_others=True), STARTS) for each in runs]
    yield "slots: starts in an hour", [(each.busiest(up_to_others=False), MOST_STARTS) for each in runs]
    # Times are sums of decimals, and differ in the last place.
    yield "slots: min_hold, by the shortest rest", [(round(1 / each.rests, 9), 1.0) for each in runs]
    # The end of one activity and the start of another are two answers of the service.
    allowed = IN_TIME + 2 * LONGEST_ANSWER
    yield "slots: longest wait of a critical (s)", [(each.critical, allowed) for each in runs]
    yield "slots: longest wait of a warning (s)", [(each.warning, allowed) for each in runs]
