"""Thresholds that compare a value with what it was before: ``drops > 20% over 1h``. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from smithd.alerts.condition import NUMBER, Threshold, Verdict, parse_threshold
from smithd.expression.window import Samples, average, tolerance, value_at
from smithd.formatting import duration, number
from smithd.plugin.options import parse_duration

Past = Callable[[float], Samples]
"""What is remembered of a series from a moment (seconds since 1970) to now."""

NEAR = 1800.0
"""Seconds that a sample may be away from the same time on another day."""
LONGEST_DAY = 90000.0
"""Clocks that are set back make a day of 25 hours."""
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
    def reach(self) -> float:
        """For how many seconds samples must be remembered."""
        if self.kind == "day":
            return self.days * LONGEST_DAY + NEAR
        return self.seconds + (tolerance(self.seconds) if self.kind == "ago" else 0.0)

    def baseline(self, past: Past, now: float, zone: tzinfo) -> float | None:
        """The value to compare with; None where too little is remembered to know it."""
        if self.kind == "average":
            samples = past(now - self.seconds)
            is_long = samples and now - samples[0][0] >= LEAST_COVERED * self.seconds
            return average(samples, now - self.seconds, now) if is_long else None
        if self.kind == "day":
            # Counted on the zone's clocks: where they are set in between, a day has 23 or 25 hours.
            moment, near = (datetime.fromtimestamp(now, zone) - timedelta(days=self.days)).timestamp(), NEAR
        else:
            moment, near = now - self.seconds, tolerance(self.seconds)
        return value_at(past(moment - near), moment, near)


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
