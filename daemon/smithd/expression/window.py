"""The remembered samples of one series: its value at a moment, and the functions over a window. No I/O.

Samples are pairs of time (seconds since 1970) and value, oldest first. A function gives None where too few
samples are remembered. Windows begin and end with samples that lie exactly on their ends, as in Prometheus 2.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import itemgetter

from smithd.expression.arithmetic import sum_of

Samples = Sequence[tuple[float, float]]

_TIME = itemgetter(0)
_LEAST_TOLERANCE = 300.0
_REACH = 1.1
"""The rate is extrapolated to an end of the window that is nearer than this many spacings of the samples."""


def tolerance(window: float) -> float:
    """By how many seconds a sample may miss a moment that lies a window ago: a tenth of the window, but at least five
    minutes (Prometheus' staleness), and never more than the window.
    """
    return min(max(window / 10, _LEAST_TOLERANCE), window)


def point_at(samples: Samples, at: float, within: float) -> tuple[float, float] | None:
    """The newest sample until a moment, or else the first one after; None where neither is nearer than ``within``
    seconds.
    """
    place = bisect_right(samples, at, key=_TIME)
    if place and at - samples[place - 1][0] <= within:
        return samples[place - 1]
    if place < len(samples) and samples[place][0] - at <= within:
        return samples[place]
    return None


def around(samples: Samples, at: float, within: float) -> Samples:
    """The sample of a moment, or the two between which it lies, as far as they are within so many seconds of it."""
    place = bisect_right(samples, at, key=_TIME)
    if place and samples[place - 1][0] == at:
        return samples[place - 1 : place]
    return [point for point in samples[max(place - 1, 0) : place + 1] if abs(point[0] - at) <= within]


def value_at(samples: Samples, at: float, within: float) -> float | None:
    """The value of ``point_at``."""
    found = point_at(samples, at, within)
    return found[1] if found is not None else None


def without_restarts(samples: Samples, at_most: float = 1.0) -> Samples:
    """What a counter counted since its first sample, as if it had never started again: what it counted after each fall
    is added to what it had counted before. ``at_most``: the share of its value that it falls below where it restarts.
    """
    found, counted, before = [], 0.0, samples[0][1] if samples else 0.0
    for at, value in samples:
        counted += value if value < before * at_most else value - before
        before = value
        found.append((at, counted))
    return found


def growth_between(samples: Samples, start: float, end: float, within: float) -> float | None:
    """How much a counter without restarts grew from one moment to another. Between two samples it is taken to grow
    evenly; None where an end has no sample within so many seconds, or lies beyond the first or the last sample.
    """
    first, last = _level(samples, start, within), _level(samples, end, within)
    return last - first if first is not None and last is not None else None


def _level(samples: Samples, at: float, within: float) -> float | None:
    place = bisect_right(samples, at, key=_TIME)
    if place and samples[place - 1][0] == at:
        return samples[place - 1][1]
    if place in (0, len(samples)):
        return None
    (before_at, before), (after_at, after) = samples[place - 1], samples[place]
    if min(at - before_at, after_at - at) > within:
        return None
    return before + (after - before) * (at - before_at) / (after_at - before_at)


def between(samples: Samples, start: float, end: float) -> Samples:
    """The samples from ``start`` to ``end``, both included."""
    return samples[bisect_left(samples, start, key=_TIME) : bisect_right(samples, end, key=_TIME)]


def average(samples: Samples, start: float, end: float) -> float | None:
    """The mean of the samples in a window."""
    values = [value for _, value in between(samples, start, end)]
    return sum_of(values) / len(values) if values else None


def lowest(samples: Samples, start: float, end: float) -> float | None:
    """The lowest of the samples in a window."""
    return min((value for _, value in between(samples, start, end)), default=None)


def highest(samples: Samples, start: float, end: float) -> float | None:
    """The highest of the samples in a window."""
    return max((value for _, value in between(samples, start, end)), default=None)


def total(samples: Samples, start: float, end: float) -> float | None:
    """The sum of the samples in a window."""
    values = [value for _, value in between(samples, start, end)]
    return sum_of(values) if values else None


def count(samples: Samples, start: float, end: float) -> float | None:
    """How many samples lie in a window."""
    return float(len(between(samples, start, end))) or None


def change(samples: Samples, start: float, end: float) -> float | None:
    """By how many percent the value now differs from the one at ``start``; from nothing there is no percentage."""
    now, then = value_at(samples, end, end - start), value_at(samples, start, tolerance(end - start))
    return 100 * (now - then) / abs(then) if now is not None and then else None


def counter_change(samples: Samples, start: float, end: float) -> float | None:
    """``change`` of a counter: what it counted since ``start``, restarts or not, in percent of what it was then."""
    since, then = point_at(samples, start, tolerance(end - start)), value_at(samples, start, tolerance(end - start))
    if since is None or not then:
        return None
    counted = without_restarts(between(samples, since[0], end))
    return 100 * (counted[-1][1] - counted[0][1]) / abs(then)


def _growth(samples: Samples, start: float, end: float) -> tuple[float, float] | None:
    """How much a counter grew between the samples of a window, and by which factor that is carried on to the whole of
    it: the formula of Prometheus' ``increase`` and ``rate``.

    A value below the one before is a restart from zero. What was measured between the first and the last sample is
    carried on to the ends of the window, but over no gap longer than half the mean spacing, and not below zero.
    """
    inside = between(samples, start, end)
    if len(inside) < 2 or inside[0][0] == inside[-1][0]:
        return None
    (first_at, first), (last_at, last) = inside[0], inside[-1]
    grown = sum((before for (_, before), (_, after) in pairwise(inside) if after < before), start=last - first)
    measured = last_at - first_at
    spacing = measured / (len(inside) - 1)
    ahead, behind = first_at - start, end - last_at
    # A counter does not begin below zero: carried on backwards, it reaches zero there at the earliest.
    if grown > 0 and first >= 0:
        ahead = min(ahead, measured * (first / grown))
    reached = measured + sum(gap if gap < spacing * _REACH else spacing / 2 for gap in (ahead, behind))
    return grown, reached / measured


def increase(samples: Samples, start: float, end: float) -> float | None:
    """How much a counter grew in a window."""
    growth = _growth(samples, start, end)
    return growth[0] * growth[1] if growth is not None else None


def rate(samples: Samples, start: float, end: float) -> float | None:
    """How much a counter grew per second."""
    growth = _growth(samples, start, end)
    # Divided in Prometheus' order, so that the last digit is the same.
    return growth[0] * (growth[1] / (end - start)) if growth is not None else None


def predict(samples: Samples, start: float, end: float, ahead: float) -> float | None:
    """The value so many seconds after ``end``, on the straight line that fits the samples of the window best (least
    squares, as Prometheus' ``predict_linear``).
    """
    inside = between(samples, start, end)
    if len(inside) < 2:
        return None
    values = [value for _, value in inside]
    # A line through equal values is level; computed, it would not be quite that.
    if min(values) == max(values):
        return values[0]
    times = [at - end for at, _ in inside]
    mean_time, mean_value = sum_of(times) / len(times), sum_of(values) / len(values)
    spread = sum_of((at - mean_time) ** 2 for at in times)
    slope = sum_of((at - mean_time) * (value - mean_value) for at, value in zip(times, values, strict=True)) / spread
    return mean_value + slope * (ahead - mean_time)


FUNCTIONS: dict[str, Callable[[Samples, float, float], float | None]] = {
    "change": change,
    "rate": rate,
    "increase": increase,
    "avg_over": average,
    "min_over": lowest,
    "max_over": highest,
    "sum_over": total,
    "count_over": count,
}
FUNCTIONS_OF_COUNTERS = {**FUNCTIONS, "change": counter_change}
"""The same for a metric that is a counter. ``rate`` and ``increase`` are about counters always."""
NEED_EVERY_SAMPLE = ("sum_over", "count_over")
"""What would be wrong over a time of which not every sample is remembered."""


def reach(function: str, window: float) -> float:
    """How many seconds a function looks back."""
    return window + tolerance(window) if function == "change" else window
