"""From a value to a verdict. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from smithd.locales import IN_ENGLISH, Language


class Verdict(StrEnum):
    """What one value means for one threshold."""

    BREACH = "breach"
    BETWEEN = "between"
    CLEAR = "clear"
    UNKNOWN = "unknown"


NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_COMPARISON = re.compile(rf"(>=|<=|==|!=|>|<)\s*({NUMBER})")
_RANGE = re.compile(rf"(inside|outside)\s+({NUMBER})\s*\.\.\s*({NUMBER})")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}
_NORMAL = {
    ">": "{} or less",
    ">=": "below {}",
    "<": "{} or more",
    "<=": "above {}",
    "==": "anything but {}",
    "!=": "{}",
}
_EXPECTED = "expected a comparison like '> 5', '<= 0.5', '== 0' or a range like 'outside 10..20'"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of the number line; ``low_in`` and ``high_in`` say whether its ends belong to it."""

    low: float
    high: float
    low_in: bool = False
    high_in: bool = False

    def within(self, other: Interval) -> bool:
        """Whether every number of this interval is one of the other's."""
        low = self.low > other.low or (self.low == other.low and (other.low_in or not self.low_in))
        high = self.high < other.high or (self.high == other.high and (other.high_in or not self.high_in))
        return low and high

    def meets(self, other: Interval) -> bool:
        """Whether some number belongs to both."""
        first, second = sorted((self, other), key=lambda interval: (interval.high, interval.high_in))
        return first.high > second.low or (first.high == second.low and first.high_in and second.low_in)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The values that breach, as the configuration wrote them (``text``) and as intervals.

    ``number`` is what a text about the threshold names: the bound, or the nearer end of a range; ``form`` says which
    values do not breach, with a place for each of ``bounds``.
    """

    text: str
    number: float
    form: str
    bounds: tuple[float, ...]
    intervals: tuple[Interval, ...]
    breached: Callable[[float], bool] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    def normal(self, language: Language = IN_ENGLISH, unit: str = "") -> str:
        """Which values do not breach, for a person; ``unit`` follows their numbers."""
        return self.form.format(*(language.number(bound) + unit for bound in self.bounds))

    def verdict(self, value: float, baseline: float | None = None) -> Verdict:  # noqa: ARG002 - a relative one has it
        """What a value means; what it was before does not matter here."""
        return Verdict.BREACH if self.breached(value) else Verdict.CLEAR

    def within(self, other: Threshold) -> bool:
        """Whether each value that breaches this threshold breaches the other too."""
        return all(any(mine.within(theirs) for theirs in other.intervals) for mine in self.intervals)

    def meets(self, other: Threshold) -> bool:
        """Whether some value breaches both."""
        return any(mine.meets(theirs) for mine in self.intervals for theirs in other.intervals)


def parse_threshold(text: Any) -> Threshold:
    """A threshold from its text; ValueError, with what was expected, for anything else."""
    if isinstance(text, Threshold):
        return text
    if not isinstance(text, str):
        raise ValueError(_EXPECTED)
    return _parsed(text.strip())


# A fleet has one threshold in thousands of rules.
@lru_cache(maxsize=1_000)
def _parsed(text: str) -> Threshold:
    if match := _COMPARISON.fullmatch(text):
        bound = _finite(match[2])
        below, above = Interval(-math.inf, bound), Interval(bound, math.inf)
        intervals = {
            ">": (above,),
            ">=": (Interval(bound, math.inf, low_in=True),),
            "<": (below,),
            "<=": (Interval(-math.inf, bound, high_in=True),),
            "==": (Interval(bound, bound, True, True),),
            "!=": (below, above),
        }[match[1]]
        compare = _OPERATORS[match[1]]
        return Threshold(text, bound, _NORMAL[match[1]], (bound,), intervals, lambda value: compare(value, bound))

    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(_EXPECTED)

    low, high = _finite(match[2]), _finite(match[3])
    if low > high:
        raise ValueError(f"the range runs backwards: expected {match[1]} {match[3]}..{match[2]}")
    ends = (low, high)
    # The ends of a range belong to it, whichever word stands before it.
    if match[1] == "inside":
        within = (Interval(low, high, True, True),)
        return Threshold(text, low, "outside {} to {}", ends, within, lambda value: low <= value <= high)
    outside = (Interval(-math.inf, low), Interval(high, math.inf))
    return Threshold(text, high, "{} to {}", ends, outside, lambda value: not low <= value <= high)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large for a number")
    return value
