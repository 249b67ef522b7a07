"""CPU per sample and rule, from the poll's readings to the verdict: the engine beside a bare comparison loop."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
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
SAMPLES = 200_000
"""About so many samples are evaluated for one round."""
RULES = {
    "threshold": "{metric: shop.load, warning: '> 1000000'}",
    "when": "{when: shop.load > 1000000 and shop.load > 0, severity: warning}",
}
CONFIG = """
activitysmith: {{api_key: a-key-that-nobody-checks}}
state: sqlite:///state.db
timezone: UTC
sources: {{shop: {{type: http_json, url: http://127.0.0.1, every: 60s, metrics: {{load: $.load}}}}}}
rules: {{r: {rule}}}
"""


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds per sample and rule, both measured one after the other."""

    smithd: float
    bare: float


def rounds(kind: str, series: int, count: int) -> Iterator[Round]:
    """Measure so many rounds of a rule of this kind on so many series, whose values change and cross nothing."""
    polls = max(2, min(2000, SAMPLES // series))
    names = [Series("shop.load", (("host", f"h{number}"),)) for number in range(series)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "smithd.yaml"
        path.write_text(CONFIG.format(rule=RULES[kind]))
        config = load(path, secrets_required=False)
        database = Database.open(config.state)
        setup = set_up(config, START)
        with database.resuming() as connection:
            engine = Engine(setup, load_state(connection, setup, database.from_another, START), START)
        _finish(database, engine, engine.started)
        at = START
        for _ in range(count + 1):
            polls_made = [_poll(names, at + 60 * number, number) for number in range(polls)]
            at += 60 * polls
            ours, bare = _cpu(partial(_evaluated, database, engine), polls_made), _cpu(_compared, polls_made)
            if at > START + 60 * polls:  # the first round fills memories
                yield Round(ours / polls / series, bare / polls / series)
        database.close()


def _poll(names: list[Series], at: float, number: int) -> Poll:
    return Poll(
        "shop", at, 160.0, tuple(Sample(name, float(50 + (number + i) % 7), at) for i, name in enumerate(names))
    )


def _evaluated(database: Database, engine: Engine, polls: list[Poll]) -> None:
    """A step for each poll."""
    for poll in polls:
        _finish(database, engine, engine.compute((poll,), poll.time))


def _finish(database: Database, engine: Engine, changes: Changes) -> None:
    if changes.stored:
        with database.transaction() as connection:
            engine.write(connection, changes)
    engine.apply(changes)


def _compared(polls: list[Poll]) -> int:
    """What any program must do: look at each value, and compare it."""
    breaches = 0
    for poll in polls:
        for _, value, *_ in poll.samples:
            if value > 1_000_000:
                breaches += 1
    return breaches


def _cpu(work: Callable[[list[Poll]], object], polls: list[Poll]) -> float:
    before = time.process_time()
    work(polls)
    return time.process_time() - before
