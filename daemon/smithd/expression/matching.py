"""Two vectors into one: which series meet, as in PromQL. Pure.

Series meet whose labels are equal, or equal in the labels that count (``on``, ``ignoring``). One meets one; where many
shall meet one, ``group_left`` or ``group_right`` says on which side the many are, and the result has their labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from smithd.expression.grouping import Choice
from smithd.expression.vector import NoResult, Vector, settled
from smithd.plugin.sample import Labels, Series

Compute = Callable[[float, float], float | None]
"""The value of two that meet: NaN where it is undefined, None where a comparison lets nothing through."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which labels must be equal, and the side (``left``, ``right`` or neither) that may have many for one; then
    ``taken`` are labels that the result has from the one.
    """

    choice: Choice
    many: str = ""
    taken: tuple[str, ...] = ()

    def result(self, labels: Labels, partner: Labels) -> Labels:
        """The labels of what a series makes with its partner."""
        if not self.many:
            return self.choice.of(labels)
        if not self.taken:
            return labels
        own = (pair for pair in labels if pair[0] not in self.taken)
        return tuple(sorted((*own, *(pair for pair in partner if pair[0] in self.taken))))


ALL = Matching(Choice(others=True))
"""All labels must be equal."""


def combine(left: Vector, right: Vector, compute: Compute, matching: Matching) -> Vector:
    """Each pair of series that meet, computed. What meets a series without value has none itself. NoResult where
    several series stand where one is needed.
    """
    if matching.many == "right":
        mirrored = replace(matching, many="left")
        return combine(right, left, lambda one, many: compute(many, one), mirrored)
    values = _met(left, _one_each(right, matching), compute, matching) if left.values and right.values else {}
    if left.is_known and right.is_known:
        return settled(values)
    unknown = _unknown_pairs(left, right, matching)
    return settled(values, *_open_sides(left, right), unknown=unknown.difference(values))


def _one_each(vector: Vector, matching: Matching) -> dict[Labels, tuple[Labels, float]]:
    partners: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in vector.values.items():
        group = matching.choice.of(labels)
        if group in partners:
            raise NoResult(f"several series have the labels {_shown(group)} where one is needed")
        partners[group] = labels, value
    return partners


def _met(
    left: Vector, partners: Mapping[Labels, tuple[Labels, float]], compute: Compute, matching: Matching
) -> dict[Labels, float]:
    values: dict[Labels, float] = {}
    for labels, value in left.values.items():
        group = matching.choice.of(labels)
        if group not in partners:
            continue
        partner, other = partners[group]
        made = compute(value, other)
        if made is None:
            continue
        name = matching.result(labels, partner)
        if name in values:
            raise NoResult(f"several series have the labels {_shown(name)} where one is needed")
        values[name] = made
    return values


def _unknown_pairs(left: Vector, right: Vector, matching: Matching) -> frozenset[Labels]:
    """The results that are there, or may be, and have no value."""
    key = matching.choice.of
    surely = {key(labels): labels for labels in right.values}
    partners = surely | {key(labels): labels for labels in right.unknown}
    unsure = {key(labels) for labels in right.unknown}
    waiting = [labels for labels in left.unknown if right.is_open or key(labels) in partners]
    waiting += [
        labels for labels in left.values if key(labels) in unsure or (right.is_open and key(labels) not in surely)
    ]
    named = {matching.result(labels, partners.get(key(labels), ())) for labels in waiting}
    if left.is_open and not matching.many:
        named |= partners.keys()
    return frozenset(named)


def _open_sides(left: Vector, right: Vector) -> tuple[Vector, ...]:
    """The sides whose missing metrics matter: none where the other side is known to be empty."""
    return tuple(
        side for side, other in ((left, right), (right, left)) if other.values or other.unknown or other.is_open
    )


def both(left: Vector, right: Vector, matching: Matching) -> Vector:
    """``and``: the series of the left side that meet one of the right."""
    key = matching.choice.of
    there = {key(labels) for labels in right.values}
    values = {labels: value for labels, value in left.values.items() if key(labels) in there}
    if left.is_known and right.is_known:
        return Vector(values)
    maybe = there | {key(labels) for labels in right.unknown}
    candidates = left.unknown.union(left.values).difference(values)
    unknown = frozenset(labels for labels in candidates if right.is_open or key(labels) in maybe)
    return settled(values, *_open_sides(left, right), unknown=unknown)


def without(left: Vector, right: Vector, matching: Matching) -> Vector:
    """``unless``: the series of the left side that meet none of the right."""
    key = matching.choice.of
    there = {key(labels) for labels in right.values}
    maybe = {key(labels) for labels in right.unknown}
    rest = {labels: value for labels, value in left.values.items() if key(labels) not in there}
    if right.is_open:
        unknown = frozenset(rest) | {labels for labels in left.unknown if key(labels) not in there}
        return settled({}, left, *((right,) if rest or left.unknown or left.is_open else ()), unknown=unknown)
    values = {labels: value for labels, value in rest.items() if key(labels) not in maybe}
    unsure = left.unknown.union(rest).difference(values)
    return settled(values, left, unknown=frozenset(labels for labels in unsure if key(labels) not in there))


def either(left: Vector, right: Vector, matching: Matching) -> Vector:
    """``or``: the series of the left side, and those of the right that meet none of them."""
    key = matching.choice.of
    there = {key(labels) for labels in left.values}
    added = {labels: value for labels, value in right.values.items() if key(labels) not in there}
    values = {**left.values, **added}
    unknown = left.unknown.union(labels for labels in right.unknown if key(labels) not in there)
    return settled(values, left, right, unknown=unknown.difference(values))


def negation(vector: Vector) -> Vector:
    """``not``: one series without labels and with the value 1, where nothing remains."""
    if vector.values:
        return Vector()
    if vector.is_known:
        return Vector({(): 1.0})
    return Vector({}, frozenset({()}), vector.missing)


def under(vector: Vector, condition: Vector) -> Vector:
    """The whole vector where a condition holds (a vector of one series without labels, or none)."""
    if condition.values:
        return vector
    if condition.is_known:
        return Vector()
    if not (vector.values or vector.unknown or vector.is_open):
        return Vector()
    return settled({}, vector, condition, unknown=vector.unknown.union(vector.values))


def _shown(labels: Labels) -> str:
    return str(Series("", labels)) or "{}"
