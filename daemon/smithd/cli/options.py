"""The options that many commands share."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

DEFAULT_CONFIG = Path("smithd.yaml")
"""The default path, in the current folder."""

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_LEVELS = ("debug", "info", "warning", "error")


def config_option(command: CommandT) -> CommandT:
    """``-c FILE``: the configuration, handed to the command as ``config`` (a Path)."""
    return click.option(
        "-c",
        "--config",
        "config",
        type=click.Path(path_type=Path),
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help="The configuration file; default: smithd.yaml in the current folder.",
    )(command)


def config_argument(command: CommandT) -> CommandT:
    """``FILE`` or ``-c FILE``: the configuration, handed to the command as ``config`` (a Path)."""

    @wraps(command)
    def called(*given: Any, file: Path | None, config: Path | None, **others: Any) -> Any:
        if file is not None and config is not None and file != config:
            raise click.UsageError("Name the file once: as FILE or with -c FILE.")
        return command(*given, config=file or config or DEFAULT_CONFIG, **others)

    option = click.option(
        "-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="The same as the argument FILE."
    )
    return click.argument("file", type=click.Path(path_type=Path), required=False)(option(cast("CommandT", called)))


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
    """Print what a command found, for programs."""
    for line in json.dumps(found, ensure_ascii=False, indent=2).split("\n"):
        print_line(line)


def print_line(line: str) -> None:
    """Print a line for a person. What was polled, or written by hand, may hold control characters, which must not reach
    the terminal.
    """
    click.echo("".join(letter if letter.isprintable() else " " for letter in line))


def ask(config: Path, socket: Path | None, command: str, **arguments: Any) -> Any:
    """Make the running daemon carry out a command; returns its answer. Raises what ``control.ask`` raises."""
    from smithd import control

    return control.ask([socket] if socket is not None else control.places(config), command, arguments)


def log_level_option(command: CommandT) -> CommandT:
    """``--log-level``: which messages the log ``smithd`` has."""
    return click.option(
        "--log-level",
        type=click.Choice(_LEVELS),
        default="info",
        show_default=True,
        expose_value=False,
        is_eager=True,
        callback=lambda _context, _parameter, level: logging.getLogger("smithd").setLevel(level.upper()),
        help="The least important messages that are shown.",
    )(command)
