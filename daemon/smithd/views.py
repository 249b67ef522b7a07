"""What notification and surfaces see of the state at one moment. No I/O."""

from __future__ import annotations

from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.notify.view import NotifyView, open_windows
from smithd.setup import Setup
from smithd.state import State
from smithd.surfaces.view import SurfacesView


def notify_view(setup: Setup, state: State, now: float) -> NotifyView:
    """What decisions about notifications are made from."""
    return NotifyView(
        now,
        setup.config.zone,
        state.alerts.by_rule,
        open_windows(setup.config.windows, now),
        state.silences.active(now),
        state.series,
        state.outbox.status,
        state.alerts.rest,
        lambda: [key for key in state.outbox.waiting if isinstance(key, PushKey)],
    )


def surfaces_view(setup: Setup, state: State, now: float) -> SurfacesView:
    """What surfaces are rendered from. A stream whose start waits to be sent counts as on the phone."""
    outbox, streams = state.outbox, setup.surfaces.streams
    return SurfacesView(
        now,
        state.series,
        state.alerts.firing,
        outbox.shown.get,
        lambda: outbox.streams_on_phone(DEFAULT_ACCOUNT) | {key for key in streams if outbox.status(key).holds_slot},
    )
