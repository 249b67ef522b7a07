"""``smithd silence``: suppress notifications for a while, by hand."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from smithd.cli.options import ask, config_option, format_option, print_json, print_line, socket_option
from smithd.cli.times import zone_of
from smithd.formatting import zoned


class Length(click.ParamType[float]):
    """A length of time, in seconds."""

    name = "DURATION"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        # click may hand over a value that was converted already.
        if isinstance(value, float):
            return value
        from smithd.plugin.options import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def silence() -> None:
    """Suppress the notifications of alerts for a while; their rules are evaluated all the same.

    A silence needs a running daemon, survives its restarts, and ends by itself. What still fires then is notified.
    """


@silence.command()
@click.argument("matchers")
@click.argument("duration", type=Length())
@click.option("--comment", default="", help="The reason, shown in the list of silences.")
@click.option("--author", default=None, help="Who silences them; default: your user name.")
@config_option
@socket_option
@format_option
def add(
    matchers: str, duration: float, comment: str, author: str | None, config: Path, socket: Path | None, output: str
) -> None:
    """Silence the alerts that match MATCHERS for a DURATION like 2h.

    \b
    MATCHERS are conditions on an alert's labels, as in Alertmanager; rule and severity are labels too:
      smithd silence add 'rule=error-rate' 2h --comment deploying
      smithd silence add 'instance=~"web.*", severity!=critical' 1d
    """
    if author is None:
        try:
            author = os.environ.get("SUDO_USER") or getpass.getuser()
        except (KeyError, OSError):
            # A user need not have a name: in a container, for instance, it may be only a number.
            author = str(os.getuid())
    made = ask(config, socket, "silence.add", matchers=matchers, seconds=duration, comment=comment, author=author)
    if output == "json":
        print_json(made)
    else:
        click.echo(f"Silence {made['id']} suppresses {made['matchers']} until {_local(made)}.")


@silence.command("list")
@config_option
@socket_option
@format_option
def list_(config: Path, socket: Path | None, output: str) -> None:
    """List the silences that have not ended."""
    found = ask(config, socket, "silence.list")
    if output == "json":
        print_json({"silences": found})
        return
    if not found:
        click.echo("No silences.")
    rows = [("ID", "UNTIL", "MATCHERS", "BY", "COMMENT")]
    rows += [(str(each["id"]), _local(each), each["matchers"], each["author"], each["comment"]) for each in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if found else ():
        print_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@silence.command()
@click.argument("id_", metavar="ID", type=int)
@config_option
@socket_option
@format_option
def expire(id_: int, config: Path, socket: Path | None, output: str) -> None:
    """End the silence ID now; alerts that it suppressed and that still fire are notified."""
    ask(config, socket, "silence.expire", id=id_)
    if output == "json":
        print_json({"ended": id_})
    else:
        click.echo(f"Silence {id_} has ended.")


def _local(made: Mapping[str, Any]) -> str:
    return zoned(datetime.fromisoformat(made["ends_at"]).timestamp(), zone_of(made), "%Y-%m-%d %H:%M")
