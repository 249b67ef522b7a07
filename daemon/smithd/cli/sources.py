"""``smithd sources``: lists the types of sources with their options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import click
from pydantic import BaseModel, BeforeValidator, SecretStr, WithJsonSchema
from pydantic.fields import FieldInfo

from smithd.cli.new_source import new
from smithd.cli.options import format_option, plugins_option, print_json
from smithd.config.fields import Model, every_field
from smithd.config.files import ConfigFiles
from smithd.config.load import registry_of
from smithd.plugin.options import parse_duration
from smithd.poll.isolation import PluginFault, call_isolated
from smithd.poll.registry import PluginError, Registry
from smithd.poll.schedule import ScheduleOptions
from smithd.suggestion import did_you_mean

_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Decimal: "number",
    SecretStr: "secret",
    Any: "anything",
}


class _Sources(click.Group):
    """Lists, unless another command is named: ``smithd sources prometheus`` is ``smithd sources list prometheus``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_command = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_command else ["list", *args])


@click.group(cls=_Sources, subcommand_metavar="[TYPE]... | new NAME")
def sources() -> None:
    """List the types of sources with their options, or create your own.

    \b
    smithd sources                   all types
    smithd sources prometheus        only this one
    smithd sources -c FILE           also the plugins of this file
    smithd sources new NAME          create a package with a source of this type
    """


sources.add_command(new)


@sources.command("list")
@click.argument("types", metavar="[TYPE]...", nargs=-1)
@plugins_option
@format_option
def list_types(types: tuple[str, ...], config: ConfigFiles | None, output: str) -> None:
    """List the types of sources with their options, or only those named."""
    registry = registry_of(config) if config is not None else Registry()
    known = registry.names()
    if unknown := [name for name in types if name not in known]:
        hint = did_you_mean(unknown[0], known) or f"known: {', '.join(known)}"
        raise click.UsageError(f"There is no source type '{unknown[0]}'; {hint}")
    # One that cannot be shown does not hide those after it.
    found = [_described("every source", "", ScheduleOptions), *(_found(registry, name) for name in types or known)]
    if output == "json":
        every, *others = found
        options = [option._asdict() for option in every.options]
        print_json({"every_source": options, "types": [_as_json(each) for each in others]})
    else:
        _print(found)
    if any(each.problem for each in found):
        raise click.exceptions.Exit(1)


class _Option(NamedTuple):
    """A key, what may be written for it, and what it is for."""

    key: str
    kind: str
    description: str


class _Type(NamedTuple):
    """A type of sources; ``problem``: why it cannot be shown."""

    name: str
    about: str = ""
    options: Sequence[_Option] = ()
    problem: str = ""


def _found(registry: Registry, name: str) -> _Type:
    try:
        source = registry.find(name)
    except PluginError as error:
        return _Type(name, problem=str(error))
    try:
        # Defaults and types are a plugin's own code, and may raise anything.
        return call_isolated(lambda: _described(name, source.__doc__ or "", source.Options))
    except PluginFault as error:
        return _Type(name, problem=f"the options of source type '{name}' cannot be shown: {error}")


def _described(name: str, docstring: str, model: Model) -> _Type:
    about = inspect.cleandoc(docstring).partition("\n")[0]
    fields = every_field(model)
    options = [_Option(".".join(path), _summary(field), field.description or "") for path, field in fields]
    return _Type(name, about, options)


def _as_json(found: _Type) -> dict[str, Any]:
    return found._asdict() | {"options": [option._asdict() for option in found.options]}


def _print(found: Sequence[_Type]) -> None:
    for place, each in enumerate(found):
        if each.problem:
            click.echo(f"\n{each.problem}", err=True)
        else:
            click.echo(("\n" if place else "") + "\n".join(_table(each)))


def _table(found: _Type) -> Iterator[str]:
    yield f"{found.name}: {found.about}" if found.about else f"{found.name}:"
    keys, kinds = (max((len(option[column]) for option in found.options), default=0) for column in (0, 1))
    for key, kind, description in found.options:
        yield f"  {key:<{keys}}  {kind:<{kinds}}  {description}".rstrip()


def _summary(field: FieldInfo) -> str:
    kind = _kind(field.annotation, field.metadata)
    if field.is_required():
        return f"{kind}, required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or isinstance(default, BaseModel | SecretStr) or default in ({}, [], ()):
        return kind
    shown = f"{default:g}s" if kind == "duration" else str(default).lower() if isinstance(default, bool) else default
    return f"{kind}, default {shown}"


def _kind(annotation: Any, metadata: Any = ()) -> str:
    """What may be written for a type, in words."""
    if any(isinstance(each, BeforeValidator) and each.func is parse_duration for each in metadata):
        return "duration"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(part) for part in arguments if part is not type(None)))
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if isinstance(origin, type) and arguments:
        return f"{'mapping' if issubclass(origin, dict) else 'list'} of {_kind(arguments[-1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(str(each.value) for each in annotation)
    # A class of its own may be written as a text, which its schema then says.
    if annotation not in _WORDS and any(_is_text(each) for each in metadata):
        return "text"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _is_text(marking: Any) -> bool:
    return isinstance(marking, WithJsonSchema) and (marking.json_schema or {}).get("type") == "string"
