"""An expression, compiled once and evaluated often. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from smithd.expression.operators import is_filter, metrics_missed, operands, supports
from smithd.expression.parser import parse_tree
from smithd.expression.tree import Node
from smithd.expression.vector import NO_METRICS, NoResult, Querier, Vector
from smithd.expression.window import reach
from smithd.locales import IN_ENGLISH, Language
from smithd.plugin.sample import Labels


class MetricReference(NamedTuple):
    """A metric that an expression names, and the column (from 1) where it does."""

    metric: str
    column: int


class Operand(NamedTuple):
    """A part that is compared: its text, and its value now."""

    text: str
    value: Vector


class Support(NamedTuple):
    """A part that a result depends on being there: the metrics that it needs, and its value now."""

    metrics: frozenset[str]
    value: Vector


class OperandValue(NamedTuple):
    """The value of an operand for one series. ``series``: how many of its series agree with the labels of that one;
    ``low``, ``high``: the lowest and highest of their values, None without one. Why there is none: ``problem``, or,
    where that is empty, whether it ``is_known`` that there is none.
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
    metric; ``shortest``: the seconds of its shortest window on one, as written.
    """

    root: Node
    references: tuple[MetricReference, ...] = field(compare=False)
    windows: Mapping[str, float] = field(compare=False)
    shortest: Mapping[str, float] = field(compare=False)

    def __str__(self) -> str:
        return str(self.root)

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics it names."""
        return frozenset(reference.metric for reference in self.references)

    def evaluate(self, querier: Querier) -> Vector:
        """Its value at ``querier.now``; never an error. A number is one series without labels."""
        return _evaluate(self.root, querier)

    @property
    def is_filter(self) -> bool:
        """Whether its series are those that a comparison keeps: it is true for each, though its value may be 0."""
        return is_filter(self.root)

    def operands(self, querier: Querier) -> list[Operand]:
        """The parts that are compared, with their values: a text about the result names them."""
        parts = {str(node): node for node in operands(self.root)}
        return [Operand(text, _evaluate(node, querier)) for text, node in parts.items()]

    @property
    def metrics_missed(self) -> frozenset[str]:
        """The metrics that a result depends on being there; not those that it asks to be absent."""
        return NO_METRICS.union(*map(metrics_missed, supports(self.root)))

    def supports(self, querier: Querier) -> list[Support]:
        """The parts that a result depends on being there, with their values."""
        parts = {str(node): node for node in supports(self.root)}
        return [Support(metrics_missed(node), _evaluate(node, querier)) for node in parts.values()]

    def describe(self, querier: Querier, labels: Labels = ()) -> str:
        """The operands' values for the series with these labels, as a sentence: ``prod.error_rate is 7 and conversion
        is 0.4``.
        """
        return render_operands(values_for(self.operands(querier), labels))


def values_for(operands: Iterable[Operand], labels: Labels) -> tuple[OperandValue, ...]:
    """The values of operands for the series with these labels. For many series the operands are evaluated once."""
    known = dict(labels)
    found = []
    for text, vector in operands:
        if labels in vector.values:
            value = vector.values[labels]
            found.append(OperandValue(text, 1, value, value))
            continue
        # The operand may have other labels than the result, where sides were matched on some of them: its series
        # agree with the result's unless a label has one value here and another there.
        agreeing = [
            value
            for others, value in vector.values.items()
            if all(known.get(name, content) == content for name, content in others)
        ]
        if agreeing:
            found.append(OperandValue(text, len(agreeing), min(agreeing), max(agreeing)))
        else:
            found.append(OperandValue(text, 0, problem=vector.problem, is_known=vector.is_known))
    return tuple(found)


def render_operands(operands: Iterable[OperandValue], language: Language = IN_ENGLISH) -> str:
    """The values of operands as a sentence."""
    phrases = []
    for text, series, low, high, problem, is_known in operands:
        if low is None or high is None:
            what = "series" if is_known and not problem else "value"
            phrases.append(f"{text} has no {what}{f' ({problem})' if problem else ''}")
        elif series == 1:
            phrases.append(f"{text} is {_number(low, language)}")
        else:
            phrases.append(f"{text} has {series} values from {_number(low, language)} to {_number(high, language)}")
    return " and ".join(phrases)


def parse(text: str) -> Expression:
    """An expression from its text; ExpressionError, which points at the column, for any text that is none."""
    root, selectors, windows = parse_tree(text)
    reaches: dict[str, float] = {}
    shortest: dict[str, float] = {}
    for window in windows:
        metric = window.selector.metric
        shortest[metric] = min(shortest.get(metric, window.length.value), window.length.value)
        reaches[metric] = max(reaches.get(metric, 0.0), reach(window.function, window.length.value))
    references = tuple(MetricReference(selector.metric, selector.column) for selector in selectors)
    return Expression(root, references, reaches, shortest)


def _evaluate(node: Node, querier: Querier) -> Vector:
    try:
        return node.evaluate(querier)
    except NoResult as reason:
        return Vector(problem=str(reason))


def _number(value: float, language: Language) -> str:
    """A number with at most six digits that count: a comparison may have turned on them."""
    shown = f"{value:.6g}"
    return language.number(value) if "e" in shown else language.number(value, len(shown.partition(".")[2]))
