"""The notation of series, as in ``promtool test rules``: ``0+10x5 _ stale 1x3``. No I/O.

See https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series; ``error`` is our own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from smithd.plugin.sample import Series

MOST_STEPS = 200_000
"""Steps that one series may have: a day of seconds, twice."""


class PollMark(Enum):
    """What a poll has of a series where that is no number."""

    NO_POLL = "_"
    MISSING = "stale"
    ERROR = "error"


_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WORD = re.compile(r"(?P<word>_|stale|error|NaN)(?:x(?P<times>\d{1,7}))?")
_VALUE = re.compile(rf"(?P<first>{_NUMBER})(?P<change>[-+](?:\d+\.?\d*|\.\d+))?(?:x(?P<times>\d{{1,7}}))?")
_SERIES = re.compile(r"(?P<metric>[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)+)(?:\{(?P<labels>.*)\})?")
_LABEL = re.compile(r'\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*(?:,|$)')
_WORDS = {"_": PollMark.NO_POLL, "stale": PollMark.MISSING, "error": PollMark.ERROR, "NaN": PollMark.MISSING}


def parse_series(text: Any) -> Series:
    """``shop.orders{region="eu"}``; ValueError, with what was expected, for anything else."""
    if isinstance(text, Series):
        return text
    match = _SERIES.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('expected a series like shop.orders or shop.orders{region="eu"}')

    labels, written, at = [], match["labels"] or "", 0
    while written[at:].strip():
        label = _LABEL.match(written, at)
        if label is None:
            raise ValueError(f"'{written[at:].strip()}' is no label: expected {{name=\"value\", ...}}")
        labels.append((label["name"], re.sub(r"\\(.)", r"\1", label["value"])))
        at = label.end()
    return Series(match["metric"], tuple(sorted(labels)))


def parse_values(text: Any) -> tuple[float | PollMark, ...]:
    """One value for each step of a series; ValueError, with what was expected, for anything else.

    ``a+bxn`` is a, a+b, ... and n more, ``axn`` is a and n more of it, ``_`` no poll, ``stale`` and ``NaN`` a poll
    without this series, ``error`` a poll that failed; ``_xn`` is n of them.
    """
    if isinstance(text, tuple):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool):
        return (float(text),)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("expected values like '0+10x5 _ stale 1x3'")
    found = tuple(value for item in text.split() for value in _expanded(item))
    if len(found) > MOST_STEPS:
        raise ValueError(f"a series has at most {MOST_STEPS} steps, and this one has {len(found)}")
    return found


def _expanded(item: str) -> Iterator[float | PollMark]:
    if word := _WORD.fullmatch(item):
        yield from [_WORDS[word["word"]]] * int(word["times"] or 1)
        return
    match = _VALUE.fullmatch(item)
    if match is None or (match["change"] and match["times"] is None):
        raise ValueError(
            f"'{item}' is no value: expected 5, 1x3 (1 and three more), 0+10x5 (0, 10 and on to 50), _ (no poll), "
            "stale (not in the answer) or error (the poll failed)"
        )
    first, change, times = float(match["first"]), float(match["change"] or 0), int(match["times"] or 0)
    # The values grow or fall evenly, so where one is too large, the last one is.
    if not math.isfinite(first + change * times):
        raise ValueError(f"'{item}' is too large for a number")
    # More steps than the limit are refused by the caller, so they need not fill the memory first.
    yield from (first + change * step for step in range(min(times, MOST_STEPS) + 1))
