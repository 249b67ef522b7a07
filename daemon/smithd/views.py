"""What notification and surfaces see of the state at one moment. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from smithd.alerts.alert import Alert
from smithd.alerts.alerts import NO_ALERTS
from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.notify.suppression import unsuppressed
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
    )


def surfaces_view(setup: Setup, state: State, now: float) -> SurfacesView:
    """What surfaces are rendered from. A stream whose start waits to be sent counts as on the phone."""
    outbox = state.outbox

    # Most renderings ask about few rules, or none.
    @cache
    def suppressing(at: float) -> NotifyView:
        return notify_view(setup, state, at)

    @cache
    def counting(rule: str) -> Mapping[Labels, Alert]:
        alerts, config = state.alerts.firing.get(rule, NO_ALERTS), setup.notify
        if not alerts:
            return alerts
        seen, before = suppressing(now), suppressing(state.left_at)
        return unsuppressed(alerts, config.rules[rule], config.suppressors[rule], seen, before)

    return SurfacesView(
        now,
        state.series,
        state.alerts.firing,
        counting,
        lambda window: window in open_windows(setup.windows, now),
        outbox.shown.get,
        lambda: outbox.streams_on_phone(DEFAULT_ACCOUNT) | outbox.streams_enqueued(DEFAULT_ACCOUNT),
        setup.config.zone,
        state.countdowns,
        setup.rules.by_name,
        lambda: outbox.streams_enqueued(DEFAULT_ACCOUNT),
        lambda: outbox.streams_ending(DEFAULT_ACCOUNT),
        lambda: outbox.refused_streams(DEFAULT_ACCOUNT),
        state.is_stopping,
    )
