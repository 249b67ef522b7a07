"""Decide: whether a group notifies now, and how; one named reason and one action out. No I/O.

As in Alertmanager's dedup stage, the alerts of a group as they are now stand beside its notification log entry, and the
difference is what there is to notify: nothing is queued while it is suppressed, and the difference is still
there when the suppression ends. An alert is *announced* by a push, which makes itself known, and *named* by the text,
which is updated in place, silently. Four kinds of difference count:

- *news*: alerts that fire at a higher severity than was announced of them, and are not suppressed;
- *joined*: those that fire, and the text does not name, or names at another severity (one that fell is named as it is
  by now also while it is suppressed: the phone must not go on showing a critical alert that is none any more);
- *ended*: alerts that ended, and are still named, or ended before they were ever notified;
- *outdated*: the text names an alert that left the group, or is about something else by now.

A group is open from its first alert to the end of the last. In it a person is called once for what begins at once, once
for each ``group_interval`` in which more begins, and at once for what is worse; between that, the text keeps count. The
ladder, the first branch that holds:

1. There is no difference: only a reminder may be due.
2. The first notification waits ``group_wait`` for more alerts.
3. No alert fires any more that was announced, or is to be: the notification ends.
4. In a storm, a first notification that is not critical becomes a part of the storm summary.
5. An alert is worse than anything announced in this group: a push at once.
6. The last push still waits to be sent: it takes in what has changed, news too. Where the service refuses it, each new
   text is tried at once, so it changes no sooner than 15 seconds after the last change.
7. A reminder is due: it takes in what has ended; news take its place, and do not wait any longer.
8. News are a push when ``group_interval`` has passed since the last announcement. That a failing source takes along one
   more rule is none, nor is what a storm summary takes in until then: these are only named.
9. Ends are a push as often, where the rule asks for that (``on_resolve: push``).
10. What joined, ended or is outdated updates the text in place, at least 15 seconds after the last change. Where that
   cannot be replaced, or was dropped, the next push says it.

What the digest of a time window has not notified waits until the window ends; ends and reminders of what an
earlier digest has notified go on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from smithd.alerts.severity import Severity, rank
from smithd.notify.group import AlertId, GroupedAlert, GroupScope, NotificationGroup
from smithd.notify.options import RepeatOptions
from smithd.notify.reason import Reason
from smithd.notify.suppression import Suppression

REMINDER_LOOKS_AGAIN = 60.0
"""Seconds after which a reminder that another rule suppresses is looked at again."""

UPDATE_INTERVAL = 15.0
"""The least seconds between a change of a group's text and the next update in place, its end excepted."""

IN_FLIGHT_LOOKS_AGAIN = 5.0
"""Seconds after which is looked again whether a push in flight was answered, so that it can be replaced."""


_PUSHED_REASONS = {GroupScope.DIGEST: Reason.DIGEST, GroupScope.STORM: Reason.STORM}
"""Why a push is sent, where it is about many rules."""


class NotifyAction(StrEnum):
    """What is done with a group's notification."""

    NOTHING = "nothing"
    WAIT = "wait"
    JOIN_STORM = "join_storm"
    """The group becomes a part of the storm summary, which decides about it."""
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
    IN_FLIGHT = "in_flight"
    SENT = "sent"
    """It was accepted."""
    FIXED = "fixed"
    """It was accepted, and cannot be replaced: the service's name for it is not known."""
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
    """What is to be done, and why. ``news``, ``ended``: the differences that it settles; ``joined``: the alerts that it
    names; ``reminded``: those that a reminder is about; ``until``: when to look again (infinite: when something
    changes).
    """

    action: NotifyAction
    reason: Reason
    news: Sequence[GroupedAlert] = ()
    ended: Sequence[GroupedAlert] = ()
    joined: Sequence[GroupedAlert] = ()
    reminded: Sequence[GroupedAlert] = ()
    until: float = math.inf


class GroupDifference(NamedTuple):
    """How a group's alerts differ from its log entry. ``notified``: those that fire and were announced;
    ``waits_for_window``: it is a digest whose time window is open.
    """

    news: Sequence[GroupedAlert]
    joined: Sequence[GroupedAlert]
    ended: Sequence[GroupedAlert]
    notified: Sequence[GroupedAlert]
    waits_for_window: bool


def difference(group: NotificationGroup, suppressed: Collection[AlertId], now: float) -> GroupDifference:
    """What there is to notify of a group. ``suppressed``: those of its alerts that are."""
    # What a digest has not notified waits for the end of its time window; what an earlier one has notified may end.
    waits_for_window = group.key.scope is GroupScope.DIGEST and now < group.log.not_before
    firing, ended = group.firing, group.ended
    free = [alert for alert in firing if alert.id not in suppressed] if not waits_for_window else []
    return GroupDifference(
        [alert for alert in free if group.is_news(alert)],
        [*filter(group.is_named_too_low, free), *filter(group.is_named_too_high, firing)],
        [alert for alert in ended if group.is_named(alert)] if waits_for_window else ended,
        [alert for alert in firing if group.is_notified(alert)],
        waits_for_window,
    )


def decide(
    group: NotificationGroup,
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    options: GroupOptions,
    now: float,
    *,
    is_storm: bool = False,
) -> Decision:
    """What to do about a group. ``suppressed``: those of its alerts that are, as far as that matters now; ``is_storm``:
    too many pushes went to its channels.
    """
    log = group.log
    found = difference(group, suppressed, now)
    news, joined, over, notified, waits_for_window = found
    reminder_is_due = bool(notified) and now >= reminder_at(group, options)

    # 1. There is no difference: only a reminder may be due.
    if not (news or joined or over or log.is_outdated):
        if reminder_is_due:
            return _reminder(notified, over, suppressed, last, now)
        return _nothing(group, waits_for_window, wakes_at(group, suppressed, options, now))
    # 2. The first notification waits for more alerts. Where the clock was set back, the group was opened in the future,
    # and does not wait for that.
    waits_until = log.opened + options.wait if log.opened <= now else now
    if not log.sequence and now < waits_until:
        return Decision(NotifyAction.WAIT, Reason.GROUP_WAIT, until=waits_until)
    # 3. Nothing that was announced, or is to be, fires any more.
    if not notified and not news:
        return _end(group, over, suppressed, last, options, now)
    # 4. A storm.
    if is_storm and _may_join_storm(group, news):
        return Decision(NotifyAction.JOIN_STORM, Reason.STORM, news, over)
    # 5. Worse than anything announced so far.
    scope = group.key.scope
    pushed = _PUSHED_REASONS.get(scope, Reason.NOTIFIED)
    if any(rank(alert.severity) > rank(log.highest) for alert in news):
        return Decision(NotifyAction.PUSH, pushed, news, over, joined)
    # 6. The last push is not sent yet.
    if last.waits:
        return _unsent(group, found, last, pushed, now)
    # 7. A reminder takes in what has ended; news go their own way, without waiting (8).
    if reminder_is_due and not news:
        return _reminder(notified, over, suppressed, last, now)
    # 8. News are a push, except one more rule on a failing source that was notified already, or in a storm summary.
    interval_is_over = now >= log.announced_at + options.interval or reminder_is_due
    is_open = scope is GroupScope.SOURCE or (scope is GroupScope.STORM and not interval_is_over)
    only_named = is_open and last is not LastPush.DROPPED
    if news and interval_is_over and not only_named:
        return Decision(NotifyAction.PUSH, pushed, news, over, joined)
    # 9 and 10. What remains is said in place, but for ends by push.
    return _rest(group, found._replace(news=news if only_named else ()), suppressed, last, options, now)


def wakes_at(group: NotificationGroup, suppressed: Collection[AlertId], options: GroupOptions, now: float) -> float:
    """When time alone gives a group something to do; infinite where it does not."""
    log, alerts = group.log, group.alerts.values()
    interval_ends, update_at = log.announced_at + options.interval, log.changed_at + UPDATE_INTERVAL
    times = [reminder_at(group, options)]
    waits_for_window = group.key.scope is GroupScope.DIGEST and now < log.not_before
    if waits_for_window and not all(map(group.is_notified, alerts)):
        times.append(log.not_before)
    # News that are suppressed need no time here: their own timers, or the rule that suppresses them, bring them back.
    free = [alert for alert in alerts if alert.id not in suppressed] if not waits_for_window else []
    if any(map(group.is_news, free)):
        times.append(interval_ends)
    if log.is_outdated or any(map(group.is_named_too_low, free)) or any(map(group.is_named_too_high, alerts)):
        times.append(update_at)
    if any(alert.ended is not None and (not waits_for_window or group.is_named(alert)) for alert in alerts):
        times.append(interval_ends if options.on_resolve == "push" else update_at)
    return min(max(at, now) for at in times)


def reminder_at(group: NotificationGroup, options: GroupOptions) -> float:
    """When the next reminder is due; infinite where there is none."""
    if options.repeat is None:
        return math.inf
    return max(group.log.notified_at + options.repeat.wait(group.log.reminders), group.log.remind_not_before)


def _nothing(group: NotificationGroup, waits_for_window: bool, until: float) -> Decision:
    """Nothing differs, or only what a digest holds until its time window ends."""
    if waits_for_window and until == group.log.not_before:
        return Decision(NotifyAction.WAIT, Reason.MUTED, until=until)
    return Decision(NotifyAction.NOTHING, Reason.UNCHANGED, until=until)


def _may_join_storm(group: NotificationGroup, news: Sequence[GroupedAlert]) -> bool:
    """Whether it is a first notification without anything critical. Digests are one push for many rules already."""
    is_critical = any(alert.severity is Severity.CRITICAL for alert in news)
    return not (group.log.sequence or is_critical or group.key.scope in _PUSHED_REASONS)


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
    if last.waits or last is LastPush.DROPPED:
        return Decision(NotifyAction.SKIP_REMINDER, Reason.PREVIOUS_UNSENT, reminded=reminded)
    return Decision(NotifyAction.REMIND, Reason.REMINDED, ended=over, reminded=reminded)


def _unsent(group: NotificationGroup, found: GroupDifference, last: LastPush, pushed: Reason, now: float) -> Decision:
    """The last push waits to be sent, and takes in what has changed; where it is refused, not too often."""
    until = group.log.changed_at + UPDATE_INTERVAL
    if last is LastPush.REFUSED and now < until:
        return Decision(NotifyAction.WAIT, Reason.UPDATE_INTERVAL, until=until)
    action, reason = (NotifyAction.PUSH, pushed) if found.news else (NotifyAction.UPDATE_UNSENT, Reason.UPDATED)
    return Decision(action, reason, found.news, found.ended, found.joined)


def _end(
    group: NotificationGroup,
    over: Sequence[GroupedAlert],
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    options: GroupOptions,
    now: float,
) -> Decision:
    """Everything ended, or left the group."""
    # What a digest holds for its next window fires: then the end is one update among others.
    if group.firing and now < group.log.changed_at + UPDATE_INTERVAL:
        return Decision(NotifyAction.WAIT, Reason.UPDATE_INTERVAL, until=group.log.changed_at + UPDATE_INTERVAL)
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
    if _ends_by_push(over, suppressed, last, options):
        return Decision(NotifyAction.END_BY_PUSH, Reason.NOTIFIED, ended=over)
    return Decision(NotifyAction.END, Reason.UPDATED, ended=over)


def _rest(
    group: NotificationGroup,
    found: GroupDifference,
    suppressed: Mapping[AlertId, Suppression],
    last: LastPush,
    options: GroupOptions,
    now: float,
) -> Decision:
    """Something joined, ended or left, and something still fires."""
    log, (news, joined, over, *_) = group.log, found
    # 9. Ends are a push where that is asked for, and not suppressed.
    by_push = _ends_by_push(over, suppressed, last, options)
    if by_push and now >= log.announced_at + options.interval:
        return Decision(NotifyAction.UPDATE_BY_PUSH, Reason.NOTIFIED, (), over, joined)
    # 10. What remains is said in place, as soon as it can be.
    over = () if by_push else over
    waits = (
        Reason.GROUP_INTERVAL if by_push or any(map(group.is_news, group.alerts.values())) else Reason.UPDATE_INTERVAL
    )
    if not (joined or over or log.is_outdated):
        return Decision(NotifyAction.WAIT, waits, until=wakes_at(group, suppressed, options, now))
    looks_again = now + IN_FLIGHT_LOOKS_AGAIN if last is LastPush.IN_FLIGHT else now
    if now < (until := max(log.changed_at + UPDATE_INTERVAL, looks_again)):
        return Decision(NotifyAction.WAIT, waits, until=until)
    if options.on_resolve == "none" and not joined:
        return Decision(NotifyAction.FORGET, Reason.RESOLVE_NOT_NOTIFIED, news, over)
    cannot = {LastPush.DROPPED: Reason.RESOLVED_BEFORE_NOTIFIED, LastPush.FIXED: Reason.NOT_REPLACEABLE}
    if last in cannot:
        return Decision(NotifyAction.FORGET, cannot[last], news, over, joined)
    return Decision(NotifyAction.UPDATE, Reason.UPDATED, news, over, joined)


def _ends_by_push(
    over: Sequence[GroupedAlert], suppressed: Mapping[AlertId, Suppression], last: LastPush, options: GroupOptions
) -> bool:
    """Whether an end is a push of its own: asked for, not suppressed, and of something that was sent."""
    is_sent = last in (LastPush.IN_FLIGHT, LastPush.SENT, LastPush.FIXED)
    asked_for = bool(over) and options.on_resolve == "push"
    return is_sent and asked_for and not any(alert.id in suppressed for alert in over)
