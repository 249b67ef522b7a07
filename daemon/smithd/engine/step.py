"""One step while it is computed: the entries are folded one after another, in the order of the way of the data. No I/O.

Nothing is changed but the step's own draft: the state as far as the entries so far have brought it, the samples and the
timers that they added, and what the transaction is to write.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rpds import HashTrieSet

from smithd import startup
from smithd.alerts.alert import Transition
from smithd.alerts.evaluation import Evaluated, evaluate, evaluate_time, overdue
from smithd.delivery.outcome import Outcome
from smithd.delivery.sender import Departures
from smithd.engine.entries import (
    AddSilence,
    CatchUp,
    ClaimMessages,
    ClockSet,
    EndSurfaces,
    Entry,
    ExpireSilence,
    Reconfigure,
    SettleClaim,
    Tick,
    WriteAll,
)
from smithd.engine.sending import Sending
from smithd.events import (
    AlertLimitReached,
    Event,
    HistoryFull,
    RuleEvaluationFailed,
    SilenceAdded,
    SilenceExpired,
    SurfaceNotRenderable,
)
from smithd.keys import DEFAULT_ACCOUNT, SurfaceKey, WidgetKey
from smithd.notify import report
from smithd.notify.group import Groups
from smithd.notify.pipeline import notify
from smithd.notify.resume import look_again, outdate, reschedule
from smithd.notify.route import GroupDue, NotifyTimer, SuppressionEnds
from smithd.notify.silence import Silence, add_silence, expire_silence
from smithd.notify.view import NotifyView
from smithd.outbox import queue as outbox
from smithd.outbox import wall_clock
from smithd.outbox.message import ActivityEnd, BadgeCount, Message
from smithd.outbox.state import Outbox, OutboxChanges
from smithd.plugin.sample import Sample
from smithd.poll.intake import Poll
from smithd.series import intervals
from smithd.series.history import History, HistoryChanges, HistoryDraft
from smithd.series.state import forget_missing, record, set_clock
from smithd.series.view import SeriesView
from smithd.setup import Setup
from smithd.startup import EngineTimer
from smithd.state import State, StateChanges
from smithd.surfaces.slots import memory
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surfaces import Surfaces, render
from smithd.timers import AlertDue, NoDataDue, SilenceDue, StaleDue, SurfaceDue, TimerChanges, TimerQueue, WindowDue
from smithd.views import notify_view, surfaces_view

NO_GROUPS, NO_SLOTS = Groups(), Slots()

ALIVE_EVERY = 60.0
"""Seconds between two notes on disk that the daemon is alive, while an alert is pending."""

PRUNE_EVERY = 86400.0
"""Seconds between two looks for firing intervals that are too old."""


class NewSamples(NamedTuple):
    """Samples, none of which counts as older than ``not_before``."""

    samples: Iterable[Sample]
    not_before: float


@dataclass(slots=True)
class Changes:
    """What a step computed; nothing of it has happened yet.

    ``setup`` and ``state``: what they will be; ``stored``: what the transaction writes of it. ``answers``: those of the
    step's commands, in their order; an exception is a refusal. ``new_samples``: polled or derived.
    """

    setup: Setup
    state: State
    now: float
    samples: HistoryChanges
    timers: TimerChanges[EngineTimer]
    stored: StateChanges
    events: list[Event] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    has_messages: bool = False
    new_samples: list[NewSamples] = field(default_factory=list)


class Step:
    """Folds entries into a draft of the next state. ``take`` them in order, then ask for the ``changes``."""

    def __init__(
        self, setup: Setup, state: State, history: History, timers: TimerQueue[EngineTimer], now: float
    ) -> None:
        self._setup = setup
        self._state = state
        self._history = history
        self._samples = HistoryDraft(history)
        self._timers = TimerChanges(timers)
        self._now = now
        self._stored = StateChanges(state.groups)
        self._events: list[Event] = []
        self._answers: list[Any] = []
        self._refused = history.refused
        self._has_messages = False
        self._new_samples: list[NewSamples] = []

    def take(self, entry: Entry) -> None:
        """Fold the next entry. Every command has an answer, which may be None; an exception is a refusal."""
        self._now = entry.time if isinstance(entry, Poll) else entry.at
        match entry:
            case Poll():
                self._poll(entry)
            case Tick(at):
                self._tick(at)
            case ClockSet(at, seconds):
                self._set_clock(at, seconds)
            case AddSilence() | ExpireSilence():
                self._answers.append(self._change_silences(entry))
            case ClaimMessages() | SettleClaim():
                self._answers.append(self._send(entry))
            case Reconfigure():
                self._reconfigure(entry)
                self._answers.append(None)
            case CatchUp(at):
                self._tick(at)
                self._answers.append(None)
            case EndSurfaces(at):
                self._answers.append(self._end_surfaces(at))
            case WriteAll():
                self._stored.history = self._history.unwritten()
                self._answers.append(None)

    def changes(self) -> Changes:
        """What all entries came to."""
        samples = self._samples.changes()
        if samples.refused:
            self._events += [HistoryFull(metric) for metric in sorted(samples.refused - self._refused)]
        self._stored.history = self._stored.history or self._history.pending(self._now)

        # That the daemon is alive is written once in a while, so that the next start knows how long it was not. That
        # matters to pending alerts only: without one, the note would be a transaction a minute for nothing.
        if self._now - self._state.alive_at >= ALIVE_EVERY:
            self._state = self._state._replace(alive_at=self._now)
            self._stored.alive |= self._state.alerts.has_pending
        self._stored.alive |= bool(self._stored.alerts)
        if self._now - self._state.pruned_at >= PRUNE_EVERY:
            pruned, written = intervals.prune(self._state.intervals, self._now)
            self._state = self._state._replace(intervals=pruned, pruned_at=self._now)
            self._stored.intervals_removed += written.removed
        return Changes(
            self._setup,
            self._state,
            self._now,
            samples,
            self._timers,
            self._stored,
            self._events,
            self._answers,
            self._has_messages,
            self._new_samples,
        )

    def _poll(self, poll: Poll) -> None:
        """record → derive → evaluate → notify → render; all but the first are in the two functions below."""
        # It was on its way when a reload removed its source.
        if poll.source not in self._setup.expected.sources:
            return
        samples = self._state.series.not_older(poll.samples)
        recorded = record(
            self._state.series,
            poll.source,
            samples,
            poll.failure,
            poll.is_complete,
            poll.fresh_for,
            poll.time,
        )
        self._state = self._state._replace(series=recorded.state)
        self._samples.take(samples, poll.time)
        self._new_samples.append(NewSamples(samples, -math.inf))
        surfaces: set[SurfaceKey] = set()
        if recorded.news:
            # A first answer confirms alerts: they count as they are.
            surfaces = self._showing_alerts()
            # What became due while the health of the source was unknown was left alone until now.
            due = overdue(self._setup.rules, self._state.alerts, poll.source, poll.time)
            metrics = self._setup.rules.metrics_of.get(poll.source, ())
            self._timers.add((poll.time, timer) for timer in due)
            self._timers.add((poll.time, StaleDue(metric)) for metric in metrics)
        # A sample whose own time is long ago is stale when it comes: nothing else would look for that.
        stale = recorded.state.stale_metrics(samples, poll.time)
        self._timers.add((poll.time, StaleDue(metric)) for metric in sorted(stale))

        # A surface may show how old its source is: an answer concerns it though no value changed.
        is_answer = poll.failure is None or samples
        answered = {poll.source} if is_answer and poll.source in self._setup.surfaces.sources else set[str]()
        fresh_again = self._watch(recorded.reported | answered, poll.time)
        self._evaluate(samples, recorded.reported, [*recorded.changed, *fresh_again], surfaces, poll.time)

    def _evaluate(
        self,
        samples: Iterable[Any],
        reported: Collection[str],
        names: Sequence[str],
        surfaces: set[SurfaceKey],
        now: float,
    ) -> None:
        """What samples that are recorded mean: derive → evaluate. ``reported``: their metrics; ``names``: what surfaces
        are rendered for; ``surfaces``: those that are rendered anyway.
        """
        fresh = self._state.series.fresh_of(samples, now)
        view = self._view(now)
        derived = self._setup.derived.derive(reported, view)
        # Where no derived metric is affected, nothing is copied: that is so for most polls.
        if derived.samples or derived.view.state is not self._state.series:
            self._state = self._state._replace(series=derived.view.state)
            self._samples.take_derived(derived.samples, now)
            # As old as the oldest that they are worked out from, they are true now.
            self._new_samples.append(NewSamples(derived.samples, now))
        evaluated = evaluate(
            self._setup.rules, self._state.alerts, fresh + derived.samples, derived.metrics, derived.view
        )
        self._notify_and_render(evaluated, (), [*names, *derived.changed], surfaces, now)

    def _notify_and_render(
        self,
        evaluated: Evaluated,
        due: Sequence[NotifyTimer],
        names: Iterable[str],
        surfaces: set[SurfaceKey],
        now: float,
    ) -> None:
        """From an evaluation to messages: notify → render. ``due``: timers of notifications; ``names``: metrics and
        sources that surfaces are rendered for; ``surfaces``: those that are rendered anyway.
        """
        self._timers.add(evaluated.timers)
        if evaluated.unneeded:
            self._state = self._state._replace(series=forget_missing(self._state.series, evaluated.unneeded))
        # The same object: no alert changed, so there is nothing to write.
        if evaluated.alerts is not self._state.alerts:
            self._state = self._state._replace(alerts=evaluated.alerts)
            self._stored.alerts += evaluated.changed
            self._events += [RuleEvaluationFailed(rule, problem) for rule, problem in evaluated.problems.items()]
        due = [*due, *self._outdate(evaluated.limited, now)]

        for transition in evaluated.transitions:
            self._note_firing(transition)

        if evaluated.transitions or due:
            view = notify_view(self._setup, self._state, now)
            for account in self._setup.notify:
                of_account = [timer for timer in due if timer.account == account]
                self._notify(account, evaluated.transitions, of_account, view)

        rules = {each.alert.rule for each in evaluated.transitions if each.changes_severity}
        # What a rule suppresses counts, or does not, by whether that one fires or is about to.
        dependents = self._setup.notify[DEFAULT_ACCOUNT].dependents
        rules.update(name for each in evaluated.transitions for name in dependents.get(each.alert.rule, ()))
        self._render(surfaces | self._setup.surfaces.concerned(names, rules), now)

    def _notify(
        self, account: str, transitions: Sequence[Transition], due: Sequence[NotifyTimer], view: NotifyView
    ) -> None:
        """What an account is notified of."""
        notified = notify(self._groups(account), transitions, due, view, self._setup.notify[account])
        self._put_groups(account, notified.groups)
        self._stored.groups |= dict.fromkeys(notified.changed)
        self._stored.grouped |= dict.fromkeys((account, id_) for id_ in notified.alerts)
        self._stored.entries += report.entries(notified.decisions)
        self._timers.add(notified.timers)
        self._events += report.events(notified.decisions)
        self._enqueue(notified.messages)
        for key in notified.withdrawn:
            self._take_outbox(*outbox.withdraw(self._state.outbox, key))

    def _groups(self, account: str) -> Groups:
        return self._state.groups.get(account, NO_GROUPS)

    def _put_groups(self, account: str, groups: Groups) -> None:
        if groups is not self._groups(account):
            self._state = self._state._replace(groups={**self._state.groups, account: groups})

    def _view(self, now: float) -> SeriesView:
        zone = self._setup.config.zone
        return SeriesView(self._state.series, self._samples.past, now, zone, self._state.intervals)

    def _note_firing(self, transition: Transition) -> None:
        """The firing intervals: from the breach that led to firing until it ended."""
        before, after, alert = transition.before, transition.after, transition.alert
        was, fires = before is not None and before.breach_fires, after is not None and after.breach_fires
        # Only baselines ask for them: where nothing looks back, label sets that never return would fill the state.
        if was == fires or (fires and not self._setup.rules.by_name[alert.rule].references):
            return
        if fires:
            began = alert.breached_since(transition.at)
            noted, written = intervals.opened(self._state.intervals, alert.rule, alert.series, began)
        else:
            noted, written = intervals.closed(self._state.intervals, alert.rule, alert.series, transition.at)
        self._state = self._state._replace(intervals=noted)
        self._stored.intervals += written.written

    def _outdate(self, rules: Iterable[str], now: float) -> list[NotifyTimer]:
        """Rules began, or ceased, to have series that breach and have no alert: their notifications say so."""
        due: list[NotifyTimer] = []
        for rule in rules:
            if rest := len(self._state.alerts.rest.get(rule, ())):
                self._events.append(AlertLimitReached(rule, rest))
            for account in self._setup.notify:
                groups, timers, changed = outdate(self._groups(account), rule, account, now)
                self._put_groups(account, groups)
                self._stored.groups |= dict.fromkeys(changed)
                due += [timer for _, timer in timers]
        return due

    def _tick(self, now: float) -> None:
        """What time alone changes: evaluate → notify → render, for the timers that are due."""
        due = self._timers.take(now)
        alerts_due = [timer for timer in due if isinstance(timer, AlertDue)]
        notify_due = [timer for timer in due if isinstance(timer, SuppressionEnds | GroupDue)]
        names = [timer.name for timer in due if isinstance(timer, StaleDue)]
        surfaces = self._surfaces_due(due, now)

        # Their timers are used up. Samples may have come since, so most get another, and few are stale.
        ageing = self._state.ageing
        for name in names:
            ageing = ageing.discard(name)
        self._state = self._state._replace(ageing=ageing)
        self._watch(names, now)
        stale = [name for name in names if self._state.series.stale_at(name) <= now]

        evaluated = Evaluated(self._state.alerts)
        if alerts_due or names:
            view = self._view(now)
            evaluated = evaluate_time(self._setup.rules, self._state.alerts, alerts_due, names, view)
        self._notify_and_render(evaluated, notify_due, stale, surfaces, now)

    def _surfaces_due(self, due: Iterable[EngineTimer], now: float) -> set[SurfaceKey]:
        """The surfaces that are to be rendered for these timers, of which some are set again."""
        surfaces: set[SurfaceKey] = set()
        for timer in due:
            match timer:
                case SurfaceDue(surface):
                    surfaces.add(surface)
                case NoDataDue(stream):
                    surfaces.add(stream)
                    self._timers.add(startup.no_data_timers(self._setup, self._state.series, [stream], now))
                case WindowDue(name):
                    surfaces |= self._setup.surfaces.in_window(name) | self._suppression_changed()
                    windows = (window for window in self._setup.windows if window.name == name)
                    self._timers.add(startup.window_timers(windows, now))
                case SilenceDue():
                    surfaces |= self._suppression_changed()
        return surfaces

    def _set_clock(self, now: float, seconds: float) -> None:
        """Nothing was true, or began, in the future; and everything is looked at again."""
        rescheduled = {account: reschedule(each, account, now) for account, each in self._state.groups.items()}
        self._take_outbox(*wall_clock.shift(self._state.outbox, seconds))
        self._state = self._state._replace(
            series=set_clock(self._state.series, now),
            alerts=self._state.alerts.clamped(now),
            groups={account: groups for account, (groups, _) in rescheduled.items()},
            slots={account: memory.set_clock(each, now) for account, each in self._state.slots.items()},
            countdowns={key: each.shifted(seconds) for key, each in self._state.countdowns.items()},
            alive_at=min(self._state.alive_at, now),
            pruned_at=min(self._state.pruned_at, now),
            left_at=min(self._state.left_at, now),
            ageing=HashTrieSet(),
        )
        self._take_outbox(*wall_clock.shift_sent(self._state.outbox, seconds))
        # Times that lay in the future are others now: a start must find what is remembered.
        self._stored.alerts += [alert.key for alert in self._state.alerts]
        for account, groups in self._state.groups.items():
            self._stored.groups |= dict.fromkeys(groups.by_key)
            self._stored.grouped |= dict.fromkeys((account, id_) for id_ in groups.of_alert)
        self._stored.slots |= dict.fromkeys(self._state.slots)
        self._stored.countdowns |= bool(self._state.countdowns)
        # Every timer was set by the old clock.
        self._timers.reset()
        for _, timers in rescheduled.values():
            self._timers.add(timers)
        self._timers.add(startup.timers_anew(self._setup, self._state, now))
        self._watch(self._setup.watched, now)

    def _change_silences(self, command: AddSilence | ExpireSilence) -> Silence | ValueError | None:
        """Make a silence, or end one; a ValueError is the refusal."""
        before, now = self._state.silences, command.at
        try:
            if isinstance(command, AddSilence):
                after, silence = add_silence(
                    before,
                    command.matchers,
                    command.seconds,
                    command.comment,
                    command.author,
                    self._setup.rules.by_name,
                    now,
                )
            else:
                after, silence = expire_silence(before, command.id, now)
        except ValueError as error:
            return error

        # A step may carry out several commands: what is written is the difference to what is on disk.
        if self._stored.silences_before is None:
            self._stored.silences_before = before
        self._state = self._state._replace(silences=after)
        self._render(self._suppression_changed(), now)
        if isinstance(command, ExpireSilence):
            # What it silenced has no timer for this moment, since its end was to come later.
            for account, groups in self._state.groups.items():
                self._timers.add(look_again(groups, account, now))
            self._events.append(SilenceExpired(silence.id))
            return None
        self._timers.add([(silence.ends, SilenceDue(silence.id))])
        self._events.append(SilenceAdded(silence.id, silence.text, command.seconds, command.comment, command.author))
        return silence

    def _send(self, command: ClaimMessages | SettleClaim) -> Departures | Outcome:
        """Claim what may go now, or settle how a request ended."""
        sending = Sending(self._setup, self._state, command.delivery.account, command.at)
        answer = sending.claim(command) if isinstance(command, ClaimMessages) else sending.settle(command)
        self._take_outbox(sending.outbox, sending.written)
        self._events += sending.events
        self._stored.deliveries += sending.delivered
        self._put_slots(sending.slots_of, sending.slots)
        self._render(sending.concerned, command.at)
        self._timers.add((shown.renewal_at, SurfaceDue(shown.key)) for shown in sending.started_streams)
        return answer

    def _end_surfaces(self, now: float) -> list[SurfaceKey]:
        """End the Live Activities and the badge that end with the daemon, and start none any more; those that are to
        end.
        """
        self._state = self._state._replace(is_stopping=True)
        keys = [key for key in self._setup.surfaces.keys if not isinstance(key, WidgetKey)]
        self._render(set(keys), now)
        return [key for key in keys if self._is_ending(key)]

    def _is_ending(self, key: SurfaceKey) -> bool:
        status = self._state.outbox.status(key)
        message = status.queued or status.claimed
        return isinstance(message, ActivityEnd) or (isinstance(message, BadgeCount) and not message.count)

    def _reconfigure(self, command: Reconfigure) -> None:
        """Go on with another configuration, and evaluate what is known by its rules."""
        now, before = command.at, self._state
        resumed = startup.reconfigure(before, self._history, command.setup, command.staying, now)
        self._setup, self._state = command.setup, resumed.state
        self._samples.watch(command.setup.history, command.setup.config.history)
        # Entries before this one, in the same step, may have changed something too.
        self._stored.add(resumed.stored)
        # Those that are set may be for rules, surfaces and groups that are not there any more.
        self._timers.reset()
        self._timers.add(resumed.timers)
        self._events += resumed.events

        known = self._state.series.fresh_samples(now)
        reported = {sample.series.metric for sample in known}
        self._watch(reported, now)
        self._evaluate(known, reported, list(reported), set(), now)

    def _suppression_changed(self) -> set[SurfaceKey]:
        """A window or a silence began or ended: the surfaces that may count other alerts now."""
        # The next start must know what suppressed the alerts of this run last.
        self._stored.alive |= bool(self._state.alerts.firing)
        return self._showing_alerts()

    def _showing_alerts(self) -> set[SurfaceKey]:
        """The surfaces that depend on a rule that fires."""
        return self._setup.surfaces.concerned((), self._state.alerts.firing.keys())

    def _watch(self, names: Iterable[str], now: float) -> list[str]:
        """Set timers for when something of these metrics and sources becomes stale; returns those that had none."""
        # A name that has a timer keeps it, though newer samples have come: when it is due, ``_tick`` looks again.
        new = [name for name in names if name not in self._state.ageing]
        for name in new:
            at = self._state.series.next_stale_at(name, now)
            if at is not None:
                self._state = self._state._replace(ageing=self._state.ageing.insert(name))
                self._timers.add([(at + startup.JUST_AFTER, StaleDue(name))])
        return new

    def _render(self, surfaces: Collection[SurfaceKey], now: float) -> None:
        """What these surfaces should show now, as messages."""
        if not surfaces:
            return
        for account, of_account, concerned in self._setup.surfaces.apart(surfaces):
            self._render_account(account, of_account, concerned, now)

    def _render_account(self, account: str, surfaces: Surfaces, concerned: Collection[SurfaceKey], now: float) -> None:
        view = surfaces_view(self._setup, self._state, now)
        rendered = render(surfaces, concerned, view, self._state.slots.get(account, NO_SLOTS))
        not_renderable, troubled = self._state.not_renderable, {each.key for each in rendered.not_renderable}
        for message in rendered.messages:
            # What cannot show its values may keep what it shows, with a mark.
            if message.key not in troubled:
                not_renderable = not_renderable.discard(message.key)
        for each in rendered.not_renderable:
            # Said once, until the reason changes; waiting for a first answer is nothing to report.
            if each.is_news(not_renderable.get(each.key)):
                self._events.append(SurfaceNotRenderable(each.key, str(each)))
            not_renderable = not_renderable.insert(each.key, each)
        self._put_slots(account, rendered.slots)
        self._stored.countdowns |= rendered.countdowns != self._state.countdowns
        self._state = self._state._replace(countdowns=rendered.countdowns, not_renderable=not_renderable)
        self._timers.add(rendered.timers)
        self._enqueue(rendered.messages)

    def _put_slots(self, account: str, after: Slots) -> None:
        before = self._state.slots.get(account, NO_SLOTS)
        if after != before:
            self._stored.slots[account] = None
        # What is equal may differ in when to look again, which is not written.
        if after is not before:
            self._state = self._state._replace(slots={**self._state.slots, account: after})

    def _enqueue(self, messages: Iterable[Message]) -> None:
        for message in messages:
            before = self._state.outbox
            self._take_outbox(*outbox.enqueue(before, message))
            # What the phone shows already has nothing wait, and does not wake the sender.
            self._has_messages |= self._state.outbox.waiting is not before.waiting

    def _take_outbox(self, after: Outbox, written: OutboxChanges) -> None:
        if after is not self._state.outbox:
            self._state = self._state._replace(outbox=after)
        if written:
            self._stored.outbox |= written
