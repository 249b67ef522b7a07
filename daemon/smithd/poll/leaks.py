"""The threads, sockets and files that the code in one thread has made or opened, and that are still there.

Python tells of each as it is made, in the thread that makes it (sys.audit). Nothing of this keeps them alive.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any
from weakref import WeakSet

# The second is the name from Python 3.13 on.
LOOK_AFTER = 100
"""Files that are opened between two looks at what is open."""

_STARTS = ("_thread.start_new_thread", "_thread.start_joinable_thread")


class Made:
    """What the thread that made this has made since. To be asked in that thread."""

    def __init__(self) -> None:
        self.threads: WeakSet[threading.Thread] = WeakSet()
        self.sockets: WeakSet[socket.socket] = WeakSet()
        self.paths: dict[str, None] = {}
        self.opened = 0
        self._files_left = 0
        _install()
        _made[threading.get_ident()] = self

    def threads_left(self) -> int:
        """How many of its threads still run."""
        return sum(thread.is_alive() for thread in self.threads)

    def descriptors_left(self) -> int:
        """How many of its sockets and files are still open."""
        # To look for files is slow, so it is done once for many that were opened.
        if self.opened >= LOOK_AFTER and (paths := _open_files()) is not None:
            self._files_left = sum(path in self.paths for path in paths)
            self.paths, self.opened = dict.fromkeys(list(self.paths)[-LOOK_AFTER:]), 0
        return self._files_left + sum(each.fileno() >= 0 for each in self.sockets)

    def end(self) -> None:
        """Notice nothing more."""
        _made.pop(threading.get_ident(), None)


_made: dict[int, Made] = {}


def _open_files() -> list[str] | None:
    """What each descriptor of this process refers to, where the system tells; None while none is left to look with."""
    found = []
    try:
        descriptors = os.listdir("/proc/self/fd")
    except FileNotFoundError:
        return []
    except OSError:
        return None
    for descriptor in descriptors:
        # It may have been closed meanwhile.
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return found


@cache
def _install() -> None:
    # A hook cannot be removed, so there is one for all.
    sys.addaudithook(_record)
    if sys.version_info < (3, 12):
        # It tells of no threads yet: every start of one goes through this function.
        start: Callable[..., int] = threading._start_new_thread  # type: ignore[attr-defined]

        def started(function: Callable[..., Any], *given: Any) -> int:
            _record(_STARTS[0], (function,))
            return start(function, *given)

        threading._start_new_thread = started  # type: ignore[attr-defined]


def _record(event: str, given: tuple[Any, ...]) -> None:
    if event == "socket.__new__":
        if (made := _made.get(threading.get_ident())) is not None and isinstance(given[0], socket.socket):
            made.sockets.add(given[0])
    elif event == "open":
        if (made := _made.get(threading.get_ident())) is not None and isinstance(given[0], str):
            made.opened += 1
            # What is no path at all is refused by what opens it, and not here.
            with suppress(OSError, ValueError):
                made.paths[os.path.realpath(given[0])] = None
    elif event in _STARTS and (made := _made.get(threading.get_ident())) is not None:
        started: Callable[..., Any] = given[0]
        if isinstance(thread := getattr(started, "__self__", None), threading.Thread):
            made.threads.add(thread)
