"""The lock of a state file: ``flock`` on its own inode, so that one daemon uses it, whatever path it was given.

A file with a second name (a hard link) is refused even where no daemon has it: SQLite keeps the log of a file under the
name by which it was opened. What a crash left in the log of one name is not seen by the other, and would later be put
over what that one has written (https://www.sqlite.org/howtocorrupt.html, section 2.5).

POSIX drops all of SQLite's own locks on a file when the process closes *any* descriptor of it. So the descriptor here
is opened before SQLite opens the file and closed after SQLite has closed it, and while this process has the file
locked, a second attempt in the same process is refused before it opens anything.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from smithd.errors import DatabaseError
from smithd.storage import sqlite

Inode = tuple[int, int]

_held: set[Inode] = set()
"""The files that this process has locked."""


class StateLock:
    """A state file that this process has locked, until ``release``. ``path`` is without symbolic links."""

    def __init__(self, path: Path, descriptor: int, older: int | None) -> None:
        self.path = path
        self.descriptor = descriptor
        self._older = older
        self._inode = _inode(os.fstat(descriptor))
        _held.add(self._inode)

    @classmethod
    def take(cls, path: Path) -> StateLock:
        """Lock the state at ``path``, making an empty private file, and its folder, where there is none.

        Raises DatabaseError where another smithd has it, or no file can be there.
        """
        real = path.resolve()
        # Before it is opened: a device may act on that.
        if (kind := sqlite.other_kind(real)) is not None:
            raise DatabaseError(f"the state cannot be kept in {path}: it is {kind}, and 'state' names a file")
        try:
            real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            older = _take_older(path, real)
            try:
                return cls(real, _take(path, real), older)
            except BaseException:
                if older is not None:
                    os.close(older)
                raise
        except OSError as error:
            raise DatabaseError(f"the state cannot be kept in {path}: {error.strerror}") from error

    def is_in_place(self) -> bool:
        """Whether the path still leads to this file: somebody may have put another in its place."""
        try:
            return _inode(self.path.stat()) == self._inode
        except OSError:
            return False

    def is_unclaimed(self) -> bool:
        """Whether no other smithd uses the file that the path leads to by now."""
        if self.is_in_place():
            return True
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except OSError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            # This is another file than the one that SQLite has open, so closing it drops none of SQLite's locks.
            os.close(descriptor)
        return True

    def forget_older(self) -> None:
        """Remove the lock file that older versions use: from now on the file's version keeps them off."""
        if self._older is not None:
            with suppress(OSError):
                _older_path(self.path).unlink()
            os.close(self._older)
            self._older = None

    def release(self) -> None:
        """Let go of the file; SQLite must have closed it."""
        if self._older is not None:
            os.close(self._older)
        _held.discard(self._inode)
        os.close(self.descriptor)


def daemon_pid(path: Path) -> int | None:
    """The process that has this file (without symbolic links) locked; None where none has. It keeps no daemon off
    for longer than it takes to ask. Not for a file that this process has open by SQLite: see above.
    """
    if sqlite.other_kind(path) is not None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return sqlite.owner_pid(path) or 0
    finally:
        os.close(descriptor)
    return None


def _take(path: Path, real: Path) -> int:
    while True:
        # Before the file is opened: closing a second descriptor would drop the locks that SQLite has by now.
        with suppress(FileNotFoundError):
            if _inode(real.stat()) in _held:
                raise _in_use(path, os.getpid())
        descriptor = os.open(real, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The path may lead to another file by now, and a lock on this one would keep no other daemon off.
            found = os.fstat(descriptor)
            if _inode(found) == _inode(real.stat()):
                if found.st_nlink > 1:
                    raise DatabaseError(
                        f"the state in {path} has another name as well (a hard link), and what is written under one "
                        "name could be lost under the other: remove one of them"
                    )
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise _in_use(path, sqlite.owner_pid(real)) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _take_older(path: Path, real: Path) -> int | None:
    """Lock the file beside the state that an older version locks, where it has left one."""
    try:
        descriptor = os.open(_older_path(real), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise _in_use(path, int(written) if written.isdigit() else None) from None
    return descriptor


def _older_path(real: Path) -> Path:
    return real.with_name(real.name + ".lock")


def _inode(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino


def _in_use(path: Path, pid: int | None) -> DatabaseError:
    return DatabaseError(f"another smithd (pid {pid or 'unknown'}) uses {path}")
