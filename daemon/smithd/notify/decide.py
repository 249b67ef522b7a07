"""Decide: whether a group notifies now, and how; one named reason and one action out. No I/O.

As in Alertmanager's dedup stage, the alerts of a group as they are now stand beside its notification log entry, and the
difference is what there is to notify: nothing is queued while it is suppressed, and the difference is still
there when the suppression ends. Three kinds of difference count:

- *news*: alerts that fire at a higher severity than was notified of them, and are not suppressed;
- *ended*: alerts that ended, and are still named, or ended before they were ever notified;
- *outdated*: the notification names an alert that left the group, or is about something else by now.

The ladder, the first branch that holds:

1. There is no difference: only a reminder may be due.
2. The first notification waits ``group_wait`` for more alerts.
3. No alert fires any more that was notified: the notification ends.
4. An alert is worse than anything notified in this group: a push at once.
5. A reminder is due: it takes in what has ended; news take its place, and do not wait any longer.
6. Other differences wait until ``group_interval`` after the last change.
7. News are a push. That a failing source takes along one more rule is none: it only updates the notification.
8. Ended and outdated alerts update the notification in place.

What the digest of a time window has not notified waits until the window ends; ends and reminders of what an
earlier digest has notified go on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from smithd.alerts.severity import rank
from smithd.notify.group import AlertId, GroupedAlert, GroupScope, NotificationGroup
from smithd.notify.options import RepeatOptions
from smithd.notify.reason import Reason
from smithd.notify.suppression import Suppression

REMINDER_LOOKS_AGAIN = 60.0
"""Seconds after which a reminder that another rule suppresses is looked at again."""


class NotifyAction(StrEnum):
    """What is done with a group's notification."""

    NOTHING = "nothing"
    WAIT = "wait"
    PUSH = "push"
    """A new notification; where the one before still waits to be sent, its text is replaced instead."""
    UPDATE = "update"
    """The text is replaced in place, silently."""
    UPDATE_UNSENT = "update_unsent"
    """The text of a notification that still waits to be sent is replaced."""
    UPDATE_BY_PUSH = "update_by_push"
    END = "end"
    """The last text, in place, silently."""
    END_BY_PUSH = "end_by_push"
    SUPERSEDE = "supersede"
    """The notification says in place that it is the past."""
    REMIND = "remind"
    SKIP_REMINDER = "skip_reminder"
    SUSPEND_REMINDER = "suspend_reminder"
    FORGET = "forget"
    """The difference is taken for notified, and nothing is sent."""
    WITHDRAW = "withdraw"
    """What waits to be sent is taken out, and nothing is sent."""


class LastPush(StrEnum):
    """What became of the newest notification of a group."""

    NONE = "none"
    WAITING = "waiting"
    REFUSED = "refused"
    """It waits, and the service refuses it."""
    SENT = "sent"
    """It was accepted, or its request is in flight."""
    DROPPED = "dropped"

    @property
    def waits(self) -> bool:
        """Whether it waits to be sent, so that its text can still be replaced."""
        return self in (LastPush.WAITING, LastPush.REFUSED)


class GroupOptions(NamedTuple):
    """How a group is notified."""

    wait: float
    interval: float
    on_resolve: Literal["replace", "push", "none"] = "replace"
    repeat: RepeatOptions | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and why. ``news``, ``ended``: the differences that it settles; ``reminded``: the alerts that
    a reminder is about; ``until``: when to look again (infinite: when something changes).
    """

    action: NotifyAction
    reason: Reason
    news: Sequence[GroupedAlert] = ()
    ended: Sequence[GroupedAlert] = ()
    reminded: Sequence[GroupedAlert] = ()
    until: float = math.inf


def decide(
    group: NotificationGroup,
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    options: GroupOptions,
    now: float,
) -> Decision:
    """What to do about a group. ``suppressed``: those of its alerts that are, as far as that matters now."""
    log = group.log
    # What a digest has not notified waits for the end of its time window; what an earlier one has notified may end.
    waits_for_window = group.key.scope is GroupScope.DIGEST and now < log.not_before
    firing = group.firing
    candidates = group.news if not waits_for_window else []
    news = [alert for alert in candidates if alert.id not in suppressed]
    over = [alert for alert in group.ended if group.is_notified(alert)] if waits_for_window else group.ended
    notified = [alert for alert in firing if group.is_notified(alert)]
    interval_ends = log.changed_at + options.interval
    wake_at = wakes_at(group, options, now)
    reminder_is_due = bool(notified) and now >= reminder_at(group, options)

    # 1. There is no difference: only a reminder may be due.
    if not (news or over or log.is_outdated):
        if reminder_is_due:
            return _reminder(notified, over, suppressed, last, now)
        waits = waits_for_window and wake_at == log.not_before
        action, reason = (NotifyAction.WAIT, Reason.MUTED) if waits else (NotifyAction.NOTHING, Reason.UNCHANGED)
        return Decision(action, reason, until=wake_at)
    # 2. The first notification waits for more alerts. Where the clock was set back, the group was opened in the future,
    # and does not wait for that.
    waits_until = log.opened + options.wait if log.opened <= now else now
    if not log.sequence and now < waits_until:
        return Decision(NotifyAction.WAIT, Reason.GROUP_WAIT, until=waits_until)
    # 3. Nothing that was notified fires any more.
    if not notified and not news:
        if firing and now < interval_ends:
            return Decision(NotifyAction.WAIT, Reason.GROUP_INTERVAL, until=min(interval_ends, wake_at))
        return _end(group, over, suppressed, last, options)
    # 4. Worse than anything notified so far.
    reason = Reason.DIGEST if group.key.scope is GroupScope.DIGEST else Reason.NOTIFIED
    if any(rank(alert.severity) > rank(log.highest) for alert in news):
        return Decision(NotifyAction.PUSH, reason, news, over)
    # 5. A reminder takes in what has ended; news go their own way, without waiting (7).
    if reminder_is_due and not news:
        return _reminder(notified, over, suppressed, last, now)
    # 6. Other differences wait for the interval.
    if now < interval_ends and not reminder_is_due:
        return Decision(NotifyAction.WAIT, Reason.GROUP_INTERVAL, until=min(interval_ends, wake_at))
    # 7. News are a push, except one more rule on a failing source that was notified already.
    joins = group.key.scope is GroupScope.SOURCE and (last.waits or last is LastPush.SENT)
    if news and not joins:
        return Decision(NotifyAction.PUSH, reason, news, over)
    # 8. What remains is said in place.
    return _update(news, over, suppressed, last, options)


def wakes_at(group: NotificationGroup, options: GroupOptions, now: float) -> float:
    """When time alone gives a group something to do; infinite where it does not."""
    # News that are suppressed need no time here: their own timers, or the rule that suppresses them, bring them back.
    log = group.log
    times = [reminder_at(group, options)]
    if group.key.scope is GroupScope.DIGEST and any(not group.is_notified(alert) for alert in group.alerts.values()):
        times.append(log.not_before)
    if log.is_outdated or any(alert.ended is not None and group.is_notified(alert) for alert in group.alerts.values()):
        times.append(log.changed_at + options.interval)
    return min(max(at, now) for at in times)


def reminder_at(group: NotificationGroup, options: GroupOptions) -> float:
    """When the next reminder is due; infinite where there is none."""
    if options.repeat is None:
        return math.inf
    return max(group.log.notified_at + options.repeat.wait(group.log.reminders), group.log.remind_not_before)


def _reminder(
    notified: Sequence[GroupedAlert],
    over: Sequence[GroupedAlert],
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    now: float,
) -> Decision:
    """A reminder waits while all that it is about is suppressed. It does not follow a push that was not sent yet."""
    causes = [suppressed[alert.id] for alert in notified if alert.id in suppressed]
    if len(causes) == len(notified):
        # At least a second from now, so that a suppression that is just ending does not repeat the decision at once.
        until = max(min(each.until or now + REMINDER_LOOKS_AGAIN for each in causes), now + 1)
        return Decision(NotifyAction.SUSPEND_REMINDER, causes[0].reason, reminded=notified[:1], until=until)
    reminded = [alert for alert in notified if alert.id not in suppressed]
    if last is not LastPush.SENT:
        return Decision(NotifyAction.SKIP_REMINDER, Reason.PREVIOUS_UNSENT, reminded=reminded)
    return Decision(NotifyAction.REMIND, Reason.REMINDED, ended=over, reminded=reminded)


def _end(
    group: NotificationGroup,
    over: Sequence[GroupedAlert],
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    options: GroupOptions,
) -> Decision:
    """Everything ended, or left the group."""
    is_source = group.key.scope is GroupScope.SOURCE
    # Everything fired and ended while the group waited.
    if last is LastPush.NONE:
        reason = Reason.DIGEST if group.key.scope is GroupScope.DIGEST else Reason.NOTIFIED
        return Decision(NotifyAction.END_BY_PUSH, reason, ended=over)
    # Nothing of it was ever accepted: there is nothing on the phone that could end.
    if last is LastPush.REFUSED and group.log.sequence == 1:
        return Decision(NotifyAction.WITHDRAW, Reason.REFUSED, ended=over)
    if last.waits:
        action = NotifyAction.END_BY_PUSH if over or is_source else NotifyAction.SUPERSEDE
        return Decision(action, Reason.NOTIFIED, ended=over)
    if options.on_resolve == "none":
        return Decision(NotifyAction.FORGET, Reason.RESOLVE_NOT_NOTIFIED, ended=over)
    if last is LastPush.DROPPED:
        return Decision(NotifyAction.FORGET, Reason.RESOLVED_BEFORE_NOTIFIED, ended=over)
    if not over and not is_source:
        return Decision(NotifyAction.SUPERSEDE, Reason.UPDATED)
    if over and _ends_by_push(over, suppressed, options):
        return Decision(NotifyAction.END_BY_PUSH, Reason.NOTIFIED, ended=over)
    return Decision(NotifyAction.END, Reason.UPDATED, ended=over)


def _update(
    news: Sequence[GroupedAlert],
    over: Sequence[GroupedAlert],
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    options: GroupOptions,
) -> Decision:
    """Something ended, left or joined, and something else still fires."""
    if last.waits:
        return Decision(NotifyAction.UPDATE_UNSENT, Reason.UPDATED, news, over)
    if options.on_resolve == "none":
        return Decision(NotifyAction.FORGET, Reason.RESOLVE_NOT_NOTIFIED, news, over)
    if last is not LastPush.SENT:
        return Decision(NotifyAction.FORGET, Reason.RESOLVED_BEFORE_NOTIFIED, news, over)
    if over and _ends_by_push(over, suppressed, options):
        return Decision(NotifyAction.UPDATE_BY_PUSH, Reason.NOTIFIED, news, over)
    return Decision(NotifyAction.UPDATE, Reason.UPDATED, news, over)


def _ends_by_push(
    over: Sequence[GroupedAlert], suppressed: Mapping[AlertId, Suppression], options: GroupOptions
) -> bool:
    """Whether an end is a push of its own: asked for, and not suppressed."""
    return options.on_resolve == "push" and not any(alert.id in suppressed for alert in over)
