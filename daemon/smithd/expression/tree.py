"""The nodes of an expression. Each can be evaluated, and its text parses to the same node again. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from operator import neg
from typing import ClassVar, Protocol

from smithd.expression.arithmetic import COMPARISONS
from smithd.expression.grouping import AGGREGATES, CHOICES, ONE_GROUP, Grouping, aggregate, choose, quantile
from smithd.expression.lexer import quoted
from smithd.expression.matching import negation
from smithd.expression.vector import NO_METRICS, NoResult, Querier, Vector, computed, each
from smithd.expression.window import FUNCTIONS, FUNCTIONS_OF_COUNTERS, predict, reach
from smithd.plugin.sample import Labels

MOST_SERIES = 100_000
"""Series of one metric that an expression takes; with more it has no result."""
MOST_SAMPLES = 1_000_000
"""Remembered samples that one function reads; with more the expression has no result."""

BINDING = {"or": 1, "and": 2, "unless": 2, "not": 3, **dict.fromkeys(COMPARISONS, 4)} | {
    **dict.fromkeys("+-", 5),
    **dict.fromkeys("*/%", 6),
    "unary": 7,
    "^": 8,
}
"""How strongly operators bind their operands."""
CALL = 9
"""How strongly a metric, a number or a function holds together."""


class Node(Protocol):
    """A node of an expression."""

    @property
    def column(self) -> int:
        """Where it begins, or its operator stands."""

    @property
    def binding(self) -> int:
        """How strongly it binds."""

    @property
    def is_number(self) -> bool:
        """Whether it is one number, whatever the metrics are."""

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false for all series at once, as what is made with ``not`` is."""

    def evaluate(self, querier: Querier, /) -> Vector:
        """Its value now. Raises NoResult where it has none with these series."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or a duration in seconds, as it was written."""

    text: str
    value: float
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = True
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        return self.text

    def evaluate(self, _: Querier) -> Vector:
        return Vector({(): self.value})


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """A condition on one label. A label that a series does not have is empty."""

    label: str
    operator: str
    text: str
    matches: Callable[[str], bool] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quoted(self.text)}"

    def selects(self, labels: Labels) -> bool:
        """Whether a series passes."""
        value = next((value for name, value in labels if name == self.label), "")
        return self.matches(value)


@dataclass(frozen=True, slots=True)
class Selector:
    """The series of a metric that pass all matchers."""

    metric: str
    matchers: tuple[LabelMatcher, ...] = ()
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.matchers))
        return f"{self.metric}{{{inner}}}" if inner else self.metric

    def evaluate(self, querier: Querier) -> Vector:
        values = querier.fresh(self.metric)
        if values is None:
            return Vector(unavailable=frozenset({self.metric}))
        if len(values) > MOST_SERIES:
            raise NoResult(f"{self.metric} has more than {MOST_SERIES} series")
        unavailable = frozenset({self.metric}) if querier.is_partial(self.metric) else NO_METRICS
        if not self.matchers:
            return Vector(values, unavailable=unavailable)
        selected = (labels for labels in values if all(matcher.selects(labels) for matcher in self.matchers))
        return Vector({labels: values[labels] for labels in selected}, unavailable=unavailable)


@dataclass(frozen=True, slots=True)
class WindowFunction:
    """A function over what is remembered of each series that is there now. ``ahead``: of ``predict``, how far."""

    function: str
    selector: Selector
    length: Number
    ahead: Number | None = None
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        ahead = f", {self.ahead}" if self.ahead else ""
        return f"{self.function}({self.selector}, {self.length}{ahead})"

    def evaluate(self, querier: Querier) -> Vector:
        found = self.selector.evaluate(querier)
        start = querier.now - self.length.value
        functions = FUNCTIONS_OF_COUNTERS if querier.is_counter(self.selector.metric) else FUNCTIONS
        compute = functions[self.function] if self.ahead is None else partial(predict, ahead=self.ahead.value)
        since = querier.now - reach(self.function, self.length.value)
        values, unknown, read = {}, set(), 0
        for labels in found.values:
            samples = querier.past(self.selector.metric, labels, since)
            read += len(samples)
            if read > MOST_SAMPLES:
                raise NoResult(f"{self} reads more than {MOST_SAMPLES} samples: select series, or a shorter window")
            value = compute(samples, start, querier.now)
            if value is None:
                unknown.add(labels)
            else:
                values[labels] = value
        return computed(values, found, unknown=frozenset(unknown))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Groups of series, each made one value; of ``top`` and ``bottomk``, some of its series. ``parameter``: how many
    series, or which quantile.
    """

    name: str
    operand: Node
    by: Grouping = ONE_GROUP
    parameter: Number | None = None
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        by = f" {'without' if self.by.without else 'by'} ({', '.join(self.by.labels)}) " if self.by != ONE_GROUP else ""
        parameter = f"{self.parameter}, " if self.parameter else ""
        return f"{self.name}{by}({parameter}{self.operand})"

    def evaluate(self, querier: Querier) -> Vector:
        vector = self.operand.evaluate(querier)
        if self.parameter is None:
            return aggregate(AGGREGATES[self.name], vector, self.by)
        if self.name in CHOICES:
            return choose(int(self.parameter.value), CHOICES[self.name], vector, self.by)
        return aggregate(partial(quantile, self.parameter.value), vector, self.by)


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign before a value."""

    sign: str
    operand: Node
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = BINDING["unary"]
    is_condition: ClassVar[bool] = False

    @property
    def is_number(self) -> bool:
        return self.operand.is_number

    def __str__(self) -> str:
        return f"{self.sign}{within(self.operand, self.binding)}"

    def evaluate(self, querier: Querier) -> Vector:
        vector = self.operand.evaluate(querier)
        return each(vector, neg) if self.sign == "-" else vector


@dataclass(frozen=True, slots=True)
class Not:
    """Whether nothing remains."""

    operand: Node
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = BINDING["not"]
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"not {within(self.operand, self.binding)}"

    def evaluate(self, querier: Querier) -> Vector:
        return negation(self.operand.evaluate(querier))


def within(node: Node, binding: int) -> str:
    """A part's text beside an operator, in brackets where it holds together less strongly."""
    return f"({node})" if node.binding < binding else str(node)
