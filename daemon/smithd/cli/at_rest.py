"""The state on disk, for commands that ask the running daemon, and go on without one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from smithd.cli.progress import progress
from smithd.cli.state_file import unreadable
from smithd.errors import ControlError, NotRunning

if TYPE_CHECKING:
    from smithd.config.files import ConfigFiles
    from smithd.config.model import Config
    from smithd.engine.engine import Engine
    from smithd.storage.database import Database


class AtRest(NamedTuple):
    """What is remembered while no daemon runs, fitted to today's configuration at ``now``; ``database`` is a copy."""

    config: Config
    engine: Engine
    database: Database
    now: float


@contextmanager
def at_rest(files: ConfigFiles, none: NotRunning, about: str) -> Iterator[AtRest]:
    """What the state of a configuration has, as at the daemon's start; whatever that changes stays in a copy.

    Raises ControlError, which also says ``none``, where no state can be read: an empty one would tell of nothing.
    ``about``: of what nothing is known then.
    """
    from smithd.clock import SystemClock
    from smithd.config.load import load_rules
    from smithd.engine.engine import Engine
    from smithd.runtime.state import state_file
    from smithd.setup import set_up
    from smithd.startup import load
    from smithd.storage import sqlite
    from smithd.storage.database import Database

    config, now = load_rules(files), SystemClock().now()
    with tempfile.TemporaryDirectory(prefix="smithd-at-rest-") as folder:
        state, copy = state_file(config), Path(folder) / "state.db"
        if (reason := sqlite.copy(state, copy)) is not None:
            raise ControlError(f"{none}\nAnd {unreadable(state, reason)}. So nothing is known of {about}.")
        with progress("upgrading a copy of the state"):
            database = Database.open(copy, config.path)
        if database.from_another:
            click.echo(f"note: another configuration file used the state {state} last", err=True)
        try:
            setup = set_up(config, now)
            with database.resuming() as connection:
                engine = Engine(setup, load(connection, setup, database.from_another, now), now)
            engine.apply(engine.started)
            yield AtRest(config, engine, database, now)
        finally:
            database.close()
