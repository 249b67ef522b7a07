"""A copy of the state for commands that only read, so that they neither disturb a daemon nor wait for it."""

from __future__ import annotations

from pathlib import Path

import click


def copied(state: Path, copy: Path) -> Path:
    """A copy of the state, made while a daemon may be writing to it; empty if the state is missing or unreadable."""
    from smithd.storage import sqlite

    error = sqlite.copy(state, copy)
    if error is not None:
        if state.exists():
            click.echo(f"note: the state {state} cannot be read ({error}); starting from an empty one", err=True)
        # A copy that failed may have left a part of the state.
        copy.unlink(missing_ok=True)
    return copy
