"""Thresholds that compare a value with what it was before: ``drops > 20% over 1h``. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo

from smithd.alerts.compared_with import ALL_NORMAL, ComparedWith, Normality, Past
from smithd.alerts.condition import NUMBER, Threshold, Verdict, parse_threshold
from smithd.locales import IN_ENGLISH, Language
from smithd.plugin.options import Counter, parse_duration

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

    def normal(self, language: Language = IN_ENGLISH) -> str:
        """Which changes do not breach, for a person."""
        return f"{self.word} of {self.bound.normal(language, '%' if self.percent else '')}"

    def change(self, value: float, baseline: float) -> float:
        """How far the value is from its baseline, in the direction of the word; in percent points where asked."""
        # What differs in the last digits only was computed.
        by = _DIRECTIONS[self.word](value - baseline) if not _is_equal(value, baseline) else 0.0
        if not self.percent:
            return by
        # From zero, any change is more than every percentage.
        if baseline == 0:
            return math.copysign(math.inf, by) if by else 0.0
        return 100 * by / abs(baseline)

    def on(self, counter: Counter, floor: float) -> Relative:
        """The same threshold on a metric that may be a counter, with a floor."""
        return replace(self, reference=replace(self.reference, counter=counter), floor=floor)

    def baseline(
        self, value: float, past: Past, now: float, zone: tzinfo, normality: Normality = ALL_NORMAL
    ) -> float | None:
        """What to compare a value of ``now`` with; None where too little that is normal is remembered."""
        found = self.reference.baselines(past, now, zone, normality)
        # It is not known when, between two samples, one became the other: no breach is made of that.
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

    def describe(self, value: float, baseline: float, language: Language = IN_ENGLISH) -> str:
        """How the value changed, for a person: ``34% below the 200 of 1h before``."""
        number, then = language.number, f"{language.number(baseline)} {self.reference.when(language)}"
        by = value - baseline
        if _is_equal(value, baseline):
            return f"like the {then}"
        share = 100 * abs(by / baseline) if baseline else math.inf
        amount = f"{number(round(share, 1) or share)}%" if self.percent and math.isfinite(share) else number(abs(by))
        return f"{amount} {'below' if by < 0 else 'above'} the {then}"


def _is_equal(value: float, baseline: float) -> bool:
    return math.isclose(value, baseline, rel_tol=1e-13)


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
    if match["word"] == "changes" and (bound.breached(0.0) or not bound.breached(math.inf)):
        raise ValueError("a change is 0 or more: expected a comparison with the past like 'changes > 5% over 1h'")
    return Relative(" ".join(text.split()), match["word"], bound, bool(match["unit"]), reference)
