"""An expression's parts: each can be evaluated, and writes itself so that it reads back as the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import neg
from typing import Protocol, TypeVar

from smithd.expression import matching
from smithd.expression.arithmetic import ARITHMETIC, COMPARISONS, SETS
from smithd.expression.grouping import TOGETHER, Choice, aggregate, top
from smithd.expression.lexer import quoted
from smithd.expression.matching import ALL, Matching
from smithd.expression.vector import NoResult, Scope, Vector, each, filtered, settled
from smithd.expression.window import FUNCTIONS, reach
from smithd.plugin.sample import Labels

T = TypeVar("T")

MOST_SERIES = 50_000
"""Series of one metric that an expression takes; with more it has no result."""

BINDING = {"or": 1, "and": 2, "unless": 2, "not": 3, **dict.fromkeys(COMPARISONS, 4)} | {
    **dict.fromkeys("+-", 5),
    **dict.fromkeys("*/%", 6),
    "unary": 7,
    "^": 8,
}
"""How strongly operators hold what stands beside them."""
_CALL = 9


class Node(Protocol):
    """A part of an expression. ``column``: where it begins, or its operator stands; ``binding``: how strongly it holds
    together.
    """

    @property
    def column(self) -> int: ...

    @property
    def binding(self) -> int: ...

    def evaluate(self, scope: Scope, /) -> Vector:
        """What it is now; NoResult where it makes no sense."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or a duration in seconds, as it was written."""

    text: str
    value: float
    column: int = field(default=1, compare=False)
    binding: int = field(default=_CALL, init=False, compare=False)

    def __str__(self) -> str:
        return self.text

    def evaluate(self, _: Scope) -> Vector:
        return Vector({(): self.value})


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label; a label that a series has not is empty."""

    label: str
    operator: str
    text: str
    matches: Callable[[str], bool] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quoted(self.text)}"

    def takes(self, labels: Labels) -> bool:
        """Whether a series passes."""
        value = next((value for name, value in labels if name == self.label), "")
        return self.matches(value)


@dataclass(frozen=True, slots=True)
class Selector:
    """The series of a metric that pass all matchers."""

    metric: str
    matchers: tuple[Matcher, ...] = ()
    column: int = field(default=1, compare=False)
    binding: int = field(default=_CALL, init=False, compare=False)

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.matchers))
        return f"{self.metric}{{{inner}}}" if inner else self.metric

    def evaluate(self, scope: Scope) -> Vector:
        values = scope.latest(self.metric)
        if values is None:
            return Vector(missing=frozenset({self.metric}))
        if len(values) > MOST_SERIES:
            raise NoResult(f"{self.metric} has more than {MOST_SERIES} series")
        if not self.matchers:
            return Vector(values)
        return Vector({labels: value for labels, value in values.items() if self._takes(labels)})

    def _takes(self, labels: Labels) -> bool:
        return all(matcher.takes(labels) for matcher in self.matchers)


@dataclass(frozen=True, slots=True)
class Window:
    """A function over what is remembered of each series that is there now."""

    function: str
    selector: Selector
    length: Number
    column: int = field(default=1, compare=False)
    binding: int = field(default=_CALL, init=False, compare=False)

    def __str__(self) -> str:
        return f"{self.function}({self.selector}, {self.length})"

    def evaluate(self, scope: Scope) -> Vector:
        found = self.selector.evaluate(scope)
        compute, start = FUNCTIONS[self.function], scope.now - self.length.value
        since = scope.now - reach(self.function, self.length.value)
        values, unknown = {}, set()
        for labels in found.values:
            value = compute(scope.past(self.selector.metric, labels, since), start, scope.now)
            if value is None:
                unknown.add(labels)
            else:
                values[labels] = value
        return settled(values, found, unknown=frozenset(unknown))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Groups of series, each made one value; of ``top``, the ``count`` highest."""

    name: str
    operand: Node
    by: Choice = TOGETHER
    count: Number | None = None
    column: int = field(default=1, compare=False)
    binding: int = field(default=_CALL, init=False, compare=False)

    def __str__(self) -> str:
        by = f" {'without' if self.by.others else 'by'} ({', '.join(self.by.labels)}) " if self.by != TOGETHER else ""
        count = f"{self.count}, " if self.count else ""
        return f"{self.name}{by}({count}{self.operand})"

    def evaluate(self, scope: Scope) -> Vector:
        vector = self.operand.evaluate(scope)
        if self.count is not None:
            return top(int(self.count.value), vector, self.by)
        return aggregate(self.name, vector, self.by)


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign before a value."""

    sign: str
    operand: Node
    column: int = field(default=1, compare=False)
    binding: int = field(default=BINDING["unary"], init=False, compare=False)

    def __str__(self) -> str:
        return f"{self.sign}{_within(self.operand, self.binding)}"

    def evaluate(self, scope: Scope) -> Vector:
        vector = self.operand.evaluate(scope)
        return each(vector, neg) if self.sign == "-" else vector


@dataclass(frozen=True, slots=True)
class Not:
    """Whether nothing remains."""

    operand: Node
    column: int = field(default=1, compare=False)
    binding: int = field(default=BINDING["not"], init=False, compare=False)

    def __str__(self) -> str:
        return f"not {_within(self.operand, self.binding)}"

    def evaluate(self, scope: Scope) -> Vector:
        return matching.negation(self.operand.evaluate(scope))


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and an operator. ``as_number``: a comparison that gives 1 or 0 (``bool``) instead of filtering."""

    operator: str
    left: Node
    right: Node
    as_number: bool = False
    matching: Matching | None = None
    column: int = field(default=1, compare=False)

    @property
    def binding(self) -> int:
        return BINDING[self.operator]

    def __str__(self) -> str:
        left, right = (self.binding, self.binding + 1)
        if self.operator == "^":
            left, right = right, left
        other = _within(self.right, right)
        return " ".join([_within(self.left, left), self.operator, *self._modifiers(other), other])

    def _modifiers(self, following: str) -> Iterator[str]:
        if self.as_number:
            yield "bool"
        if self.matching is not None:
            choice = self.matching.choice
            yield f"{'ignoring' if choice.others else 'on'} ({', '.join(choice.labels)})"
            if self.matching.many:
                yield f"group_{self.matching.many}"
                if self.matching.taken or following.startswith("("):
                    yield f"({', '.join(self.matching.taken)})"

    def evaluate(self, scope: Scope) -> Vector:
        left, right = self.left.evaluate(scope), self.right.evaluate(scope)
        if self.operator in SETS:
            return self._of_sets(left, right)
        if self.operator in ARITHMETIC:
            return self._paired(left, right, ARITHMETIC[self.operator])
        compare = COMPARISONS[self.operator]
        if self.as_number:
            return self._paired(left, right, lambda one, other: float(compare(one, other)))
        return self._compared(left, right, compare)

    def _paired(self, left: Vector, right: Vector, compute: Callable[[float, float], float]) -> Vector:
        if is_number(self.right):
            return each(left, partial(_flipped, compute, right.values[()]))
        if is_number(self.left):
            return each(right, partial(compute, left.values[()]))
        return matching.combine(left, right, compute, self.matching or ALL)

    def _compared(self, left: Vector, right: Vector, compare: Callable[[float, float], bool]) -> Vector:
        if is_number(self.right):
            return filtered(left, partial(_flipped, compare, right.values[()]))
        if is_number(self.left):
            return filtered(right, partial(compare, left.values[()]))
        return matching.combine(
            left, right, lambda one, other: one if compare(one, other) else None, self.matching or ALL
        )

    def _of_sets(self, left: Vector, right: Vector) -> Vector:
        if self.matching is None and self.operator == "and":
            if is_condition(self.right):
                return matching.under(left, right)
            if is_condition(self.left):
                return matching.under(right, left)
        if self.matching is None and self.operator == "unless" and is_condition(self.right):
            return matching.under(left, matching.negation(right))
        combine = {"and": matching.both, "or": matching.either, "unless": matching.without}[self.operator]
        return combine(left, right, self.matching or ALL)


def is_number(node: Node) -> bool:
    """Whether a part is one number, whatever the metrics are."""
    if isinstance(node, Number):
        return True
    if isinstance(node, Unary):
        return is_number(node.operand)
    return isinstance(node, Binary) and node.operator not in SETS and is_number(node.left) and is_number(node.right)


def is_condition(node: Node) -> bool:
    """Whether a part says yes or no for all series at once: made of ``not``."""
    if isinstance(node, Binary) and node.operator in SETS and node.matching is None:
        return is_condition(node.left) and is_condition(node.right)
    return isinstance(node, Not)


def operands(node: Node) -> Iterator[Node]:
    """The parts whose values decide: what is compared, and what is asked for as a whole."""
    if isinstance(node, Not):
        yield from operands(node.operand)
    elif isinstance(node, Binary) and node.operator not in ARITHMETIC and not node.as_number:
        yield from operands(node.left)
        yield from operands(node.right)
    elif not is_number(node):
        yield node


def _within(node: Node, binding: int) -> str:
    return f"({node})" if node.binding < binding else str(node)


def _flipped(compute: Callable[[float, float], T], right: float, left: float) -> T:
    return compute(left, right)
