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


class Reference(NamedTuple):
    """A metric that an expression names, and the column (from 1) where it does."""

    metric: str
    column: int


class Operand(NamedTuple):
    """A part whose value decides: its text, and what it is now."""

    text: str
    value: Vector


@dataclass(frozen=True, slots=True)
class Expression:
    """``references``: the metrics it names, in the order of its text. ``windows``: how many seconds it looks back at a
    metric. ``is_scalar``: it names none, and is one number for ever.
    """

    root: Node
    references: tuple[Reference, ...] = field(compare=False)
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
        return told(self.operands(querier), labels)


def told(operands: Iterable[Operand], labels: Labels) -> str:
    """Operands for a person, as ``Expression.describe`` words them; for many series they need be worked out once."""
    return " and ".join(f"{text} {_said(value, labels)}" for text, value in operands)


def parse(text: str) -> Expression:
    """An expression from its text; ExpressionError, which points at the column, for any text that is none."""
    root, selectors, windows = parse_tree(text)
    reaches: dict[str, float] = {}
    for window in windows:
        metric = window.selector.metric
        reaches[metric] = max(reaches.get(metric, 0.0), reach(window.function, window.length.value))
    references = tuple(Reference(selector.metric, selector.column) for selector in selectors)
    return Expression(root, references, reaches)


def _evaluated(node: Node, querier: Querier) -> Vector:
    try:
        return node.evaluate(querier)
    except NoResult as reason:
        return Vector(problem=str(reason))


def _said(vector: Vector, labels: Labels) -> str:
    if labels in vector.values:
        return f"is {_number(vector.values[labels])}"
    akin = [value for other, value in vector.values.items() if _agree(labels, other)]
    if len(akin) == 1:
        return f"is {_number(akin[0])}"
    if akin:
        return f"has {len(akin)} values from {_number(min(akin))} to {_number(max(akin))}"
    if vector.problem:
        return f"has no value ({vector.problem})"
    return "has no series" if vector.is_known else "has no value"


def _agree(some: Labels, others: Labels) -> bool:
    """Whether no label has two values."""
    known = dict(others)
    return all(known.get(name, value) == value for name, value in some)


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
