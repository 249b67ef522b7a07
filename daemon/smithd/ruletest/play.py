"""Plays one test: the series become polls, time jumps from one thing that is due to the next, and the service is the
simulator. Everything between a poll and a request is what the daemon itself runs.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from smithd.clock import VirtualClock
from smithd.config.model import Config
from smithd.delivery.reply import Reply, read
from smithd.delivery.wire import Request
from smithd.engine.running import RunningEngine
from smithd.events import AlertChanged, Event, Events
from smithd.plugin.sample import Sample
from smithd.poll.intake import Poll
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import Every, Schedule, fresh_for
from smithd.ruletest.model import Case, Input, RuleTests
from smithd.ruletest.played import Played, Sent
from smithd.ruletest.series import PollMark
from smithd.simulator.exchange import Call
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState
from smithd.storage.database import Database

SETTLING = 1.0
"""Seconds that go on after the last thing that is looked at, so that what it caused can be seen."""

FAILURE = "the test has its poll fail"


def play(config: Config, tests: RuleTests, case: Case) -> Played:
    """Play a test of this configuration from its start to its end."""
    interval = case.interval or tests.interval
    if interval is not None:
        sources = {name: replace(spec, schedule=Every(interval)) for name, spec in config.sources.items()}
        config = replace(config, sources=sources)
    start = (case.start or tests.start).replace(tzinfo=config.zone).timestamp()
    clock = VirtualClock(start)
    with closing(Database.in_memory()) as database:
        return clock.run(_Stage(config, case, clock, start, database).run)


class _Stage:
    """One test, as it is played."""

    def __init__(self, config: Config, case: Case, clock: VirtualClock, start: float, database: Database) -> None:
        self._case = case
        self._clock = clock
        self._start = start
        self._key = config.account.api_key.get_secret_value()
        self._played = Played()
        self._service = Service(ServiceState(keys={self._key: None}, creates_metrics=True))
        self._polls = _polls(config, case.input, start)
        self._config = config
        self._database = database

    async def run(self) -> Played:
        """From the start until all that is expected can be told from what is not."""
        events = Events([self._hear])
        running = RunningEngine(
            self._config,
            events,
            self._clock,
            self._database,
            self._send,
            chance=lambda: 0.5,
            longest_nap=math.inf,
        )
        async with running:
            sending = asyncio.create_task(running.sender.run())
            await running.writer.catch_up()
            looks = {self._start + alert.at for alert in self._case.alerts}
            end = max([self._start + at for at in _last_moments(self._case)] + [max(self._polls, default=self._start)])
            for moment in sorted(looks | self._polls.keys() | {end + SETTLING}):
                await self._clock.sleep(max(0.0, moment - self._clock.now()))
                for poll in self._polls.get(moment, ()):
                    running.writer.put(poll)
                await running.writer.catch_up()
                if moment in looks:
                    self._played.alerts[moment - self._start] = running.engine.alerts
            await self._clock.sleep(0)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        return self._played

    async def _send(self, request: Request) -> Reply:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        call = Call(request.method, f"/api{request.path}", headers, request.content)
        answer = self._service.handle(call, self._clock.now())
        refused = "" if answer.status < 400 else f"{answer.status} {answer.note}"
        self._played.sent.append(Sent(self._passed(), request.endpoint, request.name, request.body, refused))
        said = json.dumps(answer.body).encode()
        return read(request.endpoint, answer.status, {}, said, self._clock.now())

    def _hear(self, event: Event) -> None:
        if isinstance(event, AlertChanged):
            self._played.transitions.append((self._passed(), str(event)))

    def _passed(self) -> float:
        return self._clock.now() - self._start


def _last_moments(case: Case) -> Iterator[float]:
    yield from (alert.at for alert in case.alerts)
    yield from (push.at.last for push in case.pushes or ())
    yield from (value.at.last for values in case.widgets.values() for value in values)
    yield from (shown.at.last for shows in case.activities.values() for shown in shows)


def _polls(config: Config, inputs: Sequence[Input], start: float) -> dict[float, list[Poll]]:
    """The polls by their moments: what the series of one source have at one step."""
    by_source: dict[str, list[Input]] = defaultdict(list)
    for given in inputs:
        by_source[given.series.metric.partition(".")[0]].append(given)
    polls: dict[float, list[Poll]] = defaultdict(list)
    for source, series in by_source.items():
        spec = config.sources[source]
        steps = max(len(given.values) for given in series)
        for step, moment in zip(range(steps), _moments(spec.schedule, start), strict=False):
            brought = [(given.series, given.values[step]) for given in series if step < len(given.values)]
            if any(value is not PollMark.NO_POLL for _, value in brought):
                polls[moment].append(_poll(spec, moment, brought))
    return polls


def _poll(spec: SourceSpec, moment: float, brought: Sequence[tuple[Any, float | PollMark]]) -> Poll:
    failed = any(value is PollMark.ERROR for _, value in brought)
    samples = tuple(Sample(series, value, moment) for series, value in brought if not isinstance(value, PollMark))
    freshness = fresh_for(spec.schedule, spec.timeout, moment)
    return Poll(spec.name, moment, freshness, samples, FAILURE if failed else None)


def _moments(schedule: Schedule, start: float) -> Iterator[float]:
    """When a source is polled: an interval begins with the start."""
    moment = start if isinstance(schedule, Every) else schedule.after(start - 1)
    while True:
        yield moment
        moment = moment + schedule.seconds if isinstance(schedule, Every) else schedule.after(moment)
