"""A progress bar on the terminal for what takes longer than a second; nothing where stderr is piped."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, RLock, Thread

import click

DELAY = 1.0
"""Seconds before a bar is shown: what is done sooner needs none."""

EVERY = 0.2
"""Seconds between two drawings."""

Advance = Callable[[int], None]
"""Say how many more are done."""

_bars: list[_Bar] = []
"""Those of this process, the one that is shown last."""

_ERASE = "\r\033[K\033[?25h"
"""The line is empty again, and the cursor is seen."""


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Advance]:
    """A bar on stderr from its second second to the end of the block, which leaves no trace of it.

    ``label``: what is done, like "polling". ``total``: how many there are to do; None where that is not known: the bar
    then shows that it goes on. Any thread may call what the block is given.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    bar = _Bar(label, total)
    _bars.append(bar)
    try:
        bar.start()
        yield bar.advance
    finally:
        bar.end()
        _bars.remove(bar)


@contextmanager
def above() -> Iterator[None]:
    """Lines are printed in this block: a bar that is shown leaves its line to them, and goes on below."""
    with _bars[-1].taken_away() if _bars else nullcontext():
        yield


class _Bar(Thread):
    """Draws by itself, since what it tells of may be one long call."""

    def __init__(self, label: str, total: int | None) -> None:
        super().__init__(daemon=True)
        # Made here and not where it is shown: it works out the time that is left from when it was made.
        self._bar = click.progressbar(length=total or 0, label=label, file=sys.stderr)
        self._bar.length = total
        self._total = total
        self._done = 0
        self._is_shown = False
        # Held while it draws, and while others have its line.
        self._lock = RLock()
        self._ended = Event()

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count

    @contextmanager
    def taken_away(self) -> Iterator[None]:
        with self._lock:
            if self._is_shown:
                click.echo(_ERASE, file=sys.stderr, nl=False)
            yield

    def end(self) -> None:
        self._ended.set()
        # Ctrl-C may have come before it began.
        if self.ident is not None:
            self.join()

    def run(self) -> None:
        if self._ended.wait(DELAY):
            return
        with self._lock:
            self._is_shown = True
            self._bar.render_progress()
        while not self._ended.wait(EVERY):
            with self._lock:
                done = self._done if self._total is not None else self._bar.pos + 1
                self._bar.update(done - self._bar.pos)
        click.echo(_ERASE, file=sys.stderr, nl=False)
