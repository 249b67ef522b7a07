"""The metrics, rules, time windows and accounts that options name and that are declared elsewhere in the file. They are
found by walking the options along their annotations: an option that names something only has to be annotated. No I/O.

The walk takes checked options as well as the plain values of a file that has mistakes, so that a mistake in one key
hides no unknown name in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, Field

Path = tuple[str | int, ...]


class ReferenceKind(StrEnum):
    """What is named."""

    METRIC = "metric"
    RULE = "rule"
    TIME_WINDOW = "time window"
    ACCOUNT = "account"
    EVERYTHING = "everything"
    """All rules, and what they look at: a text that says which rules fire names none of them."""


class Reference(NamedTuple):
    """One place that names something: the way to it by the file's keys, what is named, and, where the name stands
    within a text, at which column of it. ``name`` is "" for ``EVERYTHING``. ``is_key``: the name is the last key of
    the path, and not the value there. ``beside``: names that are known there without being declared.
    """

    path: Path
    kind: ReferenceKind
    name: str
    column: int | None = None
    is_key: bool = False
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefersTo:
    """The annotation of an option that names something.

    ``find`` gives the names within a value, with their columns, where the value is no name itself; it is asked about
    plain values, too, and answers with nothing where it cannot read one. ``beside``: names that the option knows by
    itself.
    """

    kind: ReferenceKind
    find: Callable[[Any], Iterable[tuple[str, int | None]]] | None = None
    beside: tuple[str, ...] = ()

    def within(self, value: Any, path: Path) -> Iterator[Reference]:
        """The references that a value has."""
        if self.find is not None:
            for name, column in self.find(value):
                yield Reference(path, self.kind, name, column, beside=self.beside)
        elif isinstance(value, str):
            yield Reference(path, self.kind, value)


MetricRef = Annotated[str, RefersTo(ReferenceKind.METRIC)]
"""An option that names a metric: ``source.metric``, or a derived one."""

RuleRef = Annotated[str, RefersTo(ReferenceKind.RULE)]
"""An option that names a rule."""

TimeWindowRef = Annotated[str, RefersTo(ReferenceKind.TIME_WINDOW)]
"""An option that names a time window."""

AccountRef = Annotated[str, RefersTo(ReferenceKind.ACCOUNT)]
"""An option that names an account."""


def _each_once(names: list[str]) -> list[str]:
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise ValueError(f"'{twice[0]}' is named twice")
    return names


ITS_DEFAULT = "default: that of activitysmith"
"""What an option that names accounts is where it is left out."""

AccountNames = AccountRef | Annotated[list[AccountRef], Field(min_length=1), AfterValidator(_each_once)]
"""An option that names an account, or several."""


def references(options: BaseModel, path: Path = ()) -> Iterator[Reference]:
    """What checked options name, in the order of their fields. ``path`` is where they stand in the file."""
    yield from _walk(type(options), options, path)


def plain_references(model: type[BaseModel], plain: Any, path: Path = ()) -> Iterator[Reference]:
    """What plain values name that should be the options ``model``, mistakes or not.

    A model that may be written short says so with ``short_form_of``: the key whose value then stands for all of it.
    """
    yield from _walk(model, plain, path)


def _walk(annotation: Any, value: Any, path: Path) -> Iterator[Reference]:
    if value is None or not _names_something(annotation):
        return
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        if (refers := _mark(arguments[1:])) is not None:
            yield from refers.within(value, path)
        else:
            yield from _walk(arguments[0], value, path)
    elif get_origin(annotation) in (Union, UnionType):
        # Two parts of a union may find the same name; it is one reference.
        found = (each for part in _fitting(arguments, value) for each in _walk(part, value, path))
        yield from dict.fromkeys(found)
    elif _is_model(annotation):
        yield from _walk_model(annotation, value, path)
    elif _is_mapping(annotation):
        for name, item in value.items() if isinstance(value, Mapping) else ():
            yield from (each._replace(is_key=True) for each in _walk(arguments[0], name, (*path, name)))
            yield from _walk(arguments[-1], item, (*path, name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _walk(arguments[0], item, (*path, index))


def _walk_model(model: type[BaseModel], value: Any, path: Path) -> Iterator[Reference]:
    short = getattr(model, "short_form_of", None)
    for name, key, annotation in _fields(model):
        if isinstance(value, model):
            given = getattr(value, name)
        elif isinstance(value, Mapping):
            given = value.get(key)
        else:
            # Written short, the value stands for one key.
            if key == short:
                yield from _walk(annotation, value, path)
            continue
        # Of the keys that may name something, most are not there.
        if given is not None:
            yield from _walk(annotation, given, (*path, key))


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, Any], ...]:
    """The fields of a model that name something, or hold what does: attribute, key in the file, and annotation."""
    found = []
    for name, field in model.model_fields.items():
        # pydantic takes the marks of a whole field off its annotation.
        refers = _mark(field.metadata)
        annotation: Any = Annotated[field.annotation, refers] if refers is not None else field.annotation
        if _names_something(annotation):
            found.append((name, field.alias or name, annotation))
    return tuple(found)


@cache
def _names_something(annotation: Any) -> bool:
    """Whether a value with this annotation can name something. A model may contain itself."""
    waiting, seen = [annotation], set[Any]()
    while waiting:
        each = waiting.pop()
        # The arguments of a Literal are values, and no annotations.
        if each in seen or get_origin(each) is Literal:
            continue
        seen.add(each)
        fields = each.model_fields.values() if _is_model(each) else ()
        marks = [mark for field in fields for mark in field.metadata]
        if _mark([*marks, *(get_args(each)[1:] if get_origin(each) is Annotated else ())]) is not None:
            return True
        waiting += [*(field.annotation for field in fields), *get_args(each)]
    return False


def _fitting(parts: Sequence[Any], value: Any) -> Sequence[Any]:
    """The parts of a union that a value is meant for, by the tags of plain values; all of them where no tag fits."""
    models = [part for part in parts if _is_model(part)]
    meant = [part for part in models if isinstance(value, part) or _has_tags_of(part, value)]
    return [part for part in parts if part not in models or part in meant] if meant else parts


def _has_tags_of(model: type[BaseModel], value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    annotations = {key: field.annotation for key, field in model.model_fields.items()}
    # A Literal of one value is a tag: it says which model is meant.
    tags = {key: get_args(each) for key, each in annotations.items() if get_origin(each) is Literal}
    return all(value.get(key) in values for key, values in tags.items() if len(values) == 1)


def _mark(marks: Iterable[Any]) -> RefersTo | None:
    return next((mark for mark in marks if isinstance(mark, RefersTo)), None)


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
