"""Vector matching, as in PromQL: two vectors into one. No I/O.

Series match whose labels are equal, or equal in the labels that count (``on``, ``ignoring``). One matches one; where
many are to match one, ``group_left`` or ``group_right`` says on which side the many are; the result has their labels.
Beyond PromQL each vector says what it does not know; what depends on that is unknown in the result, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from smithd.expression.grouping import Grouping
from smithd.expression.vector import NoResult, Vector, computed
from smithd.plugin.sample import Labels, Series

Compute = Callable[[float, float], float | None]
"""The value of two that match: NaN where it is undefined, None where a comparison is false."""


@dataclass(frozen=True, slots=True)
class VectorMatching:
    """Which labels must be equal, and the side (``left``, ``right`` or neither) that may have many for one; then
    ``include`` are labels that the result has from the one.
    """

    labels: Grouping
    many: str = ""
    include: tuple[str, ...] = ()

    def result(self, labels: Labels, partner: Labels) -> Labels:
        """The labels of the result of a series and its partner."""
        if not self.many:
            return self.labels.of(labels)
        if not self.include:
            return labels
        own = (pair for pair in labels if pair[0] not in self.include)
        return tuple(sorted((*own, *(pair for pair in partner if pair[0] in self.include))))


ALL_LABELS = VectorMatching(Grouping(without=True))
"""All labels must be equal."""


def combine(left: Vector, right: Vector, compute: Compute, matching: VectorMatching) -> Vector:
    """Each pair of series that match, computed. A series whose partner has no value has none itself. NoResult where
    several series match where one is needed.
    """
    if matching.many == "right":
        mirrored = replace(matching, many="left")
        return combine(right, left, lambda one, many: compute(many, one), mirrored)
    # Several series where one is needed are no mistake while the other side is empty: nothing is matched, as in PromQL.
    values = _matched(left, right, compute, matching) if left.values and right.values else {}
    if left.is_known and right.is_known:
        return computed(values)
    unknown = _unknown_pairs(left, right, matching)
    return computed(values, *_relevant_sides(left, right), unknown=unknown.difference(values))


def _matched(left: Vector, right: Vector, compute: Compute, matching: VectorMatching) -> dict[Labels, float]:
    """The values of all pairs. The left side may have many series for one of the right, but never the other way."""
    partners: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in right.values.items():
        group = matching.labels.of(labels)
        if group in partners:
            raise NoResult(f"several series have the labels {_shown(group)} where one is needed")
        partners[group] = labels, value

    values: dict[Labels, float] = {}
    for labels, value in left.values.items():
        group = matching.labels.of(labels)
        if group not in partners:
            continue
        partner, other = partners[group]
        made = compute(value, other)
        if made is None:
            continue
        name = matching.result(labels, partner)
        # Two of the left side met the same partner, or became alike by the labels that they took from it.
        if name in values:
            raise NoResult(f"several series have the labels {_shown(name)} where one is needed")
        values[name] = made
    return values


def _unknown_pairs(left: Vector, right: Vector, matching: VectorMatching) -> frozenset[Labels]:
    """The results that exist, or may exist, and have no value."""
    key = matching.labels.of
    surely = {key(labels): labels for labels in right.values}
    partners = surely | {key(labels): labels for labels in right.unknown}
    unsure = {key(labels) for labels in right.unknown}
    # An unknown series of the left side matters only where it has a partner, or may have one.
    unknown = [labels for labels in left.unknown if right.is_incomplete or key(labels) in partners]
    unknown += [
        labels for labels in left.values if key(labels) in unsure or (right.is_incomplete and key(labels) not in surely)
    ]
    named = {matching.result(labels, partners.get(key(labels), ())) for labels in unknown}
    # The left side may lack series: each partner could have a result. With ``group_left`` its labels are not known.
    if left.is_incomplete and not matching.many:
        named |= partners.keys()
    return frozenset(named)


def _relevant_sides(left: Vector, right: Vector) -> tuple[Vector, ...]:
    """The sides whose unavailable metrics matter: none where the other side is known to be empty."""
    return tuple(
        side for side, other in ((left, right), (right, left)) if other.values or other.unknown or other.is_incomplete
    )


def vector_and(left: Vector, right: Vector, matching: VectorMatching) -> Vector:
    """``and``: the series of the left side that match one of the right."""
    key = matching.labels.of
    there = {key(labels) for labels in right.values}
    values = {labels: value for labels, value in left.values.items() if key(labels) in there}
    if left.is_known and right.is_known:
        return Vector(values)
    maybe = there | {key(labels) for labels in right.unknown}
    candidates = left.unknown.union(left.values).difference(values)
    unknown = frozenset(labels for labels in candidates if right.is_incomplete or key(labels) in maybe)
    return computed(values, *_relevant_sides(left, right), unknown=unknown)


def vector_unless(left: Vector, right: Vector, matching: VectorMatching) -> Vector:
    """``unless``: the series of the left side that match none of the right."""
    key = matching.labels.of
    there = {key(labels) for labels in right.values}
    maybe = {key(labels) for labels in right.unknown}
    rest = {labels: value for labels, value in left.values.items() if key(labels) not in there}
    # A series that is not known could exclude any of the rest.
    if right.is_incomplete:
        unknown = frozenset(rest) | {labels for labels in left.unknown if key(labels) not in there}
        return computed({}, left, *((right,) if rest or left.unknown or left.is_incomplete else ()), unknown=unknown)
    values = {labels: value for labels, value in rest.items() if key(labels) not in maybe}
    unsure = left.unknown.union(rest).difference(values)
    return computed(values, left, unknown=frozenset(labels for labels in unsure if key(labels) not in there))


def vector_or(left: Vector, right: Vector, matching: VectorMatching) -> Vector:
    """``or``: the series of the left side, and those of the right that match none of them."""
    key = matching.labels.of
    there = {key(labels) for labels in left.values}
    added = {labels: value for labels, value in right.values.items() if key(labels) not in there}
    values = {**left.values, **added}
    # A series that is unknown on the left may have a value on the right: then the result has that one.
    unknown = left.unknown.union(labels for labels in right.unknown if key(labels) not in there)
    return computed(values, left, right, unknown=unknown.difference(values))


def vector_default(left: Vector, number: Vector, matching: VectorMatching) -> Vector:
    """``or`` with a number on its right side: what is taken where the left side is known to have no such series. A
    metric that is stale or unseen is not known to have none.
    """
    result = vector_or(left, number, matching)
    if not left.is_incomplete or () in left.values or () not in result.values:
        return result
    values = {labels: value for labels, value in result.values.items() if labels}
    return Vector(values, result.unknown | {()}, result.unavailable)


def negation(vector: Vector) -> Vector:
    """``not``: one series without labels and with the value 1, where no series has a value."""
    if vector.values:
        return Vector()
    if vector.is_known:
        return Vector({(): 1.0})
    # Whether anything remains is not known, so neither is the one series of the result.
    return Vector({}, frozenset({()}), vector.unavailable)


def where(vector: Vector, condition: Vector) -> Vector:
    """The whole vector where a condition holds (a vector of one series without labels, or none)."""
    if condition.values:
        return vector
    if condition.is_known:
        return Vector()
    if not (vector.values or vector.unknown or vector.is_incomplete):
        return Vector()
    return computed({}, vector, condition, unknown=vector.unknown.union(vector.values))


def _shown(labels: Labels) -> str:
    return str(Series("", labels)) or "{}"
