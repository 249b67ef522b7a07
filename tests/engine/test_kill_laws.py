"""Killed at any moment, however often, the daemon brings the phone to where one brings it that was never killed:
widgets, the badge, notifications, and Live Activities of all types, in their slots, and folded ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
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
from smithd.contract.endpoint import Endpoint
from smithd.delivery import wire
from smithd.delivery.outcome import judge
from smithd.delivery.reply import Accepted, Refusal, Rejected, Reply
from smithd.delivery.wire import Request
from smithd.keys import Key, PushKey, StreamKey
from smithd.storage.database import Database

START = 1_790_000_000.0
POLL = 60.0
LOOK = 5.0
CHANGING, QUIET = 90, 150
"""Polls in which values change, and polls after that in which none does: by then the starts of the hour are others."""
HOUSES = "xyz"
AT_ONCE = 4
KILLS = rounds(60, 10_000)
DEATHS = (CHANGING + QUIET) // 6
"""In each scenario."""

CONFIG = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 3", for: 1m, push: true}
  stock: {metric: shop.stock, warning: "< 2", critical: "< 1", keep_firing_for: 2m, push: {group_wait: 90s}}
  busy: {when: shop.orders > 3 and shop.errors > 0, severity: warning, damping: 10m, push: {repeat: 20m}}
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
  until:  # not folded: what its row says is left differs by when it was sent
    type: timer
    title: Until
    until: shop.ends
    paused_when: shop.errors > 2
    when_over: {subtitle: over}
  freeze: {type: timer, title: Freeze, for: 10m, priority: 8, show: {while_firing: [errors]}, min_hold: 0s}
  since: {type: timer, title: Since, since: shop.began, fold: true, priority: 10, show: {when: shop.orders > 2}}
"""
SHOP = PLUGIN.replace('"stock"', '"stock", "ends", "began"')


@cache
def configuration() -> Config:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.py").write_text(SHOP)
        (Path(folder) / "smithd.yaml").write_text(HEAD + CONFIG)
        return load(Path(folder) / "smithd.yaml", secrets_required=True)


Values = Mapping[str, Any]


def scenario(seed: int) -> list[Values]:
    """The values of every poll: some change, and for a long time at the end none does."""
    chance = Random(seed)  # noqa: S311 - a fixed choice of values, no secret
    values: dict[str, Any] = {"errors": 0.0, "orders": 1.0, "stock": dict.fromkeys(HOUSES, 4.0)}
    values |= {"ends": START + 900.0, "began": START - 900.0}
    found = []
    for number in range(CHANGING):
        if chance.random() < 0.3:
            values["errors"] = float(chance.choice([0, 0, 1, 2, 4]))
        if chance.random() < 0.5:
            values["orders"] = float(chance.randint(0, 4) + 2 * (chance.random() < 0.1))
        if chance.random() < 0.2:
            values["stock"] = values["stock"] | {chance.choice(HOUSES): float(chance.choice([0, 1, 2, 4, 4, 4]))}
        if chance.random() < 0.1:
            # Some have passed, some are moved by little, and some are still to come in the end.
            values["ends"] = START + number * POLL + chance.choice([-60.0, 20.0, 600.0, 10_000.0, 10_020.0])
        if chance.random() < 0.05:
            values["began"] = START + number * POLL
        found.append(dict(values))
    return found + [found[-1]] * QUIET


@dataclass
class Clock:
    """A timer on the phone: from when it counts, or where it stands; ``duration`` is None where it counts up."""

    duration: float | None
    began: float
    stands_at: float | None = None

    def reads(self, now: float) -> float:
        """The seconds that it shows."""
        passed = self.stands_at if self.stands_at is not None else now - self.began
        return passed if self.duration is None else max(0.0, self.duration - passed)

    def runs(self, runs: bool, now: float) -> None:
        """Let it run on, or stop it."""
        if runs and self.stands_at is not None:
            self.began, self.stands_at = now - self.stands_at, None
        elif not runs and self.stands_at is None:
            self.stands_at = now - self.began


@dataclass
class Phone:
    """What is on the phone: the last thing that arrived for each surface and notification, and the clocks of timers."""

    is_lenient: bool = False
    """Whether a countdown may start without its duration; it is refused elsewhere (contract section 4.4)."""
    shown: dict[Key, Any] = field(default_factory=dict)
    clocks: dict[Key, Clock] = field(default_factory=dict)

    @property
    def streams(self) -> set[Key]:
        return {key for key in self.shown if isinstance(key, StreamKey)}

    def arrive(self, request: Request, now: float) -> Reply:
        """The request arrives; what the service answers."""
        key, body = request.key, dict(request.body)
        match request.endpoint:
            case Endpoint.STREAM_DELETE:
                self.shown.pop(key, None)
                self.clocks.pop(key, None)
                return Accepted("ended")
            case Endpoint.STREAM_PUT:
                return self._put(key, dict(body["content_state"]), now)
        self.shown[key] = body
        return Accepted("sent", notification_id="n" if isinstance(key, PushKey) else None)

    def _put(self, key: Key, state: dict[str, Any], now: float) -> Reply:
        started, duration = key not in self.shown, state.pop("duration_seconds", None)
        if state["type"] == "timer" and (started or duration is not None):
            if started and state["counts_down"] and duration is None and not self.is_lenient:
                return Rejected(Refusal.BAD_REQUEST, 400, "a countdown starts with its duration")
            self.clocks[key] = Clock(None if not state["counts_down"] else duration or 0.0, now)
        if state["type"] == "timer":
            self.clocks[key].runs(state["is_running"], now)
        self.shown[key] = state
        assert len(self.streams) <= AT_ONCE
        return Accepted("started" if started else "updated")


class _Killed(Exception):
    """The process is gone."""


class Run:
    """A scenario, from one life of the daemon to the next. ``deaths``: after how many moments each life ends;
    ``streams``: those on the phone a minute after each poll.
    """

    def __init__(self, database: Database, phone: Phone, deaths: Iterator[int]) -> None:
        self.phone, self.lives, self.streams = phone, 0, list[set[Key]]()
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
            shown = self._outbox.value.shown.get(queued.message.key)
            request = wire.request(queued.message, shown, None, self._now, UTC)
            claim = self._outbox.claim(queued, request.family, self._now, request.window)
            self._moment()
            outcome = judge(request, self.phone.arrive(request, self._now), 0, self._now, chance=0.5)
            self._moment()
            self._outbox.settle(claim, outcome.settlement, self._now)
            self._moment()

    def clocks(self) -> dict[Key, float]:
        """What the timers read in the end, in seconds; a duration is sent in whole ones."""
        return {key: clock.reads(self._now) for key, clock in self.phone.clocks.items()}

    def _moment(self) -> None:
        self._moments_left -= 1
        if self._moments_left < 0:
            raise _Killed


@contextmanager
def played(seed: int, deaths: Iterator[int]) -> Iterator[Run]:
    database, values = Database.in_memory(), scenario(seed)
    try:
        run = Run(database, Phone(is_lenient=seed % 2 == 1), deaths)
        run.play(values)
        yield run
    finally:
        database.close()


def deaths(seed: int) -> Iterator[int]:
    """Each life is short, and many end between a request and its answer; the last one does not end."""
    chance = Random(f"deaths {seed}")  # noqa: S311 - a fixed choice of moments, no secret
    # Of the moments of a scenario there are two for every look, and three for every request.
    for _ in range(DEATHS):
        yield chance.choice([0, 1, 2, 3, 5, 20, 80, 200])
    yield from count(10**9)


@pytest.mark.campaign
def test_killed_or_not_the_phone_shows_the_same_in_the_end() -> None:
    kills = 0
    for seed in count():
        with played(seed, count(10**9)) as whole, played(seed, deaths(seed)) as killed:
            assert killed.streams == whole.streams, f"scenario {seed}: slots"
            assert killed.phone.shown == whole.phone.shown, f"scenario {seed}: in the end"
            assert killed.clocks() == pytest.approx(whole.clocks(), abs=1.0), f"scenario {seed}: timers"
            kills += killed.lives - 1
        if kills >= KILLS:
            break
