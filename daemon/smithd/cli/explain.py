"""``smithd explain``: why an alert was notified or was not, and what must happen for that to change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.cli.at_rest import at_rest
from smithd.cli.options import ask, config_option, socket_option
from smithd.cli.times import zone_lines
from smithd.errors import NotRunning

if TYPE_CHECKING:
    from smithd.explain import Explanation


@click.command()
@click.argument("rule")
@click.argument("labels", nargs=-1)
@config_option
@socket_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(rule: str, labels: tuple[str, ...], config: Path, socket: Path | None, as_json: bool) -> None:
    """Explain a RULE: its alerts, why each was notified or was not, and what must happen for that to change.

    LABELS choose among its alerts, with matchers like instance=web-1 or 'warehouse=~"north.*"'. The running daemon
    answers; without one, the state on disk does, and the newest samples are not known. Where neither can be asked, that
    is said, and the exit status is 1.
    """
    from smithd.explain import text

    try:
        explanation = ask(config, socket, "explain", rule=rule, labels=" ".join(labels))
    except NotRunning as none:
        explanation = _from_state(config, rule, " ".join(labels), none)
    # What was polled may hold control characters, which must not reach the terminal.
    if as_json:
        lines = json.dumps(explanation, ensure_ascii=False, indent=2).split("\n")
    else:
        zone = zone_lines(explanation)
        lines = [*text(explanation).split("\n"), *([""] if zone else []), *zone]
    for line in lines:
        click.echo("".join(letter if letter.isprintable() else " " for letter in line))


def _from_state(path: Path, rule: str, labels: str, none: NotRunning) -> Explanation:
    """The explanation from the state on disk, where no daemon runs."""
    from smithd import journal
    from smithd.explain import explain

    with at_rest(path, none, f"the alerts of '{rule}'") as (config, engine, database, now):
        with database.read_only() as connection:
            entries = journal.read(connection, rule)
        try:
            explanation = explain(engine, entries, rule, labels, now)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        cleaned: Explanation = config.redactor.clean_all(explanation)
    return cleaned
