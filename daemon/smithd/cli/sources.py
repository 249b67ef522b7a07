"""``smithd sources``: lists the types of sources with their options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click

from smithd.cli.new_source import new
from smithd.cli.options import format_option, plugins_option, print_json
from smithd.config.described import DescribedKey, described_keys
from smithd.config.fields import Model
from smithd.config.files import ConfigFiles
from smithd.config.load import registry_of
from smithd.poll.isolation import PluginFault, call_isolated
from smithd.poll.registry import PluginError, Registry
from smithd.poll.schedule import ScheduleOptions
from smithd.suggestion import did_you_mean


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


class _Type(NamedTuple):
    """A type of sources; ``problem``: why it cannot be shown."""

    name: str
    about: str = ""
    options: Sequence[DescribedKey] = ()
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
    return _Type(name, about, list(described_keys(model)))


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
