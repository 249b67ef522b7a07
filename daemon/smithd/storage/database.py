"""The state: one SQLite file, opened, locked, checked and brought up to date; then one transaction at a time.

Three walls keep a second daemon off. The lock on the file's inode refuses it at its start. A path that leads to another
file by now, or a header with another mark, shows that the state was replaced while it was in use. The term in the table
``owner``, which each start draws anew, shows that somebody has taken it over all the same. Every transaction looks at
the last two; a daemon that has lost the state writes nothing any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from smithd.errors import TermLost
from smithd.storage import migration, owner, sqlite
from smithd.storage.backup import Upgrade, back_up_before, forget_earlier
from smithd.storage.lock import StateLock


class Database:
    """The open state. ``open`` makes one; ``close`` gives up its lock.

    ``path`` is as it was given. ``from_another``: another configuration used this state before. ``upgrade``: what was
    made of one of an earlier version; None where it is not one.
    """

    def __init__(self, path: Path, lock: StateLock | None) -> None:
        self.path = path
        self.from_another = False
        self.upgrade: Upgrade | None = None
        self._lock = lock
        self._term: str | None = None
        self._is_marked = False
        self._is_lost = False
        self._is_left_open = False
        self._log: sqlite.LogStamp | None = None
        self._held: Connection | None = None
        self._connections: list[Connection] = []

    @classmethod
    def open(cls, path: Path, configuration: Path | None = None) -> Database:
        """Open the state at ``path``, making it and its folder where they are missing, for a configuration file.

        Raises DatabaseError where another smithd uses it, or it is damaged, of a newer version, or not writable.
        """
        return cls(path, StateLock.take(path))._opened(configuration)

    @classmethod
    def in_memory(cls) -> Database:
        """A new state that is kept nowhere, for rehearsals: nothing waits for a disk, and ``close`` is its end."""
        return cls(Path(":memory:"), None)._opened(None)

    def _opened(self, configuration: Path | None) -> Database:
        try:
            with self._explained():
                self._held = self._connect(check=True)
                with self._held.begin():
                    found = migration.found_version(self._held, self.path)
                if self._lock is not None and found not in (None, migration.HEAD):
                    self.upgrade = back_up_before(self._lock.path, found, migration.HEAD)
                # An upgrade and its owner are one transaction: where it ends in the middle, the file is as it was.
                with self._held.begin():
                    if found is None:
                        migration.make(self._held)
                    elif found != migration.HEAD:
                        migration.upgrade(self._held)
                    if self._lock is not None:
                        configuration = configuration and configuration.resolve()
                        self._term, before = owner.take_over(self._held, os.getpid(), configuration)
                        self.from_another = configuration is not None and before not in ("", str(configuration))
                        sqlite.mark(self._held, _mark(self._term))
                # The mark is looked for in the file itself, where a new page arrives with a checkpoint only.
                sqlite.checkpoint(self._held)
            self.check_place()
            if self._lock is not None:
                if self.upgrade is not None:
                    forget_earlier(self._lock.path, self.upgrade)
                self._lock.forget_older()
                self._log = sqlite.log_stamp(self._lock.path)
        except BaseException:
            self.close()
            raise
        return self

    @contextmanager
    def transaction(self, connection: Connection | None = None) -> Iterator[Connection]:
        """A transaction that may write: committed at the end of the block, rolled back where the block raises.

        On the connection that is held for the thread of the event loop, or on another that ``connect`` made. It waits
        only for another program that happens to write, for a few seconds; DatabaseError says what is wrong, TermLost
        that the state is another daemon's by now.
        """
        held = connection or self._held
        assert held is not None, "the state is closed"
        with self._begun(held):
            yield held

    @contextmanager
    def resuming(self) -> Iterator[Connection]:
        """A transaction that takes up what the last run wrote; DatabaseError where that cannot be read."""
        try:
            with self.transaction() as connection:
                yield connection
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise sqlite.damaged(self.path, f"{type(error).__name__}: {error}") from error

    @contextmanager
    def read_only(self) -> Iterator[Connection]:
        """A connection of its own that only reads what was committed last. It neither waits for a commit that runs nor
        holds one up; a long query is run in a thread (``asyncio.to_thread``).
        """
        if self._lock is None:
            with self.transaction() as connection:
                yield connection
            return
        engine = sqlite.engine(self._lock.path, read_only=True)
        try:
            with self._explained(), engine.connect() as connection, connection.begin():
                yield connection
        finally:
            engine.dispose()

    def connect(self) -> Connection:
        """Another connection that writes, for one thread other than the event loop's; ``close`` closes it. It waits for
        another program that writes only for the moment that a commit may take.
        """
        assert self._lock is not None, "a state in memory has one connection"
        with self._explained():
            connection = self._connect()
            sqlite.wait_less(connection)
            return connection

    def check_place(self) -> None:
        """Raises TermLost where the file was replaced; it needs no transaction, so it works on a full disk too."""
        if self._lock is None:
            return
        mark = sqlite.read_mark(self._lock.descriptor)
        # The mark reaches the file with a checkpoint. Until it was seen there, another number says nothing.
        self._is_marked |= self._term is not None and mark == _mark(self._term)
        if self._is_lost or not self._lock.is_in_place() or (self._is_marked and mark != _mark(self._term or "")):
            raise self._lost("it was replaced by another file")

    def size(self) -> int | None:
        """How many bytes its file and its log have; None where that cannot be told, or it is kept nowhere."""
        if self._lock is None:
            return None
        try:
            log = Path(f"{self.path}-wal")
            return self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        except OSError:
            return None

    def reclaim(self) -> None:
        """Write the file anew without the space that nothing uses. Not within a transaction."""
        assert self._held is not None, "the state is closed"
        self.check_place()
        sqlite.vacuum(self._held, self.path)

    def close(self) -> None:
        """Close the file and let go of the lock."""
        if self._is_left_open:
            return
        if self._is_lost and self._lock is not None and self._lock.is_unclaimed():
            # A log that no other process has written to belongs to the file that was here: SQLite would put what is in
            # it into the one that is here now.
            sqlite.discard_log(self._lock.path, self._log)
        for connection in reversed(self._connections):
            connection.close()
            connection.engine.dispose()
        self._connections.clear()
        self._held = None
        # Last, since closing a descriptor of the file drops the locks that SQLite has on it.
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def leave_open(self) -> None:
        """Have ``close`` do nothing: a thread hangs in a commit, and the process's end will close the file."""
        self._is_left_open = True

    def _connect(self, *, check: bool = False) -> Connection:
        path = self._lock.path if self._lock is not None else self.path
        self._connections.append(sqlite.engine(path, check=check).connect())
        return self._connections[-1]

    @contextmanager
    def _begun(self, connection: Connection) -> Iterator[None]:
        self.check_place()
        try:
            with self._explained(), connection.begin():
                # Within the transaction, which has the write lock: the term cannot change before the commit.
                if self._term is not None and owner.current_term(connection) != self._term:
                    raise self._lost("another smithd has taken it over")
                yield
        finally:
            # ``close`` compares: a log that looks different then was written by another program.
            if self._lock is not None and not self._is_lost:
                self._log = sqlite.log_stamp(self._lock.path)

    def _lost(self, how: str) -> TermLost:
        self._is_lost = True
        return TermLost(
            f"the state in {self.path} is not this smithd's any more: {how} while it was in use. This one stops here, "
            "so that nothing is notified twice"
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as a DatabaseError for a person."""
        try:
            yield
        except DBAPIError as error:
            raise sqlite.explained(self.path, error.orig) from error


def _mark(term: str) -> int:
    """The part of a term that fits into the file's header; never 0, which means that there is no mark."""
    return int(term[:7] or "0", 16) + 1
