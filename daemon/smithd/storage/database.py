"""The state: one SQLite file, opened, checked and brought up to date; then one transaction at a time.

One connection is held for the daemon's life and used from the event loop's thread only: a commit costs less than a
hop to another thread would.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from smithd.errors import DatabaseError
from smithd.storage import sqlite
from smithd.storage.migration import bring_up_to_date
from smithd.storage.tables import metadata

__all__ = ["Database", "metadata"]


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
        return cls(path, _lock(path), sqlite.engine(path))._opened()

    @classmethod
    def in_memory(cls) -> Database:
        """A new state that is kept nowhere, for rehearsals: nothing waits for a disk, and ``close`` is its end."""
        path = Path(":memory:")
        return cls(path, None, sqlite.engine(path))._opened()

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
            raise DatabaseError(sqlite.damaged(self.path, f"{type(error).__name__}: {error}")) from error

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
            bring_up_to_date(connection, self.path)

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
            raise DatabaseError(sqlite.explain(self.path, error.orig)) from error


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
