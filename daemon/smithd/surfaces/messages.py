"""From desired states to messages: the one place where surfaces say how soon a change is sent. No I/O.

A change of meaning is sent at once. Any other change waits until ``interval`` seconds have passed since the last
update: the phone would show it late anyway, and it takes part in a limit of requests a minute.
"""

from __future__ import annotations

from smithd.keys import StreamKey
from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, LevelMessage, Priority, WidgetValue
from smithd.outbox.shown import Shown, ShownActivity, ShownWidget
from smithd.surfaces.surface import DesiredActivity, DesiredState, DesiredValue


def message(desired: DesiredState, shown: Shown | None, now: float) -> LevelMessage:
    """The message that has a surface show what it should. ``shown``: what it shows."""
    match desired:
        case DesiredValue():
            return _value(desired, shown if isinstance(shown, ShownWidget) else None, now)
        case DesiredActivity():
            return _state(desired, shown if isinstance(shown, ShownActivity) else None, now)


def end(key: StreamKey, content: ActivityContent, now: float) -> ActivityEnd:
    """The message that ends a Live Activity, with its final content."""
    return ActivityEnd(key, content, now)


def end_of_removed(key: StreamKey, shown: ShownActivity, now: float) -> ActivityEnd:
    """The end of a Live Activity that the configuration does not have any more: what it shows is final, and the phone
    takes it away at once.
    """
    state = shown.content.content_state if shown.content is not None else {}
    return ActivityEnd(key, ActivityContent({**state, "auto_dismiss_seconds": 0} if state else {}), now)


def _value(desired: DesiredValue, shown: ShownWidget | None, now: float) -> WidgetValue:
    # ``min`` with now: where the clock was set back, the last update lies in the future.
    urgent = shown is not None and (shown.severity or "") != desired.meaning
    return WidgetValue(
        desired.key,
        desired.value,
        Priority.SEVERITY if urgent else Priority.ROUTINE,
        now,
        due=now if urgent or shown is None else min(now, shown.at) + desired.interval,
        tolerance=desired.tolerance,
        time=desired.time,
        number=desired.number,
        severity=desired.meaning or None,
    )


def _state(desired: DesiredActivity, shown: ShownActivity | None, now: float) -> ActivityState:
    key, content, meaning = desired.key, desired.content, desired.meaning
    # Without its content, what is shown is unknown: it is sent at once.
    if shown is None or shown.ended or shown.content is None or shown.meaning != meaning:
        return ActivityState(key, content, Priority.MEANING, now, due=now, meaning=meaning)
    due = min(now, shown.at) + desired.interval
    return ActivityState(key, content, Priority.COSMETIC, now, due=due, meaning=meaning)
