"""``smithd explain``: why an alert was notified or was not, and what must happen for that to change."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.cli.options import ask, config_option, socket_option
from smithd.cli.state import copied
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
    answers; without one, the state on disk does, and the newest samples are not known.
    """
    from smithd.explain import text

    try:
        explanation = ask(config, socket, "explain", rule=rule, labels=" ".join(labels))
    except NotRunning:
        explanation = _from_state(config, rule, " ".join(labels))
    printed = json.dumps(explanation, ensure_ascii=False, indent=2) if as_json else text(explanation)
    for line in printed.split("\n"):
        click.echo("".join(letter if letter.isprintable() else " " for letter in line))


def _from_state(path: Path, rule: str, labels: str) -> Explanation:
    """What the state on disk knows."""
    from smithd.clock import SystemClock
    from smithd.config.load import load_rules
    from smithd.engine import Engine
    from smithd.events import Events
    from smithd.explain import explain
    from smithd.outbox.stored import StoredOutbox
    from smithd.runtime.state import state_file
    from smithd.storage.database import Database

    config, now = load_rules(path), SystemClock().now()
    with tempfile.TemporaryDirectory(prefix="smithd-explain-") as folder:
        database = Database.open(copied(state_file(config), Path(folder) / "state.db"))
        try:
            outbox = StoredOutbox(database)
            engine = Engine(config, database, outbox, Events(), now)
            explanation = explain(engine, outbox, rule, labels, now, config.zone)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        finally:
            database.close()
    cleaned: Explanation = config.redactor.clean_all(explanation)
    return cleaned
