"""What a phone shows now, as plain data, to be drawn. No I/O."""

from __future__ import annotations

import copy
from typing import TypedDict

from smithd.simulator.exchange import Json
from smithd.simulator.state import Device, ServiceState, SimulatedActivity


class WidgetDocument(TypedDict):
    """A metric with its newest value (None: never given one), the value's own time and when it came."""

    key: str
    format: str
    label: str
    currency: str
    unit: str
    spaced: bool
    value: float | str | None
    timestamp: str | None
    received: float | None


class TimerDocument(TypedDict):
    """A timer's window: when it began, its length in seconds (None: endless), when it was frozen (None: it runs).

    ``counts_down``: whether it shows what is left of its length, or what has passed.
    """

    began: float
    duration: float | None
    frozen_at: float | None
    counts_down: bool


class ActivityDocument(TypedDict):
    """A Live Activity as last sent; ``stream_key`` is None once its stream ended it, and where it had none.

    ``dismiss_at`` is None until it ended.
    """

    id: str
    stream_key: str | None
    content_state: Json
    action: Json | None
    secondary_action: Json | None
    timer: TimerDocument | None
    started: float
    changed: float
    ended: float | None
    dismiss_at: float | None


class PushDocument(TypedDict):
    """A notification; ``content`` has the request's title, subtitle, message, icon and so on."""

    id: str
    content: Json
    interruption_level: str
    sent: float
    replaced: float | None


class ScreenDocument(TypedDict):
    """The phone: widgets by key, activities in the order of their start, notifications newest first, the badge."""

    widgets: list[WidgetDocument]
    activities: list[ActivityDocument]
    notifications: list[PushDocument]
    badge: int


def screen(state: ServiceState, device: Device, now: float) -> ScreenDocument:
    """What ``device`` shows at ``now``; all times are seconds since 1970."""
    kept = [(stream.key or None, activity) for stream, activity in state.shown()]
    kept += [(None, activity) for activity in state.ended.values()]
    activities = [_activity(key, activity, now) for key, activity in kept if device.name in activity.devices]
    shown = [activity for activity in activities if activity["dismiss_at"] is None or activity["dismiss_at"] > now]
    return {
        "widgets": [
            {
                "key": metric.key,
                "format": metric.format.value,
                "label": metric.label,
                "currency": metric.currency,
                "unit": metric.unit,
                "spaced": metric.spaced,
                "value": metric.value,
                "timestamp": metric.timestamp,
                "received": metric.received,
            }
            for _, metric in sorted(state.metrics.items())
        ],
        "activities": sorted(shown, key=lambda activity: (activity["started"], activity["id"])),
        "notifications": [
            {
                "id": push.id,
                "content": push.content,
                "interruption_level": push.interruption_level,
                "sent": push.sent,
                "replaced": push.replaced,
            }
            for push in reversed(state.notifications.values())
            if device.name in push.devices
        ],
        "badge": device.badge,
    }


def _activity(key: str | None, activity: SimulatedActivity, now: float) -> ActivityDocument:
    # What iOS ended stays the stream's until the next PUT; the phone shows it as ended.
    if activity.ended is None and activity.outlived(now):
        # On a copy: looking at the phone must not change the account.
        activity = copy.copy(activity)
        activity.end(now)
    timer = activity.timer
    window: TimerDocument | None = None
    if timer is not None:
        window = {
            "began": timer.began,
            "duration": timer.duration,
            "frozen_at": timer.frozen_at,
            "counts_down": timer.counts_down,
        }
    return {
        "id": activity.id,
        "stream_key": key,
        "content_state": activity.content,
        "action": activity.action,
        "secondary_action": activity.secondary_action,
        "timer": window,
        "started": activity.started,
        "changed": activity.changed,
        "ended": activity.ended,
        "dismiss_at": activity.dismiss_at,
    }
