"""``smithd reload``: makes the running daemon read its configuration again."""

from __future__ import annotations

from pathlib import Path

import click

from smithd.cli.options import ask, config_argument, format_option, print_json, socket_option
from smithd.errors import ConfigError


@click.command()
@config_argument
@socket_option
@format_option
def reload(config: Path, socket: Path | None, output: str) -> int:
    """Make the running daemon read its configuration again, and print the outcome.

    Everything is checked first: a file with mistakes changes nothing, its mistakes are printed, and the exit status is
    2. Unchanged sources go on as before, and open alerts stay open.
    """
    try:
        done = ask(config, socket, "reload")
    except ConfigError as error:
        if output == "text" or not error.mistakes:
            raise
        from smithd.cli.check import refused

        print_json(refused(config, error))
        return 2
    if output == "json":
        print_json(done)
    else:
        click.echo(done["said"])
    return 0
