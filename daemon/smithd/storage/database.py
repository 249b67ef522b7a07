"""The state: one SQLite file, opened, checked and brought up to date; then one transaction at a time.

One connection is held for the daemon's life and used from the event loop's thread only: a commit costs less than a
hop to another thread would.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from smithd.errors import DatabaseError

metadata = MetaData()
"""Every table of the state; each is declared by the room that owns it."""

HEAD = "0003"
"""The newest revision in ``migrations/versions``. Revisions are named by number, so that they compare as texts."""

BUSY_TIMEOUT = 5000
"""Milliseconds to wait for another program that looks into the file."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_HEAD_SCHEMA = _MIGRATIONS / "head.sql"
"""What all migrations together make; a test compares the two."""


class Database:
    """The open state file. ``open`` makes one; ``close`` gives up its lock."""

    def __init__(self, path: Path, lock: int | None, engine: Engine) -> None:
        self.path = path
        self._lock = lock
        self._engine = engine
        self._connection: Connection | None = None
        self._after_rollback: list[Callable[[Connection], None]] = []

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the state at ``path``, making it and its folder where they are missing.

        Raises DatabaseError where another smithd uses it, or it is damaged, of a newer version, or not writable.
        """
        return cls(path, _lock(path), _engine(path))._opened()

    @classmethod
    def in_memory(cls) -> Database:
        """A new state that is kept nowhere, for rehearsals: nothing waits for a disk, and ``close`` is its end."""
        path = Path(":memory:")
        return cls(path, None, _engine(path))._opened()

    def _opened(self) -> Database:
        try:
            self._connect()
        except BaseException:
            self.close()
            raise
        return self

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end of the block, rolled back where the block raises.

        It waits for nobody but a program that happens to write, for a few seconds; DatabaseError says what is wrong.
        """
        try:
            with self._begun() as connection:
                yield connection
        except BaseException:
            if self._after_rollback:
                with self._begun() as connection:
                    for undo in self._after_rollback:
                        undo(connection)
            raise

    @contextmanager
    def resuming(self) -> Iterator[Connection]:
        """A transaction that takes up what the last run wrote; DatabaseError where that makes no sense."""
        try:
            with self.transaction() as connection:
                yield connection
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise DatabaseError(_damaged(self.path, f"{type(error).__name__}: {error}")) from error

    def after_rollback(self, undo: Callable[[Connection], None]) -> None:
        """Have ``undo`` called, in a transaction, when one did not come to be: memory was ahead of the disk then."""
        self._after_rollback.append(undo)

    def close(self) -> None:
        """Close the file and let go of the lock."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()
        if self._lock is not None:
            os.close(self._lock)

    def _connect(self) -> None:
        with self._explained():
            self._connection = self._engine.connect()
        with self.transaction() as connection:
            self._migrate(connection)

    def _migrate(self, connection: Connection) -> None:
        version = _version(connection)
        if version == HEAD:
            return
        if version is None and not _tables(connection):
            _build(connection)
            return
        if version is None:
            raise DatabaseError(f"{self.path} belongs to another program: it has tables, but none of smithd's")
        if version is not None and not ("0000" < version < HEAD):
            raise DatabaseError(
                f"{self.path} was written by a newer smithd (its version is {version}, this one knows {HEAD}): "
                "install that one again, or give 'state' another file"
            )
        upgrade(connection)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        assert self._connection is not None, "the state is closed"
        with self._explained(), self._connection.begin():
            yield self._connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as a DatabaseError for a person."""
        try:
            yield
        except DBAPIError as error:
            raise DatabaseError(_explanation(self.path, error.orig)) from error


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Run the migrations that a file has not seen, up to a revision. Only for an old file: alembic takes longer to
    import than all of the state to open.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, to)


def _build(connection: Connection) -> None:
    """Make the tables of a new file as the migrations would have made them, without running them one by one."""
    for statement in _HEAD_SCHEMA.read_text().split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def _engine(path: Path) -> Engine:
    engine = create_engine("sqlite://", creator=lambda: _raw(path), poolclass=StaticPool)
    # The driver's own idea of when a transaction begins would leave reads outside of it.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _raw(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000, isolation_level=None)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise DatabaseError(_damaged(path, found))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _lock(path: Path) -> int:
    """Take the lock beside the file, for as long as the returned descriptor is open; makes the (private) file too."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DatabaseError(f"the state cannot be kept in {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except BlockingIOError as error:
        owner = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise DatabaseError(f"another smithd (pid {owner}) uses {path}") from error
    except OSError as error:
        os.close(lock)
        raise DatabaseError(f"the state cannot be kept in {path}: {error.strerror}") from error
    return lock


def _tables(connection: Connection) -> set[str]:
    return set(connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'").scalars())


def _version(connection: Connection) -> str | None:
    """The revision of the file; None for one that has none yet."""
    if "alembic_version" not in _tables(connection):
        return None
    found: Any = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


_WRITE_REFUSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def _explanation(path: Path, error: BaseException | None) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits only tell kinds of the same error apart
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, str(error))
    if code in _WRITE_REFUSED:
        return f"the state in {path} cannot be written: {error}"
    if code == sqlite3.SQLITE_FULL:
        return f"the state in {path} cannot be written: the disk is full"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"the state in {path} is held by another program"
    return f"the state in {path} cannot be used: {error}"


def _damaged(path: Path, found: str) -> str:
    return (
        f"{path} is damaged, or no state of smithd's ({found}): move it away to start afresh "
        "(alerts that are open and messages that wait are lost with it)"
    )
