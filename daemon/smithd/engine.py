"""The one line: a poll comes in, and what the phone should be told is on disk when it is done.

``ingest`` and ``tick`` are the engine's two doors. Both run the same steps, straight down: remember, derive, judge,
tell, word, keep. Only the last one touches the disk, in one transaction, and only where something that lasts has
changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from itertools import chain
from typing import NamedTuple

from sqlalchemy import Connection

from smithd import journal
from smithd.alerts import rows as alert_rows
from smithd.alerts.alert import Alert, AlertKey, Transition
from smithd.alerts.alerts import Alerts
from smithd.alerts.evaluation import Evaluated, evaluate, evaluate_time, overdue, timers_of
from smithd.alerts.resume import resume
from smithd.alerts.rule import Rule, compile_rule, remembered_for
from smithd.alerts.ruleset import RuleSet
from smithd.config.model import Config, RuleConfig
from smithd.events import (
    Events,
    MemoryFull,
    RuleEvaluationFailed,
    Silenced,
    SilenceExpired,
    SurfaceHeld,
)
from smithd.expression.derived import made_of
from smithd.keys import DEFAULT_ACCOUNT, SurfaceKey
from smithd.notify import report
from smithd.notify import resume as notify_resume
from smithd.notify import rows as notify_rows
from smithd.notify.config import notify_config
from smithd.notify.group import AlertId, Groups
from smithd.notify.options import PushOptions
from smithd.notify.pipeline import Notified, notify
from smithd.notify.resume import look_again, reschedule, suppressions
from smithd.notify.route import NotifyTimer
from smithd.notify.silence import Silence, Silences, add_silence, expire_silence
from smithd.notify.suppression import Suppression, compile_suppressors
from smithd.notify.view import NotifyView, open_windows
from smithd.outbox.message import Message, Push, PushUpdate, WidgetValue
from smithd.outbox.shown import ShownActivity
from smithd.outbox.stored import StoredOutbox
from smithd.plugin.sample import Labels, Sample
from smithd.poll.intake import Poll
from smithd.poll.schedule import first_answer_within, fresh_for
from smithd.series import rows
from smithd.series.derived import DerivedMetrics
from smithd.series.expected import Expected, ExpectedSource, source_of
from smithd.series.history import History, HistoryDraft
from smithd.series.state import SeriesState, adopt, begin, expect_back, forget_missing, record, set_clock
from smithd.series.view import SeriesView
from smithd.storage.database import Database
from smithd.surfaces import messages as surface_messages
from smithd.surfaces import rows as slot_rows
from smithd.surfaces import slots
from smithd.surfaces.surface import NotRenderable
from smithd.surfaces.surfaces import Surfaces, build, render
from smithd.surfaces.view import SurfacesView
from smithd.timers import Ageing, AlertDue, EngineTimer, Look, TimerQueue

ALIVE_EVERY = 60.0
"""Seconds between two notes on disk that the daemon lives, while an alert's clock runs."""


class Known(NamedTuple):
    """What an engine knows of one rule.

    ``readings``: the newest of its metric; ``described``: the values of its expression, in a sentence; ``held``: what
    is held back; ``push``: how it is told (None: not at all); ``entries``: its decisions, the oldest first.
    """

    rule: Rule
    alerts: Mapping[Labels, Alert]
    samples: list[Sample]
    described: str
    held: Mapping[AlertId, Suppression]
    push: PushOptions | None
    entries: list[journal.Entry]


class Handover(NamedTuple):
    """What an engine leaves to the next at a reload, besides the disk: the newest readings of sources that go on, and
    the samples of the past.
    """

    series: SeriesState
    sources: Collection[str]
    history: History


class Engine:
    """Knows the order of the steps, and holds what they need between two polls.

    A reload is a restart that keeps readings: a new engine, from the disk and from what the one before hands over.
    Until it is made it has changed nothing; DatabaseError where it cannot be.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        outbox: StoredOutbox,
        events: Events,
        now: float,
        handover: Handover | None = None,
    ) -> None:
        self._config = config
        self._database = database
        self._outbox = outbox
        self._events = events
        made = made_of(config.derived)
        self._watchers = _watchers(config.rules, made)
        account = config.account
        self._surfaces: Surfaces = build(
            config.widgets,
            config.live_activities,
            self._watchers,
            account.channels,
            account.limits.live_activities_at_once,
        )
        self._slots = slots.Slots()
        self._slots_written = self._slots
        self._looked_at = self._surfaces.metrics | self._watchers.keys()
        self._series = begin(_expected(config, self._looked_at, self._watchers.keys(), made, now), now)
        self._derived = DerivedMetrics(config.derived)
        self._rules = {
            name: compile_rule(name, options, self._series.expires_after(options.metrics))
            for name, options in config.rules.items()
        }
        kept_for = remembered_for(self._rules.values(), config.derived)
        if handover is not None:
            self._history = handover.history
        else:
            with database.resuming() as connection:
                self._history = rows.load(connection, kept_for, config.history, now)
        pushes = {name: options.push for name, options in config.rules.items() if options.push is not None}
        self._notify = notify_config(self._rules, pushes, compile_suppressors(config.rules), account.channels)
        self._notify_timers = TimerQueue[NotifyTimer]()
        self._groups = Groups()
        self._silences = Silences()
        self._journal = journal.Journal()
        self._timers = TimerQueue[EngineTimer]()
        self._ageing: set[str] = set()
        self._not_renderable: dict[SurfaceKey, NotRenderable] = {}
        self._alerts = Alerts()
        self._unsaved: list[AlertKey] = []
        self._refused: set[str] = set()
        self._alive_at = now
        self._is_first = handover is None
        if handover is not None:
            self._adopt(handover)
        self._rule_set = RuleSet.of(self._rules, self._series.sources_of, config.history, config.zone)
        self._resume(now)
        self._history.watch(kept_for, config.history)

    def hand_over(self, sources: Collection[str]) -> Handover:
        """What the next engine may go on with, where these sources go on."""
        return Handover(self._series, sources, self._history)

    def _adopt(self, handover: Handover) -> None:
        self._series = adopt(self._series, handover.series, handover.sources)

    def go_on(self, now: float) -> bool:
        """After a reload: evaluate the rules of today on what was handed over. Returns as ``ingest`` does."""
        known = self._series.fresh_samples(now)
        brought = {sample.series.metric for sample in known}
        return self._come(known, list(brought), brought, now)

    def ingest(self, poll: Poll) -> bool:
        """Take a poll: after this, all that it means for the phone is in the outbox, on disk. Returns whether that
        left something to send.
        """
        names, brought = self._remember(poll)
        return self._come(poll.samples, names, brought, poll.time)

    def tick(self, now: float) -> bool:
        """Let time pass: holds run out, readings grow old, streams cool down. Returns as ``ingest`` does."""
        alarms, aged, surfaces = self._look_up(now)
        transitions = self._take_evaluated(evaluate_time(self._rule_set, self._alerts, alarms, aged, self._seen(now)))
        notified = self._notify_of(transitions, now)
        surfaces |= self._surfaces.concerned((), _moved(transitions))
        messages = self._render(surfaces, now)
        return self._keep(transitions, notified, messages, now)

    def close(self, now: float) -> None:
        """Write down what is remembered and not on disk yet; for the end, when nothing comes any more."""
        self._history.forget(now)
        if unwritten := self._history.unwritten():
            with self._database.transaction() as connection:
                rows.write(connection, unwritten)
            self._history.written(now)

    def wake_at(self) -> float | None:
        """When ``tick`` is due next (seconds since 1970); None where only a poll can change anything."""
        times = (self._timers.next_at(), self._notify_timers.next_at())
        return min((at for at in times if at is not None), default=None)

    @property
    def alerts(self) -> list[Alert]:
        """The alerts that are not inactive."""
        return list(self._alerts)

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules, by name."""
        return self._rules

    def known(self, name: str, now: float) -> Known:
        """What is known of a rule; KeyError where there is none of that name."""
        rule = self._rules[name]
        described = ""
        if rule.when is not None:
            described = rule.when.describe(self._seen(now))
        with self._database.transaction() as connection:
            entries = journal.read(connection, name)
        samples = list(self._series.samples(rule.metric).values())
        held = suppressions(self._groups, name, self._notify_view(now), self._notify)
        return Known(
            rule, self._alerts.by_rule.get(name, {}), samples, described, held, self._config.rules[name].push, entries
        )

    def silences(self, now: float) -> list[Silence]:
        """The silences that have not ended, the oldest first."""
        return self._silences.active(now)

    def add_silence(self, matchers: str, seconds: float, comment: str, author: str, now: float) -> Silence:
        """Silence the alerts that meet these matchers for so many seconds; ValueError says what was expected."""
        after, silence = add_silence(self._silences, matchers, seconds, comment, author, self._rules, now)
        with self._database.transaction() as connection:
            notify_rows.write_silences(connection, self._silences, after)
        self._silences = after
        self._events.publish(Silenced(silence.id, silence.text, seconds, comment, author))
        return silence

    def expire_silence(self, id_: int, now: float) -> None:
        """End a silence now; ValueError where there is none. ``tick`` then notifies what it suppressed."""
        after, _ = expire_silence(self._silences, id_, now)
        with self._database.transaction() as connection:
            notify_rows.write_silences(connection, self._silences, after)
        self._silences = after
        for at, timer in look_again(self._groups, now):
            self._notify_timers.add(at, timer)
        self._events.publish(SilenceExpired(id_))

    def _resume(self, now: float) -> None:
        """Take up what the last run left; what the configuration no longer has is closed."""
        with self._database.resuming() as connection:
            kept = alert_rows.load(connection)
            resumed = resume(kept.alerts, kept.flapping, self._rules, kept.alive_at, now)
            self._alerts = resumed.alerts
            self._silences = notify_rows.load_silences(connection)
            self._groups = notify_rows.load_groups(connection)
            self._slots = self._slots_written = slot_rows.load(connection, DEFAULT_ACCOUNT)
            self._withdraw(connection, now)
            notified = self._take(notify_resume.resume(self._groups, self._notify_view(now), self._notify))
            self._write(connection, notified, now)
            alert_rows.write(connection, self._alerts, resumed.forgotten, now)
        self._say(notified)
        self._outbox.want(self._surfaces.keys)
        self._outbox.slot_freed = self._slot_freed
        for alert in self._alerts:
            since = min(alert.absence.since, now) if alert.absence.is_missing else now
            if alert.value is not None and alert.series.metric:
                self._series = expect_back(self._series, Sample(alert.series, alert.value, since))
        self._set_timers(timers_of(self._rule_set, self._alerts))
        for surface in self._surfaces.keys:
            self._timers.add(now, Look(surface))
            self._timers.add(now + self._series.longest_first_answer + 0.001, Look(surface))
        self._plan_slots(now)
        for name in self._looked_at | self._surfaces.sources:
            self._watch_age(name, now)
        self._ageing.clear()  # nothing has come yet: the first word of each is news

    def _set_timers(self, timers: Iterable[tuple[float, AlertDue]]) -> None:
        for at, timer in timers:
            self._timers.add(at, timer)

    def _withdraw(self, connection: Connection, now: float) -> None:
        """End what the configuration no longer has, and take back what the last run wanted to show and did not: it is
        worded anew from what is true now. A number goes out all the same, with the time when it was true.
        """
        for message in self._outbox.messages():
            is_number = isinstance(message, WidgetValue) and not isinstance(message.value, str)
            if not isinstance(message, Push | PushUpdate) and not (is_number and message.key in self._surfaces.always):
                self._outbox.withdraw(connection, message.key)
        for key, shown in list(self._outbox.shown().items()):
            if not isinstance(shown, ShownActivity) or shown.ended or key in self._surfaces.streams:
                continue
            if self._is_first and self._database.from_another:
                self._outbox.forget(connection, key)  # another configuration's: it is not ours to end
            else:
                self._outbox.put(connection, surface_messages.end_of_removed(shown.key, shown, now))

    def replan(self, now: float) -> None:
        """The clock was set: nothing may wait for a time that is far away now."""
        self._series = set_clock(self._series, now)
        self._alerts = self._alerts.by(now)
        self._timers.clear()
        self._ageing.clear()
        self._set_timers(timers_of(self._rule_set, self._alerts))
        for name in self._looked_at | self._surfaces.sources:
            self._watch_age(name, now)
        for surface in self._surfaces.keys:
            self._timers.add(now, Look(surface))
        self._slots = slots.set_clock(self._slots, now)
        self._plan_slots(now)
        self._notify_timers.clear()
        self._groups, timers = reschedule(self._groups, now)
        for at, timer in timers:
            self._notify_timers.add(at, timer)

    def _remember(self, poll: Poll) -> tuple[list[str], Set[str]]:
        """Keep the newest readings; returns the metrics and sources whose surfaces must look again, and the metrics
        that were brought.
        """
        self._series, names, brought, news = record(
            self._series, poll.source, poll.samples, poll.failure, poll.is_complete, poll.fresh_for, poll.time
        )
        draft = HistoryDraft(self._history)
        draft.take(poll.samples, poll.time)
        self._history.apply(draft.changes(), poll.time)
        heard = brought
        if news:
            for due in overdue(self._rule_set, self._alerts, poll.source, poll.time):
                self._timers.add(poll.time, due)
            for metric in self._rule_set.metrics_of.get(poll.source, ()):
                self._timers.add(poll.time, Ageing(metric))
        if (poll.failure is None or poll.samples) and poll.source in self._surfaces.sources:
            heard = heard | {poll.source}
        for name in heard - self._ageing:
            self._watch_age(name, poll.time)
            names.append(name)
        return names, brought

    def _come(self, came: Iterable[Sample], names: list[str], brought: Set[str], now: float) -> bool:
        """What readings mean that were recorded; as ``_remember`` returned it."""
        fresh = [sample for sample in came if self._series.is_fresh(sample, now)]
        view, derived, changed, brought = self._derived.derive(brought, self._seen(now))
        self._series = view.state
        if derived:
            draft = HistoryDraft(self._history)
            draft.take_derived(derived, now)
            self._history.apply(draft.changes(), now)
        transitions = self._take_evaluated(evaluate(self._rule_set, self._alerts, fresh + derived, brought, view))
        notified = self._notify_of(transitions, now)
        messages = self._render(self._surfaces.concerned([*names, *changed], _moved(transitions)), now)
        return self._keep(transitions, notified, messages, now)

    def _take_evaluated(self, evaluated: Evaluated) -> list[Transition]:
        if evaluated.alerts is not self._alerts:
            self._alerts = evaluated.alerts
            self._unsaved += evaluated.changed
        if evaluated.unneeded:
            self._series = forget_missing(self._series, evaluated.unneeded)
        self._set_timers(evaluated.timers)
        for rule, problem in evaluated.problems.items():
            self._events.publish(RuleEvaluationFailed(rule, problem))
        return list(evaluated.transitions)

    def _look_up(self, now: float) -> tuple[list[AlertDue], list[str], set[SurfaceKey]]:
        """What the agenda says: alerts whose clock ran out, metrics of which something is too old, surfaces to look
        at again.
        """
        alarms, aged, grown_old = [], [], []
        surfaces: set[SurfaceKey] = set()
        for item in self._timers.take(now):
            match item:
                case AlertDue():
                    alarms.append(item)
                case Ageing(name):
                    self._ageing.discard(name)
                    self._watch_age(name, now)
                    aged.append(name)
                    if self._series.stale_at(name) <= now:
                        grown_old.append(name)
                case Look(surface):
                    surfaces.add(surface)
        return alarms, aged, surfaces | self._surfaces.concerned(grown_old, ())

    def _watch_age(self, name: str, now: float) -> None:
        """Have the agenda call when the next thing that we know of a metric or source is too old."""
        old_at = self._series.next_stale_at(name, now)
        if old_at is not None:
            self._ageing.add(name)
            self._timers.add(old_at + 0.001, Ageing(name))

    def _notify_of(self, transitions: list[Transition], now: float) -> Notified:
        """What there is to notify of the alerts, and why each was notified or was not."""
        due = list(self._notify_timers.take(now))
        if not transitions and not due:
            return Notified(self._groups)
        return self._take(notify(self._groups, transitions, due, self._notify_view(now), self._notify))

    def _take(self, notified: Notified) -> Notified:
        self._groups = notified.groups
        for at, timer in notified.timers:
            self._notify_timers.add(at, timer)
        return notified

    def _render(self, surfaces: Collection[SurfaceKey], now: float) -> list[Message]:
        """How the surfaces look now."""
        if not surfaces:
            return []
        rendered = render(self._surfaces, surfaces, self._surfaces_view(now), self._slots)
        self._slots = rendered.slots
        for at, look in rendered.timers:
            self._timers.add(at, look)
        for each in rendered.not_renderable:
            if not each.obstacle.is_expected and self._not_renderable.get(each.key) != each:
                self._not_renderable[each.key] = each
                self._events.publish(SurfaceHeld(each.key, str(each)))
        for message in rendered.messages:
            self._not_renderable.pop(message.key, None)
        return list(rendered.messages)

    def _slot_freed(self, now: float) -> None:
        """A Live Activity has left the phone: another one may start."""
        self._keep([], Notified(self._groups), self._render(self._surfaces.streams.keys(), now), now)

    def _plan_slots(self, now: float) -> None:
        for at, key in slots.timers(self._slots, self._surfaces.limits, now):
            self._timers.add(at, Look(key))

    def _keep(self, transitions: list[Transition], notified: Notified, messages: list[Message], now: float) -> bool:
        """Write down what lasts, all of it in one transaction, then say what happened."""
        for metric in sorted(self._history.refused - self._refused):
            self._events.publish(MemoryFull(metric))
            self._refused.add(metric)
        samples = self._history.pending(now)
        messages = [message for message in messages if self._outbox.changes(message)]
        slots_changed = self._slots != self._slots_written
        if not (transitions or notified.has_changes or messages or slots_changed or self._clocks_run(now) or samples):
            return False
        with self._database.transaction() as connection:
            alert_rows.write(connection, self._alerts, self._unsaved, now)
            self._write(connection, notified, now)
            for message in messages:
                self._outbox.put(connection, message)
            if slots_changed:
                slot_rows.write(connection, DEFAULT_ACCOUNT, self._slots)
            if samples is not None:
                rows.write(connection, samples)
        self._slots_written = self._slots
        if samples is not None:
            self._history.written(now)
        self._unsaved.clear()
        self._say(notified)
        return bool(messages or notified.messages)

    def _write(self, connection: Connection, notified: Notified, now: float) -> None:
        notify_rows.write_groups(connection, notified.groups, notified.changed)
        self._journal.write(connection, report.entries(notified.decisions), now)
        for message in notified.messages:
            self._outbox.put(connection, message)

    def _say(self, notified: Notified) -> None:
        for event in report.events(notified.decisions):
            self._events.publish(event)

    def _clocks_run(self, now: float) -> bool:
        """Once in a while: whether an alert is pending, so that the next start must know how long we were away."""
        if now - self._alive_at < ALIVE_EVERY:
            return False
        self._alive_at = now
        return self._alerts.has_pending

    def _surfaces_view(self, now: float) -> SurfacesView:
        outbox, streams = self._outbox, self._surfaces.streams
        return SurfacesView(
            now,
            self._series,
            self._alerts.firing,
            lambda key: outbox.standing(key).shown,
            lambda: outbox.streams_on_phone() | {key for key in streams if outbox.standing(key).holds_slot},
        )

    def _seen(self, now: float) -> SeriesView:
        return SeriesView(self._series, self._history.past, now)

    def _notify_view(self, now: float) -> NotifyView:
        return NotifyView(
            now,
            self._config.zone,
            self._alerts.by_rule,
            open_windows(self._config.windows, now),
            self._silences.active(now),
            self._series,
            self._outbox.standing,
        )


def _watchers(rules: Mapping[str, RuleConfig], made: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """The rules on each metric; those on a derived one look at the metrics too that it is made of."""
    watchers: dict[str, list[str]] = defaultdict(list)
    for name, rule in rules.items():
        for metric in rule.metrics.union(*(made.get(metric, ()) for metric in rule.metrics)):
            watchers[metric].append(name)
    return dict(watchers)


def _expected(
    config: Config, watched: Collection[str], judged: Collection[str], made: Mapping[str, frozenset[str]], now: float
) -> Expected:
    """What the sources are expected to bring, and when."""
    return Expected(
        frozenset({*watched, *made, *chain.from_iterable(made.values())}),
        frozenset(judged),
        {
            spec.name: ExpectedSource(
                fresh_for(spec.schedule, spec.timeout, now), first_answer_within(spec.schedule, spec.timeout)
            )
            for spec in config.sources.values()
        },
        {name: frozenset(map(source_of, metrics)) for name, metrics in made.items()},
    )


def _moved(transitions: Iterable[Transition]) -> set[str]:
    """The rules whose severity changed on some series."""
    return {transition.alert.rule for transition in transitions if transition.changes_severity}
