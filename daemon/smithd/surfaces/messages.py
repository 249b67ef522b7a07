"""From desired states to messages: the one place where surfaces say how soon a change is sent. No I/O.

A change of meaning is sent at once. Any other change waits until ``interval`` seconds have passed since the last
update: the phone would show it late anyway, and it takes part in a limit of requests a minute.

A Live Activity has a budget of updates besides, which is iOS' own. Its branches, in order:

    what differs                                            sent
    nothing is shown, or it is not known what               at once
    a rule fires more severely; another step                at once, whatever is left of the budget
    whatever, and the activity is to be renewed             at once: iOS has ended it
    another meaning                                         at once, while the budget lasts
    anything else                                           after the interval, while half of the budget is left
    the last two, after iOS has ended the activity          with its renewal: they would start it
"""

from __future__ import annotations

from smithd.keys import StreamKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    LevelMessage,
    Priority,
    WidgetValue,
)
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownWidget
from smithd.surfaces.renewal import IN_ORDER
from smithd.surfaces.surface import DesiredActivity, DesiredBadge, DesiredState, DesiredValue


def message(desired: DesiredState, shown: Shown | None, updates_at_once: int, now: float) -> LevelMessage:
    """The message that has a surface show what it should. ``shown``: what it shows; ``updates_at_once``: how many
    updates of a Live Activity iOS shows in a row.
    """
    match desired:
        case DesiredValue():
            return _value(desired, shown, now)
        case DesiredActivity():
            return _activity(desired, shown, updates_at_once, now)
        case DesiredBadge():
            return _badge(desired, shown, now)


def _value(desired: DesiredValue, shown: Shown | None, now: float) -> WidgetValue:
    known = shown if isinstance(shown, ShownWidget) else None
    urgent = known is not None and known.severity != desired.severity
    return WidgetValue(
        desired.key,
        desired.value,
        Priority.SEVERITY if urgent else Priority.ROUTINE,
        now,
        due=now if urgent or known is None else _after(known.at, desired.interval, now),
        tolerance=desired.tolerance,
        time=desired.time,
        number=desired.number,
        severity=desired.severity,
        weight=desired.weight,
        send_within=desired.send_within,
    )


def _activity(desired: DesiredActivity, shown: Shown | None, updates_at_once: int, now: float) -> ActivityState:
    was = shown if isinstance(shown, ShownActivity) and not shown.ended else None
    urgency = Priority.MEANING
    if was is None or was.content is None or desired.stage.is_beyond(was.stage):
        due = now
    elif desired.renews:
        # It starts the activity anew: no update, and iOS would not wait.
        urgency, due = Priority.COSMETIC, now
    elif was.meaning != desired.meaning:
        due = _while_it_lives(was, max(now, was.updates.free_at(updates_at_once)), now)
    else:
        urgency = Priority.COSMETIC
        due = max(_after(was.at, desired.interval, now), was.updates.free_at(updates_at_once / 2))
        due = _while_it_lives(was, due, now)
    return ActivityState(
        desired.key,
        desired.content,
        urgency,
        now,
        due,
        desired.meaning,
        desired.stage,
        desired.renews,
        updates_at_once,
    )


def _while_it_lives(was: ShownActivity, due: float, now: float) -> float:
    """When an update goes: once iOS has ended the activity it would be a start, and waits for the renewal's turn."""
    return now + IN_ORDER if was.has_lived(due) else due


def _after(at: float, interval: float, now: float) -> float:
    """When an interval since the last update is over."""
    # ``min`` with now: where the clock was set back, the last update lies in the future.
    return min(now, at) + interval


def _badge(desired: DesiredBadge, shown: Shown | None, now: float) -> LevelMessage:
    """Its count; or 0 first for those who have a badge and are not meant any more."""
    moves = isinstance(shown, ShownBadge) and shown.count != 0 and shown.channels != desired.channels
    if isinstance(shown, ShownBadge) and moves:
        return end_of_removed(shown, now)
    return BadgeCount(desired.key, desired.count, Priority.MEANING, now, now, desired.channels)


def end_of_removed(shown: ShownActivity | ShownBadge, now: float) -> ActivityEnd | BadgeCount:
    """The end of what the configuration does not have any more: no badge for those who have one; what a Live Activity
    shows is final, and the phone takes it away at once.
    """
    if isinstance(shown, ShownBadge):
        return BadgeCount(shown.key, 0, Priority.MEANING, now, now, shown.channels)
    return end_at_once(shown.key, shown, now)


def end_at_once(key: StreamKey, shown: Shown | None, now: float) -> ActivityEnd:
    """The end of a Live Activity that makes room for another: what it shows is final, and the phone takes it away at
    once.
    """
    content = shown.content if isinstance(shown, ShownActivity) else None
    state = content.content_state if content is not None else {}
    return ActivityEnd(key, ActivityContent({**state, "auto_dismiss_seconds": 0} if state else {}), now)
