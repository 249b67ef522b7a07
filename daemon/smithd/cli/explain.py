"""``smithd explain``: why an alert was notified or was not, or why the phone shows what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from smithd.cli.at_rest import at_rest
from smithd.cli.options import ask, files_option, format_option, print_json, print_line, socket_option
from smithd.cli.times import zone_lines
from smithd.config.files import ConfigFiles
from smithd.errors import NotRunning


@click.command()
@click.argument("name")
@click.argument("labels", nargs=-1)
@files_option
@socket_option
@format_option
def explain(name: str, labels: tuple[str, ...], config: ConfigFiles, socket: Path | None, output: str) -> None:
    """Explain a rule, or what the phone shows, by its NAME.

    Of a rule: its alerts, why each was notified or was not, and what must happen for that to change. LABELS choose
    among its alerts, with matchers like instance=web-1 or 'warehouse=~"north.*"'.

    Of a widget or a Live Activity (by its key), or the badge ("badge"): what it shows, what it should, why they differ,
    its score or its rank, and its deliveries.

    A name that means several things is the rule's, then the widget's; rule:NAME, widget:NAME or activity:NAME says
    which is meant. The running daemon answers; without one, the state on disk does, and the newest samples are not
    known. Where neither can be asked, that is said, and the exit status is 1.
    """
    try:
        found = ask(config.first, socket, "explain", name=name, labels=" ".join(labels))
    except NotRunning as none:
        found = _from_state(config, name, " ".join(labels), none)
    if output == "json":
        print_json(found)
        return
    for line in _text(found):
        print_line(line)


def _text(found: Mapping[str, Any]) -> Iterator[str]:
    from smithd import explain, explain_surface

    if found["kind"] == explain_surface.RULE:
        yield from explain.text(dict(found))
    else:
        yield from explain_surface.text(dict(found))
    zone, also = zone_lines(found), [f"The name also means {said}." for said in found["also"]]
    yield from ["", *also, *zone] if also or zone else []


def _from_state(files: ConfigFiles, name: str, labels: str, none: NotRunning) -> Mapping[str, Any]:
    """The explanation from the state on disk, where no daemon runs."""
    from smithd.runtime.explaining import explained, meant, remembered

    with at_rest(files, none, f"'{name}'") as (config, engine, database, now):
        about = meant(engine.setup, name)
        with database.read_only() as connection:
            found = remembered(connection, about, now)
        try:
            said = explained(engine, about, found, labels, None, now)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        cleaned: Mapping[str, Any] = config.redactor.clean_all(said)
    return cleaned
