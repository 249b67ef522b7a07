"""An expression as an option of the configuration. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from smithd.expression.expression import Expression, parse


def parse_option(given: Any) -> Expression:
    """An expression from its text; ValueError (ExpressionError, which points at a column) for anything else."""
    if isinstance(given, Expression):
        return given
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError("expected an expression like 'prod.error_rate > 5 and shop.orders < 10'")
    return parse(str(given))


_SCHEMA = GetPydanticSchema(lambda _source, _handler: core_schema.no_info_plain_validator_function(parse_option))
ExpressionOption = Annotated[Expression, _SCHEMA, WithJsonSchema({"type": "string"})]
"""An expression, parsed and compiled once."""
