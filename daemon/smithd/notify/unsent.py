"""Unsent: what becomes of a notification that was not accepted for a day, was refused, or waits over a reload. No I/O.

While its alerts fire it is never given up: what is sent is the text as it would be now. The ladder, once they have
ended or left, the first branch that holds:

1. The phone has an earlier text of its group: it is kept until it is accepted, since that text would stay for ever.
2. Else nothing is on the phone: it expires, or is dropped.

Where a group is notified anew while an earlier notification of it waits, that one would come after the new one, and say
the end of what fires: it is withdrawn, or, where the phone has a text of it, that becomes the past in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from smithd.keys import PushKey
from smithd.notify import content
from smithd.notify.apply import push_key
from smithd.notify.config import NotifyConfig
from smithd.notify.content import EXPIRES_AFTER, Subject
from smithd.notify.group import GroupedAlert, Groups, NotificationGroup
from smithd.notify.view import NotifyView
from smithd.outbox.message import EdgeMessage, Priority, Push, PushUpdate
from smithd.outbox.shown import ShownPush


class Overtaken(NamedTuple):
    """What is done with notifications that a newer one of their group has overtaken: ``withdrawn`` are those that are
    not sent any more, ``messages`` what is sent in place of others; ``by``: the newer ones of those withdrawn.
    """

    withdrawn: list[PushKey]
    messages: list[EdgeMessage]
    by: set[PushKey]


def overtaken(newest: Iterable[PushKey], view: NotifyView) -> Overtaken:
    """The earlier notifications that wait: withdrawn, or made the past. ``newest``: those that their groups have."""
    of_group = {(key.account, key.group): key for key in newest}
    found = Overtaken([], [], set())
    for key in view.waiting() if of_group else ():
        newer = of_group.get((key.account, key.group))
        if newer is None or (key.opened == newer.opened and key.sequence >= newer.sequence):
            continue
        status = view.status(key)
        before, queued = status.push or status.claimed, status.queued
        if not isinstance(before, ShownPush | Push | PushUpdate):
            found.withdrawn.append(key)
            found.by.add(newer)
        elif not (isinstance(queued, PushUpdate) and queued.only_in_place):
            at = before.at if isinstance(before, ShownPush) else before.created
            text = content.overtaken(key, before.content, at, view)
            found.messages.append(content.update(key, text, view, Priority.COSMETIC, only_in_place=True))
    return found


def newest(groups: Groups, about: PushKey | None = None) -> list[PushKey]:
    """The newest notification of each group that fires; ``about``: of the group that this one is about."""
    found = []
    for group in groups.by_key.values():
        # A quick look first: the name of a group is made anew each time.
        is_other = about is not None and not (group.key.account == about.account and group.key.name in about.group)
        if group.log.sequence and not is_other and any(alert.ended is None for alert in group.alerts.values()):
            found.append(push_key(group.key, group.log))
    return found


def renewed(groups: Groups, message: EdgeMessage, view: NotifyView, config: NotifyConfig) -> EdgeMessage | None:
    """What is sent in place of a notification that was not accepted in time; None: it expires."""
    if (group := fires(groups, message.key)) is not None:
        # It may have been accepted already: that it is late does not allow to send it twice.
        return replace(rewritten(group, message, view, config), at_most_once=message.at_most_once)
    return replace(message, expires=view.now + EXPIRES_AFTER) if _is_on_phone(message.key, view) else None


def is_kept(groups: Groups, key: PushKey, view: NotifyView) -> bool:
    """Whether a notification that is refused, even as its plainest text, is tried again."""
    return fires(groups, key) is not None or _is_on_phone(key, view)


def brought_up_to_date(group: NotificationGroup, view: NotifyView, config: NotifyConfig) -> Push | None:
    """A push that waits over a start or a reload, by today's configuration, and as old as it was; None: none waits."""
    queued = view.status(push_key(group.key, group.log)).queued
    if not isinstance(queued, Push) or not _notified(group):
        return None
    text = rewritten(group, queued, view, config)
    return replace(queued, content=text.content)


def fires(groups: Groups, key: PushKey) -> NotificationGroup | None:
    """The group whose newest notification this is, while alerts fire that it is about."""
    for group in groups.by_key.values():
        # The name comes last: it is made anew each time, while most groups were opened at another time.
        if round(group.log.opened, 3) == key.opened and push_key(group.key, group.log) == key:
            return group if _notified(group) else None
    return None


def rewritten(group: NotificationGroup, message: EdgeMessage, view: NotifyView, config: NotifyConfig) -> EdgeMessage:
    """A notification that waits, as it would be made now."""
    current, options = [], config.push(group.key)
    for alert in _notified(group):
        value = view.value(alert.series)
        current.append(replace(alert, value=value) if value is not None else alert)
    is_reminder = message.content.title.startswith(content.STILL_FIRING)
    text = content.firing(Subject(group.key, current), config.rules, options, view, is_reminder=is_reminder)
    is_open = options.on_resolve != "none"
    if isinstance(message, Push):
        text = options.addressed(text, config.channels)
        return content.push(message.key, text, view, message.priority, is_open=is_open)
    text = options.addressed(replace(text, interruption_level="passive"), config.channels)
    return content.update(message.key, text, view, is_open=is_open)


def _is_on_phone(key: PushKey, view: NotifyView) -> bool:
    """Whether the phone has this notification of a group, or an earlier one."""
    keys = (replace(key, sequence=sequence) for sequence in range(1, key.sequence + 1))
    return any(view.status(each).shown is not None for each in keys)


def _notified(group: NotificationGroup) -> list[GroupedAlert]:
    return [alert for alert in group.firing if group.is_notified(alert)]
