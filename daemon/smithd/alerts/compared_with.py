"""What a value is compared with: a moment ago, the same time of another day, or an average. No I/O.

Of a counter increases are compared: what it counted in a time, with what it counted in another one as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Literal

from smithd.expression.window import (
    Samples,
    around,
    average,
    growth_between,
    point_at,
    tolerance,
    without_restarts,
)
from smithd.formatting import duration
from smithd.plugin.options import Counter

Past = Callable[[float], Samples]
"""What is remembered of a series from a moment (seconds since 1970) to now."""

NEAR = 1800.0
"""Seconds that a sample may be away from the same time on another day."""
LONGEST_DAY = 90000.0
"""Clocks that are set back make a day of 25 hours."""
FARTHEST = 28 * 86400.0
"""How far back a day is looked for that stands in for one that is left out, as far as ``history`` goes."""
LEAST_COVERED = 0.5
"""The share of its window that an average needs samples from, counted from the oldest."""
HOUR = 3600.0
CORRECTED_TO = 0.5
"""A daily counter that falls to no less than this share of its value was corrected, and has not started again."""


@dataclass(frozen=True, slots=True)
class Normality:
    """Which past of a series is normal. ``left_out``: beginning and end of each time that is not; ``level_since``: the
    beginning of the newest departure that lasted long enough to be normal now: what was before it is another level.
    """

    left_out: tuple[tuple[float, float], ...] = ()
    level_since: float = -math.inf

    def has(self, at: float) -> bool:
        """Whether a moment is normal. The end of a departure is: the value that resolved it came then."""
        return not any(start <= at < end for start, end in self.left_out)

    def of(self, samples: Samples) -> Samples:
        """The samples that are normal."""
        return [point for point in samples if self.has(point[0])] if self.left_out else samples

    def stretches(self, start: float, end: float) -> list[tuple[float, float]]:
        """The normal parts of the time from ``start`` to ``end``."""
        found = []
        for begun, over in sorted(self.left_out):
            if begun < end and over > start:
                if begun > start:
                    found.append((start, begun))
                start = over
        return [*found, (start, end)] if start < end else found


ALL_NORMAL = Normality()


@dataclass(frozen=True, slots=True)
class ComparedWith:
    """What a value is compared with: what it was ``seconds`` ago, or at the same time of day ``days`` calendar days
    ago (``seconds`` is then about as long), or its average over the last ``seconds``. ``counter``: whether the metric
    is one, so that increases are compared.
    """

    kind: Literal["ago", "day", "average"]
    seconds: float
    days: int = 0
    counter: Counter = False

    def __str__(self) -> str:
        """As it follows a value; it is still true when that value has been frozen for a while."""
        if self.kind == "day":
            return f"of the {'day' if self.days == 1 else 'week'} before, at the same time"
        return (
            f"of {duration(self.seconds)} before"
            if self.kind == "ago"
            else f"of the average over {duration(self.seconds)}"
        )

    @property
    def counted(self) -> str:
        """In which time a counter counted what is compared; empty where the metric is none."""
        if not self.counter:
            return ""
        if self.kind == "day":
            return "since midnight"
        return f"in {duration(self.seconds if self.kind == 'ago' else HOUR)}"

    @property
    def freezes(self) -> bool:
        """Whether the baseline stays as it is while an alert is open; the same time of another day moves on."""
        return self.kind != "day"

    @property
    def reach(self) -> float:
        """For how many seconds samples must be remembered."""
        if self.kind == "day":
            # Of a counter from the midnight of that day on.
            return (self.days + (self.counter is True)) * LONGEST_DAY + NEAR
        if self.kind == "average":
            return self.seconds
        if self.counter:
            return 2 * self.seconds + _near(self.seconds)
        return self.seconds + tolerance(self.seconds)

    @property
    def reach_of_two(self) -> float:
        """For how many seconds samples must be remembered, so that a day that is left out has one that stands in."""
        return self.reach + self.days * LONGEST_DAY

    @property
    def farthest(self) -> float:
        """For how many seconds remembered samples are of use, where some are left out."""
        if self.kind == "day":
            return FARTHEST + LONGEST_DAY
        return self.reach + (self.seconds if self.kind == "ago" else 0.0)

    def measured(self, value: float, past: Past, now: float, zone: tzinfo) -> float | None:
        """What is compared, where the newest value is ``value``; None where a counter has too few samples."""
        if not self.counter:
            return value
        if self.kind == "day":
            return _today(value, past, now, zone) if self.counter == "daily" else _since_midnight(past, now, zone)
        window = self.seconds if self.kind == "ago" else HOUR
        near = _near(window)
        return growth_between(self._counted(past(now - window - near)), now - window, now, near)

    def baselines(self, past: Past, now: float, zone: tzinfo, normality: Normality = ALL_NORMAL) -> list[float]:
        """What to compare a value of ``now`` with. Empty where too little that is normal is remembered; two values
        where the moment lies between two samples of another day.
        """
        if self.kind == "day":
            return self._same_time(past, now, zone, normality)
        if self.kind == "average":
            found = (self._mean_hour if self.counter else self._average)(past, now, normality)
        else:
            found = (self._counted_before if self.counter else self._value_ago)(past, now, normality)
        return [found] if found is not None else []

    def _counted(self, samples: Samples) -> Samples:
        """The samples without restarts. What counts a day's orders may be corrected: one is cancelled."""
        return without_restarts(samples, at_most=CORRECTED_TO if self.counter == "daily" else 1.0)

    def _value_ago(self, past: Past, now: float, normality: Normality) -> float | None:
        # Of a level that is younger than that, the oldest value.
        moment, near = max(now - self.seconds, normality.level_since), tolerance(self.seconds)
        found = point_at(past(moment - near), moment, near)
        if found is not None and not normality.has(found[0]):
            before = [point for point in normality.of(past(moment - self.seconds)) if point[0] <= moment]
            found = before[-1] if before else None
        return found[1] if found is not None else None

    def _counted_before(self, past: Past, now: float, normality: Normality) -> float | None:
        """What was counted in the time before the last ``seconds``, or before a departure that touches it."""
        window, near = self.seconds, _near(self.seconds)
        end = now - window
        for begun, over in sorted(normality.left_out, reverse=True):
            if begun < end and over > end - window:
                end = begun
        if end < now - 2 * window:
            return None
        start = max(end - window, normality.level_since)
        # A level that is younger than both times is compared with itself.
        if end - start < window / 2:
            start, end = normality.level_since, now
        counted = growth_between(self._counted(past(start - near)), start, end, near)
        return counted * window / (end - start) if counted is not None and end > start else None

    def _average(self, past: Past, now: float, normality: Normality) -> float | None:
        start = max(now - self.seconds, normality.level_since)
        samples = past(start)
        if not samples or now - samples[0][0] < LEAST_COVERED * (now - start):
            return None
        return average(normality.of(samples), start, now)

    def _mean_hour(self, past: Past, now: float, normality: Normality) -> float | None:
        start = max(now - self.seconds, normality.level_since)
        samples = self._counted(past(start))
        if not samples or now - samples[0][0] < LEAST_COVERED * (now - start):
            return None
        stretches = normality.stretches(samples[0][0], now)
        counted = [growth_between(samples, begun, over, self.seconds) for begun, over in stretches]
        hours = sum(over - begun for begun, over in stretches) / HOUR
        return math.fsum(each for each in counted if each is not None) / hours if hours else None

    def _same_time(self, past: Past, now: float, zone: tzinfo, normality: Normality) -> list[float]:
        """At the same time of the day; where that is left out, of the day one period before, and so on."""
        today, days = datetime.fromtimestamp(now, zone), self.days
        while days * 86400 <= FARTHEST:
            # Counted on the zone's clocks: where they are set in between, a day has 23 or 25 hours.
            moment = (today - timedelta(days=days)).timestamp()
            if self.counter is True:
                counted = _since_midnight(past, moment, zone)
                found = [(moment, counted)] if counted is not None else []
            else:
                found = self._around(past, moment, zone)
            normal = normality.of(found) if normality.has(moment) else ()
            if normal or not found:
                return [value for _, value in normal]
            days += self.days
        return []

    def _around(self, past: Past, moment: float, zone: tzinfo) -> list[tuple[float, float]]:
        found = list(around(past(moment - NEAR), moment, NEAR))
        if self.counter != "daily":
            return found
        # The day before and the day after have nothing to do with it.
        midnight, night = _midnights(moment, zone)
        same_day = [point for point in found if midnight <= point[0] < night]
        return [(at, value) for at, value in same_day if _today(value, past, at, zone) is not None]


def _near(window: float) -> float:
    """How far from the ends of a window a counter's samples may be: between two it is taken to grow evenly."""
    return max(tolerance(window), window / 2)


def _midnights(moment: float, zone: tzinfo) -> tuple[float, float]:
    """When the day of a moment begins, and when the next one does."""
    begins = datetime.fromtimestamp(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return begins.timestamp(), (begins + timedelta(days=1)).timestamp()


def _since_midnight(past: Past, moment: float, zone: tzinfo) -> float | None:
    """What a counter counted from the midnight before a moment until then."""
    midnight, _ = _midnights(moment, zone)
    return growth_between(without_restarts(past(midnight - NEAR)), midnight, moment, NEAR)


def _today(value: float, past: Past, now: float, zone: tzinfo) -> float | None:
    """What a daily counter counted today: its value. Some start again a little late or early: from midnight until then,
    or from then until midnight, nothing is known.
    """
    midnight, night = _midnights(now, zone)
    if now - midnight >= NEAR and night - now >= NEAR:
        return value
    since = max(midnight, now - NEAR) if night - now < NEAR else midnight - NEAR
    samples = [point for point in past(since) if point[0] <= now]
    has_started = any(after < CORRECTED_TO * before for (_, before), (_, after) in pairwise(samples))
    if night - now < NEAR:
        return None if has_started else value
    before = [each for at, each in samples if at < midnight]
    return None if before and value and not has_started and value >= before[-1] else value
