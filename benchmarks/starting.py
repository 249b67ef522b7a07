"""A start with ten sources: CPU until the first poll, and idle memory, beside a process that only imports."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import configuration
from benchmarks.processes import SMITHD, Process, Server

SOURCES = 10
IDLE = 3.0


@dataclass(frozen=True, slots=True)
class Start:
    """CPU seconds until the first poll (or the last import), and megabytes of resident memory a little later."""

    cpu: float
    resident: float


@dataclass(frozen=True, slots=True)
class Round:
    """Three starts, one after the other."""

    first: Start
    """smithd's very first, which also makes the state."""
    again: Start
    """smithd's, with a state that is there."""
    imports: Start


def rounds(count: int) -> Iterator[Round]:
    """Measure so many rounds; one before them, which compiles and warms caches, is not counted."""
    with Server() as server, tempfile.TemporaryDirectory() as kept:
        for number in range(count + 1):
            with tempfile.TemporaryDirectory() as fresh:
                first = _smithd(server, f"first{number}", Path(fresh))
            measured = Round(first, _smithd(server, f"again{number}", Path(kept)), _imports())
            if number:
                yield measured


def _smithd(server: Server, who: str, folder: Path) -> Start:
    path = configuration.write(folder, f"{server.base}/{who}", f"{server.base}/api", SOURCES, surfaces=True)
    with Process(*SMITHD, "run", "-c", str(path), STATE_DIRECTORY=str(folder)) as smithd:
        while server.line() != who:
            pass
        cpu = smithd.cpu()
        time.sleep(IDLE)
        return Start(cpu, smithd.resident())


def _imports() -> Start:
    with Process(sys.executable, "-m", "benchmarks.imports") as imports:
        imports.line()
        return Start(imports.cpu(), imports.resident())
