"""The state, for commands that only look: a copy, so that a daemon is neither disturbed nor waited for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click


def copied(state: Path, copy: Path) -> Path:
    """A copy of the state, made while a daemon may be writing to it; an unreadable or missing one is an empty copy."""
    try:
        with (
            closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(copy)) as target,
        ):
            original.backup(target)
    except sqlite3.Error as error:
        if state.exists():
            click.echo(f"note: the state {state} cannot be read ({error}); starting from an empty one", err=True)
        copy.unlink(missing_ok=True)
    return copy
