"""The one line: a poll comes in, and what the phone should be told is on disk when it is done.

``ingest`` and ``tick`` are the engine's two doors. Both run the same steps, straight down: remember, judge, word,
keep. Only the last one touches the disk, in one transaction, and only where something that lasts has changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from smithd.alerts import active as memory
from smithd.alerts.agenda import Ageing, Agenda, Alarm, Look
from smithd.alerts.latest import Latest
from smithd.alerts.rule import Rule, compile_rule
from smithd.alerts.state import VISIBLE, Alert, Transition, judge
from smithd.config.model import Config
from smithd.database import Database
from smithd.outbox.message import Kind, Message
from smithd.outbox.queue import Outbox
from smithd.plugin.sample import Reading
from smithd.poll.intake import Poll
from smithd.poll.schedule import first_word_within, fresh_for
from smithd.surfaces import activity, push
from smithd.surfaces.board import Board
from smithd.surfaces.view import Held, View
from smithd.telemetry import AlertMoved, AlertStirred, SurfaceHeld, Telemetry

ALIVE_EVERY = 60.0
"""Seconds between two notes on disk that the daemon lives, while an alert's clock runs."""


class Handover(NamedTuple):
    """What an engine leaves to the next at a reload, besides the disk: the newest readings of sources that go on."""

    latest: Latest
    sources: Collection[str]


class Engine:
    """Knows the order of the steps, and holds what they need between two polls.

    A reload is a restart that keeps readings: a new engine, from the disk and from what the one before hands over.
    Until it is made it has changed nothing; DatabaseError where it cannot be.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        outbox: Outbox,
        telemetry: Telemetry,
        now: float,
        handover: Handover | None = None,
    ) -> None:
        self._config = config
        self._database = database
        self._outbox = outbox
        self._telemetry = telemetry
        self._rules = {name: compile_rule(name, options) for name, options in config.rules.items()}
        self._rules_on: dict[str, list[Rule]] = defaultdict(list)
        for rule in self._rules.values():
            self._rules_on[rule.metric].append(rule)
        self._watchers = {metric: [rule.name for rule in rules] for metric, rules in self._rules_on.items()}
        account = config.account
        self._board = Board(
            config.widgets,
            config.live_activities,
            self._watchers,
            account.channels,
            account.limits.live_activities_at_once,
        )
        self._latest = Latest(self._board.metrics | self._rules_on.keys(), now)
        for spec in config.sources.values():
            patience = first_word_within(spec.schedule, spec.timeout)
            self._latest.expect(spec.name, spec.metrics, fresh_for(spec.schedule, spec.timeout, now), patience)
        self._agenda = Agenda()
        self._ageing: set[str] = set()
        self._ends: dict[str, float] = {}
        self._held: dict[str, str] = {}
        self._alive_at = now
        adopted = self._latest.adopt(*handover) if handover is not None else []
        self._active = self._resume(now)
        for reading in adopted:
            self._look_again(reading, now)

    def hand_over(self, sources: Collection[str]) -> Handover:
        """What the next engine may go on with, where these sources go on."""
        return Handover(self._latest, sources)

    def ingest(self, poll: Poll) -> bool:
        """Take a poll: after this, all that it means for the phone is in the outbox, on disk. Returns whether that
        left something to send.
        """
        metrics = self._remember(poll)
        fresh = [reading for reading in poll.readings if self._latest.is_fresh(reading, poll.time)]
        transitions = self._judge(fresh, poll.time)
        messages = self._word(self._board.concerned(metrics, _moved(transitions)), transitions, poll.time)
        return self._keep(transitions, messages, poll.time)

    def tick(self, now: float) -> bool:
        """Let time pass: holds run out, readings grow old, streams cool down. Returns as ``ingest`` does."""
        readings, surfaces = self._look_up(now)
        transitions = self._judge(readings, now)
        surfaces |= self._board.concerned((), _moved(transitions))
        messages = self._word(surfaces, transitions, now)
        return self._keep(transitions, messages, now)

    def wake_at(self) -> float | None:
        """When ``tick`` is due next (seconds since 1970); None where only a poll can change anything."""
        return self._agenda.next_at()

    @property
    def alerts(self) -> list[Alert]:
        """The alerts that are not inactive."""
        return list(self._active)

    def _resume(self, now: float) -> memory.Active:
        """Take up what the last run left; what the configuration no longer has is closed."""
        with self._database.resuming() as connection:
            active, orphans = memory.Active.load(connection, self._rules, now)
            self._active = active
            self._close(connection, orphans, self._view(now))
            memory.keep_alive(connection, now)
        for alert in active:
            self._plan(alert)
        for surface in self._board.surfaces:
            self._agenda.add(now, Look(surface))
            self._agenda.add(now + self._latest.longest_patience + 0.001, Look(surface))
        for name in self._board.metrics | self._board.sources:
            self._watch_age(name, now)
        self._ageing.clear()  # nothing has come yet: the first word of each is news
        return active

    def _close(self, connection: Connection, orphans: Iterable[Alert], view: View) -> None:
        """End what the configuration no longer has, and take back what the last run wanted to show and did not: it is
        worded anew from what is true now. A number goes out all the same, with the time when it was true.
        """
        for message in self._outbox.messages():
            is_number = message.kind is Kind.METRIC and not isinstance(message.content["value"], str)
            if message.is_level and not (is_number and message.key in self._board.surfaces):
                self._outbox.withdraw(connection, message.key)
        for alert in orphans:
            memory.forget(connection, alert)
            if closing := push.removed(alert, view):
                self._outbox.put(connection, closing)
        for key, shown in list(self._outbox.shown().items()):
            if shown.kind in (Kind.STREAM, Kind.END) and not shown.ended and key not in self._board.surfaces:
                self._outbox.put(connection, activity.end(key.partition(":")[2], None, view))

    def replan(self, now: float) -> None:
        """The clock was set: nothing may wait for a time that is far away now."""
        self._latest.set_clock(now)
        self._agenda = Agenda()
        self._ageing.clear()
        for alert in self._active:
            self._plan(alert)
        for name in self._board.metrics | self._board.sources:
            self._watch_age(name, now)
        for surface in self._board.surfaces:
            self._agenda.add(now, Look(surface))

    def _remember(self, poll: Poll) -> list[str]:
        """Keep the newest readings; returns the metrics and sources whose surfaces must look again."""
        names = self._latest.take(poll.readings, poll.fresh_for)
        heard = {reading.series.metric for reading in poll.readings} & self._board.metrics
        if poll.failure is None or poll.readings:
            self._latest.answered(poll.source, poll.time, poll.fresh_for)
            heard |= {poll.source} & self._board.sources
        for name in heard - self._ageing:
            self._watch_age(name, poll.time)
            names.append(name)
        return names

    def _look_up(self, now: float) -> tuple[list[Reading], set[str]]:
        """What the agenda says: readings to judge once more, surfaces to look at again."""
        readings, surfaces, grown_old = [], set(), []
        view = self._view(now)
        for item in self._agenda.take(now):
            match item:
                case Alarm(rule, labels):
                    reading = self._latest.get(self._rules[rule].metric, labels)
                    if reading is not None and view.is_fresh(reading):
                        readings.append(reading)
                case Ageing(name):
                    self._ageing.discard(name)
                    if not self._watch_age(name, now):
                        grown_old.append(name)
                case Look(surface):
                    surfaces.add(surface)
        return readings, surfaces | self._board.concerned(grown_old, ())

    def _watch_age(self, name: str, now: float) -> bool:
        """Have the agenda call when what we know of a metric or source is too old; False where it already is."""
        old_at = self._latest.old_at(name)
        if old_at <= now:
            return False
        self._ageing.add(name)
        self._agenda.add(old_at + 0.001, Ageing(name))
        return True

    def _judge(self, readings: Iterable[Reading], now: float) -> list[Transition]:
        """What the readings do to the alerts."""
        transitions = []
        for reading in readings:
            series, value, _ = reading
            for rule in self._rules_on.get(series.metric, ()):
                alert = self._active.get(rule.name, series.labels)
                if alert is None and not rule.breaches(value):
                    continue
                transition = judge(rule, series, alert, value, now)
                if transition is not None:
                    self._active.move(transition)
                    transitions.append(transition)
                    self._plan(transition.after)
        return transitions

    def _look_again(self, reading: Reading, now: float) -> None:
        """Have a known reading judged by the rules of today."""
        for rule in self._rules_on.get(reading.series.metric, ()):
            self._agenda.add(now, Alarm(rule.name, reading.series.labels))

    def _plan(self, alert: Alert | None) -> None:
        due = alert.due(self._rules[alert.rule].timing) if alert is not None else None
        if alert is not None and due is not None:
            self._agenda.add(due, Alarm(alert.rule, alert.series.labels))

    def _word(self, surfaces: Collection[str], transitions: list[Transition], now: float) -> list[Message]:
        """What the phone should be told: pushes for the transitions, and how the surfaces look now."""
        if not surfaces and not transitions:
            return []
        view = self._view(now)
        messages = []
        for transition in transitions:
            name = transition.alert.rule
            options = self._config.rules[name].push
            if options is not None and (
                message := push.word(transition, self._rules[name], options, self._config.account.channels, view)
            ):
                messages.append(message)
        for said in self._board.word(surfaces, view):
            if isinstance(said, Held):
                self._hold(said)
            else:
                self._held.pop(said.key, None)
                messages.append(said)
        ends = self._board.ends_at(view)
        for surface, at in ends.items() - self._ends.items():
            self._agenda.add(at, Look(surface))
        self._ends = ends
        return messages

    def _keep(self, transitions: list[Transition], messages: list[Message], now: float) -> bool:
        """Write down what lasts, all of it in one transaction, then say what happened."""
        messages = [message for message in messages if self._outbox.changes(message)]
        if not transitions and not messages and not self._clocks_run(now):
            return False
        with self._database.transaction() as connection:
            memory.save(connection, self._rules, transitions, now)
            for message in messages:
                self._outbox.put(connection, message)
        for transition in transitions:
            self._telemetry.tell(_fact(transition))
        return bool(messages)

    def _clocks_run(self, now: float) -> bool:
        """Once in a while: whether an alert is pending, so that the next start must know how long we were away."""
        if now - self._alive_at < ALIVE_EVERY:
            return False
        self._alive_at = now
        return any(alert.severity is None for alert in self._active)

    def _view(self, now: float) -> View:
        return View(
            now,
            self._config.zone,
            self._latest,
            self._active.firing,
            self._watchers,
            self._outbox.standing,
        )

    def _hold(self, held: Held) -> None:
        if self._held.get(held.surface) != held.reason:
            self._held[held.surface] = held.reason
            self._telemetry.tell(SurfaceHeld(held.surface, held.reason))


def _moved(transitions: Iterable[Transition]) -> set[str]:
    """The rules whose severity changed on some series."""
    return {
        transition.alert.rule
        for transition in transitions
        if (transition.before and transition.before.severity) != (transition.after and transition.after.severity)
    }


def _fact(transition: Transition) -> AlertMoved:
    alert = transition.alert
    labels = str(alert.series)[len(alert.series.metric) :]
    fact = AlertMoved if transition.change in VISIBLE else AlertStirred
    return fact(alert.rule, labels, transition.change, alert.severity or "", transition.why)
