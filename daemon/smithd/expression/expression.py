"""An expression, compiled once and evaluated often. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from smithd.expression.operators import operands
from smithd.expression.parser import parse_tree
from smithd.expression.tree import Node
from smithd.expression.vector import NoResult, Querier, Vector
from smithd.expression.window import reach
from smithd.plugin.sample import Labels


class MetricReference(NamedTuple):
    """A metric that an expression names, and the column (from 1) where it does."""

    metric: str
    column: int


class Operand(NamedTuple):
    """A part whose value decides: its text, and what it is now."""

    text: str
    value: Vector


class OperandValue(NamedTuple):
    """What an operand was for one series: how many ``series`` of it agree with that series' labels, the lowest and
    the highest of their values (None: there was none), and why there was none: ``problem``, or, where that is empty,
    whether it ``is_known`` that there is none.
    """

    text: str
    series: int
    low: float | None = None
    high: float | None = None
    problem: str = ""
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Expression:
    """``references``: the metrics it names, in the order of its text. ``windows``: how many seconds it looks back at a
    metric. ``is_scalar``: it names none, and is one number for ever.
    """

    root: Node
    references: tuple[MetricReference, ...] = field(compare=False)
    windows: Mapping[str, float] = field(compare=False)

    def __str__(self) -> str:
        return str(self.root)

    @property
    def is_scalar(self) -> bool:
        return self.root.is_number

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics it names."""
        return frozenset(reference.metric for reference in self.references)

    def evaluate(self, querier: Querier) -> Vector:
        """What it is at ``querier.now``; never an error. A scalar is one series without labels."""
        return _evaluated(self.root, querier)

    def operands(self, querier: Querier) -> list[Operand]:
        """The parts that are compared, with their values: what a text about the result can name."""
        parts = {str(node): node for node in operands(self.root)}
        return [Operand(text, _evaluated(node, querier)) for text, node in parts.items()]

    def describe(self, querier: Querier, labels: Labels = ()) -> str:
        """The operands' values for a person, as they are for the series with these labels: ``prod.error_rate is 7 and
        conversion is 0.4``.
        """
        return worded(values_for(self.operands(querier), labels))


def values_for(operands: Iterable[Operand], labels: Labels) -> tuple[OperandValue, ...]:
    """What operands are for the series with these labels; for many series they need be worked out once."""
    return tuple(_value_for(text, vector, labels) for text, vector in operands)


def worded(operands: Iterable[OperandValue]) -> str:
    """The values of operands for a person."""
    return " and ".join(f"{operand.text} {_phrase(operand)}" for operand in operands)


def parse(text: str) -> Expression:
    """An expression from its text; ExpressionError, which points at the column, for any text that is none."""
    root, selectors, windows = parse_tree(text)
    reaches: dict[str, float] = {}
    for window in windows:
        metric = window.selector.metric
        reaches[metric] = max(reaches.get(metric, 0.0), reach(window.function, window.length.value))
    references = tuple(MetricReference(selector.metric, selector.column) for selector in selectors)
    return Expression(root, references, reaches)


def _evaluated(node: Node, querier: Querier) -> Vector:
    try:
        return node.evaluate(querier)
    except NoResult as reason:
        return Vector(problem=str(reason))


def _value_for(text: str, vector: Vector, labels: Labels) -> OperandValue:
    if labels in vector.values:
        value = vector.values[labels]
        return OperandValue(text, 1, value, value)
    akin = [value for other, value in vector.values.items() if _agree(labels, other)]
    if akin:
        return OperandValue(text, len(akin), min(akin), max(akin))
    return OperandValue(text, 0, problem=vector.problem, is_known=vector.is_known)


def _phrase(operand: OperandValue) -> str:
    if operand.low is not None and operand.high is not None:
        if operand.series == 1:
            return f"is {_number(operand.low)}"
        return f"has {operand.series} values from {_number(operand.low)} to {_number(operand.high)}"
    if operand.problem:
        return f"has no value ({operand.problem})"
    return "has no series" if operand.is_known else "has no value"


def _agree(some: Labels, others: Labels) -> bool:
    """Whether no label has two values."""
    known = dict(others)
    return all(known.get(name, value) == value for name, value in some)


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
