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
    # ``min`` with now: where the clock was set back, the last update lies in the future.
    due = now if shown is None else min(now, shown.at) + desired.interval
    match desired:
        case DesiredValue():
            known = shown if isinstance(shown, ShownWidget) else None
            urgent = known is not None and known.severity != desired.severity
            return WidgetValue(
                desired.key,
                desired.value,
                Priority.SEVERITY if urgent else Priority.ROUTINE,
                now,
                due=now if urgent or known is None else due,
                tolerance=desired.tolerance,
                time=desired.time,
                number=desired.number,
                severity=desired.severity,
            )
        case DesiredActivity(key, content, meaning):
            was = shown if isinstance(shown, ShownActivity) and not shown.ended else None
            # Without its content, what is shown is unknown: it is sent at once.
            if was is None or was.content is None or was.meaning != meaning:
                return ActivityState(key, content, Priority.MEANING, now, due=now, meaning=meaning)
            return ActivityState(key, content, Priority.COSMETIC, now, due=due, meaning=meaning)


def end_of_removed(key: StreamKey, shown: ShownActivity, now: float) -> ActivityEnd:
    """The end of a Live Activity that the configuration does not have any more: what it shows is final, and the phone
    takes it away at once.
    """
    state = shown.content.content_state if shown.content is not None else {}
    return ActivityEnd(key, ActivityContent({**state, "auto_dismiss_seconds": 0} if state else {}), now)
