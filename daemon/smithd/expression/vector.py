"""What an expression makes of its metrics: values by labels, and what could not be known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smithd.plugin.sample import Labels

NOTHING: frozenset[str] = frozenset()


class Querier(Protocol):
    """What an expression may look at. Values are finite numbers, times seconds since 1970."""

    @property
    def now(self) -> float:
        """The moment for which the expression is evaluated."""

    def fresh(self, metric: str, /) -> Mapping[Labels, float] | None:
        """The fresh values of a metric's series; empty where it has none; None where nothing is known about it."""

    def past(self, metric: str, labels: Labels, since: float, /) -> Sequence[tuple[float, float]]:
        """Time and value of what is remembered of a series from ``since`` to now, oldest first, the newest included."""


class NoResult(Exception):
    """An expression makes no sense with these series; the text says why. ``Expression.evaluate`` makes it a value."""


@dataclass(frozen=True, slots=True)
class Vector:
    """The values of some series.

    ``unknown``: series that are there and have no value (a division by zero, too short a memory).
    ``missing``: metrics without data that had a say: any other series may be there as well.
    ``problem``: of a whole expression, why it makes no sense with these series; then nothing is known. Otherwise "".
    """

    values: Mapping[Labels, float] = field(default_factory=dict)
    unknown: frozenset[Labels] = frozenset()
    missing: frozenset[str] = NOTHING
    problem: str = ""

    def __bool__(self) -> bool:
        """Whether anything remains."""
        return bool(self.values)

    @property
    def is_open(self) -> bool:
        """Whether there may be series that are not named here."""
        return bool(self.missing or self.problem)

    @property
    def is_known(self) -> bool:
        """Whether all is known: what has no value here is not there."""
        return not (self.unknown or self.missing or self.problem)

    def holds(self, labels: Labels) -> bool | None:
        """Whether a series remains; None where that cannot be known."""
        if labels in self.values:
            return True
        return None if self.is_open or labels in self.unknown else False


def settled(values: dict[Labels, float], *sources: Vector, unknown: frozenset[Labels] = frozenset()) -> Vector:
    """Computed values as a vector: what is no finite number is unknown. ``sources`` hand on what they miss."""
    odd = [labels for labels, value in values.items() if value - value != 0.0]
    if odd:
        unknown = unknown.union(odd)
        values = {labels: value for labels, value in values.items() if labels not in unknown}
    return Vector(values, unknown, NOTHING.union(*(source.missing for source in sources)))


def each(vector: Vector, compute: Callable[[float], float]) -> Vector:
    """Every value computed anew."""
    values = {labels: compute(value) for labels, value in vector.values.items()}
    return settled(values, vector, unknown=vector.unknown)


def filtered(vector: Vector, keep: Callable[[float], bool]) -> Vector:
    """The values that pass."""
    values = {labels: value for labels, value in vector.values.items() if keep(value)}
    return Vector(values, vector.unknown, vector.missing)
