"""CPU per poll, from schedule to verdict: smithd beside the bare loop, at the same time, on the same server."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import configuration
from benchmarks.processes import SMITHD, Process, Server

WARM_UP = 3.0


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds per poll, both measured over the same few seconds."""

    smithd: float
    bare: float


def rounds(sources: int, count: int, seconds: float) -> Iterator[Round]:
    """Measure so many rounds of so many seconds, with so many sources polled every second by each."""
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        path = configuration.write(Path(folder), f"{server.base}/smithd", f"{server.base}/api", sources, surfaces=False)
        with (
            Process(*SMITHD, "run", "-c", str(path), STATE_DIRECTORY=folder) as smithd,
            Process(sys.executable, "-m", "benchmarks.bare", f"{server.base}/bare", str(sources)) as bare,
        ):
            for _ in range(2):
                server.line()
            time.sleep(WARM_UP)
            before = _sample(server, smithd, bare)
            for _ in range(count):
                time.sleep(seconds)
                after = _sample(server, smithd, bare)
                yield Round(*((now[0] - was[0]) / (now[1] - was[1]) for now, was in zip(after, before, strict=True)))
                before = after


def _sample(server: Server, smithd: Process, bare: Process) -> tuple[tuple[float, int], tuple[float, int]]:
    """CPU seconds and polls so far, of each."""
    counts = server.counts()
    return (smithd.cpu(), counts["smithd"]), (bare.cpu(), counts["bare"])
