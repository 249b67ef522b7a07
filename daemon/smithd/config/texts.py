"""Texts that are longer than the phone shows, at their longest plausible values. No I/O.

How long a value can be is estimated. It is ten times the largest bound of a rule on its metric, with two decimals; a
metric without such a rule is taken to be 1,234.5, as where templates are tried. A text about what fires is tried with
the rule that has the longest name, a critical one. The values of labels are not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smithd.alerts.condition import Threshold
from smithd.alerts.severity import Severity
from smithd.config.model import Config
from smithd.formatting import number
from smithd.references import Path
from smithd.surfaces.texts import ShownText
from smithd.surfaces.view import FiringRules
from smithd.surfaces.widget import SUMMARY_NAMES, VALUE_NAMES

CENTS = 0.25
"""What a value has after its decimal mark: two digits."""


class Cut(NamedTuple):
    """A text that is too long. ``length``: how many characters it has; ``shown``: what the phone shows of it."""

    at: Path
    what: str
    length: int
    width: int
    shown: str

    def __str__(self) -> str:
        """For a person."""
        return f"the {self.what} may have {self.length} characters, and the phone shows {self.width}: '{self.shown}'"


def cuts(config: Config) -> Iterator[Cut]:
    """The texts of a configuration that the phone cuts."""
    texts = _Longest(config)
    for key, activity in config.live_activities.items():
        for each in activity.shown_texts():
            yield from _cut(("live_activities", key, *each.path), each, texts.of(each))
    for key, widget in config.widgets.items():
        for each in widget.shown_texts():
            yield from _cut(("widgets", key, *each.path), each, texts.of(each))


def widget_lengths(config: Config) -> dict[str, int]:
    """How many characters each widget may have."""
    texts = _Longest(config)
    found = {key: [len(texts.of(each)) for each in widget.shown_texts()] for key, widget in config.widgets.items()}
    return {key: max(lengths) for key, lengths in found.items() if lengths}


def _cut(at: Path, each: ShownText, text: str) -> Iterator[Cut]:
    if len(text) > each.width:
        yield Cut(at, each.what, len(text), each.width, text[: each.width - 1].rstrip() + "…")


class _Longest:
    """Texts at their longest plausible values."""

    def __init__(self, config: Config) -> None:
        self._bounds: dict[str, float] = {}
        for rule in config.rules.values():
            bounds = [abs(each.number) for each in rule.thresholds.values() if isinstance(each, Threshold)]
            for metric in rule.metrics:
                self._bounds[metric] = max([self._bounds.get(metric, 0.0), *bounds])
        longest = max(config.rules, key=len, default="")
        firing = FiringRules({longest: Severity.CRITICAL} if longest else {})
        self._names = SUMMARY_NAMES | {
            "firing": firing, "count": len(config.rules), "severity": "critical", "at": "14:05", "now": "14:05",
        }  # fmt: skip

    def of(self, each: ShownText) -> str:
        """A text as it is sent, or as the app writes a number."""
        if isinstance(each.text, str):
            return each.text + each.ending
        names = self._names | VALUE_NAMES | {"value": self._value(each.metric)}
        room = each.width - len(each.ending)
        text = number(names["value"], 2) if each.text is None else each.text.fitted(names, room)
        return text + each.ending

    def _value(self, metric: str | None) -> float:
        bound = self._bounds.get(metric or "", 0.0)
        return 10 * bound + CENTS if bound else float(VALUE_NAMES["value"])
