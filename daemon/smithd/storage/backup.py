"""Copies of the state that are kept: one that a person asks for, and one from before each upgrade."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from smithd.errors import DatabaseError, Unwritable
from smithd.storage import sqlite

_BEFORE = ".before-"
"""Between the name of a state and the version of its tables that an upgrade made."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a start made of a state of an earlier version: the versions of its tables, ``before`` and ``after``.

    ``backup``: the copy of it as it was; None where it could not be made, for this ``reason``.
    """

    before: str
    after: str
    backup: Path | None
    reason: str = ""


def back_up(state: Path, target: Path, progress: sqlite.CopyProgress | None = None) -> None:
    """Write a private copy of the state as it is now, also while a daemon uses it; what ``target`` was is replaced.

    The copy is looked through, and takes its name when all of it is on disk. Raises DatabaseError where it is damaged,
    as the state is then, Unwritable where no file can be written.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if (reason := sqlite.copy(state, part, progress)) is not None:
            raise Unwritable(f"the state {state} cannot be copied to {target}: {reason}")
        if (found := sqlite.damage(part)) is not None:
            raise DatabaseError(f"the copy of {state} is damaged, and so is the state, it seems: {found}")
        part.rename(target)
        # A new name is safe from a power cut only after its folder was written.
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unwritable(f"the state cannot be copied to {target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def back_up_before(state: Path, before: str, after: str) -> Upgrade:
    """Copy a state beside itself before its tables are changed. Where that fails, the upgrade goes on without: it is
    one transaction, and a daemon that does not start notifies nobody.
    """
    target = state.with_name(f"{state.name}{_BEFORE}{after}")
    try:
        back_up(state, target)
    except DatabaseError as error:
        return Upgrade(before, after, None, str(error))
    return Upgrade(before, after, target)


def forget_earlier(state: Path, upgrade: Upgrade) -> None:
    """After an upgrade: the copies that earlier ones made are not needed any more."""
    for each in before_upgrades(state):
        if upgrade.backup is not None and each != upgrade.backup:
            each.unlink(missing_ok=True)


def before_upgrades(state: Path) -> list[Path]:
    """The copies of the state that upgrades have made, the newest last."""
    try:
        found = [each for each in state.parent.iterdir() if each.name.startswith(f"{state.name}{_BEFORE}")]
    except OSError:
        return []
    return sorted(each for each in found if not each.name.endswith(".part"))
