"""The error tree. Everyday ends are values; these are for broken worlds.

SmithdError
├── ConfigError        the configuration, or the world it needs to start; only before anything runs
├── SourceError        what a source says instead of samples
│   ├── Unavailable    nothing to be done: the next poll tries again
│   │   └── TimedOut   it did not answer within the time that it had
│   ├── Misconfigured  a person must mend it; polls go on, far apart
│   └── BadResponse    the other side answered something that cannot be used
├── DatabaseError      the state cannot be opened, or can no longer be kept
│   ├── Unwritable     the disk is full or read-only, or another program holds the file: it may pass
│   └── TermLost       the state is another smithd's by now: this one must stop
├── ListenError        a port or a socket cannot be had; later it may be
└── ControlError       the running daemon cannot be reached, or says no
    └── NotRunning     there is none

NotThere, a ValueError, is about an argument that names what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class SmithdError(Exception):
    """Anything smithd says to its user; its text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A mistake of a configuration, or a warning, without secrets. ``line`` and ``column`` are counted from 1, and None
    where it is about a file as a whole.
    """

    file: str
    line: int | None
    column: int | None
    message: str
    expected: str | None = None
    hint: str | None = None

    @property
    def place(self) -> str:
        """Where it is, as file:line:column."""
        return ":".join(str(each) for each in (self.file, self.line, self.column) if each is not None)


class ConfigError(SmithdError):
    """What must be mended before smithd can start; the text holds every mistake, ready to print.

    ``mistakes`` are the same, one by one, where they have a place.
    """

    def __init__(self, text: str, mistakes: Iterable[Remark] = ()) -> None:
        super().__init__(text)
        self.mistakes = tuple(mistakes)


class SourceError(SmithdError):
    """A poll failed, in whole or in part; the text says why, without secrets.

    ``samples`` are those that arrived all the same, when only a part of what was asked failed. ``retry_after``: for how
    many seconds the other side asks to be left alone, where it says so.
    """

    def __init__(self, message: str, *, samples: Iterable[Any] = (), retry_after: float | None = None) -> None:
        super().__init__(message)
        self.samples = tuple(samples)
        self.retry_after = retry_after


class Unavailable(SourceError):
    """The source did not answer, or asked to be left alone for now."""


class TimedOut(Unavailable):
    """The source did not answer within the time that it had."""


class Misconfigured(SourceError):
    """The source refuses what the configuration asks for (a password, a path, a query)."""


class BadResponse(SourceError):
    """The source answered, but not with what was asked for."""


class DatabaseError(SmithdError):
    """The state file is damaged, locked, of a newer version, or cannot be written."""


class Unwritable(DatabaseError):
    """The state cannot be written now: the disk is full or read-only, or another program holds the file."""


class TermLost(DatabaseError):
    """The state was replaced, or another daemon has taken it over; a daemon that went on would notify twice."""


class ListenError(SmithdError):
    """A port, or the control socket, cannot be listened on: something else has it, or this machine has no such
    address (yet).
    """


class ControlError(SmithdError):
    """The running daemon cannot be reached, or says no."""


class NotRunning(ControlError):
    """There is no running daemon to speak to, as far as this user can see."""


class NotThere(ValueError):
    """What somebody asks about is not there; the text says so to a person, with the nearest name."""
