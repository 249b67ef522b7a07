"""The parts with an operator between two sides: calculations, filters, and operations on sets of series. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from smithd.expression import matching
from smithd.expression.arithmetic import CALCULATIONS, COMPARISONS
from smithd.expression.functions import Absent
from smithd.expression.matching import ALL_LABELS, VectorMatching
from smithd.expression.tree import BINDING, Node, Not, Selector, within
from smithd.expression.vector import NO_METRICS, Querier, Vector, each, filtered


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and an operator. ``matching``: which series meet, as the text says it; None: all labels are equal."""

    operator: str
    left: Node
    right: Node
    matching: VectorMatching | None = None
    column: int = field(default=1, compare=False)
    is_number: bool = field(init=False, compare=False, repr=False)
    is_condition: bool = field(init=False, compare=False, repr=False)

    # Kept, and not properties: each would ask all of the tree below. A frozen class refuses plain assignments.
    def __post_init__(self) -> None:
        object.__setattr__(self, "is_number", self.left.is_number and self.right.is_number)
        object.__setattr__(self, "is_condition", False)

    @property
    def binding(self) -> int:
        return BINDING[self.operator]

    def __str__(self) -> str:
        left, right = (self.binding, self.binding + 1)
        # Only ``^`` groups from the right: there the left side is the one that needs brackets.
        if self.operator == "^":
            left, right = right, left
        other = within(self.right, right)
        return " ".join([within(self.left, left), self.operator, *self._modifiers(other), other])

    def _modifiers(self, following: str) -> Iterator[str]:
        if self.matching is None:
            return
        grouping, many = self.matching.labels, self.matching.many
        yield f"{'ignoring' if grouping.without else 'on'} ({', '.join(grouping.labels)})"
        if many:
            yield f"group_{many}"
        # After ``group_left`` a bracket begins its labels, so that before a right side in brackets they may not be left
        # out, even if there are none.
        if many and (self.matching.include or following.startswith("(")):
            yield f"({', '.join(self.matching.include)})"


@dataclass(frozen=True, slots=True)
class Calculation(Binary):
    """A number of two: arithmetic, and comparisons that give 1 or 0 (``bool``)."""

    def _modifiers(self, following: str) -> Iterator[str]:
        if self.operator in COMPARISONS:
            yield "bool"
        yield from Binary._modifiers(self, following)

    def evaluate(self, querier: Querier) -> Vector:
        left, right = self.left.evaluate(querier), self.right.evaluate(querier)
        compute = CALCULATIONS[self.operator]
        # Series are not matched with a number: it has no labels, and is the other side for each of them.
        if self.right.is_number:
            other = right.values[()]
            return each(left, lambda value: compute(value, other))
        if self.left.is_number:
            one = left.values[()]
            return each(right, lambda value: compute(one, value))
        return matching.combine(left, right, compute, self.matching or ALL_LABELS)


@dataclass(frozen=True, slots=True)
class Filter(Binary):
    """A comparison: the series of which it is true remain, with the value of the left side, or of the one metric."""

    def evaluate(self, querier: Querier) -> Vector:
        left, right = self.left.evaluate(querier), self.right.evaluate(querier)
        compare = COMPARISONS[self.operator]
        if self.right.is_number:
            other = right.values[()]
            return filtered(left, lambda value: compare(value, other))
        if self.left.is_number:
            one = left.values[()]
            return filtered(right, lambda value: compare(one, value))
        return matching.combine(
            left, right, lambda value, other: value if compare(value, other) else None, self.matching or ALL_LABELS
        )


@dataclass(frozen=True, slots=True)
class SetOperation(Binary):
    """``and``, ``or``, ``unless``: which series remain. What is made of ``not`` decides about all of them at once."""

    def __post_init__(self) -> None:
        conditions = self.left.is_condition and self.right.is_condition and self.matching is None
        object.__setattr__(self, "is_number", False)
        object.__setattr__(self, "is_condition", conditions)

    def evaluate(self, querier: Querier) -> Vector:
        left, right = self.left.evaluate(querier), self.right.evaluate(querier)
        match self.operator, self.matching:
            case "and", None if self.right.is_condition:
                return matching.where(left, right)
            case "and", None if self.left.is_condition:
                return matching.where(right, left)
            case "and", _:
                return matching.vector_and(left, right, self.matching or ALL_LABELS)
            case "unless", None if self.left.is_condition or self.right.is_condition:
                return matching.where(left, matching.negation(right))
            case "unless", _:
                return matching.vector_unless(left, right, self.matching or ALL_LABELS)
        default = matching.vector_default if self.right.is_number else matching.vector_or
        return default(left, right, self.matching or ALL_LABELS)


def is_filter(node: Node) -> bool:
    """Whether its series are those that a comparison keeps."""
    if not isinstance(node, SetOperation):
        return isinstance(node, Filter)
    if node.operator == "or":
        return is_filter(node.left) and is_filter(node.right)
    # Where one side of ``and`` is about all series at once, the result is the other side's.
    is_right = node.operator == "and" and node.left.is_condition and not node.right.is_condition
    return is_filter(node.right if is_right else node.left)


def operands(node: Node) -> Iterator[Node]:
    """The parts whose values decide: what is compared, and what is asked for as a whole."""
    if isinstance(node, Not):
        yield from operands(node.operand)
    elif isinstance(node, Filter) or (isinstance(node, SetOperation) and not node.right.is_number):
        yield from operands(node.left)
        yield from operands(node.right)
    elif not node.is_number:
        yield node


def supports(node: Node) -> Iterator[Node]:
    """The parts that a result depends on being there: what is compared, or asked for as a whole. What ``not``,
    ``absent`` and the right side of ``unless`` ask for is that something is not there: no result misses it.
    """
    if isinstance(node, SetOperation) and not node.right.is_number:
        yield from supports(node.left)
        if node.operator != "unless":
            yield from supports(node.right)
    elif isinstance(node, Filter):
        yield from (side for side in (node.left, node.right) if metrics_missed(side))
    elif metrics_missed(node):
        yield node


def metrics_missed(node: Node) -> frozenset[str]:
    """The metrics in a part that it depends on being there."""
    if isinstance(node, Selector):
        return frozenset([node.metric])
    if isinstance(node, Not | Absent):
        return NO_METRICS
    is_unless = isinstance(node, SetOperation) and node.operator == "unless"
    names = ("left",) if is_unless else ("left", "right", "operand", "selector")
    parts = (getattr(node, name, None) for name in names)
    return NO_METRICS.union(*(metrics_missed(part) for part in parts if part is not None))
