"""How much a scrape delays a poll that runs at the same time: a poll over loopback, with a scrape and without.

With 1,000 sources each has series of its own; with 10,000 none has.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import configuration
from benchmarks.processes import Server
from smithd.clock import SystemClock
from smithd.config.load import load
from smithd.delivery.delivery import AccountDelivery
from smithd.engine.engine import Engine
from smithd.events import Events
from smithd.http import Http, PreparedRequest
from smithd.metrics.exposition import Metrics
from smithd.metrics.gauges import Snapshot
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.setup import set_up
from smithd.startup import load as load_state
from smithd.status.fill import gate_status
from smithd.storage.database import Database

POLLS = 50


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of the slowest of many polls, each with a scrape beside it, and of those in as long without."""

    beside: float
    alone: float


def rounds(sources: int, count: int) -> Iterator[Round]:
    """Measure so many rounds among so many sources that have answered."""
    with tempfile.TemporaryDirectory() as name, Server() as server:
        folder, now = Path(name), time.time()
        config = load(
            configuration.write(folder, server.base, server.base, sources, surfaces=False), secrets_required=False
        )
        with closing(Database.open(folder / "state.db")) as database:
            setup = set_up(config, now)
            with database.resuming() as connection:
                engine = Engine(setup, load_state(connection, setup, database.from_another, now), now)
            polls = [Poll(f"s{n}", now, 1e6, (Sample(Series(f"s{n}.orders"), 1.0, now),)) for n in range(sources)]
            engine.apply(engine.compute(polls, now), committed=False)
            gates = [gate_status(AccountDelivery("default", config.accounts["default"], config.zone), 0.0, now)]
            snapshot = Snapshot(setup, engine.state, gates, False, now)
            found = asyncio.run(_measured(server, snapshot, count))
    yield from found


async def _measured(server: Server, snapshot: Snapshot, count: int) -> list[Round]:
    http, metrics = Http(), Metrics(Events(), SystemClock())
    metrics.expect(snapshot.setup.config)
    request = http.prepare("GET", f"{server.base}/scraped/poll")
    found = []
    try:
        for _ in range(count):
            began, beside = time.perf_counter(), []
            for _ in range(POLLS):
                scrape = asyncio.create_task(metrics.expose(snapshot, "", "gzip"))
                await asyncio.sleep(0)
                beside.append(await _poll(request))
                await scrape
            # For as long: the slowest of more polls is slower.
            until, alone = 2 * time.perf_counter() - began, [await _poll(request)]
            while time.perf_counter() < until:
                alone.append(await _poll(request))
            found.append(Round(max(beside), max(alone)))
    finally:
        await http.aclose()
    return found


async def _poll(request: PreparedRequest) -> float:
    began = time.perf_counter()
    await request.send()
    return time.perf_counter() - began
