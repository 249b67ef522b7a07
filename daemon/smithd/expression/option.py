"""An expression as an option of the configuration. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from smithd.expression.expression import Expression, parse
from smithd.references import ReferenceKind, RefersTo


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
