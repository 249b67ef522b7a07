"""Plays one test: the series become polls, time jumps from one thing that is due to the next, and the service is the
simulator. Everything between a poll and a request is the daemon's own code.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from zoneinfo import ZoneInfo

from smithd.clock import VirtualClock
from smithd.config.model import Config
from smithd.delivery.reply import Reply, read
from smithd.delivery.wire import Request
from smithd.engine.running import RunningEngine
from smithd.events import AlertChanged, Event, Events
from smithd.plugin.sample import Sample
from smithd.poll.intake import Poll
from smithd.poll.schedule import Every, Schedule, fresh_for
from smithd.ruletest.expected import RequestIs
from smithd.ruletest.model import Case, Input, RuleTests
from smithd.ruletest.played import Played, Sent
from smithd.ruletest.series import PollMark
from smithd.ruletest.table import NO_TABLE, Table
from smithd.simulator.exchange import Call
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState
from smithd.storage.database import Database

SETTLING = 1.0
"""Seconds that a test goes on after its last time, so that what that time caused can be seen."""

FAILURE = "the test has its poll fail"


def play(config: Config, tests: RuleTests, case: Case, table: Table = NO_TABLE) -> Played:
    """Play a test of this configuration from its start to its end. ``table``: its series that a file has."""
    interval = case.interval or tests.interval
    if interval is not None:
        sources = {name: replace(spec, schedule=Every(interval)) for name, spec in config.sources.items()}
        config = replace(config, sources=sources)
    # As on a machine in the configured zone: a test says the same on every machine.
    config = replace(config, zone=ZoneInfo(config.zone.key))
    start = (table.start or case.start or tests.start).replace(tzinfo=config.zone).timestamp()
    clock, polls = VirtualClock(start), _polls(config, case.input, start)
    for poll in _polls_of_table(config, table, start):
        polls[poll.time].append(poll)
    with closing(Database.in_memory()) as database:
        return clock.run(_Stage(config, case, clock, polls, database).run)


class _Stage:
    """One test, as it is played."""

    def __init__(
        self, config: Config, case: Case, clock: VirtualClock, polls: Mapping[float, Sequence[Poll]], database: Database
    ) -> None:
        self._case = case
        self._clock = clock
        self._start = clock.now()
        self._played = Played(self._start)
        # In the app a person creates a widget's metric; here its first value does.
        self._services = {
            account: Service(ServiceState(keys=dict.fromkeys(config.accounts), creates_metrics=True))
            for account in map(config.budget_of, config.accounts)
        }
        self._polls = polls
        self._config = config
        self._database = database

    async def run(self) -> Played:
        """Play from the start until a moment after the last time that the test names."""
        events = Events([self._note_transition])
        running = RunningEngine(
            self._config,
            events,
            self._clock,
            self._database,
            dict.fromkeys(self._config.accounts, self._send),
            # Without randomness, a test has the same result each time.
            chance=lambda: 0.5,
            # Virtual time is never set, so the clock need not be looked at while nothing is due.
            longest_nap=math.inf,
        )
        async with running:
            sending = asyncio.create_task(running.send())
            await running.writer.catch_up()

            case, looks = self._case, {self._start + alert.at for alert in self._case.alerts}
            requests: list[Iterable[RequestIs]] = [case.pushes or (), case.badge or ()]
            requests += [*case.widgets.values(), *case.activities.values()]
            windows = [each.at for expected in requests for each in expected]
            end = max([*looks, *self._polls, *(self._start + window.last for window in windows)], default=self._start)
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
        # Requests of one moment to several accounts have no order of their own.
        accounts = list(self._config.accounts)
        self._played.sent.sort(key=lambda sent: (sent.at, accounts.index(sent.account)))
        return self._played

    async def _send(self, request: Request) -> Reply:
        account = request.key.account
        # Each account is a service of its own, where its name is its key.
        headers = {"Authorization": f"Bearer {account}", "Content-Type": "application/json"}
        call = Call(request.method, f"/api{request.path}", headers, request.content)
        answer = self._services[self._config.budget_of(account)].handle(call, self._clock.now())
        refused = "" if answer.status < 400 else f"{answer.status} {answer.note}"
        # As it is on the wire: numbers are not what they are within the daemon.
        written = json.loads(request.content)
        self._played.sent.append(Sent(self._passed(), account, request.endpoint, request.name, written, refused))
        body = json.dumps(answer.body).encode()
        return read(request.endpoint, answer.status, {}, body, self._clock.now())

    def _note_transition(self, event: Event) -> None:
        if isinstance(event, AlertChanged):
            self._played.transitions.append((self._passed(), str(event)))

    def _passed(self) -> float:
        return self._clock.now() - self._start


def _polls(config: Config, inputs: Sequence[Input], start: float) -> dict[float, list[Poll]]:
    """The polls by their times: the values of all series of a source at one step make one poll."""
    by_source: dict[str, list[Input]] = defaultdict(list)
    for given in inputs:
        by_source[given.series.metric.partition(".")[0]].append(given)
    polls: dict[float, list[Poll]] = defaultdict(list)
    for source, series in by_source.items():
        spec = config.sources[source]
        steps = max(len(given.values) for given in series)
        # The moments never end; the steps do.
        for step, moment in zip(range(steps), _moments(spec.schedule, start), strict=False):
            values = [(given.series, given.values[step]) for given in series if step < len(given.values)]
            # One series that says something makes it a poll, in which the others are missing.
            if all(value is PollMark.NO_POLL for _, value in values):
                continue
            failed = any(value is PollMark.ERROR for _, value in values)
            samples = tuple(
                Sample(series, value, moment) for series, value in values if not isinstance(value, PollMark)
            )
            freshness = fresh_for(spec.schedule, spec.timeout, moment)
            polls[moment].append(Poll(source, moment, freshness, samples, FAILURE if failed else None))
    return polls


def _polls_of_table(config: Config, table: Table, start: float) -> Iterator[Poll]:
    """The polls of a file's series: what a row has of a source is one poll."""
    by_source: dict[str, list[int]] = defaultdict(list)
    for column, series in enumerate(table.series):
        by_source[series.metric.partition(".")[0]].append(column)
    for at, cells in table.rows:
        moment = start + at
        for source, columns in by_source.items():
            said = {table.series[column]: cell for column in columns if (cell := cells[column]) is not None}
            if not said:
                continue
            spec = config.sources[source]
            samples = tuple(
                Sample(series, value, moment) for series, value in said.items() if not isinstance(value, PollMark)
            )
            failure = FAILURE if PollMark.ERROR in said.values() else None
            freshness = fresh_for(spec.schedule, spec.timeout, moment)
            # Of a series without a cell the answer says nothing, not that it is missing.
            is_partial = len(said) < len(columns)
            yield Poll(source, moment, freshness, samples, failure, is_partial=is_partial)


def _moments(schedule: Schedule, start: float) -> Iterator[float]:
    """When a source is polled: an interval begins with the start."""
    # The start itself may be a moment of a calendar, which only names later ones than it is asked about.
    moment = start if isinstance(schedule, Every) else schedule.after(start - 1)
    while True:
        yield moment
        moment = moment + schedule.seconds if isinstance(schedule, Every) else schedule.after(moment)
