"""CPU of check, start and reload with so many sources, beside PyYAML's C loader on the same file; and for how long a
reload holds the loop.

Each source has a rule, and its calendar has it polled once a year: polls are measured elsewhere.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from smithd.beside import without_collector
from smithd.cli.check import summary
from smithd.cli.run import collector_rests
from smithd.clock import SystemClock
from smithd.config.files import ConfigFiles
from smithd.config.load import load
from smithd.config.watch import FileWatch
from smithd.events import Event, Events, Reloaded, Started
from smithd.runtime.daemon import Operator, run
from smithd.runtime.rereading import Rereading

HEAD = "activitysmith: {api_key: a-key}\nstate: sqlite:///state.db\ntimezone: UTC\nsources:\n"
SOURCE = """  s{0}:
    type: http_json
    url: http://127.0.0.1:9/{0}
    cron: '0 0 1 1 *'
    metrics:
      load: $.load
      jobs: $.jobs
"""
RULE = """  r{0}:
    metric: s{0}.load
    warning: '> 90'
"""
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds of reading the file with PyYAML, of check, of a start and of a reload that changes one source;
    ``held``: the seconds for which nothing else had a turn of the loop in that reload, and ``idle`` in a time without
    one.
    """

    yaml: float
    check: float
    start: float
    reload: float
    held: float
    idle: float


def rounds(sources: int, count: int) -> Iterator[Round]:
    """Each on a state of its own."""
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "smithd.yaml"
            path.write_text(_text(sources))
            with without_collector():
                read, check = _cpu(partial(_read, path)), _cpu(partial(_check, path))
            yield asyncio.run(_daemon(path, read, check))


async def _daemon(path: Path, read: float, check: float) -> Round:
    arrived: asyncio.Queue[Event] = asyncio.Queue()
    listener = Events([lambda event: arrived.put_nowait(event) if isinstance(event, Started | Reloaded) else None])
    asked, stop = asyncio.Event(), asyncio.Event()
    reread = Rereading(partial(load, path, secrets_required=True))
    look = Rereading(FileWatch(ConfigFiles((path,))).look)
    operator = Operator(reread, look, asked, path.with_name("control.sock"), collector_rests)
    before = time.process_time()
    with collector_rests():
        config = load(path, secrets_required=True)
        running = asyncio.create_task(run(config, listener, CLOCK, stop, operator=operator))
        await arrived.get()
    start = time.process_time() - before

    watch = _Watch()
    watching = asyncio.create_task(watch.run())
    await CLOCK.sleep(0.5)
    idle = watch.longest
    _change(path)
    watch.longest, before = 0.0, time.process_time()
    asked.set()
    await arrived.get()
    reload = time.process_time() - before
    await CLOCK.sleep(0.1)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    stop.set()
    await running
    return Round(read, check, start, reload, watch.longest, idle)


class _Watch:
    """Looks every millisecond whether the loop has turns to give."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            before = time.monotonic()
            await CLOCK.sleep(0.001)
            self.longest = max(self.longest, time.monotonic() - before - 0.001)


def _text(sources: int) -> str:
    numbers = range(sources)
    return HEAD + "".join(map(SOURCE.format, numbers)) + "rules:\n" + "".join(map(RULE.format, numbers))


def _change(path: Path) -> None:
    """Give the first source another address."""
    path.write_text(path.read_text().replace("/0\n", "/other\n"))


def _read(path: Path) -> None:
    yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def _check(path: Path) -> None:
    config = load(path, secrets_required=False)
    for _ in summary(config, config.remarks):
        pass


def _cpu(work: partial[None]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
