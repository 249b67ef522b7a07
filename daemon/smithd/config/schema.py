"""The configuration language as a JSON Schema, for editors: the keys of every room and of every source type.

The schema may be more lenient than ``smithd check`` but never stricter: what check accepts, it accepts too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import CoreSchema, core_schema

from smithd.config.fields import Model
from smithd.config.model import File
from smithd.plugin.options import Options
from smithd.poll.isolation import PluginFault, call_isolated
from smithd.poll.registry import SourceClass
from smithd.poll.schedule import ScheduleOptions

_REFERENCE = {"type": "string", "pattern": r"\$\{(env|file|credential):"}
"""Allowed in the place of every plain value."""


class _Generator(GenerateJsonSchema):
    """Pydantic's, with what our files may have as well: short forms, and references to secrets."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        made = super().generate_inner(schema)
        # Where any text is allowed, a reference is allowed already.
        if not _is_plain(made) or Draft202012Validator(made).is_valid("${env:NAME}"):
            return made
        return {"anyOf": [made, _REFERENCE]}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made, model = super().model_schema(schema), schema["cls"]
        short = model.short_form if issubclass(model, Options) else None
        return made if short is None else {"anyOf": [short, made]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        return {key: value for key, value in made.items() if key != "default" or value is not None}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        # A title would repeat the key, which editors show anyway.
        return False

    def handle_invalid_for_json_schema(self, schema: CoreSchema, error_info: str) -> JsonSchemaValue:  # noqa: ARG002 - pydantic's signature
        # The schema may be more lenient than the check, never stricter.
        return {}


def _is_plain(made: JsonSchemaValue) -> bool:
    """Whether this describes a single value, and all of it: nothing that is defined elsewhere."""
    if "anyOf" in made:
        return all(map(_is_plain, made["anyOf"]))
    kinds = made.get("type", "string" if "const" in made or "enum" in made else "object")
    return {"string", "integer", "number", "boolean", "null"}.issuperset([kinds] if isinstance(kinds, str) else kinds)


def configuration_schema(types: Mapping[str, SourceClass]) -> tuple[dict[str, Any], dict[str, str]]:
    """The language with these types of sources, and why some types cannot be described.

    The schema accepts any options for a source of such a type.
    """
    models: dict[str, Model] = {}
    failed: dict[str, str] = {}
    for name, source_class in types.items():
        try:
            models[name] = call_isolated(partial(_model_of, name, source_class))
        except PluginFault as error:
            failed[name] = str(error).partition("\n")[0]
    refs, definitions = _generated([File, *models.values()])
    root = definitions.pop(refs[0])
    # The value of ``type`` decides which other keys a source may have.
    root["properties"]["sources"]["additionalProperties"] = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": sorted(types), "description": "the kind of source"}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/{ref}"},
            }
            for name, ref in zip(models, refs[1:], strict=True)
        ],
    }
    return {"$schema": GenerateJsonSchema.schema_dialect} | root | {"title": "smithd", "$defs": definitions}, failed


def _model_of(name: str, source_class: SourceClass) -> Model:
    """All keys of a source of this type: its schedule's, and its own."""
    about = inspect.cleandoc(source_class.__doc__ or "").partition("\n")[0] or None
    bases = (source_class.Options, ScheduleOptions)
    model: Model = create_model(f"{name}_source", __base__=bases, __doc__=about)
    # Generated now, although only for the error: a type that cannot be described fails here, without the others.
    _generated([model])
    return model


def _generated(models: list[Model]) -> tuple[list[str], dict[str, Any]]:
    """The names of the models' definitions, and all definitions."""
    refs, made = models_json_schema(
        [(model, "validation") for model in models], by_alias=True, schema_generator=_Generator
    )
    return [refs[model, "validation"]["$ref"].rpartition("/")[2] for model in models], made["$defs"]
