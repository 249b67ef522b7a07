"""``smithd explain``: why an alert was notified or was not, and what must happen for that to change."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.cli.options import ask, config_option, socket_option
from smithd.cli.state import unreadable
from smithd.cli.times import zone_lines
from smithd.errors import ControlError, NotRunning

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
    """The explanation from the state on disk, where no daemon runs.

    Raises ControlError, which also says ``none``, where no state can be read: an empty one would tell of nothing.
    """
    from smithd import journal
    from smithd.clock import SystemClock
    from smithd.config.load import load_rules
    from smithd.engine.engine import Engine
    from smithd.explain import explain
    from smithd.runtime.state import state_file
    from smithd.setup import set_up
    from smithd.startup import load
    from smithd.storage import sqlite
    from smithd.storage.database import Database

    config, now = load_rules(path), SystemClock().now()
    with tempfile.TemporaryDirectory(prefix="smithd-explain-") as folder:
        state, copy = state_file(config), Path(folder) / "state.db"
        if (reason := sqlite.copy(state, copy)) is not None:
            raise ControlError(
                f"{none}\nAnd {unreadable(state, reason)}. So nothing is known of the alerts of '{rule}'."
            )
        database = Database.open(copy, config.path)
        if database.from_another:
            click.echo(f"note: another configuration file used the state {state} last", err=True)
        try:
            # As at the daemon's start, so that the state fits today's configuration; the result stays in the copy.
            setup = set_up(config, now)
            with database.resuming() as connection:
                engine = Engine(setup, load(connection, setup, database.from_another, now), now)
                entries = journal.read(connection, rule)
            engine.apply(engine.started)
            explanation = explain(engine, entries, rule, labels, now)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        finally:
            database.close()
    cleaned: Explanation = config.redactor.clean_all(explanation)
    return cleaned
