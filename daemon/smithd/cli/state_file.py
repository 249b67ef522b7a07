"""A copy of the state for commands that only read, so that they neither disturb a daemon nor wait for it."""

from __future__ import annotations

import os
from pathlib import Path

import click


def copied(state: Path, copy: Path) -> Path:
    """A copy of the state, made while a daemon may be writing to it; empty if the state is missing or unreadable."""
    from smithd.storage import sqlite

    error = sqlite.copy(state, copy)
    if error is not None:
        if not _is_missing(state):
            click.echo(f"note: {unreadable(state, error)}; starting from an empty one", err=True)
        # A copy that failed may have left a part of the state.
        copy.unlink(missing_ok=True)
    return copy


def unreadable(state: Path, reason: str) -> str:
    """What is wrong with a state that SQLite cannot open, for which it gives this ``reason``: it says little."""
    try:
        # A pipe would be waited for.
        os.close(os.open(state, os.O_RDONLY | os.O_NONBLOCK))
        return f"the state {state} cannot be read: {reason}"
    except FileNotFoundError:
        return f"there is no state {state}"
    except PermissionError:
        return f"the state {state} cannot be read: this user may not open it{_owner(state)}; ask as root (sudo)"
    except OSError as error:
        return f"the state {state} cannot be read: {error.strerror}"


def _is_missing(state: Path) -> bool:
    try:
        os.stat(state)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        # In a folder that is closed to this user there may be one.
        return False
    return False


def _owner(state: Path) -> str:
    """To whom it belongs, or the nearest folder above it that this user can see."""
    for path in (state, *state.parents):
        try:
            return f" ({path} belongs to {path.owner()})"
        except KeyError:
            # A user without a name, as of a service that has ended.
            return f" ({path} belongs to the user {path.stat().st_uid})"
        except OSError:
            continue
    return ""
