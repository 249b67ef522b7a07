"""What notification and surfaces see of the state at one moment. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import cache

from smithd.alerts.alert import Alert
from smithd.alerts.alerts import NO_ALERTS
from smithd.keys import DEFAULT_ACCOUNT, PushKey, StreamKey
from smithd.notify.group import AlertId, Groups
from smithd.notify.resume import suppressions
from smithd.notify.suppression import Suppression, unsuppressed
from smithd.notify.view import NotifyView
from smithd.plugin.sample import Labels
from smithd.setup import Setup
from smithd.state import State
from smithd.surfaces.view import SurfacesView
from smithd.time_window import open_windows


def notify_view(setup: Setup, state: State, now: float) -> NotifyView:
    """What decisions about notifications are made from."""
    return NotifyView(
        now,
        setup.config.zone,
        state.alerts.by_rule,
        open_windows(setup.windows, now),
        state.silences.active(now),
        state.series,
        state.outbox.status,
        state.alerts.rest,
        lambda: [key for key in state.outbox.waiting if isinstance(key, PushKey)],
        setup.config.locale,
    )


def suppressed_of(setup: Setup, state: State, rule: str, view: NotifyView) -> Mapping[AlertId, Suppression]:
    """What suppresses the alerts of a rule that have something to notify, by the account that their state belongs to,
    for a person.
    """
    account = setup.config.rules[rule].accounts[0]
    return suppressions(state.groups.get(account, Groups()), rule, view, setup.notify[account])


def surfaces_view(setup: Setup, state: State, now: float) -> SurfacesView:
    """What surfaces are rendered from. A stream whose start waits to be sent counts as on the phone."""
    outbox = state.outbox

    # Most renderings ask about few rules, or none.
    @cache
    def suppressing(at: float) -> NotifyView:
        return notify_view(setup, state, at)

    @cache
    def counting(rule: str) -> Mapping[Labels, Alert]:
        # What suppresses a rule is the same for all accounts.
        alerts, config = state.alerts.firing.get(rule, NO_ALERTS), setup.notify[DEFAULT_ACCOUNT]
        if not alerts:
            return alerts
        seen, before = suppressing(now), suppressing(state.left_at)
        return unsuppressed(alerts, config.rules[rule], config.suppressors[rule], seen, before)

    def of_all(streams: Callable[[str], Set[StreamKey]]) -> Set[StreamKey]:
        return frozenset().union(*(streams(account) for account in setup.config.accounts))

    return SurfacesView(
        now,
        state.series,
        state.alerts.firing,
        counting,
        lambda window: window in open_windows(setup.windows, now),
        outbox.shown.get,
        lambda: of_all(outbox.streams_on_phone) | of_all(outbox.streams_enqueued),
        setup.config.zone,
        state.countdowns,
        setup.rules.by_name,
        lambda: of_all(outbox.streams_enqueued),
        lambda: of_all(outbox.streams_ending),
        outbox.refused_streams,
        state.is_stopping,
        setup.config.locale,
    )
