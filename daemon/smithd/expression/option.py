"""An expression as an option of the configuration. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from smithd.expression.expression import Expression, parse
from smithd.references import Path, ReferenceKind, RefersTo, references


def parse_option(given: Any) -> Expression:
    """An expression from its text; ValueError (ExpressionError, which points at a column) for anything else."""
    if isinstance(given, Expression):
        return given
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError("expected an expression like 'prod.error_rate > 5 and shop.orders < 10'")
    return parse(str(given))


def _metrics_in(given: Any) -> Iterable[tuple[str, int]]:
    try:
        return parse_option(given).references
    except ValueError:
        return ()


_SCHEMA = GetPydanticSchema(lambda _source, _handler: core_schema.no_info_plain_validator_function(parse_option))
ExpressionOption = Annotated[
    Expression, _SCHEMA, WithJsonSchema({"type": "string"}), RefersTo(ReferenceKind.METRIC, _metrics_in)
]
"""An expression, parsed and compiled once."""


_ONE_DOT_LEADER = "\u2024"
"""Looks like a dot. What stands before the first dot of a metric is its source, and an expression has none."""


class InlineMetric(str):
    """A derived metric that is written where its value is used: its expression is its name, too."""

    expression: Expression

    @classmethod
    def of(cls, expression: Expression) -> InlineMetric:
        """The metric of this expression; it is the same one wherever the same expression is written."""
        metric = cls(str(expression).replace(".", _ONE_DOT_LEADER))
        metric.expression = expression
        return metric


def _is_name(expression: Expression) -> bool:
    """Whether an expression is nothing but the name of a metric."""
    return [reference.metric for reference in expression.references] == [str(expression)]


def metric_of(given: str) -> str:
    """The metric that is named, or that an expression makes; ValueError where there is none in it."""
    if isinstance(given, InlineMetric):
        return given
    expression = parse(given)
    if not expression.references:
        raise ValueError("expected source.metric, or an expression with a metric in it")
    return str(expression) if _is_name(expression) else InlineMetric.of(expression)


def metrics_named_in(given: Any) -> Iterable[tuple[str, int | None]]:
    """The metrics that a value names, with their columns where it is an expression."""
    if not isinstance(given, str) or isinstance(given, InlineMetric):
        return [(given, None)] if isinstance(given, str) else []
    try:
        expression = parse(given)
    except ValueError:
        return []
    return [(given, None)] if _is_name(expression) else expression.references


ValueRef = Annotated[str, AfterValidator(metric_of), RefersTo(ReferenceKind.METRIC, metrics_named_in)]
"""An option that says which value is shown: the name of a metric, or an expression, as a derived metric without a name.
"""


def inline_metrics(options: BaseModel, path: Path = ()) -> dict[InlineMetric, Path]:
    """The derived metrics that are written within checked options, each with a place where it is. ``path`` is where the
    options stand.
    """
    named = references(options, path)
    return {each.name: each.path for each in named if isinstance(each.name, InlineMetric)}
