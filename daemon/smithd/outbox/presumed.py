"""What the phone is presumed to show: while a message's request is in flight, and after that request ended. No I/O."""

from __future__ import annotations

from dataclasses import replace

from smithd.outbox.message import (
    ActivityEnd,
    ActivityState,
    BadgeCount,
    LevelMessage,
    Message,
    Push,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queued import Claim
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget, TimerWindow, unknown


def in_flight(message: LevelMessage, before: Shown | None, now: float, window: TimerWindow | None) -> Shown:
    """What a level shows once it is accepted. An end is not presumed: its stream holds a slot until it is gone.
    ``window``: that of the timer which is shown then.
    """
    match message:
        case WidgetValue():
            return ShownWidget(message.key, message.value, now, message.time, message.number, message.severity)
        case ActivityState() | ActivityEnd():
            return _activity_in_flight(message, before, now, window)
        case BadgeCount():
            return ShownBadge(message.key, message.count, now, message.channels)


def _activity_in_flight(
    message: ActivityState | ActivityEnd, before: Shown | None, now: float, window: TimerWindow | None
) -> ShownActivity:
    key = message.key
    was = before if isinstance(before, ShownActivity) else ShownActivity(key, None, now, ended=True)
    if isinstance(message, ActivityEnd):
        return ShownActivity(key, None, now, window=window, since=was.since, updates=was.updates)
    is_update = not was.ended and now < was.renewal_at
    return ShownActivity(
        key,
        message.content,
        now,
        meaning=message.meaning,
        window=window,
        since=was.since if is_update else now,
        stage=message.stage,
        updates=was.updates.after_update(now, message.updates_at_once) if is_update else was.updates,
    )


def settled(claim: Claim, settlement: Settlement, now: float) -> Shown | None:
    """What is shown after a claim's request ended like this; None where nothing is known of the key."""
    if isinstance(settlement, Drop) and settlement.reason is DeliveryReason.NOT_REPEATED:
        return not_repeated(claim.queued.message, now)
    if isinstance(settlement, Drop) or claim.is_repeated:
        return claim.before
    return _accepted(claim, settlement, now) if isinstance(settlement, Accept) else _tried_again(claim, settlement)


def _accepted(claim: Claim, settlement: Accept, now: float) -> Shown | None:
    match claim.queued.message, claim.presumed:
        case (Push() | PushUpdate()) as message, _:
            return _push(claim, message, settlement, now)
        case ActivityEnd() as message, ShownActivity() as shown:
            return replace(shown, content=message.content, at=now, ended=settlement.ended)
        case _, ShownActivity() as shown:
            updates = shown.updates.after_warning(now) if settlement.warned else shown.updates
            since = now if settlement.started or settlement.rotated else shown.since
            return replace(shown, at=now, since=since, updates=updates)
        case _, (ShownWidget() | ShownBadge()) as shown:
            return replace(shown, at=now)
    return claim.presumed


def _push(claim: Claim, message: Push | PushUpdate, settlement: Accept, now: float) -> ShownPush:
    replaced = isinstance(message, PushUpdate)
    kept = claim.before.notification_id if isinstance(claim.before, ShownPush) and replaced else None
    content = message.content.plainest if claim.queued.is_plain else message.content
    return ShownPush(message.key, content, now, settlement.notification_id or kept, replaced, message.is_open)


def _tried_again(claim: Claim, settlement: Retry) -> Shown | None:
    """Where the request may have been accepted all the same, what is shown is not known until the next try."""
    shown = unknown(claim.presumed) if settlement.sent and claim.presumed is not None else claim.before
    if isinstance(shown, ShownPush) and settlement.forget_id:
        return replace(shown, notification_id=None)
    if isinstance(shown, ShownActivity):
        window, bare_end = settlement.window or shown.window, settlement.bare_end or shown.bare_end
        return replace(shown, window=window, bare_end=bare_end)
    return shown


def not_repeated(message: Message, now: float) -> ShownPush:
    """A push that is taken to be on the phone, where nothing can replace it: its end comes as a push of its own."""
    assert isinstance(message, Push | PushUpdate)
    return ShownPush(message.key, message.content, now, is_open=message.is_open)
