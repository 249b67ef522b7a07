"""The options that many commands share."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem

from smithd.config.files import ConfigFiles
from smithd.events import PARTS
from smithd.suggestion import did_you_mean

DEFAULT_CONFIG = Path("smithd.yaml")
"""The default path, in the current folder."""

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "text", "journal", "json")
_SOURCES = "smithd.sources of --log-level"


def config_option(command: CommandT) -> CommandT:
    """``-c FILE`` of a command that talks to the daemon only; handed to the command as ``config`` (a Path).

    Of several files, the first names the daemon.
    """

    @wraps(command)
    def called(*given: Any, config: tuple[Path, ...], **others: Any) -> Any:
        return command(*given, config=_named_once(None, config)[0], **others)

    text = "The daemon's configuration file; of several, the first. Default: smithd.yaml in the current folder."
    return _files_option(text)(cast("CommandT", called))


def config_argument(command: CommandT) -> CommandT:
    """``FILE`` or ``-c FILE`` of a command that talks to the daemon only; handed to it as ``config`` (a Path)."""

    @wraps(command)
    def called(*given: Any, file: Path | None, config: tuple[Path, ...], **others: Any) -> Any:
        return command(*given, config=_named_once(file, config)[0], **others)

    option = _files_option("The same as the argument FILE; of several, the first.")
    return _file_argument(option(cast("CommandT", called)))


def files_option(command: CommandT) -> CommandT:
    """``-c FILE`` and ``--set KEY=VALUE`` of a command that reads the configuration; handed to the command as
    ``config`` (a ConfigFiles).
    """

    @wraps(command)
    def called(*given: Any, config: tuple[Path, ...], settings: tuple[str, ...], **others: Any) -> Any:
        return command(*given, config=ConfigFiles(_named_once(None, config), settings), **others)

    option = _files_option("The configuration file, or one of several. Default: smithd.yaml in the current folder.")
    return option(_set_option(cast("CommandT", called)))


def files_argument(command: CommandT) -> CommandT:
    """``FILE`` or ``-c FILE``, and ``--set KEY=VALUE``, of a command that reads the configuration; handed to the
    command as ``config`` (a ConfigFiles).
    """

    @wraps(command)
    def called(
        *given: Any, file: Path | None, config: tuple[Path, ...], settings: tuple[str, ...], **others: Any
    ) -> Any:
        return command(*given, config=ConfigFiles(_named_once(file, config), settings), **others)

    option = _files_option("The same as the argument FILE; a configuration in several files has one for each.")
    return _file_argument(option(_set_option(cast("CommandT", called))))


def plugins_option(command: CommandT) -> CommandT:
    """``-c FILE`` of a command that needs no configuration; handed to it as ``config`` (a ConfigFiles, or None)."""

    @wraps(command)
    def called(*given: Any, config: tuple[Path, ...], **others: Any) -> Any:
        return command(*given, config=ConfigFiles(config) if config else None, **others)

    return _files_option("Include the plugins of this file, or of several.")(cast("CommandT", called))


def _files_option(text: str) -> Callable[[CommandT], CommandT]:
    path = click.Path(path_type=Path)
    return click.option("-c", "--config", "config", type=path, multiple=True, metavar="FILE", help=text)


def _file_argument(command: CommandT) -> CommandT:
    return click.argument("file", type=click.Path(path_type=Path), required=False)(command)


def _set_option(command: CommandT) -> CommandT:
    text = "An option, as if it stood in the file: --set sources.shop.every=30s. May be given several times."
    return click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=text)(command)


def _named_once(file: Path | None, config: tuple[Path, ...]) -> tuple[Path, ...]:
    if file is not None and config and config != (file,):
        raise click.UsageError("Name the file once: as FILE or with -c FILE. Of several files, each needs its -c.")
    return config or (file or DEFAULT_CONFIG,)


def socket_option(command: CommandT) -> CommandT:
    """``--socket PATH``: the control socket, handed to the command as ``socket`` (a Path, or None)."""
    return click.option(
        "--socket",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The daemon's control socket; default: the one that belongs to the configuration file.",
    )(command)


def format_option(command: CommandT) -> CommandT:
    """``--format text|json``, handed to the command as ``output``."""
    return click.option(
        "--format",
        "output",
        type=click.Choice(("text", "json")),
        default="text",
        show_default=True,
        help="json has everything, with times in the configuration's zone.",
    )(command)


def print_json(found: Any) -> None:
    """Print what a command found, for programs. What must not reach a terminal is escaped, so that no text changes."""
    for line in json.dumps(found, ensure_ascii=False, indent=2).split("\n"):
        click.echo("".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line))


def print_line(line: str) -> None:
    """Print a line for a person. What was polled, or written by hand, may hold control characters, which must not reach
    the terminal.
    """
    click.echo("".join(letter if letter.isprintable() else " " for letter in line))


def ask(config: Path, socket: Path | None, command: str, **arguments: Any) -> Any:
    """Make the running daemon carry out a command; returns its answer. Raises what ``control.ask`` raises."""
    from smithd import control

    return control.ask([socket] if socket is not None else control.places(config), command, arguments)


class _PartLevel(click.ParamType[Any]):
    """``warning``, or ``delivery=debug``: a part, or none for all of them, and a level."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        part, _, level = value.rpartition("=")
        if level.lower() not in _LEVELS:
            hint = did_you_mean(level, _LEVELS) or f"there are: {', '.join(_LEVELS)}"
            self.fail(f"There is no level '{level}'; {hint}", param, ctx)
        if "=" in value and part not in PARTS and not part.startswith("sources."):
            hint = did_you_mean(part, PARTS) or f"there are: {', '.join(PARTS)}, and sources.NAME for one source"
            self.fail(f"The log has no part '{part}'; {hint}", param, ctx)
        return part, level.upper()

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        part, equals, level = incomplete.rpartition("=")
        offered = [part + equals + each for each in _LEVELS if each.startswith(level)]
        offered += [] if equals else [f"{each}=" for each in PARTS if each.startswith(level)]
        return [CompletionItem(each) for each in offered]


def log_level_option(command: CommandT) -> CommandT:
    """``--log-level``: which messages the log ``smithd`` has, and those of its parts."""

    def apply(context: click.Context, _: click.Parameter, levels: Sequence[tuple[str, str]]) -> None:
        named = {part.removeprefix("sources.") for part, _ in levels if part.startswith("sources.")}
        context.meta[_SOURCES] = named
        for part, level in (("", "INFO"), *levels):
            logging.getLogger(f"smithd.{part}" if part else "smithd").setLevel(level)

    return click.option(
        "--log-level",
        type=_PartLevel(),
        multiple=True,
        show_default="info",
        metavar="[PART=]LEVEL",
        expose_value=False,
        is_eager=True,
        callback=apply,
        help=f"The least important messages that are shown: {', '.join(_LEVELS)}. With PART, those of a part: "
        f"{', '.join(PARTS)}, or one source as sources.NAME. May be given several times.",
    )(command)


def log_format_option(command: CommandT) -> CommandT:
    """``--log-format``: how the log is written, handed to the command as ``log_format``."""
    return click.option(
        "--log-format",
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        help="How the log is written; auto: for the journal where stderr is the journal, text elsewhere.",
    )(command)


def refuse_unknown_sources(sources: Collection[str]) -> None:
    """A mistake where ``--log-level`` named a source that the configuration does not have."""
    for name in sorted(click.get_current_context().meta[_SOURCES] - set(sources)):
        hint = did_you_mean(name, sources) or f"there are: {', '.join(sources) or 'none'}"
        raise click.UsageError(f"--log-level: there is no source '{name}'; {hint}")
