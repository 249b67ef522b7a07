"""Retried: what becomes of a notification whose request ended without being accepted. No I/O."""

from __future__ import annotations

from smithd.delivery.delivery import refused
from smithd.events import Event, SendDropped
from smithd.keys import PushKey
from smithd.notify.group import Groups
from smithd.notify.unsent import is_kept, newest, overtaken
from smithd.notify.view import NotifyView
from smithd.outbox import queue
from smithd.outbox.state import NO_CHANGES, Outbox, OutboxChanges


def tried_again(
    outbox: Outbox, groups: Groups, key: PushKey, view: NotifyView, *, was_refused: bool
) -> tuple[Outbox, OutboxChanges, list[Event]]:
    """What waits for a push's key by now goes on waiting, unless a branch before the last one holds."""
    changes, queued = NO_CHANGES, outbox.waiting.get(key)
    # It was in flight when its group was notified anew: it would come after that.
    earlier = overtaken(newest(groups, key), view)
    for message in earlier.messages:
        outbox, written = queue.enqueue(outbox, message)
        changes |= written
    for each in earlier.withdrawn:
        outbox, written = queue.withdraw(outbox, each)
        changes |= written
    if earlier.withdrawn or earlier.messages:
        dropped = [SendDropped(each, "its alert fires again, which a newer one says") for each in earlier.withdrawn]
        return outbox, changes, list(dropped)
    # It was not refused, or another text of it waits.
    if not was_refused or queued is None or not queued.refusals:
        return outbox, changes, []
    why_not = refused(queued, view.now)
    if queued.is_refused and not is_kept(groups, key, view):
        outbox, changes = queue.withdraw(outbox, key)
        return outbox, changes, [SendDropped(key, f"{why_not.reason}; its alert has ended")]
    return outbox, changes, [why_not]
