"""A program on a terminal of its own, as a person sees it and types into it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

LIMIT = 30.0
"""Seconds to wait for what is expected to be printed."""


class Terminal:
    """What was printed so far is ``seen``."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._process = process
        self.seen = ""
        self._looked = 0

    def read_until(self, text: str) -> str:
        """What is printed since the last call, up to this text and with it."""
        while (place := self.seen.find(text, self._looked)) < 0:
            assert self._read(), f"ended before {text!r}, after: {self.seen[self._looked :]!r}"
        begin, self._looked = self._looked, place + len(text)
        return self.seen[begin : self._looked]

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C, again where Python misses it as it begins to wait for a key; the exit status."""
        while self._process.poll() is None:
            self.type("\x03")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        return self.end()

    def end(self) -> int:
        """Read to the end; the exit status."""
        while self._read():
            pass
        return self._process.wait(LIMIT)

    def _read(self) -> str:
        ready, _, _ = select.select([self._descriptor], [], [], LIMIT)
        assert ready, f"nothing came for {LIMIT:.0f} s, after: {self.seen!r}"
        # Linux answers with an error where the other side of a terminal is closed.
        with suppress(OSError):
            read = os.read(self._descriptor, 65536).decode(errors="replace")
            self.seen += read
            return read
        return ""


@contextmanager
def terminal(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> Iterator[Terminal]:
    """Run ``python`` with these arguments on a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **(environment or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # the controlling terminal, for Ctrl-C
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
