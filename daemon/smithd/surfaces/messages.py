"""From desired states to messages: the one place where surfaces say how soon a change is sent. No I/O.

A change of meaning is sent at once. Any other change waits until ``interval`` seconds have passed since the last
update: the phone would show it late anyway, and it takes part in a limit of requests a minute.

A Live Activity has a budget of updates besides, which is iOS' own. Its branches, in order:

    what differs                                            sent
    nothing is shown, or it is not known what               at once
    a rule fires more severely; another step                at once, whatever is left of the budget
    the meaning                                             at once, while the budget lasts
    nothing, or little, but the activity is to be renewed   at once: iOS would end it
    anything else                                           after the interval, while half of the budget is left
"""

from __future__ import annotations

from smithd.keys import StreamKey
from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, LevelMessage, Priority, WidgetValue
from smithd.outbox.shown import Shown, ShownActivity, ShownWidget
from smithd.surfaces.surface import DesiredActivity, DesiredState, DesiredValue


def message(desired: DesiredState, shown: Shown | None, updates_at_once: int, now: float) -> LevelMessage:
    """The message that has a surface show what it should. ``shown``: what it shows; ``updates_at_once``: how many
    updates of a Live Activity iOS shows in a row.
    """
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
            urgency = Priority.MEANING
            if was is None or was.content is None or desired.stage.is_beyond(was.stage):
                due = now
            elif was.meaning != meaning:
                due = max(now, was.updates.free_at(updates_at_once))
            elif desired.renews:
                # It starts the activity anew: no update, and iOS would not wait.
                urgency, due = Priority.COSMETIC, now
            else:
                urgency, due = Priority.COSMETIC, max(due, was.updates.free_at(updates_at_once / 2))
            return ActivityState(key, content, urgency, now, due, meaning, desired.stage, desired.renews)


def end_of_removed(key: StreamKey, shown: ShownActivity, now: float) -> ActivityEnd:
    """The end of a Live Activity that the configuration does not have any more: what it shows is final, and the phone
    takes it away at once.
    """
    state = shown.content.content_state if shown.content is not None else {}
    return ActivityEnd(key, ActivityContent({**state, "auto_dismiss_seconds": 0} if state else {}), now)
