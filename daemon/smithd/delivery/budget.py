"""The budget: in any 60 seconds no more requests reach the service than it allows. No I/O.

A request counts from the moment it is let go until 60 seconds after its answer came: the service saw it at some time
in between. Times are those of a clock that never steps.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from smithd.contract.endpoint import Family
from smithd.delivery.outcome import Pace
from smithd.delivery.pauses import Pauses
from smithd.outbox.message import LATE_ARRIVAL

WINDOW = 60.0
MARGIN = 0.5
"""Seconds by which we count longer than the service does: its clock is not ours."""

LONGEST_PACE = 120.0


@dataclass(slots=True)
class _Count:
    """One family's requests: those in flight, and until when each of the others counts."""

    allowed: int
    named: float = math.inf
    in_flight: int = 0
    ends: list[float] = field(default_factory=list)
    """In order; those that passed a minute ago are dropped when another is added."""
    last: float = -math.inf
    """When the last one went, in this run."""
    left: int = 0
    left_until: float = -math.inf

    @property
    def limit(self) -> int:
        return int(min(self.allowed, self.named))

    @property
    def kept(self) -> int:
        return self.limit // 10

    def free_at(self, now: float, kept: int, chosen: int) -> float:
        passed = bisect_right(self.ends, now)
        if now < self.left_until and self.left - chosen <= kept:
            return self.left_until
        counting = len(self.ends) - passed
        surplus = self.in_flight + chosen + counting + 1 - (self.limit - kept)
        if surplus <= 0:
            return now
        # As many as there are too many must have ceased to count, and the first that do are those that end first.
        return self.ends[passed + surplus - 1] if surplus <= counting else math.inf

    def room(self, now: float) -> int:
        left = self.limit - self.in_flight - len(self.ends) + bisect_right(self.ends, now)
        if now < self.left_until:
            left = min(left, self.left)
        return max(0, left - self.kept)

    def spread_at(self, now: float) -> float:
        ceased = bisect_right(self.ends, now) - bisect_right(self.ends, now - WINDOW)
        if ceased <= self.limit // 2 and self.room(now):
            return -math.inf
        return self.last + (WINDOW + MARGIN) / self.limit


class Budget:
    """Counts requests by family; a tenth of each limit is kept for what comes first (critical pushes, ends, widgets
    whose severity changed), and half of that for what follows no other of its rule: a rule with a hundred critical
    alerts leaves room for the next one.
    """

    def __init__(self, limits: Mapping[Family, int], share: float = 1.0) -> None:
        self.pauses = Pauses()
        self._counts = {family: _Count(limit) for family, limit in limits.items()}
        self.share = share
        """How much of a limit that the service names is ours."""

    def limit(self, limits: Mapping[Family, int], share: float = 1.0) -> None:
        """Other limits, from now on; what was sent already counts."""
        self.share = share
        for family, limit in limits.items():
            self._counts[family].allowed = limit

    def free_at(
        self, family: Family, now: float, *, first: bool = False, follows: bool = False, chosen: int = 0
    ) -> float:
        """When a request may go: ``now``, later, or infinity where that depends on those in flight. ``first``: it may
        use what is kept, or half of that where it ``follows`` another; ``chosen``: how many of the family were chosen
        to go now before this one.
        """
        count = self._counts[family]
        kept = count.kept // 2 if first and follows else 0 if first else count.kept
        return count.free_at(now, kept, chosen)

    def room(self, family: Family, now: float) -> int:
        """How many requests may go now that may not use what is kept."""
        return self._counts[family].room(now)

    def kept(self, family: Family) -> int:
        """How many requests of any 60 seconds are kept for what comes first."""
        return self._counts[family].kept

    def pace(self, family: Family) -> float:
        """How many requests a second are allowed."""
        return self._counts[family].limit / WINDOW

    def spread_at(self, family: Family, now: float) -> float:
        """Where more requests wait than may go in a minute: when the next may go, so that they spread over it. Sent at
        once, they would cease to count at once, and whatever changed meanwhile would always wait for the next minute.
        They leave nothing unused: what comes first finds a place within a second. Minus infinity: after a minute with
        few requests all for which there is room may go at once.
        """
        return self._counts[family].spread_at(now)

    def use(self, now: float) -> dict[Family, tuple[int, int]]:
        """The requests that count now, and the limit, of each family."""
        return {
            family: (count.in_flight + len(count.ends) - bisect_right(count.ends, now), count.limit)
            for family, count in self._counts.items()
        }

    def take(self, family: Family, now: float = -math.inf) -> None:
        """A request goes."""
        count = self._counts[family]
        count.last = max(count.last, now)
        count.in_flight += 1
        count.left -= 1

    def settle(self, family: Family, arrived_by: float | None) -> None:
        """A request has ended. ``arrived_by``: the latest moment it can reach the service; None: it never will."""
        count = self._counts[family]
        count.in_flight -= 1
        if arrived_by is not None:
            self.remember(family, arrived_by)

    def remember(self, family: Family, arrived_by: float) -> None:
        """A request that went before, perhaps in an earlier run of the daemon."""
        ends = self._counts[family].ends
        # No later request arrives before those that are dropped here.
        del ends[: bisect_right(ends, arrived_by - LATE_ARRIVAL)]
        insort(ends, arrived_by + WINDOW + MARGIN)

    def lower(self, family: Family, pace: Pace, now: float) -> None:
        """The service says what is left of its limit, and how large that is: it can only lower the pace. Requests in
        flight may not be in its count yet.
        """
        count = self._counts[family]
        left, until = pace.remaining - count.in_flight, now + min(pace.seconds, LONGEST_PACE)
        # All answers within a window of the service name its end, in whole seconds from their own time.
        same_window = abs(until - count.left_until) < 2
        count.left = min(left, count.left) if same_window else left
        count.left_until = until
        if pace.quota is not None:
            count.named = max(1, int(pace.quota * self.share))
