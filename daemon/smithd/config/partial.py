"""Options as far as they are known: for files whose secrets are missing, and to look for more mistakes in a file that
has one. No I/O.

A value that a model refuses takes its field's default. Where the field has none, or the value is an item of a list or
mapping, UNKNOWN takes its place. Unknown keys are ignored, and values are not checked together, since some of
them may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from pydantic_core import CoreSchema, SchemaValidator, core_schema

ModelT = TypeVar("ModelT", bound=BaseModel)


class UnknownValue:
    """The class of UNKNOWN."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = UnknownValue()
"""Takes the place of a value that is not known."""


def validate_known(model: type[ModelT], value: Any, context: Mapping[str, Any]) -> ModelT:
    """The options in a value, by the keys of the file. Raises ValidationError where it is nothing like the model."""
    options: ModelT = _validator(model).validate_python(value, by_alias=True, by_name=False, context=dict(context))
    return options


def is_complete(options: Any) -> bool:
    """Whether options hold no UNKNOWN, at any depth."""
    if isinstance(options, BaseModel):
        return all(is_complete(getattr(options, name)) for name in type(options).model_fields)
    if isinstance(options, Mapping):
        return all(map(is_complete, options.values()))
    if isinstance(options, list | tuple):
        return all(map(is_complete, options))
    return options is not UNKNOWN


_ANY = core_schema.any_schema()


@cache
def _validator(model: type[BaseModel]) -> SchemaValidator:
    model.model_rebuild()
    # Without prebuilt validators: theirs are the strict ones of the models within this one.
    return SchemaValidator(_tolerant(model.__pydantic_core_schema__), _use_prebuilt=False)


def _tolerant(schema: Any) -> Any:
    """The same schema, refusing as little as possible."""
    kind = schema["type"]
    # A check of several values together: some of them may be missing, so it is left out.
    if kind == "function-after" and _is_of_parts(schema["schema"]):
        inner = _tolerant(schema["schema"])
        return {**inner, "ref": schema["ref"]} if "ref" in schema else inner
    made = dict(schema)
    if "schema" in schema:
        made["schema"] = _tolerant(schema["schema"])
    match kind:
        case "model-field":
            made["schema"] = _or_unknown(made["schema"])
        case "model":
            made["config"] = {**schema.get("config", {}), "extra_fields_behavior": "ignore"}
        case "model-fields":
            fields = {name: _tolerant(field) for name, field in schema["fields"].items()}
            made |= {"fields": fields, "extra_behavior": "ignore"}
        case "list":
            made["items_schema"] = _or_unknown(_tolerant(schema.get("items_schema", _ANY)))
        case "dict":
            made |= {"keys_schema": _ANY, "values_schema": _or_unknown(_tolerant(schema.get("values_schema", _ANY)))}
        case "union" | "tagged-union":
            # Pydantic keeps the choices by tag in a mapping, or in a list, where one with a label of its own is a pair.
            choices = schema["choices"]
            made["choices"] = (
                {tag: _tolerant(each) for tag, each in choices.items()}
                if isinstance(choices, dict)
                else [_tolerant(each[0] if isinstance(each, tuple) else each) for each in choices]
            )
        case "definitions":
            made["definitions"] = [_tolerant(each) for each in schema["definitions"]]
    return made


def _or_unknown(schema: Any) -> CoreSchema:
    if schema["type"] == "default":
        return {**schema, "on_error": "default"}
    return core_schema.with_default_schema(schema, default=UNKNOWN, on_error="default")


def _is_of_parts(schema: Any) -> bool:
    """Whether a schema is that of a model, a list or a mapping, with or without validators of its own."""
    while "schema" in schema and schema["type"] != "model":
        schema = schema["schema"]
    return schema["type"] in ("model", "model-fields", "list", "dict")
