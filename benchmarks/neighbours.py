"""How punctual healthy sources stay beside bad ones: two daemons at the same time, one of them with bad neighbours."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import SMITHD, Process

HEALTHY = 200
WARM_UP = 15.0
"""Seconds: the first polls are spread over ten, and by then the bad ones have met their deadline once."""

BLOCKING = """
import time
from smithd.plugin import Options, RawSample, Source

class Blocking(Source[Options]):
    Options = Options

    @classmethod
    def metrics(cls, options):
        return ["orders"]

    async def poll(self):
        time.sleep(1e6)
"""
BAD = ("hung", "endless", "drip", "deep", "nan")


@dataclass(frozen=True, slots=True)
class Round:
    """The 99th percentile of how far a healthy source's polls are from a second apart (s), and memory (MB)."""

    beside: float
    alone: float
    beside_memory: float
    alone_memory: float


def rounds(count: int, seconds: float) -> Iterator[Round]:
    """Measure so many rounds of so many seconds."""
    with tempfile.TemporaryDirectory() as name, Process(sys.executable, "-m", "benchmarks.neighbours_server") as server:
        base = f"http://127.0.0.1:{server.line()}"
        with _daemon(Path(name) / "alone", base, bad=()) as alone, _daemon(Path(name) / "beside", base, BAD) as beside:
            time.sleep(WARM_UP)
            _lateness(base)
            for _ in range(count):
                time.sleep(seconds)
                late = _lateness(base)
                yield Round(late["beside"], late["alone"], beside.resident(), alone.resident())


def _daemon(folder: Path, base: str, bad: tuple[str, ...]) -> Process:
    folder.mkdir()
    (folder / "blocking.py").write_text(BLOCKING)
    lines = [
        f"activitysmith: {{api_key: a-key-that-nobody-checks, base_url: '{base}/service'}}",
        "defaults: {every: 1s, timeout: 5s}",
        "sources:",
        *(
            f"  s{n}: {{type: http_json, url: '{base}/{folder.name}/{n}', metrics: {{orders: $.orders}}}}"
            for n in range(HEALTHY)
        ),
        *(f"  {what}: {{type: http_json, url: '{base}/{what}', metrics: {{orders: $.orders}}}}" for what in bad),
    ]
    if bad:
        lines += ["  blocking: {type: blocking}", "plugins: [blocking.py]"]
    path = folder / "smithd.yaml"
    path.write_text("\n".join(lines) + "\n")
    return Process(*SMITHD, "run", "-c", str(path), "--log-level", "error", STATE_DIRECTORY=str(folder))


def _lateness(base: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{base}/lateness") as answer:  # noqa: S310 - our own http URL
        lateness: dict[str, float] = json.load(answer)
    return lateness
