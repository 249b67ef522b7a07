"""Killed at any moment, however often, the daemon brings the phone to where one brings it that was never killed:
widgets, the badge, Live Activities of all types but a timer, in their slots, and folded ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from campaign import rounds
from engine.harness import HEAD, PLUGIN, DrivenEngine, DrivenOutbox, poll_of
from smithd.config.load import load
from smithd.config.model import Config
from smithd.keys import StreamKey, SurfaceKey
from smithd.outbox.message import ActivityEnd, ActivityState, BadgeCount, Message, WidgetValue
from smithd.outbox.settlement import Accept
from smithd.storage.database import Database

START = 1_790_000_000.0
POLL = 60.0
LOOK = 5.0
CHANGING, QUIET = 90, 150
"""Polls in which values change, and polls after that in which none does: by then the starts of the hour are others."""
HOUSES = "xyz"
AT_ONCE = 4
KILLS = rounds(60, 10_000)

CONFIG = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 3", for: 1m}
  stock: {metric: shop.stock, warning: "< 2", critical: "< 1", keep_firing_for: 2m}
  busy: {when: shop.orders > 3 and shop.errors > 0, severity: warning, damping: 10m}
derived: {total: sum(shop.stock)}
badge: {value: count(firing)}
widgets:
  orders: shop.orders
  stock: {value: shop.stock, pick: min, min_interval: 2m}
  all: {text: "{{ count }} fire"}
live_activities:
  value: {type: value, title: Value, value: shop.orders, fold: true, priority: 4}
  houses: {type: stats, title: Houses, fold: true, priority: 9, stats: [{each: shop.stock, by: house, color_by: stock}]}
  total: {type: progress, title: Total, value: total, upper_limit: 12, fold: true, priority: 3}
  gauges: {type: metrics, title: Gauges, priority: 2, metrics: [{label: Orders, value: shop.orders}]}
  steps:
    type: segmented_progress
    title: Steps
    step: shop.orders
    steps: [a, b, c, d]
    fold: true
    priority: 1
    show: {when: shop.orders <= 4}
  errors: {type: alert, title: "{{ severity }} errors", priority: 6, show: {while_firing: [errors]}}
  busy:
    type: stats
    title: Busy
    priority: 7
    min_hold: 3m
    show: {while_firing: [busy]}
    stats: [{label: E, value: shop.errors, color_by: busy}]
  low:
    type: stats
    title: Low
    priority: 5
    fold: true
    show: {while_firing: {stock: critical}}
    end: {cool_down: 3m}
    stats: [{label: Total, value: total, color_by: stock}]
"""


@cache
def configuration() -> Config:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.py").write_text(PLUGIN)
        (Path(folder) / "smithd.yaml").write_text(HEAD + CONFIG)
        return load(Path(folder) / "smithd.yaml", secrets_required=True)


Values = Mapping[str, Any]


def story(seed: int) -> list[Values]:
    """The values of every poll: some change, and for a long time at the end none does."""
    chance = Random(seed)  # noqa: S311 - a fixed story, no secret
    values: dict[str, Any] = {"errors": 0.0, "orders": 1.0, "stock": dict.fromkeys(HOUSES, 4.0)}
    found = []
    for _ in range(CHANGING):
        if chance.random() < 0.3:
            values["errors"] = float(chance.choice([0, 0, 1, 2, 4]))
        if chance.random() < 0.5:
            values["orders"] = float(chance.randint(0, 4) + 2 * (chance.random() < 0.1))
        if chance.random() < 0.2:
            values["stock"] = values["stock"] | {chance.choice(HOUSES): float(chance.choice([0, 1, 2, 4, 4, 4]))}
        found.append(dict(values))
    return found + [found[-1]] * QUIET


@dataclass
class Phone:
    """What is on the phone: the last thing that arrived for each surface."""

    shown: dict[SurfaceKey, Any] = field(default_factory=dict)

    @property
    def streams(self) -> set[SurfaceKey]:
        return {key for key in self.shown if isinstance(key, StreamKey)}

    def arrive(self, message: Message) -> Accept:
        """The request arrives; what the service answers."""
        match message:
            case ActivityState(key, content):
                started = key not in self.shown
                self.shown[key] = content.content_state
                assert len(self.streams) <= AT_ONCE
                return Accept(started=started)
            case ActivityEnd(key):
                self.shown.pop(key, None)
                return Accept(ended=True)
            case WidgetValue(key, value):
                self.shown[key] = value
            case BadgeCount(key, number):
                self.shown[key] = number
        return Accept()


class _Killed(Exception):
    """The process is gone."""


class Run:
    """A story, from one life of the daemon to the next. ``deaths``: after how many moments each life ends; ``streams``:
    those on the phone a minute after each poll.
    """

    def __init__(self, database: Database, deaths: Iterator[int]) -> None:
        self.phone, self.lives, self.streams = Phone(), 0, list[set[SurfaceKey]]()
        self._database, self._deaths = database, deaths
        self._now = START
        self._values: Values = {}
        self._begin()

    def _begin(self) -> None:
        self.lives += 1
        self._moments_left = next(self._deaths)
        self._engine = DrivenEngine(configuration(), self._database, [], self._now)
        self._outbox = DrivenOutbox(self._engine)

    def play(self, values: list[Values]) -> None:
        for number, each in enumerate(values, 1):
            self._values, until, is_polled = each, START + number * POLL, False
            while self._now < until:
                try:
                    if not is_polled:
                        self._engine.ingest(poll_of(self._now, **self._values))
                        is_polled = True
                    self._moment()
                    self._pass_time(until)
                except _Killed:
                    # The next life begins at once, with a poll.
                    self._begin()
                    is_polled = False
            self.streams.append(self.phone.streams)

    def _pass_time(self, until: float) -> None:
        while self._now < until:
            self._engine.tick(self._now)
            self._moment()
            self._send()
            wake = self._engine.wake_at()
            look = (self._now // LOOK + 1) * LOOK
            self._now = min(look, until) if wake is None or wake <= self._now else min(look, until, wake)

    def _send(self) -> None:
        while (queued := next(self._outbox.ready(self._now), None)) is not None:
            claim = self._outbox.claim(queued, "any", self._now)
            self._moment()
            accept = self.phone.arrive(queued.message)
            self._moment()
            self._outbox.settle(claim, accept, self._now)
            self._moment()

    def _moment(self) -> None:
        self._moments_left -= 1
        if self._moments_left < 0:
            raise _Killed


@contextmanager
def played(values: list[Values], deaths: Iterator[int]) -> Iterator[Run]:
    database = Database.in_memory()
    try:
        run = Run(database, deaths)
        run.play(values)
        yield run
    finally:
        database.close()


def deaths(seed: int, values: list[Values]) -> Iterator[int]:
    """Each life is short, and many end between a request and its answer; the last one does not end."""
    chance = Random(f"deaths {seed}")  # noqa: S311 - a fixed choice of moments, no secret
    # Of the moments of a story there are two for every look, and three for every request.
    for _ in range(len(values) // 6):
        yield chance.choice([0, 1, 2, 3, 5, 20, 80, 200])
    yield from count(10**9)


@pytest.mark.campaign
def test_killed_or_not_the_phone_shows_the_same_in_the_end() -> None:
    kills = 0
    for seed in count():
        values = story(seed)
        with played(values, count(10**9)) as whole, played(values, deaths(seed, values)) as killed:
            assert killed.streams == whole.streams, f"story {seed}: slots"
            assert killed.phone.shown == whole.phone.shown, f"story {seed}: in the end"
            kills += killed.lives - 1
        if kills >= KILLS:
            break
