"""``smithd reload``: have the running daemon read its configuration anew."""

from __future__ import annotations

from pathlib import Path

import click

from smithd.cli.options import ask, config_option, socket_option


@click.command()
@config_option
@socket_option
def reload(config: Path, socket: Path | None) -> None:
    """Have the running daemon read its configuration anew, and say what came of it.

    Everything is checked first: a file with mistakes changes nothing, is shown with its mistakes, and the exit status
    is 2. Sources that are unchanged go on undisturbed, and alerts that are open stay open.
    """
    click.echo(ask(config, socket, "reload"))
