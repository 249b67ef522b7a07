"""The keys of an options model in words: what may be written, the default, what it is for. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, SecretStr, WithJsonSchema
from pydantic.fields import FieldInfo

from smithd.config.fields import Model, every_field
from smithd.plugin.options import parse_duration

_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Decimal: "number",
    SecretStr: "secret",
    Any: "anything",
}


_MOST_CHOICES = 12
"""Of more, the description says where they are listed."""


class DescribedKey(NamedTuple):
    """A key, what may be written for it, and what it is for."""

    key: str
    kind: str
    description: str


def described_keys(model: Model) -> Iterator[DescribedKey]:
    """Each key of a model and of those within it, by its path, like ``push.title``."""
    for path, field in every_field(model):
        yield DescribedKey(".".join(path), _summary(field), field.description or "")


def _summary(field: FieldInfo) -> str:
    kind = _kind(field.annotation, field.metadata)
    if field.is_required():
        return f"{kind}, required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or isinstance(default, BaseModel | SecretStr) or default in ({}, [], ()):
        return kind
    shown = _duration(default) if kind == "duration" else str(default).lower() if isinstance(default, bool) else default
    return f"{kind}, default {shown}"


def _kind(annotation: Any, metadata: Any = ()) -> str:
    """What may be written for a type, in words."""
    if any(isinstance(each, BeforeValidator) and each.func is parse_duration for each in metadata):
        return "duration"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0], arguments[1:])
    # A class of its own may be written as a text, which its schema then says.
    if any(_is_text(each) for each in metadata):
        return "text"
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(part) for part in arguments if part is not type(None)))
    if origin is Literal:
        return _choice(arguments)
    if isinstance(origin, type) and arguments:
        return f"{'mapping' if issubclass(origin, dict) else 'list'} of {_kind(arguments[-1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice([each.value for each in annotation])
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _choice(values: Sequence[Any]) -> str:
    return " or ".join(map(str, values)) if len(values) <= _MOST_CHOICES else "text"


def _duration(seconds: float) -> str:
    """In the largest unit of which it is a whole number: 8d, 90m."""
    units = {"d": 86400, "h": 3600, "m": 60}
    fitting = next((unit for unit, size in units.items() if seconds and not seconds % size), "s")
    return f"{seconds / units.get(fitting, 1):g}{fitting}"


def _is_text(marking: Any) -> bool:
    return isinstance(marking, WithJsonSchema) and (marking.json_schema or {}).get("type") == "string"
