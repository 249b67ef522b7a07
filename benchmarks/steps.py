"""CPU of the engine's steps: without a change, with one, and with a hundred in a group; and how costs grow.

A step without a change is held against a bare comparison, one with changes against one commit of plain sqlite3 in the
same round. Growth holds a cost among many sources, or for one of many series, against the same among ten times fewer.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from smithd.config.load import load
from smithd.engine.engine import Engine
from smithd.engine.step import Changes
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.setup import set_up
from smithd.startup import load as load_state
from smithd.storage.database import Database

START = 1_763_906_400.0
FRESH_FOR = 160.0
GROUP = 100
"""The sources whose polls arrive together."""

Step = Sequence[Poll]
Value = Callable[[int], float]
"""The value of the n-th poll."""

HEAD = """
activitysmith: {api_key: a-key-that-nobody-checks}
state: sqlite:///state.db
timezone: UTC
"""
RULE = "{{metric: s{n}.load, warning: '> 1000000', max_alerts: 100000}}"
PAGE = "web: {listen: 127.0.0.1:8787}\n"
CROWD = "  crowd: {metric: s0.load, warning: '> 1000000', push: {group_by: []}}"
"""A rule with as many alerts as it may have by default."""


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds of smithd's step for each poll, and of what it is held against."""

    smithd: float
    bare: float


def unchanged(count: int) -> Iterator[Round]:
    """A step with one poll, whose value is fine as before: beside a bare comparison."""
    with _Stage(_rules(1)) as stage:
        for _ in range(count):
            steps = [stage.polls([0], _fine(number)) for number in range(1000)]
            bare = _cpu(partial(_compared, steps)) / len(steps)
            yield Round(_cpu(partial(stage.run, steps)) / len(steps), bare)


def changed(kind: str, together: int, count: int) -> Iterator[Round]:
    """A step in which every one of so many polls changes something: an ``alert`` fires or resolves, or a ``widget`` has
    another value. Per poll, beside one commit of plain sqlite3.
    """
    value = _breach if kind == "alert" else _fine
    with _Stage(_rules(together) if kind == "alert" else _widgets(together)) as stage:
        for _ in range(count):
            steps = [stage.polls(range(together), value(number)) for number in range(max(4, 40 // together))]
            ours = _cpu(partial(stage.run, steps)) / len(steps) / together
            yield Round(ours, _committed(stage.folder, 40))


def among_sources(sources: int, count: int) -> Iterator[Round]:
    """A step of one source among so many, beside the same among a tenth."""
    with _Stage(_rules(sources)) as stage, _Stage(_rules(sources // 10)) as smaller:
        for stage_of in (stage, smaller):  # every source has answered
            stage_of.run([stage_of.polls(range(stage_of.sources), 50.0)])
        for _ in range(count):
            many, few = ([each.polls([0], _fine(number)) for number in range(500)] for each in (stage, smaller))
            yield Round(_cpu(partial(stage.run, many)) / 500, _cpu(partial(smaller.run, few)) / 500)


def of_series(series: int, count: int) -> Iterator[Round]:
    """A step with so many series of one metric that all fire, or resolve: for each series, beside a tenth as many."""
    with _Stage(_rules(1)) as stage, _Stage(_rules(1)) as smaller:
        for _ in range(count):
            found = []
            for each, number in ((stage, series), (smaller, series // 10)):
                steps = [[each.poll_of_series(number, _breach(step))] for step in range(2)]
                found.append(_cpu(partial(each.run, steps)) / 2 / number)
            yield Round(*found)


def among_series(series: int, count: int) -> Iterator[Round]:
    """A step with 1,000 new label sets that breach, after so many others did: for each, beside the same after 1,000."""
    config = f"{_sources(1)}\nrules:\n{CROWD}\n"
    with _Stage(config) as stage, _Stage(config) as smaller:
        for each, before in ((stage, series), (smaller, 1000)):
            for first in range(0, before, 1000):
                each.run([[each.poll_of_series(1000, 2_000_000.0, first)]])
        for number in range(count):
            first = series + 1000 * number
            polls = [[[each.poll_of_series(1000, 2_000_000.0, first)]] for each in (stage, smaller)]
            yield Round(_cpu(partial(stage.run, polls[0])) / 1000, _cpu(partial(smaller.run, polls[1])) / 1000)


def plotted(series: int, count: int) -> Iterator[Round]:
    """A step with so many series of one metric that is remembered for plots: for each, beside one without the page."""
    with _Stage(PAGE + _rules(1)) as stage, _Stage(_rules(1)) as without:
        for _ in range(count):
            found = []
            for each in (stage, without):
                steps = [[each.poll_of_series(series, _fine(number))] for number in range(40)]
                found.append(_cpu(partial(each.run, steps)) / len(steps) / series)
            yield Round(*found)


class _Stage:
    """An engine on a state of its own, and time that passes with every step."""

    def __init__(self, config: str) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        path = self.folder / "smithd.yaml"
        path.write_text(HEAD + config)
        loaded = load(path, secrets_required=False)
        self.sources = len(loaded.sources)
        self._now = START
        self._database = Database.open(loaded.state)
        setup = set_up(loaded, START)
        with self._database.resuming() as connection:
            left = load_state(connection, setup, self._database.from_another, START)
        self._engine = Engine(setup, left, START)
        self._finish(self._engine.started)

    def __enter__(self) -> _Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._temporary.cleanup()

    def polls(self, sources: Sequence[int], value: float) -> Step:
        """A poll of each source, ten seconds after the last."""
        self._now += 10
        return [self._poll(number, [Series(f"s{number}.load")], value) for number in sources]

    def poll_of_series(self, series: int, value: float, first: int = 0) -> Poll:
        """A poll of the first source that brings so many series, numbered from ``first``."""
        self._now += 10
        names = [Series("s0.load", (("host", f"h{first + number}"),)) for number in range(series)]
        return self._poll(0, names, value)

    def run(self, steps: Sequence[Step]) -> None:
        """Compute, commit and apply each step."""
        for step in steps:
            self._finish(self._engine.compute(step, step[-1].time))

    def _poll(self, source: int, series: Sequence[Series], value: float) -> Poll:
        samples = tuple(Sample(each, value, self._now) for each in series)
        return Poll(f"s{source}", self._now, FRESH_FOR, samples)

    def _finish(self, changes: Changes) -> None:
        if changes.stored:
            with self._database.transaction() as connection:
                self._engine.write(connection, changes)
        self._engine.apply(changes)


def _rules(number: int) -> str:
    return "\n".join([_sources(number), "rules:", *(f"  r{n}: {RULE.format(n=n)}" for n in range(number)), ""])


def _widgets(number: int) -> str:
    return "\n".join([_sources(number), "widgets:", *(f"  shop.w{n}: s{n}.load" for n in range(number)), ""])


def _sources(number: int) -> str:
    source = "{type: http_json, url: http://127.0.0.1, every: 60s, metrics: {load: $.load}}"
    return "\n".join(["sources:", *(f"  s{n}: {source}" for n in range(number))])


def _fine(number: int) -> float:
    return 50.0 + number % 7


def _breach(number: int) -> float:
    return 50.0 if number % 2 else 2_000_000.0


def _compared(steps: Sequence[Step]) -> int:
    """What any program must do: look at each value, and compare it."""
    return sum(sample.value > 1_000_000 for step in steps for poll in step for sample in poll.samples)


def _committed(folder: Path, commits: int) -> float:
    """CPU of one commit of plain sqlite3, as safe as smithd's own."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, content TEXT NOT NULL)")
        return _cpu(partial(_commit, connection, commits)) / commits
    finally:
        connection.close()


def _commit(connection: sqlite3.Connection, commits: int) -> None:
    for number in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR REPLACE INTO kept VALUES (1, ?)", (f"the value {number}",))
        connection.execute("COMMIT")


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
