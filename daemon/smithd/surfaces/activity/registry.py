"""The types of Live Activities: every module of this package that has one."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model
from pydantic_core import PydanticOmit

from smithd.plugin.options import Options
from smithd.surfaces import activity
from smithd.surfaces.activity.options import ITS_TYPE, ActivityOptions


def _types() -> Iterator[tuple[str, type[ActivityOptions]]]:
    for module in pkgutil.iter_modules(activity.__path__, f"{activity.__name__}."):
        # This module is only half imported at this time.
        if module.name == __name__:
            continue
        for found in vars(import_module(module.name)).values():
            # A module also has the classes that it imports.
            if not isinstance(found, type) or not issubclass(found, ActivityOptions) or found.__module__ != module.name:
                continue
            # What several types share is of no type itself.
            for name in get_args(found.model_fields["type"].annotation):
                yield name, found


TYPES: dict[str, type[ActivityOptions]] = dict(sorted(_types()))
"""The types by their names."""


def _tag(given: Any) -> str:
    """Which type is meant; with a blank, so that it is not taken for a key on the path of a mistake."""
    name = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
    return f"type {name}" if name in TYPES else _NO_TYPE


_NO_TYPE = "no type"


class WithoutSchema:
    """The mark of a branch that JSON Schema leaves out."""

    def __get_pydantic_json_schema__(self, _: Any, __: Any) -> Any:
        raise PydanticOmit


class _AnyKeys(Options):
    """What has no type that there is: whatever its other keys are, the type is its mistake."""

    model_config = ConfigDict(extra="ignore")


def _option() -> Any:
    """The annotation of an option that is a Live Activity of any type."""
    names: Any = Literal[tuple(TYPES)]
    no_type: Any = create_model("NoType", __base__=_AnyKeys, type=(names, Field(description=ITS_TYPE)))
    tagged: list[Any] = [Annotated[options, Tag(f"type {name}")] for name, options in TYPES.items()]
    tagged.append(Annotated[no_type, Tag(_NO_TYPE), WithoutSchema()])
    return Annotated[reduce(or_, tagged), Discriminator(_tag)]


if TYPE_CHECKING:
    ActivityOption: TypeAlias = ActivityOptions
else:
    ActivityOption = _option()
