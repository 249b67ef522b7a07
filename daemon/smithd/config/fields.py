"""What the options models know: the keys at a place, what each is for, and where a key belongs. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, SecretStr, Tag
from pydantic.fields import FieldInfo

from smithd.config.yaml.positions import Step
from smithd.plugin.options import beside_the_configuration, parse_duration

Model = type[BaseModel]


def keys(model: Model) -> dict[str, FieldInfo]:
    """A model's fields by the names they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


@cache
def names(model: Model) -> frozenset[str]:
    """The names of a model's fields in the file."""
    return frozenset(keys(model))


def known_keys(model: Model, path: Sequence[Step], tags: Collection[str] = ()) -> dict[str, FieldInfo]:
    """The keys that the mapping at the end of a path may have. ``tags``: those of the branches that were meant, of
    the unions on the path; where a union has none of them, all of its branches count.
    """
    found = (kind for kind in _types_at(model, path, tags) if _is_model(kind))
    return {key: field for kind in found for key, field in keys(kind).items()}


def nearest_field(model: Model, path: Sequence[Step]) -> tuple[str, FieldInfo] | None:
    """The last key on a path that the models describe."""
    for end in range(len(path), 0, -1):
        step = path[end - 1]
        if isinstance(step, str) and (field := known_keys(model, path[: end - 1]).get(step)) is not None:
            return step, field
    return None


def wants(model: Model, path: Sequence[Step]) -> set[Any]:
    """The plain types that a value at the end of a path may have; empty where the models do not say."""
    return {kind for kind in _types_at(model, path) if isinstance(kind, type)}


def by_attribute(model: Model) -> dict[str, tuple[str, FieldInfo]]:
    """A model's fields by their attributes, each with its name in the file."""
    return {name: (field.alias or name, field) for name, field in model.model_fields.items()}


def is_duration(field: FieldInfo) -> bool:
    """Whether a field's numbers are seconds, which a file says as ``30s``."""
    return _is_checked_by(parse_duration, field.metadata, field.annotation)


def is_file(field: FieldInfo) -> bool:
    """Whether a field is the path of a file, from the configuration's folder."""
    return _is_checked_by(beside_the_configuration, field.metadata, field.annotation)


def _is_checked_by(function: Any, marks: Sequence[Any], annotation: Any) -> bool:
    """Whether a validator calls this function, on all of a value or on a part of it."""
    if any(isinstance(mark, BeforeValidator | AfterValidator) and mark.func is function for mark in marks):
        return True
    if get_origin(annotation) is Annotated:
        marks, annotation = get_args(annotation)[1:], get_args(annotation)[0]
        return _is_checked_by(function, marks, annotation)
    return any(_is_checked_by(function, (), part) for part in get_args(annotation) if get_origin(part) is not None)


@cache
def sections(model: Model) -> frozenset[str]:
    """The keys below which the user chooses the names, as for sources."""
    return frozenset(key for key, field in keys(model).items() if any(map(_is_mapping, _leaves(field.annotation))))


@cache
def secret_keys(model: Model) -> frozenset[str]:
    """The keys, at any depth, whose values are secrets."""
    return frozenset(path[-1] for path, field in every_field(model) if SecretStr in _leaves(field.annotation))


@cache
def fields_with_secrets(model: Model) -> tuple[str, ...]:
    """The attributes of a model that are secrets, or have some in them."""
    with_secrets = {path[0] for path, field in every_field(model) if SecretStr in _held(field.annotation)}
    return tuple(name for name, field in model.model_fields.items() if (field.alias or name) in with_secrets)


def is_secret(field: FieldInfo) -> bool:
    """Whether a field is a secret itself."""
    return SecretStr in _leaves(field.annotation)


def is_text(field: FieldInfo) -> bool:
    """Whether a field takes a text as it is: it is neither a number nor true or false, nor has parts."""
    plain = (get_origin(leaf) or leaf for leaf in _leaves(field.annotation))
    return not any(kind in (bool, int, float, Decimal, list, tuple, dict) or _is_model(kind) for kind in plain)


def every_field(
    model: Model, path: tuple[str, ...] = (), above: tuple[Model, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Each field of a model and of those within it, with its path; names that the user chooses are ``<name>``."""
    for key, field in keys(model).items():
        yield (*path, key), field
        for steps, inner in _models_within(field.annotation):
            # Options may contain themselves, and the walk would never end.
            if inner not in (*above, model):
                yield from every_field(inner, (*path, key, *steps), (*above, model))


def _models_within(annotation: Any) -> Iterator[tuple[tuple[str, ...], Model]]:
    for kind in _leaves(annotation):
        if _is_model(kind):
            yield (), kind
        elif (items := _items(kind)) is not None:
            name = ("<name>",) if _is_mapping(kind) else ()
            yield from (((*name, *steps), inner) for steps, inner in _models_within(items))


def _types_at(model: Model, path: Sequence[Step], tags: Collection[str] = ()) -> list[Any]:
    """The types that a value at the end of a path may have, by its model's annotations."""
    here: list[Any] = [model]
    for step in path:
        below: list[Any] = []
        for kind in here:
            if _is_model(kind):
                if isinstance(step, str) and (field := keys(kind).get(step)) is not None:
                    below += _leaves(field.annotation, tags)
            # A key leads into a mapping, a number into a list.
            elif (items := _items(kind)) is not None and isinstance(step, str) == _is_mapping(kind):
                below += _leaves(items, tags)
        here = below
    return here


def _leaves(annotation: Any, tags: Collection[str] = ()) -> Iterator[Any]:
    """The types that an annotation stands for, one by one; of a union with one of these tags, that branch."""
    if get_origin(annotation) is Annotated:
        yield from _leaves(get_args(annotation)[0], tags)
    elif get_origin(annotation) in (Union, UnionType):
        parts = get_args(annotation)
        for part in [part for part in parts if _tag_of(part) in tags] or parts:
            yield from _leaves(part, tags)
    else:
        yield annotation


def _tag_of(part: Any) -> str | None:
    """The tag of a branch of a union."""
    marks = get_args(part)[1:] if get_origin(part) is Annotated else ()
    return next((mark.tag for mark in marks if isinstance(mark, Tag)), None)


def _items(kind: Any) -> Any:
    """What a list or mapping holds; None for what is neither."""
    # The dots are those of tuple[X, ...]. The last argument of a mapping is the type of its values.
    arguments = [argument for argument in get_args(kind) if argument is not ...]
    origin = get_origin(kind)
    if not isinstance(origin, type) or not arguments or not issubclass(origin, Sequence | Mapping | set | frozenset):
        return None
    return arguments[-1]


def _held(annotation: Any) -> Iterator[Any]:
    """The types that an annotation stands for, and those of what it holds."""
    for kind in _leaves(annotation):
        yield kind
        if (items := _items(kind)) is not None:
            yield from _held(items)


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


class Places:
    """Where each key of the language belongs."""

    def __init__(self, roots: Mapping[tuple[str, ...], Model]) -> None:
        self._roots = roots

    @cached_property
    def _places(self) -> dict[str, list[str]]:
        places: dict[str, list[str]] = {}
        for prefix, model in self._roots.items():
            for path, _ in every_field(model, prefix):
                place = ".".join(path[:-1]) or "the file's first level"
                places.setdefault(path[-1], []).append(place)
        return places

    @property
    def keys(self) -> Collection[str]:
        """All keys."""
        return self._places.keys()

    def of(self, key: str) -> list[str]:
        """The places of a key, as in ``rules.<name>.push``; none for an unknown one."""
        return list(dict.fromkeys(self._places.get(key, ())))
