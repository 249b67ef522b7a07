"""Processes that are measured from outside: their CPU time and their memory, as Linux counts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

SMITHD = (str(Path(sys.executable).with_name("smithd")),)


class Process:
    """A child process with its stdout at hand; leaving the ``with`` ends it."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the process
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            command, stdout=subprocess.PIPE, stderr=self._complaints, text=True, env=inherited | environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()
        self._complaints.close()

    def line(self) -> str:
        """The next line it writes; RuntimeError with its complaint where it ends instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._complaints.seek(0)
            raise RuntimeError(f"{self._process.args!r} ended: {self._complaints.read()}")
        return line.strip()

    def cpu(self) -> float:
        """Seconds of CPU so far, user and system, of all its threads: its own CPU clock, read from here."""
        return time.clock_gettime(~self._process.pid << 3 | 2)  # CPUCLOCK_SCHED of the process, as glibc makes it

    def resident(self) -> float:
        """Megabytes (10^6) of resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Server(Process):
    """The loopback JSON server; ``base`` is its URL."""

    def __init__(self) -> None:
        super().__init__(sys.executable, "-m", "benchmarks.server")
        self.base = f"http://127.0.0.1:{self.line()}"

    def counts(self) -> dict[str, int]:
        """How often each ``who`` has asked."""
        with urllib.request.urlopen(f"{self.base}/counts") as answer:  # noqa: S310 - our own http URL
            counts: dict[str, int] = json.load(answer)
        return counts
