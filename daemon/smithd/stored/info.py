"""What a state has: where it is, which smithd wrote it, who uses it, and how much of everything is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, null, select

from smithd.outbox import rows as outbox_rows
from smithd.outbox.queued import ServiceAccount
from smithd.series import rows as series_rows
from smithd.storage import lock, owner, sqlite
from smithd.storage.backup import before_upgrades
from smithd.storage.migration import found_version
from smithd.stored.parts import PARTS, StatePart


@dataclass(frozen=True, slots=True)
class Amount:
    """How many rows there are of a part or a metric, and from when to when (seconds since 1970; None: no time)."""

    name: str
    rows: int
    oldest: float | None
    newest: float | None


@dataclass(frozen=True, slots=True)
class StateInfo:
    """``size`` and ``log_size`` in bytes. ``schema``: the version of the tables; ``written_by``: the smithd that used
    it last ("": not recorded). ``daemon_pid``: of the daemon that uses it now. ``written_at``: the last commit.
    """

    path: Path
    size: int
    log_size: int
    schema: str
    written_by: str
    configuration: str
    daemon_pid: int | None
    written_at: float
    accounts: Mapping[str, ServiceAccount]
    parts: list[Amount]
    metrics: list[Amount]
    before_upgrades: list[Path]


def look(path: Path) -> StateInfo:
    """Look at a state, also of an earlier version, or beside a daemon. Raises DatabaseError where it cannot be read."""
    real = path.resolve()
    # Before SQLite opens the file: closing another descriptor of it would drop SQLite's locks.
    pid = lock.daemon_pid(real)
    with sqlite.reading(path) as connection:
        tables = sqlite.tables(connection)
        schema = found_version(connection, path) or "none"
        size, log_size, written_at = sqlite.sizes(real)
        accounts = outbox_rows.accounts(connection) if "accounts" in tables else {}
        return StateInfo(
            path,
            size,
            log_size,
            schema,
            owner.version(connection),
            owner.configuration(connection),
            pid,
            written_at,
            accounts,
            [_amount(connection, name, part) for name, part in PARTS.items() if part.table in tables],
            [Amount(*each) for each in series_rows.amounts(connection)] if "series" in tables else [],
            before_upgrades(real),
        )


def _amount(connection: Connection, name: str, part: StatePart) -> Amount:
    found = sqlite.untyped(connection, part.table)
    # A table of an earlier version may not have it.
    time = found.c.get(part.time or "", null())
    return Amount(
        name, *connection.execute(select(func.count(), func.min(time), func.max(time)).select_from(found)).one()
    )
