"""Aggregations of the series of one vector. No I/O."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from operator import neg, pos

from smithd.expression.arithmetic import sum_of
from smithd.expression.vector import Vector, computed
from smithd.plugin.sample import Labels


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which labels count: those named, or all but those named (``without``)."""

    labels: tuple[str, ...] = ()
    without: bool = False

    def of(self, labels: Labels) -> Labels:
        """The labels of a series that count."""
        if not self.labels:
            return labels if self.without else ()
        return tuple(pair for pair in labels if (pair[0] in self.labels) is not self.without)


ONE_GROUP = Grouping()
"""No label counts: all series are one group."""


def _average(values: Collection[float]) -> float:
    return sum_of(values) / len(values)


def _deviation(values: Collection[float]) -> float:
    """The standard deviation of all that there is, not of a sample of it, as in PromQL."""
    mean = _average(values)
    # A power of what is too large raises an error, a product does not.
    return math.sqrt(sum_of((value - mean) * (value - mean) for value in values) / len(values))


def quantile(which: float, values: Collection[float]) -> float:
    """The value below which so many (0 to 1) of the values lie; between two of them it is interpolated (Hyndman and
    Fan's type 7, as in PromQL).
    """
    ordered = sorted(values)
    rank = which * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] * (1 - (rank - below)) + ordered[above] * (rank - below)


Compute = Callable[[Collection[float]], float]
AGGREGATES: dict[str, Compute] = {
    "sum": sum_of,
    "avg": _average,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "stddev": _deviation,
}
CHOICES: dict[str, Callable[[float], float]] = {"top": neg, "bottomk": pos}
"""Which series of a group remain: those where this is lowest."""


def aggregate(compute: Compute, vector: Vector, by: Grouping) -> Vector:
    """One value for each group of series. A series without a value does not count, as in PromQL, and a group of such
    series has no value. While a metric is stale or unseen no group has one: a part of the series is not their sum.
    """
    groups: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.values.items():
        groups[by.of(labels)].append(value)
    unknown = frozenset(by.of(labels) for labels in vector.unknown)
    # Any group may lack a series that is not known to exist, so that its value would be wrong.
    if vector.is_incomplete:
        return computed({}, vector, unknown=unknown.union(groups))
    values = {labels: compute(values) for labels, values in groups.items()}
    return computed(values, vector, unknown=unknown.difference(groups))


def choose(count: int, rank: Callable[[float], float], vector: Vector, by: Grouping) -> Vector:
    """The series of each group whose values rank lowest, in this order; of equal ones the first by their labels."""
    if vector.is_incomplete:
        return computed({}, vector, unknown=vector.unknown.union(vector.values))
    groups: dict[Labels, int] = defaultdict(int)
    values = {}
    for labels, value in sorted(vector.values.items(), key=lambda item: (rank(item[1]), item[0])):
        group = by.of(labels)
        groups[group] += 1
        if groups[group] <= count:
            values[labels] = value
    return Vector(values, vector.unknown)
