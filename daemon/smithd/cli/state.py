"""The state, for commands that only look: a copy, so that a daemon is neither disturbed nor waited for."""

from __future__ import annotations

from pathlib import Path

import click


def copied(state: Path, copy: Path) -> Path:
    """A copy of the state, made while a daemon may be writing to it; an unreadable or missing one is an empty copy."""
    from smithd.storage import sqlite

    wrong = sqlite.copy(state, copy)
    if wrong is not None:
        if state.exists():
            click.echo(f"note: the state {state} cannot be read ({wrong}); starting from an empty one", err=True)
        copy.unlink(missing_ok=True)
    return copy
