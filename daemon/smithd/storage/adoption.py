"""Takes over the state that earlier versions kept in one default file for all configurations.

The first configuration to which it belongs gets it, renamed, so that it neither forgets its alerts nor sends everything
once more. It belongs to a configuration that has every Live Activity that is on the phone, and at least half of the
widgets and of the rules that have alerts: those that were removed long ago may be in it too. For all others it is left
alone, and so it is where nothing in it says whose it is.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from smithd.errors import Unwritable
from smithd.storage import sqlite
from smithd.storage.lock import StateLock

EARLIER = "smithd.db"
"""The name of that file, in the folder where the default state of each configuration is now."""


class Adoption(StrEnum):
    """What became of the earlier state."""

    NONE = "none"  # there is none, or this configuration has a state already
    ADOPTED = "adopted"
    LEFT_ALONE = "left_alone"


@dataclass(frozen=True, slots=True)
class ConfiguredNames:
    """What a configuration has: the names of its widgets, Live Activities and rules."""

    widgets: Collection[str]
    streams: Collection[str]
    rules: Collection[str]


def adopt(state: Path, ours: ConfiguredNames) -> Adoption:
    """Make the earlier state the one at ``state``, where there is none yet, if it belongs to this configuration.

    Raises DatabaseError where a daemon still uses it: that one is to be stopped first.
    """
    found = outcome(state, ours)
    if found is not Adoption.ADOPTED:
        return found
    earlier = state.with_name(EARLIER)
    lock = StateLock.take(earlier)
    try:
        if not sqlite.empty_log(lock.path):
            raise Unwritable(f"the state in {earlier} is held by another program: it is needed in {state} now")
        earlier.rename(state)
        lock.forget_older()
        # A new name is safe from a power cut only after its folder was written.
        folder = os.open(state.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        lock.release()
    return found


def outcome(state: Path, ours: ConfiguredNames) -> Adoption:
    """What ``adopt`` would do."""
    earlier = state.with_name(EARLIER)
    if os.path.lexists(state) or not earlier.exists() or earlier == state:
        return Adoption.NONE
    shown = sqlite.look(earlier, "SELECT key FROM shown WHERE NOT ended AND kind IN ('metric', 'stream', 'end')")
    alerts = sqlite.look(earlier, "SELECT DISTINCT rule FROM alerts")
    # A file with an owner is of this version: a configuration has named it with ``state``.
    owner = sqlite.look(earlier, "SELECT configuration FROM owner")
    if shown is None or alerts is None or owner is not None:
        return Adoption.LEFT_ALONE

    keys = [str(key).partition(":") for (key,) in shown]
    streams = {name for kind, _, name in keys if kind == "stream"}
    # A widget and a rule may have the same name.
    others = [name in ours.widgets for kind, _, name in keys if kind == "metric"]
    others += [rule in ours.rules for (rule,) in alerts]
    is_ours = streams <= set(ours.streams) and 2 * sum(others) >= len(others) and bool(streams or others)
    return Adoption.ADOPTED if is_ours else Adoption.LEFT_ALONE
