"""What smithd remembers, as one frozen value; and what a step changes of it, as one transaction writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from rpds import HashTrieMap, HashTrieSet
from sqlalchemy import Connection

from smithd.alerts import rows as alert_rows
from smithd.alerts.alert import AlertKey
from smithd.alerts.alerts import Alerts
from smithd.journal import Entry, Journal
from smithd.keys import StreamKey, SurfaceKey
from smithd.notify import rows as notify_rows
from smithd.notify.group import AlertId, GroupKey, Groups
from smithd.notify.silence import Silences
from smithd.outbox import rows as outbox_rows
from smithd.outbox.delivered import Delivered
from smithd.outbox.deliveries import rename_account, write_deliveries
from smithd.outbox.state import NO_CHANGES, Outbox, OutboxChanges
from smithd.series import rows as series_rows
from smithd.series.history import History, HistoryRows
from smithd.series.intervals import FiringInterval, FiringIntervals, IntervalChanges
from smithd.series.state import SeriesState
from smithd.surfaces import rows as slot_rows
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surface import NotRenderable


class State(NamedTuple):
    """Everything that is remembered from one step to the next, but for the samples of the past (see ``History``).

    ``groups``: the notification groups by the account that is notified; ``slots``: by the account that has them.
    ``intervals``: when rules fired on each series. ``alive_at``: when it was last written that the daemon is alive;
    ``pruned_at``: when intervals were last pruned; ``left_at``: when the last run was last known to be alive.
    ``countdowns``: what the timers of streams count down. ``is_stopping``: the daemon was asked to stop.
    ``not_renderable``: the surfaces that cannot show what they should, and why. ``ageing``: the metrics and sources
    that have a timer for when something of them becomes stale.
    A named tuple, since every poll makes a new one: to replace a field of a frozen dataclass costs three times as much.
    """

    series: SeriesState
    alerts: Alerts
    intervals: FiringIntervals
    groups: Mapping[str, Groups]
    silences: Silences
    outbox: Outbox
    slots: Mapping[str, Slots]
    alive_at: float
    pruned_at: float
    left_at: float
    countdowns: Mapping[StreamKey, Countdown] = MappingProxyType({})
    is_stopping: bool = False
    not_renderable: HashTrieMap[SurfaceKey, NotRenderable] = HashTrieMap()
    ageing: HashTrieSet[str] = HashTrieSet()


@dataclass(slots=True)
class StateChanges:
    """What a step changes of what is on disk: the keys of what is to be written, and the entries of the journals.

    ``groups_before`` and ``silences_before``: as they are on disk, the silences where they changed; ``grouped``: the
    alerts of groups of which something else is kept, with the account; ``slots``: the accounts whose slots changed;
    ``renamed_accounts``: the new name of each account that has one.
    """

    groups_before: Mapping[str, Groups]
    alerts: list[AlertKey] = field(default_factory=list)
    groups: dict[GroupKey, None] = field(default_factory=dict)
    grouped: dict[tuple[str, AlertId], None] = field(default_factory=dict)
    silences_before: Silences | None = None
    outbox: OutboxChanges = NO_CHANGES
    slots: dict[str, None] = field(default_factory=dict)
    countdowns: bool = False
    entries: list[Entry] = field(default_factory=list)
    deliveries: list[Delivered] = field(default_factory=list)
    renamed_accounts: dict[str, str] = field(default_factory=dict)
    intervals: list[FiringInterval] = field(default_factory=list)
    intervals_removed: list[FiringInterval] = field(default_factory=list)
    history: HistoryRows | None = None
    alive: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.alerts
            or self.groups
            or self.grouped
            or self.silences_before is not None
            or self.outbox
            or self.slots
            or self.countdowns
            or self.entries
            or self.deliveries
            or self.renamed_accounts
            or self.intervals
            or self.intervals_removed
            or self.history is not None
            or self.alive
        )

    def add(self, later: StateChanges) -> None:
        """Have these changes, and then later ones of the same step."""
        self.alerts += later.alerts
        self.groups |= later.groups
        self.grouped |= later.grouped
        if self.silences_before is None:
            self.silences_before = later.silences_before
        self.outbox |= later.outbox
        self.slots |= later.slots
        self.countdowns |= later.countdowns
        self.entries += later.entries
        self.deliveries += later.deliveries
        self.renamed_accounts |= later.renamed_accounts
        self.intervals += later.intervals
        self.intervals_removed += later.intervals_removed
        self.history = later.history or self.history
        self.alive |= later.alive


def write(connection: Connection, state: State, changes: StateChanges, journal: Journal, now: float) -> None:
    """Write what a step changed. ``state``: as it is after the step."""
    if changes.alerts or changes.alive:
        alert_rows.write(connection, state.alerts, changes.alerts, now)
    for account in {key.account for key in changes.groups} | {account for account, _ in changes.grouped}:
        before, groups = changes.groups_before.get(account, Groups()), state.groups.get(account, Groups())
        changed = [key for key in changes.groups if key.account == account]
        alerts = [id_ for of, id_ in changes.grouped if of == account]
        notify_rows.write_groups(connection, account, before, groups, changed, alerts)
    if changes.silences_before is not None:
        notify_rows.write_silences(connection, changes.silences_before, state.silences)
    if changes.outbox:
        outbox_rows.write(connection, changes.outbox)
    for account in changes.slots:
        slot_rows.write(connection, account, state.slots.get(account))
    if changes.countdowns:
        slot_rows.write_countdowns(connection, state.countdowns)
    if changes.intervals or changes.intervals_removed:
        written = IntervalChanges(tuple(changes.intervals), tuple(changes.intervals_removed))
        series_rows.write_intervals(connection, written)
    if changes.history is not None:
        series_rows.write(connection, changes.history)
    journal.write(connection, changes.entries, now)
    for account, name in changes.renamed_accounts.items():
        rename_account(connection, account, name)
    write_deliveries(connection, changes.deliveries, now)


def write_all(connection: Connection, state: State, history: History, now: float) -> None:
    """Write all that is remembered in place of what is on disk; the journals keep what they have."""
    alert_rows.write_all(connection, state.alerts, now)
    notify_rows.write_all_groups(connection, state.groups)
    notify_rows.write_all_silences(connection, state.silences)
    outbox_rows.write_all(connection, state.outbox)
    slot_rows.write_all(connection, state.slots)
    slot_rows.write_countdowns(connection, state.countdowns)
    series_rows.write_all_intervals(connection, state.intervals)
    series_rows.write_all(connection, history)
