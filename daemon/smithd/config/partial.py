"""Options as far as they are known: for files whose secrets are missing, and to look for more mistakes in a file that
has one. No I/O.

A value that a model refuses takes its field's default. Where the field has none, or the value is an item of a list or
mapping, UNKNOWN takes its place. Unknown keys are ignored, and what a model checks of itself as a whole is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from pydantic_core import CoreSchema, SchemaValidator, core_schema

ModelT = TypeVar("ModelT", bound=BaseModel)


class Unknown:
    """The class of UNKNOWN."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
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


@cache
def _validator(model: type[BaseModel]) -> SchemaValidator:
    model.model_rebuild()
    # Without prebuilt validators: theirs are the strict ones of the models within this one.
    return SchemaValidator(_tolerant(model.__pydantic_core_schema__), _use_prebuilt=False)


def _tolerant(schema: Any) -> Any:
    """The same schema, refusing as little as possible."""
    made = dict(schema)
    kind = schema["type"]
    if kind == "function-after" and _leads_to_model(schema["schema"]):
        return _tolerant(schema["schema"])
    if "schema" in schema:
        made["schema"] = _tolerant(schema["schema"])
    if kind == "model-field":
        made["schema"] = _or_unknown(made["schema"])
    elif kind == "model":
        made["config"] = {**schema.get("config", {}), "extra_fields_behavior": "ignore"}
    elif kind == "model-fields":
        made["fields"] = {name: _tolerant(field) for name, field in schema["fields"].items()}
        made["extra_behavior"] = "ignore"
    elif kind == "list" and "items_schema" in schema:
        made["items_schema"] = _or_unknown(_tolerant(schema["items_schema"]))
    elif kind == "dict":
        made["keys_schema"] = core_schema.any_schema()
        made["values_schema"] = _or_unknown(_tolerant(schema.get("values_schema", core_schema.any_schema())))
    elif kind == "union":
        made["choices"] = [_tolerant(each[0] if isinstance(each, tuple) else each) for each in schema["choices"]]
    elif kind == "tagged-union":
        made["choices"] = {tag: _tolerant(each) for tag, each in schema["choices"].items()}
    elif kind == "definitions":
        made["definitions"] = [_tolerant(each) for each in schema["definitions"]]
    return made


def _or_unknown(schema: Any) -> CoreSchema:
    if schema["type"] == "default":
        return {**schema, "on_error": "default"}
    return core_schema.with_default_schema(schema, default=UNKNOWN, on_error="default")


def _leads_to_model(schema: Any) -> bool:
    while schema["type"] not in ("model", "model-fields", "definition-ref"):
        if "schema" not in schema:
            return False
        schema = schema["schema"]
    return schema["type"] != "definition-ref"
