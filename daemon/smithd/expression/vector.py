"""The value of an expression: a value for each series, and what is not known. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Protocol

from smithd.plugin.sample import Labels

NO_METRICS: frozenset[str] = frozenset()


class Querier(Protocol):
    """What an expression reads. Values are finite numbers, times are in seconds since 1970."""

    @property
    def now(self) -> float:
        """The moment for which the expression is evaluated."""

    @property
    def zone(self) -> tzinfo:
        """The zone in which hours and days are counted."""

    def fresh(self, metric: str, /) -> Mapping[Labels, float] | None:
        """The fresh values of a metric's series. Empty where it is missing, None where it is stale or unseen."""

    def is_partial(self, metric: str, /) -> bool:
        """Whether a metric that has fresh values may have other series, which are not known."""

    def is_counter(self, metric: str, /) -> bool:
        """Whether a metric counts up and starts again, as its source is configured."""

    def past(self, metric: str, labels: Labels, since: float, /) -> Sequence[tuple[float, float]]:
        """Time and value of what is remembered of a series from ``since`` to now, oldest first, the newest included."""


class NoResult(Exception):
    """An expression cannot be evaluated with these series; the text says why. ``Expression.evaluate`` catches it."""


@dataclass(frozen=True, slots=True)
class Vector:
    """The values of some series.

    ``unknown``: series that exist and have no value (a division by zero, too few remembered samples).
    ``unavailable``: metrics that are stale or unseen and matter: any other series may exist as well.
    ``problem``: why the whole expression cannot be evaluated with these series; then nothing is known. Otherwise "".
    """

    values: Mapping[Labels, float] = field(default_factory=dict)
    unknown: frozenset[Labels] = frozenset()
    unavailable: frozenset[str] = NO_METRICS
    problem: str = ""

    def __bool__(self) -> bool:
        """Whether any series has a value."""
        return bool(self.values)

    @property
    def is_incomplete(self) -> bool:
        """Whether series may exist that are not named here."""
        return bool(self.unavailable or self.problem)

    @property
    def is_known(self) -> bool:
        """Whether everything is known: a series without a value here does not exist."""
        return not (self.unknown or self.unavailable or self.problem)

    def holds(self, labels: Labels) -> bool | None:
        """Whether a series has a value; None where that is not known."""
        if labels in self.values:
            return True
        return None if self.is_incomplete or labels in self.unknown else False


def computed(values: dict[Labels, float], *inputs: Vector, unknown: frozenset[Labels] = frozenset()) -> Vector:
    """Computed values as a vector. What is no finite number is unknown; what the ``inputs`` lack, the result lacks."""
    # Only NaN and the infinities do not give 0 when they are subtracted from themselves.
    odd = [labels for labels, value in values.items() if value - value != 0.0]
    if odd:
        unknown = unknown.union(odd)
        values = {labels: value for labels, value in values.items() if labels not in unknown}
    return Vector(values, unknown, NO_METRICS.union(*(each.unavailable for each in inputs)))


def each(vector: Vector, compute: Callable[[float], float]) -> Vector:
    """The same series, with a value computed from each value."""
    values = {labels: compute(value) for labels, value in vector.values.items()}
    return computed(values, vector, unknown=vector.unknown)


def filtered(vector: Vector, keep: Callable[[float], bool]) -> Vector:
    """The values that pass."""
    values = {labels: value for labels, value in vector.values.items() if keep(value)}
    return Vector(values, vector.unknown, vector.unavailable)
