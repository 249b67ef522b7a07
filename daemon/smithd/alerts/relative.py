"""Thresholds that compare a value with what it was before: ``drops > 20% over 1h``. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from smithd.alerts.condition import NUMBER, Threshold, Verdict, parse_threshold
from smithd.expression.window import Samples, around, average, point_at, tolerance
from smithd.formatting import duration, number
from smithd.plugin.options import parse_duration

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

_DAYS = {"yesterday": 1, "last week": 7}
_EXPECTED = (
    "expected a comparison with the past like 'drops > 20% over 1h', 'rises > 50 over 10m', "
    "'drops > 30% vs yesterday', 'rises > 2 vs last week' or 'drops > 30% vs average 7d'"
)
_FORM = re.compile(
    rf"(?P<word>drops|rises|changes)\s*(?P<bound>(?:>=|<=|>|<)\s*{NUMBER})\s*(?P<unit>%?)\s+"
    r"(?:over\s+(?P<ago>\S+)|vs\s+(?P<day>yesterday|last\s+week)|vs\s+average\s+(?P<average>\S+))"
)
_BEGINNING = re.compile(r"\s*(?:drops|rises|changes)\b")
_DIRECTIONS: dict[str, Callable[[float], float]] = {"drops": lambda by: -by, "rises": lambda by: by, "changes": abs}


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


ALL_NORMAL = Normality()


@dataclass(frozen=True, slots=True)
class ComparedWith:
    """What a value is compared with: what it was ``seconds`` ago, or at the same time of day ``days`` calendar days
    ago (``seconds`` is then about as long), or its average over the last ``seconds``.
    """

    kind: Literal["ago", "day", "average"]
    seconds: float
    days: int = 0

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
    def freezes(self) -> bool:
        """Whether the baseline stays as it is while an alert is open; the same time of another day moves on."""
        return self.kind != "day"

    @property
    def reach(self) -> float:
        """For how many seconds samples must be remembered."""
        if self.kind == "day":
            return self.days * LONGEST_DAY + NEAR
        return self.seconds + (tolerance(self.seconds) if self.kind == "ago" else 0.0)

    @property
    def reach_of_two(self) -> float:
        """For how many seconds samples must be remembered, so that a day that is left out has one that stands in."""
        return self.reach + self.days * LONGEST_DAY

    @property
    def farthest(self) -> float:
        """For how many seconds remembered samples are of use, where some are left out."""
        if self.kind == "day":
            return FARTHEST + NEAR
        return self.reach + (self.seconds if self.kind == "ago" else 0.0)

    def baselines(self, past: Past, now: float, zone: tzinfo, normality: Normality = ALL_NORMAL) -> list[float]:
        """What to compare a value of ``now`` with. Empty where too little that is normal is remembered; two values
        where the moment lies between two samples of another day.
        """
        if self.kind == "average":
            return self._average(past, now, normality)
        if self.kind == "day":
            return self._same_time(past, now, zone, normality)
        # Of a level that is younger than that, the oldest value.
        moment, near = max(now - self.seconds, normality.level_since), tolerance(self.seconds)
        found = point_at(past(moment - near), moment, near)
        if found is not None and not normality.has(found[0]):
            before = [point for point in normality.of(past(moment - self.seconds)) if point[0] <= moment]
            found = before[-1] if before else None
        return [found[1]] if found is not None else []

    def _average(self, past: Past, now: float, normality: Normality) -> list[float]:
        start = max(now - self.seconds, normality.level_since)
        samples = past(start)
        if not samples or now - samples[0][0] < LEAST_COVERED * (now - start):
            return []
        mean = average(normality.of(samples), start, now)
        return [mean] if mean is not None else []

    def _same_time(self, past: Past, now: float, zone: tzinfo, normality: Normality) -> list[float]:
        """At the same time of the day; where that is left out, of the day one period before, and so on."""
        today, days = datetime.fromtimestamp(now, zone), self.days
        while days * 86400 <= FARTHEST:
            # Counted on the zone's clocks: where they are set in between, a day has 23 or 25 hours.
            moment = (today - timedelta(days=days)).timestamp()
            found = around(past(moment - NEAR), moment, NEAR)
            normal = normality.of(found) if normality.has(moment) else ()
            if normal or not found:
                return [value for _, value in normal]
            days += self.days
        return []


@dataclass(frozen=True, slots=True)
class Relative:
    """A threshold on the change of a value: ``bound`` is for how large it is, in the direction of ``word``, in
    percent of what it was or as an amount. What is below ``floor``, before and now, is too small to matter.
    """

    text: str
    word: str
    bound: Threshold
    percent: bool
    reference: ComparedWith
    floor: float = 0.0

    def __str__(self) -> str:
        return self.text

    @property
    def number(self) -> float:
        """What a text about the threshold names."""
        return self.bound.number

    @property
    def normal(self) -> str:
        """Which changes do not breach, for a person."""
        bound = number(self.number)
        return f"{self.word} of {self.bound.normal.replace(bound, f'{bound}%') if self.percent else self.bound.normal}"

    def change(self, value: float, baseline: float) -> float:
        """How far the value is from its baseline, in the direction of the word; in percent points where asked."""
        by = _DIRECTIONS[self.word](value - baseline)
        if not self.percent:
            return by
        # From zero, any change is more than every percentage.
        if baseline == 0:
            return math.copysign(math.inf, by) if by else 0.0
        return 100 * by / abs(baseline)

    def baseline(
        self, value: float, past: Past, now: float, zone: tzinfo, normality: Normality = ALL_NORMAL
    ) -> float | None:
        """What to compare a value of ``now`` with; None where too little that is normal is remembered."""
        found = self.reference.baselines(past, now, zone, normality)
        # Nobody knows when, between two samples, one became the other: no breach is made of that.
        kind = (each for each in found if self.verdict(value, each) is not Verdict.BREACH)
        return next(kind, found[0]) if found else None

    def verdict(self, value: float, baseline: float | None = None) -> Verdict:
        """What a value means, given what it was; without that, nothing is known."""
        if baseline is None:
            return Verdict.UNKNOWN
        if self.is_small(value, baseline):
            return Verdict.CLEAR
        return self.bound.verdict(self.change(value, baseline))

    def is_small(self, value: float, baseline: float) -> bool:
        """Whether a value is too small to matter, and was before."""
        return max(abs(value), abs(baseline)) < self.floor

    def compares_like(self, other: object) -> bool:
        """Whether both measure the same change, so that their bounds can be held against each other."""
        ours = (self.word, self.percent, self.reference)
        return isinstance(other, Relative) and ours == (other.word, other.percent, other.reference)

    def describe(self, value: float, baseline: float) -> str:
        """How the value changed, for a person: ``34% below the 200 of 1h before``."""
        by = value - baseline
        if by == 0:
            return f"like the {number(baseline)} {self.reference}"
        share = 100 * abs(by / baseline) if baseline else math.inf
        amount = f"{number(round(share, 1))}%" if self.percent and math.isfinite(share) else number(abs(by))
        return f"{amount} {'below' if by < 0 else 'above'} the {number(baseline)} {self.reference}"


def is_relative(text: object) -> bool:
    """Whether a text means to be a relative threshold."""
    return isinstance(text, str) and _BEGINNING.match(text) is not None


def parse_relative(text: str) -> Relative:
    """A relative threshold from its text; ValueError, with what was expected, for anything else."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(_EXPECTED)
    if match["day"]:
        days = _DAYS[" ".join(match["day"].split())]
        reference = ComparedWith("day", days * 86400.0, days)
    else:
        seconds = parse_duration(match["ago"] or match["average"])
        if seconds < 1:
            raise ValueError("a value is compared with what it was at least a second ago")
        reference = ComparedWith("ago" if match["ago"] else "average", seconds)
    bound = parse_threshold(match["bound"])
    return Relative(" ".join(text.split()), match["word"], bound, bool(match["unit"]), reference)
