"""The process's file descriptors: the limit is raised at the start, and some are kept for what must never lack one."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

KEPT = 32
"""Descriptors that are kept for delivery, state and control."""

LENT = 4
"""How many of them one use gets: a socket, and what looking up a name opens."""

MACOS_MOST = 10_240
"""macOS refuses more (OPEN_MAX), also where its hard limit is infinite."""


def hard_limit() -> int:
    """How many descriptors a process that starts here may have open, at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft, MACOS_MOST) if hard == resource.RLIM_INFINITY else hard


def soft_limit() -> int:
    """How many descriptors this process may have open now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard_limit() if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise the soft limit to the hard one, as far as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A sandbox may forbid it; what there is must then do.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit(), hard))


class Reserve:
    """Descriptors that are held open for nothing, so that some can be given up where none is left.

    Several threads may borrow at once.
    """

    def __init__(self) -> None:
        self._held: list[int] = []
        self._wanted = 0
        self._lock = threading.Lock()

    def hold(self) -> None:
        """Hold some from now on, for as long as the process lives."""
        with self._lock:
            # Where the limit is very low, most of it must be left for use.
            self._wanted = min(KEPT, soft_limit() // 4)
            self._refill()

    def lent(self) -> AbstractContextManager[None]:
        """For opening something that must not fail: within it, a few descriptors are free. What is opened is kept."""
        return self._lend(0)

    def half_lent(self) -> AbstractContextManager[None]:
        """As ``lent``, for what may stay open in large numbers: half of what is kept is left to all others."""
        return self._lend(self._wanted // 2)

    @contextmanager
    def _lend(self, left: int) -> Iterator[None]:
        with self._lock:
            for _ in range(min(LENT, len(self._held) - left)):
                os.close(self._held.pop())
        try:
            yield
        finally:
            with self._lock:
                self._refill()

    def _refill(self) -> None:
        try:
            while len(self._held) < self._wanted:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        # The next use tries again: by then, what was opened may be closed.
        except OSError:
            return


RESERVE = Reserve()
"""The process's own: nothing is held until a daemon starts."""
