"""What a value is compared with: a moment ago, the same time of another day, or an average. No I/O.

Of a counter increases are compared: what it counted in a time, with what it counted in another one as long.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from operator import itemgetter
from typing import Literal

from smithd.expression.arithmetic import sum_of
from smithd.expression.window import (
    Samples,
    around,
    average,
    growth_between,
    point_at,
    tolerance,
    without_restarts,
)
from smithd.locales import IN_ENGLISH, Language
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
"""The share of its window that an average needs samples from."""
LONG_GAP = 0.25
"""The share of its window that is too long between two samples: of an average, where they are usually nearer; of a
counter, where it started again in between, and it is not known what it had counted until then.
"""
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

    def when(self, language: Language = IN_ENGLISH) -> str:
        """As it follows a value: ``of 1h before``; it is still true when that value has been frozen for a while."""
        if self.kind == "day":
            of_weeks = self.days % 7 == 0
            count, unit = (self.days // 7, "week") if of_weeks else (self.days, "day")
            return f"of {f'the {unit}' if count == 1 else f'{count} {unit}s'} before, at the same time"
        return (
            f"of {language.duration(self.seconds)} before"
            if self.kind == "ago"
            else f"of the average over {language.duration(self.seconds)}"
        )

    def counted(self, language: Language = IN_ENGLISH) -> str:
        """In which time a counter counted what is compared; empty where the metric is none."""
        if not self.counter:
            return ""
        if self.kind == "day":
            return "since midnight"
        return f"in {language.duration(self.seconds if self.kind == 'ago' else HOUR)}"

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
            return max(self.seconds, HOUR + _near(HOUR)) if self.counter else self.seconds
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
            return _today(value, past, now, zone) if self.counter == "daily" else self._since_midnight(past, now, zone)
        window = self.seconds if self.kind == "ago" else HOUR
        return self._counted(past(now - 2 * window), now - window, now, _near(window))

    def baselines(self, past: Past, now: float, zone: tzinfo, normality: Normality = ALL_NORMAL) -> list[float]:
        """What to compare a value of ``now`` with. Empty where too little that is normal is remembered; two values
        where the moment lies between two samples of another day.
        """
        if self.kind == "day":
            return self._same_time(past, now, zone, normality)[1]
        if self.kind == "average":
            found = (self._mean_hour if self.counter else self._average)(past, now, normality)
        else:
            found = (self._counted_before if self.counter else self._value_ago)(past, now, normality)
        # What is too large for a number is not known.
        return [found] if found is not None and math.isfinite(found) else []

    @property
    def _restarts_below(self) -> float:
        """What counts a day's orders may be corrected: one is cancelled. Any other counter that falls has restarted."""
        return CORRECTED_TO if self.counter == "daily" else 1.0

    def _counted(self, samples: Samples, start: float, end: float, near: float) -> float | None:
        """What was counted from one moment to another; None where too little is known."""
        lost = self._lost(samples, LONG_GAP * (end - start))
        if any(begun < end and over > start for begun, over in lost):
            return None
        grown = growth_between(without_restarts(samples, self._restarts_below), start, end, near)
        return grown if grown is not None and math.isfinite(grown) else None

    def _lost(self, samples: Samples, longest: float) -> list[tuple[float, float]]:
        """The times longer than that without a sample in which the counter started again."""
        return [
            (begun, over)
            for (begun, before), (over, after) in pairwise(samples)
            if over - begun > longest and after < before * self._restarts_below
        ]

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
        counted = self._counted(past(start - window), start, end, near)
        return counted * window / (end - start) if counted is not None and end > start else None

    def _average(self, past: Past, now: float, normality: Normality) -> float | None:
        start = max(now - self.seconds, normality.level_since)
        samples = past(start)
        if not _covers(samples, start, now):
            return None
        return average(normality.of(samples), start, now)

    def _mean_hour(self, past: Past, now: float, normality: Normality) -> float | None:
        start = max(now - self.seconds, normality.level_since)
        samples = past(start)
        if not _covers(samples, start, now):
            return None
        lost = self._lost(samples, LONG_GAP * HOUR)
        known = replace(normality, left_out=(*normality.left_out, *lost)).stretches(samples[0][0], now)
        level = without_restarts(samples, self._restarts_below)
        counted = [growth_between(level, begun, over, self.seconds) for begun, over in known]
        hours = sum(over - begun for begun, over in known) / HOUR
        return sum_of(each for each in counted if each is not None) / hours if hours else None

    def days_before(self, past: Past, now: float, zone: tzinfo, normality: Normality = ALL_NORMAL) -> int:
        """How many days ago it is that a value of ``now`` is compared with: more than asked for where that day is left
        out.
        """
        return self._same_time(past, now, zone, normality)[0]

    def _same_time(self, past: Past, now: float, zone: tzinfo, normality: Normality) -> tuple[int, list[float]]:
        """At the same time of the day; where that is left out, of the day one period before, and so on. Also how many
        days ago that is.
        """
        today, days = datetime.fromtimestamp(now, zone), self.days
        while days * 86400 <= FARTHEST:
            # Counted on the zone's clocks: where they are set in between, a day has 23 or 25 hours.
            moment = (today - timedelta(days=days)).timestamp()
            if self.counter is True:
                counted = self._since_midnight(past, moment, zone)
                found = [(moment, counted)] if counted is not None else []
            else:
                found = self._around(past, moment, zone)
            normal = normality.of(found) if normality.has(moment) else ()
            if normal or not found:
                return days, [value for _, value in normal]
            days += self.days
        return self.days, []

    def _since_midnight(self, past: Past, moment: float, zone: tzinfo) -> float | None:
        """What a counter counted from the midnight before a moment until then."""
        midnight, _ = _midnights(moment, zone)
        # The last sample of the day before may come from a source that is polled once in an hour.
        return self._counted(past(midnight - HOUR - NEAR), midnight, moment, NEAR)

    def _around(self, past: Past, moment: float, zone: tzinfo) -> list[tuple[float, float]]:
        if self.counter != "daily":
            return list(around(past(moment - NEAR), moment, NEAR))
        # The day before and the day after have nothing to do with it.
        midnight, night = _midnights(moment, zone)
        day = [point for point in past(midnight) if point[0] < night]
        found = list(_of_day(day, moment, night))
        # Where the count had not started again before the moment, nothing is known of the moment either.
        return found if all(_today(value, past, at, zone) is not None for at, value in found) else []


def _covers(samples: Samples, start: float, now: float) -> bool:
    """Whether enough of the time from ``start`` to ``now`` lies between samples that are near enough for an average."""
    spacings = sorted(after - before for (before, _), (after, _) in pairwise(samples))
    if not spacings:
        return False
    usual = spacings[(len(spacings) - 1) // 2]
    longest = max(2 * usual, LONG_GAP * (now - start))
    return math.fsum(each for each in spacings if each <= longest) >= LEAST_COVERED * (now - start)


def _of_day(samples: Samples, moment: float, night: float) -> Samples:
    """The samples of a day that tell what a daily counter had counted at a moment: the one of then, or those before and
    after. Where none comes after it until ``night``, the last one is that of the end of the day.
    """
    place = bisect_right(samples, moment, key=itemgetter(0))
    if not place:
        return ()
    at, _ = samples[place - 1]
    if at == moment or (place == len(samples) and night - at <= HOUR):
        return samples[place - 1 : place]
    either_side = samples[place - 1 : place + 1]
    is_near = min(abs(point[0] - moment) for point in either_side) <= NEAR
    return either_side if len(either_side) == 2 and is_near else ()


def _near(window: float) -> float:
    """How far from the ends of a window a counter's samples may be: between two it is taken to grow evenly."""
    return max(tolerance(window), window / 2)


def _midnights(moment: float, zone: tzinfo) -> tuple[float, float]:
    """When the day of a moment begins, and when the next one does."""
    begins = datetime.fromtimestamp(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return begins.timestamp(), (begins + timedelta(days=1)).timestamp()


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
