"""The types of Live Activities: every module of this package that has one."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

from pydantic import Discriminator, Tag

from smithd.surfaces import activity
from smithd.surfaces.activity.options import ActivityOptions


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


def _tag(given: Any) -> str | None:
    """Which type is meant; with a blank, so that it is not taken for a key on the path of a mistake."""
    name = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
    return f"type {name}" if name in TYPES else None


def _option() -> Any:
    """The annotation of an option that is a Live Activity of any type."""
    # One type alone is no union, and a discriminator is for unions only.
    if len(TYPES) == 1:
        return next(iter(TYPES.values()))
    tagged: list[Any] = [Annotated[options, Tag(f"type {name}")] for name, options in TYPES.items()]
    expected = f"expected a mapping whose 'type' is one of {', '.join(TYPES)}"
    by_type = Discriminator(_tag, custom_error_type="activity_type", custom_error_message=expected)
    return Annotated[reduce(or_, tagged), by_type]


if TYPE_CHECKING:
    ActivityOption: TypeAlias = ActivityOptions
else:
    ActivityOption = _option()
