"""All that only SQLite knows: how it is opened, its statements, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, TableClause, column, create_engine, event, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.compiler import SQLCompiler

from smithd.errors import DatabaseError, TermLost, Unwritable
from smithd.storage.tables import Upsert

_OTHER_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

BUSY_TIMEOUT = 5000
"""Milliseconds to wait for another program that writes into the file, at a start and in commands."""

COMMIT_TIMEOUT = 250
"""The same for the commits of a daemon. While it goes on without them, steps wait for each try to write its memory."""


def other_kind(path: Path) -> str | None:
    """What is at ``path``, where it is no file; None where it is one, or nothing is there. SQLite would wait for the
    other end of a pipe, and heed no signal meanwhile.
    """
    try:
        return _OTHER_KINDS.get(stat.S_IFMT(path.stat().st_mode))
    except OSError:
        return None


def engine(path: Path, *, check: bool = False, read_only: bool = False) -> Engine:
    """An engine with one connection to the file at ``path``; ``check``: look for damage first, through all of it."""
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    made = create_engine("sqlite://", creator=lambda: _connect(path, check, read_only), poolclass=StaticPool)
    # The driver's own idea of when a transaction begins would leave reads outside of it.
    event.listen(made, "begin", lambda connection: connection.exec_driver_sql(begin))
    return made


def _connect(path: Path, check: bool, read_only: bool) -> sqlite3.Connection:
    # Every connection is used by one thread at a time, not always by the one that made it.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000, isolation_level=None, check_same_thread=False)
    try:
        if check:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise damaged(path, found)
        if read_only:
            connection.execute("PRAGMA query_only=1")
        else:
            connection.execute("PRAGMA journal_mode=WAL")
            # With NORMAL, a power cut could undo the last commits in WAL mode, and what they sent would be sent again.
            connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def wait_less(connection: Connection) -> None:
    """Have a connection wait for other programs only as long as the commits of a daemon may."""
    # Past SQLAlchemy, which would begin a transaction first, and wait for them.
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute(f"PRAGMA busy_timeout={COMMIT_TIMEOUT}")


def mark(connection: Connection, number: int) -> None:
    """Write a number (31 bits) into the file's header, where it can be read without SQLite."""
    connection.exec_driver_sql(f"PRAGMA user_version={number}")


def read_mark(descriptor: int) -> int:
    """The number in the header of the file itself; 0 where none was written, or no header is there.

    SQLite would not notice that the file was replaced: it trusts its cache and its log for as long as it is open.
    """
    # user_version is the four bytes at 60 (https://www.sqlite.org/fileformat.html, section 1.3).
    return int.from_bytes(os.pread(descriptor, 4, 60), "big")


def checkpoint(connection: Connection) -> None:
    """Move what was committed from the log into the file, as far as no reader still needs it to stay."""
    # Past SQLAlchemy, which would begin a transaction first: within one, SQLite makes no checkpoint.
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute("PRAGMA wal_checkpoint(PASSIVE)")


LogStamp = tuple[int, int, int]


def log_stamp(path: Path) -> LogStamp | None:
    """Which file the log of the state at ``path`` is, and how it was last written."""
    try:
        found = _log(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def discard_log(path: Path, stamp: LogStamp | None) -> None:
    """Empty the log of a state that was replaced, if it was not written to since this stamp."""
    if stamp is not None and log_stamp(path) == stamp:
        os.truncate(_log(path), 0)


def files(path: Path) -> list[Path]:
    """The files that make up the state at ``path``, whether they are there or not: its own, and those that SQLite keeps
    beside it (https://www.sqlite.org/tempfiles.html).
    """
    return [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm", "-journal")]


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def owner_pid(path: Path) -> int | None:
    """The process that took the state over last, without touching a lock or the log."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            (pid,) = connection.execute("SELECT pid FROM owner").fetchone()
    except (sqlite3.Error, TypeError):
        return None
    return int(pid)


@contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """A connection that reads a file as it is now, in one transaction, beside a daemon too, and cannot write.

    Raises DatabaseError where there is no file, or it cannot be read.
    """
    if (kind := other_kind(path)) is not None:
        raise DatabaseError(f"the state {path} cannot be read: it is {kind}, not a file")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    made = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None), poolclass=StaticPool
    )
    event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with made.connect() as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise explained(path, error.orig) from error
    finally:
        made.dispose()


def sizes(path: Path) -> tuple[int, int, float]:
    """The size of a state and of its log, in bytes, and when the newer of them was written."""
    found = path.stat()
    try:
        log = _log(path).stat()
    except OSError:
        return found.st_size, 0, found.st_mtime
    return found.st_size, log.st_size, max(found.st_mtime, log.st_mtime if log.st_size else 0.0)


def used_size(connection: Connection) -> int:
    """How large the file is, in bytes, once its log is in it."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def vacuum(connection: Connection, path: Path) -> None:
    """Write the file anew, without the space that nothing uses."""
    # Past SQLAlchemy, which would begin a transaction first: within one, SQLite refuses it.
    raw = connection.connection.driver_connection
    assert raw is not None
    try:
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise explained(path, error) from error


def foreign_key_violations(connection: Connection) -> list[str]:
    """The rows that refer to one that is not there, in words."""
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [f"{table}: row {row} refers to a row of {parent} that is not there" for table, row, parent, _ in found]


def look(path: Path, query: str) -> list[tuple[Any, ...]] | None:
    """What a query finds in the file, which is not opened for writing; None where it cannot be run."""
    if other_kind(path) is not None:
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        return None


def empty_log(path: Path) -> bool:
    """Move all that is in the log into the file, so that it can be renamed; False where another program holds it."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000)) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise explained(path, error) from error
    # The last connection to be closed deletes the log: one with content that is left belongs to another program.
    return not busy and not (_log(path).exists() and _log(path).stat().st_size)


def tables(connection: Connection) -> set[str]:
    """The names of the tables that the file has."""
    return set(connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'").scalars())


def columns(connection: Connection, table: str) -> list[str]:
    """The names of the columns of a table, in their order; none where there is no such table."""
    return list(connection.exec_driver_sql("SELECT name FROM pragma_table_info(?)", (table,)).scalars())


def untyped(connection: Connection, name: str) -> TableClause:
    """A table as the file has it, whose values are read and written as they are, whatever they are."""
    return table(name, *map(column, columns(connection, name)))


def schema(connection: Connection) -> dict[str, str]:
    """What made each table and index of the file, in the order of their names."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, name"
    )
    return {name: sql for name, sql in rows if not name.startswith("sqlite_")}


CopyProgress = Callable[[int, int], None]
"""Called with how many pages are still to be copied, and how many there are."""

PAGES_AT_ONCE = 2_000
"""Pages that are copied between two reports of progress: 8 MB."""


def copy(state: Path, target: Path, progress: CopyProgress | None = None) -> str | None:
    """Copy the state as it is now, beside a daemon too; returns what is wrong where it cannot be read, or written."""
    if (kind := other_kind(state)) is not None:
        return f"it is {kind}, not a file"
    try:
        with (
            closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(target)) as made,
        ):
            # A copy in parts would begin anew with each commit of the daemon, but for the transaction that reads.
            original.execute("BEGIN")
            original.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            original.backup(
                made, pages=PAGES_AT_ONCE, progress=progress and (lambda _, left, all_: progress(left, all_))
            )
            # One file, which can be read where nothing can be written.
            made.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        return str(error)
    return None


def damage(path: Path) -> str | None:
    """What is wrong with a file that no process uses, found through all of it; None where it is whole."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            found = [str(text) for (text,) in connection.execute("PRAGMA integrity_check(10)")]
    except sqlite3.Error as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(" ".join(text.split()) for text in found)


_WRITE_REFUSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def explained(path: Path, error: BaseException | None) -> DatabaseError:
    """An error of SQLite's, for a person; Unwritable where it may pass.

    An input or output error may pass too: a quota, a disk on the network. One that does not is found at the next start.
    """
    extended = getattr(error, "sqlite_errorcode", 0)
    # The upper bits only tell kinds of the same error apart.
    code = extended & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or extended == sqlite3.SQLITE_IOERR_CORRUPTFS:
        return damaged(path, str(error))
    if extended == sqlite3.SQLITE_READONLY_DBMOVED:
        return TermLost(f"the state in {path} was moved away, or replaced, while it was in use")
    if code in _WRITE_REFUSED or code == sqlite3.SQLITE_IOERR:
        return Unwritable(f"the state in {path} cannot be written: {error}")
    if code == sqlite3.SQLITE_FULL:
        return Unwritable(f"the state in {path} cannot be written: the disk is full")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unwritable(f"the state in {path} is held by another program")
    return DatabaseError(f"the state in {path} cannot be used: {error}")


def damaged(path: Path, found: str) -> DatabaseError:
    """The error for a file that cannot be read as a state."""
    # SQLite's texts may have several lines.
    found = " ".join(found.split())
    return DatabaseError(
        f"{path} is damaged, or no state of smithd's ({found}): move it away to start afresh "
        "(alerts that are open and messages that wait are lost with it)"
    )


@compiles(Upsert, "sqlite")
def _write_upsert(statement: Upsert, compiler: SQLCompiler, **options: Any) -> str:
    insert = compiler.visit_insert(statement, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's
    columns = list(statement.table.columns)
    keys = [compiler.preparer.format_column(column) for column in columns if column.primary_key]
    others = [compiler.preparer.format_column(column) for column in columns if not column.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f"{insert} ON CONFLICT ({', '.join(keys)}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")
