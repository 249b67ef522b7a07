"""What a start or a reload goes on with: the state as the last run left it, fitted to today's configuration. No I/O but
for ``load``, which reads.

A reload is a start that keeps the newest samples: both go through ``_resume``, and what the configuration no longer has
is closed there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from smithd import accounts
from smithd.alerts import rows as alert_rows
from smithd.alerts.alert import Alert
from smithd.alerts.evaluation import timers_of
from smithd.alerts.resume import resume as resume_alerts
from smithd.alerts.rows import Kept
from smithd.contract.endpoint import Endpoint
from smithd.delivery.sentences import why
from smithd.delivery.wire import endpoint
from smithd.events import Event, SendDropped
from smithd.keys import StreamKey, SurfaceKey
from smithd.notify import report
from smithd.notify import rows as notify_rows
from smithd.notify.group import Groups
from smithd.notify.pipeline import Notified
from smithd.notify.resume import resume as resume_groups
from smithd.notify.route import NotifyTimer
from smithd.notify.silence import Silences
from smithd.outbox import queue as outbox_queue
from smithd.outbox import rows as outbox_rows
from smithd.outbox import wall_clock
from smithd.outbox.message import Push, PushUpdate, WidgetValue
from smithd.outbox.queued import Boot
from smithd.outbox.settlement import DeliveryReason
from smithd.outbox.shown import ShownActivity, ShownBadge
from smithd.outbox.state import Outbox, OutboxChanges
from smithd.plugin.sample import Sample
from smithd.series import rows as series_rows
from smithd.series.history import History
from smithd.series.intervals import FiringIntervals, close_all_but
from smithd.series.state import SeriesState, adopt, begin, expect_back
from smithd.setup import Setup
from smithd.state import State, StateChanges
from smithd.surfaces import messages as surface_messages
from smithd.surfaces import rows as slot_rows
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.slots.memory import Slots, try_again
from smithd.time_window import TimeWindow
from smithd.timers import AlertDue, NoDataDue, SilenceDue, StaleDue, SurfaceDue, WindowDue
from smithd.views import notify_view

EngineTimer = AlertDue | StaleDue | SurfaceDue | NoDataDue | WindowDue | SilenceDue | NotifyTimer

JUST_AFTER = 0.001
"""Something is stale when more than its time has passed, so its timer is due a moment later."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What the last run left on disk. ``from_another``: it was the run of another configuration; ``boot``: now, by the
    machine's own clock.
    """

    alerts: Kept
    groups: Mapping[str, Groups]
    silences: Silences
    outbox: Outbox
    slots: Mapping[str, Slots]
    intervals: FiringIntervals
    history: History
    countdowns: Mapping[StreamKey, Countdown] = field(default_factory=dict)
    from_another: bool = False
    boot: Boot | None = None


@dataclass(frozen=True, slots=True)
class ResumedState:
    """The state to go on with, what is to be written of it, the timers to set, and what is to be published."""

    state: State
    stored: StateChanges
    timers: list[tuple[float, EngineTimer]]
    events: list[Event]


def load(connection: Connection, setup: Setup, from_another: bool, now: float, boot: Boot | None = None) -> LeftBehind:
    """Read what the last run left. Raises what unreadable rows raise."""
    return LeftBehind(
        alert_rows.load(connection),
        notify_rows.load_groups(connection),
        notify_rows.load_silences(connection),
        outbox_rows.load(connection),
        slot_rows.load(connection),
        series_rows.load_intervals(connection),
        series_rows.load(connection, setup.history, setup.config.history, now),
        slot_rows.load_countdowns(connection),
        from_another,
        boot,
    )


def start(left: LeftBehind, setup: Setup, now: float) -> ResumedState:
    """Go on after the last run."""
    outbox, shifted = wall_clock.go_on(left.outbox, now, left.boot)
    outbox, written, lost = _without_unrepeatable(outbox, now)
    outbox, forgotten, said = accounts.without_unknown(outbox, setup)
    resumed = _resume(replace(left, outbox=outbox), begin(setup.expected, now), setup, now)
    resumed.stored.outbox = shifted | written | forgotten | resumed.stored.outbox
    resumed.events.extend([*lost, *said])
    return resumed


def reconfigure(state: State, history: History, setup: Setup, staying: Collection[str], now: float) -> ResumedState:
    """Go on with another configuration: what is known of the sources that are ``staying`` is kept."""
    kept = Kept(list(state.alerts), dict(state.alerts.flapping.items()), now)
    left = LeftBehind(
        kept,
        state.groups,
        state.silences,
        state.outbox,
        state.slots,
        state.intervals,
        history,
        state.countdowns,
        from_another=False,
    )
    return _resume(left, adopt(begin(setup.expected, now), state.series, staying), setup, now)


def _resume(left: LeftBehind, series: SeriesState, setup: Setup, now: float) -> ResumedState:
    resumed = resume_alerts(left.alerts.alerts, left.alerts.flapping, setup.rules.by_name, left.alerts.alive_at, now)
    # In the order of the state's rows: to sort ten thousand alerts takes longer than all else that is done with them.
    fitted = (resumed.alerts.get(alert.rule, alert.labels) for alert in left.alerts.alerts)
    alerts = [alert for alert in fitted if alert is not None]
    series = expect_back(series, _expected_back(alerts, now))
    firing = {(alert.rule, alert.series) for alert in alerts if alert.severity is not None}
    intervals, closed = close_all_but(left.intervals, firing, now)
    known, written = _for_accounts_of_today(left, setup, now)
    state = State(
        series,
        resumed.alerts,
        intervals,
        known.groups,
        left.silences,
        known.outbox,
        {account: try_again(each) for account, each in known.slots.items()},
        alive_at=now,
        pruned_at=now,
        left_at=now if left.alerts.alive_at is None else min(left.alerts.alive_at, now),
        countdowns=known.countdowns,
    )

    notified = {
        account: resume_groups(known.groups.get(account, Groups()), notify_view(setup, state, now), config)
        for account, config in accounts.notified(setup, known.groups).items()
    }
    outbox, enqueued = _with_messages(state.outbox, notified.values())
    changed_slots = [name for name in (*left.slots, *known.slots) if left.slots.get(name) != known.slots.get(name)]
    stored = StateChanges(
        left.groups,
        # An alert that was fitted is written as it was, until it changes: the rule may be edited back.
        alerts=list(resumed.forgotten),
        groups=dict.fromkeys(key for each in notified.values() for key in each.changed),
        grouped=dict.fromkeys((account, id_) for account, each in notified.items() for id_ in each.alerts),
        slots=dict.fromkeys(changed_slots),
        outbox=written | enqueued,
        countdowns=known.countdowns != left.countdowns,
        entries=[entry for each in notified.values() for entry in report.entries(each.decisions)],
        renamed_accounts=accounts.new_names(left.outbox, setup),
        intervals=list(closed.written),
        alive=True,
    )
    _write_anew(stored, left.groups, known.groups, setup)

    # What an account that is not there any more was notified of is closed by now.
    state = state._replace(groups={account: notified[account].groups for account in setup.notify}, outbox=outbox)
    timers: list[tuple[float, EngineTimer]] = [*timers_anew(setup, state, now)]
    timers += stale_timers(series, setup.watched, now)
    timers += [timer for account in setup.notify for timer in notified[account].timers]
    events = [event for each in notified.values() for event in report.events(each.decisions)]
    return ResumedState(state, stored, timers, events)


def _expected_back(alerts: Iterable[Alert], now: float) -> list[Sample]:
    """The last samples of the series that alerts are open on: each is expected to come back."""
    # Where the clock was set back, not from the future.
    return [
        Sample(alert.series, alert.value, min(alert.absence.since, now) if alert.absence.is_missing else now)
        for alert in alerts
        if alert.value is not None and alert.metric
    ]


def _for_accounts_of_today(left: LeftBehind, setup: Setup, now: float) -> tuple[accounts.OfAccounts, OutboxChanges]:
    """What is left account by account, fitted to those of today; and what is to be written of the outbox."""
    of_accounts = accounts.OfAccounts(left.groups, left.slots, left.outbox, left.countdowns)
    known, renamed = accounts.with_names_of_today(of_accounts, setup)
    outbox, moved, elsewhere = accounts.outbox_for(setup, known.outbox)
    outbox, removed = _without_removed(outbox, setup.surfaces.keys, left.from_another, now)
    for account in setup.config.accounts:
        outbox = outbox_queue.try_again(outbox, account)
    outbox = outbox_queue.want(outbox, setup.surfaces.keys)
    # At another address nothing was notified yet: the groups start from nothing, and what fires is notified there.
    groups = {account: each for account, each in known.groups.items() if account not in elsewhere}
    countdowns = {key: each for key, each in known.countdowns.items() if key in setup.surfaces.streams}
    fitted = accounts.OfAccounts(groups, accounts.slots_for(setup, known.slots), outbox, countdowns)
    return fitted, renamed | moved | removed


def _with_messages(outbox: Outbox, notified: Iterable[Notified]) -> tuple[Outbox, OutboxChanges]:
    """The outbox with what there is to notify, and without what is not to be sent any more."""
    changes = OutboxChanges()
    for each in notified:
        for message in each.messages:
            outbox, enqueued = outbox_queue.enqueue(outbox, message)
            changes |= enqueued
        for key in each.withdrawn:
            outbox, withdrawn = outbox_queue.withdraw(outbox, key)
            changes |= withdrawn
    return outbox, changes


def _write_anew(stored: StateChanges, before: Mapping[str, Groups], after: Mapping[str, Groups], setup: Setup) -> None:
    """Where an account's groups do not go on, all that is on disk of them is written anew."""
    for account in {*before, *after}:
        known = (before.get(account), after.get(account))
        if known[0] is known[1] and account in setup.notify:
            continue
        for groups in filter(None, known):
            stored.groups |= dict.fromkeys(groups.by_key)
            stored.grouped |= dict.fromkeys((account, id_) for id_ in groups.of_alert)


def timers_anew(setup: Setup, state: State, now: float) -> Iterator[tuple[float, EngineTimer]]:
    """Every timer that a state needs, but those of its notification groups and of what becomes stale. Surfaces are
    rendered at once, when every source should have answered (what is unseen then is silent), and as time alone changes
    them.
    """
    yield from timers_of(setup.rules, state.alerts)
    yield from window_timers(setup.windows, now)
    yield from silence_timers(state.silences, now)
    first_answers = now + state.series.longest_first_answer + JUST_AFTER
    yield from ((at, SurfaceDue(key)) for key in setup.surfaces.keys for at in (now, first_answers))
    yield from no_data_timers(setup, state.series, setup.surfaces.streams, now)
    yield from _renewal_timers(state.outbox, setup)
    yield from _countdown_timers(state.countdowns)


def window_timers(windows: Iterable[TimeWindow], now: float) -> list[tuple[float, WindowDue]]:
    """When each of these time windows opens or closes next."""
    return [(window.changes_at(now), WindowDue(window.name)) for window in windows]


def no_data_timers(
    setup: Setup, series: SeriesState, streams: Iterable[StreamKey], now: float
) -> list[tuple[float, NoDataDue]]:
    """When each of these Live Activities may have had no data for too long."""
    found = [(key, setup.surfaces.streams[key].look_for_data_at(series, now)) for key in streams]
    return [(at, NoDataDue(key)) for key, at in found if at is not None]


def silence_timers(silences: Silences, now: float) -> list[tuple[float, SilenceDue]]:
    """When the active silences end."""
    return [(silence.ends, SilenceDue(silence.id)) for silence in silences.active(now)]


def _renewal_timers(outbox: Outbox, setup: Setup) -> list[tuple[float, SurfaceDue]]:
    """When the Live Activities on the phone are to be renewed."""
    shown = (outbox.shown.get(key) for key in setup.surfaces.streams)
    on_phone = [each for each in shown if isinstance(each, ShownActivity) and not each.ended]
    return [(each.renewal_at, SurfaceDue(each.key)) for each in on_phone]


def _countdown_timers(countdowns: Mapping[StreamKey, Countdown]) -> list[tuple[float, SurfaceDue]]:
    """When timers are over or move, whether or not anything is polled then."""
    return [(at, SurfaceDue(key)) for key, each in countdowns.items() for at in each.times]


def stale_timers(series: SeriesState, names: Iterable[str], now: float) -> list[tuple[float, StaleDue]]:
    """When the next thing of each metric or source becomes stale."""
    found = ((series.next_stale_at(name, now), name) for name in sorted(names))
    return [(at + JUST_AFTER, StaleDue(name)) for at, name in found if at is not None]


def _without_unrepeatable(outbox: Outbox, now: float) -> tuple[Outbox, OutboxChanges, list[Event]]:
    """The outbox without the pushes that were in flight when the last run ended, and may not be sent twice."""
    changes, lost = OutboxChanges(), list[Event]()
    for key, queued in outbox.waiting.items():
        message = queued.message
        if not isinstance(message, Push | PushUpdate) or not message.at_most_once or queued.reason is None:
            continue
        # What replaces a text in place may be sent as often as it takes.
        if endpoint(message, outbox.shown.get(key)) is Endpoint.SEND:
            outbox, written = outbox_queue.not_repeated(outbox, queued, now)
            changes |= written
            lost.append(SendDropped(key, why(key, DeliveryReason.NOT_REPEATED, queued.detail)))
    return outbox, changes, lost


def _without_removed(
    outbox: Outbox, surfaces: Collection[SurfaceKey], from_another: bool, now: float
) -> tuple[Outbox, OutboxChanges]:
    """The outbox without what the last run wanted to show and did not: it is rendered again from what is true now. A
    number is sent all the same, with the time when it was true. Streams and a badge that the configuration no longer
    has are ended; those of another configuration are not ours to end, and are forgotten.
    """
    known, changes = frozenset(surfaces), OutboxChanges()
    for message in outbox.messages():
        is_number = isinstance(message, WidgetValue) and not isinstance(message.value, str)
        if not isinstance(message, Push | PushUpdate) and not (is_number and message.key in known):
            outbox, written = outbox_queue.withdraw(outbox, message.key)
            changes |= written
    for shown in sorted(outbox.shown.values(), key=lambda each: str(each.key)):
        if not isinstance(shown, ShownActivity | ShownBadge) or not shown.is_there or shown.key in known:
            continue
        if from_another:
            outbox, written = outbox_queue.forget(outbox, shown.key)
        else:
            outbox, written = outbox_queue.enqueue(outbox, surface_messages.end_of_removed(shown, now))
        changes |= written
    return outbox, changes
