"""Apply: what a decision does to a group's log entry, and the messages that it sends. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rpds import HashTrieMap

from smithd.alerts.severity import Severity, worst_of
from smithd.keys import PushKey
from smithd.notify import content
from smithd.notify.config import NotifyConfig
from smithd.notify.content import Subject
from smithd.notify.decide import Decision, GroupOptions, LastPush, NotifyAction, wakes_at
from smithd.notify.group import (
    REMEMBERED_FOR,
    AlertId,
    GroupedAlert,
    GroupKey,
    Groups,
    GroupScope,
    LogEntry,
    NotificationGroup,
)
from smithd.notify.grouping import Decided
from smithd.notify.recent import RecentPush, RecentPushes
from smithd.notify.suppression import Suppression
from smithd.notify.view import NotifyView
from smithd.outbox.message import EdgeMessage, Priority, Push

_PRIORITIES = {
    (True, True): Priority.CRITICAL_PUSH,
    (True, False): Priority.LATER_CRITICAL_PUSH,
    (False, True): Priority.PUSH,
    (False, False): Priority.LATER_PUSH,
}
"""By whether a push announces something critical, and is the first of its rule for a while: that goes before another
rule's later ones.
"""

LEAST_PAUSE = 1.0
"""Seconds between two decisions of one group that change something, so that none can follow itself in a circle."""


class Applied(NamedTuple):
    """What came of a group's decision. ``until``: when to look at the group again; ``withdrawn``: the notifications
    that are not to be sent any more; ``joined``: the group that its alerts have moved to, and that is to be decided
    about.
    """

    groups: Groups
    messages: Sequence[EdgeMessage]
    decided: Mapping[AlertId, Decided]
    until: float
    withdrawn: Sequence[PushKey] = ()
    joined: GroupKey | None = None


def push_key(key: GroupKey, log: LogEntry) -> PushKey:
    """The key of a group's newest notification, or of its first."""
    return PushKey(key.account, str(key), round(log.opened, 3), max(log.sequence, 1))


def last_push(group: NotificationGroup, view: NotifyView) -> LastPush:
    """What became of a group's newest notification."""
    if not group.log.sequence:
        return LastPush.NONE
    status = view.status(push_key(group.key, group.log))
    if status.push is not None:
        return LastPush.SENT if status.push.notification_id is not None else LastPush.FIXED
    if status.in_flight:
        return LastPush.IN_FLIGHT
    if status.queued is None:
        return LastPush.DROPPED
    return LastPush.REFUSED if status.refusal else LastPush.WAITING


def apply(
    groups: Groups,
    key: GroupKey,
    decision: Decision,
    last: LastPush,
    suppressed: Mapping[AlertId, Suppression],
    view: NotifyView,
    config: NotifyConfig,
) -> Applied:
    """Do what was decided about a group; ``last``: what had become of its newest notification then."""
    group, action, now = groups.by_key[key], decision.action, view.now
    log = group.log
    if action in (NotifyAction.NOTHING, NotifyAction.WAIT):
        return Applied(groups, (), {}, decision.until)
    if action is NotifyAction.SUSPEND_REMINDER:
        (alert,) = decision.reminded
        # It is recorded once, though the reminder is looked at again and again while it is suppressed.
        detail = f"{suppressed[alert.id].describe(view)} (a reminder)"
        decided = (
            {alert.id: Decided(alert, decision.reason, detail, key, str(push_key(key, log)))}
            if not log.remind_not_before
            else {}
        )
        log = replace(log, remind_not_before=decision.until)
        return Applied(groups.put_log(key, log), (), decided, decision.until)

    if action is NotifyAction.JOIN_STORM:
        summary = config.storm_summary(key)
        return Applied(groups.move(key, summary, now), (), {}, math.inf, joined=summary)

    settled = _settled(group, decision, last, now)
    once = config.push(key).delivery == "at_most_once"
    messages = [
        replace(message, at_most_once=once)
        for message in _messages(group, settled, decision, last, groups.recent, view, config)
    ]
    decided = _decided(group, settled, decision, view)
    groups = groups.put_log(key, settled)
    recent, channels = groups.recent, config.channel_set(key)
    for message in messages:
        if isinstance(message, Push):
            is_critical = message.priority <= Priority.LATER_CRITICAL_PUSH
            recent = recent.add(channels, RecentPush(now, message.key, rule_of(key), is_critical), config.storm)
    groups = replace(groups, recent=recent)
    # Alerts that ended leave only now: the messages name them.
    for alert in decision.ended:
        groups = groups.drop_alert(alert.id)
    left = groups.by_key[key]
    until = max(wakes_at(left, suppressed, group_options(left, config), now), now + LEAST_PAUSE)
    if not left.alerts:
        groups, until = groups.close(key), math.inf
    withdrawn = (push_key(key, log),) if action is NotifyAction.WITHDRAW else ()
    return Applied(groups, messages, decided, until, withdrawn)


def rule_of(key: GroupKey) -> str:
    """What pushes are counted under: a rule, or what notifies in place of rules."""
    return key.name if key.scope in (GroupScope.RULE, GroupScope.REST) else str(key)


def group_options(group: NotificationGroup, config: NotifyConfig) -> GroupOptions:
    """How a group is notified, by the configuration."""
    wait, interval = config.pace(group.key)
    return GroupOptions(wait, interval, config.push(group.key).on_resolve, config.repeat(group))


def _named(group: NotificationGroup, decision: Decision) -> list[GroupedAlert]:
    """The alerts of a group that fire, as far as its text names them once a decision is carried out."""
    # A set, since each of a thousand alerts may be news.
    added = {alert.id for alert in (*decision.news, *decision.joined)}
    return [alert for alert in group.firing if group.is_notified(alert) or group.is_named(alert) or alert.id in added]


def _settled(group: NotificationGroup, decision: Decision, last: LastPush, now: float) -> LogEntry:
    """The log entry after a decision was carried out."""
    log, action = group.log, decision.action
    # It counts all the same, so that the next one comes after its whole wait, and not at once.
    if action is NotifyAction.SKIP_REMINDER:
        return replace(log, reminders=log.reminders + 1, notified_at=now, remind_not_before=0.0)
    severities, highest, announced = log.severities, log.highest, log.announced
    for alert in decision.news:
        severities = severities.insert(alert.id, alert.severity)
        announced = announced.insert(alert.id, now)
        highest = worst_of(highest, alert.severity)
    if decision.news:
        # What has left is remembered for an hour, so that a group that stays open for weeks does not grow.
        stays = ((id_, at) for id_, at in announced.items() if id_ in group.alerts or at > now - REMEMBERED_FOR)
        announced = HashTrieMap(dict(stays))
    named = {alert.id: alert.severity for alert in _named(group, decision)}
    if last.waits and action in (NotifyAction.PUSH, NotifyAction.UPDATE_UNSENT):
        # Nobody has seen the text that this one replaces: what it called worse is worse than anything announced again.
        highest = worst_of(*named.values())
    log = replace(
        log,
        severities=severities,
        named=HashTrieMap(named),
        announced=announced,
        highest=highest,
        changed_at=now,
        is_outdated=False,
    )
    if action in (NotifyAction.PUSH, NotifyAction.REMIND, NotifyAction.UPDATE_UNSENT):
        log = replace(log, notified_at=now)
    # Where the one before still waits to be sent, its text is replaced: the phone gets one notification, not two.
    follows = action in (NotifyAction.PUSH, NotifyAction.REMIND) and not last.waits
    if follows or (action is NotifyAction.END_BY_PUSH and last is LastPush.NONE):
        log = replace(log, sequence=log.sequence + 1)
    if action in (NotifyAction.PUSH, NotifyAction.UPDATE_BY_PUSH):
        log = replace(log, announced_at=now)
    if action is NotifyAction.PUSH:
        log = replace(log, reminders=0)
    if action is NotifyAction.REMIND:
        log = replace(log, reminders=log.reminders + 1, remind_not_before=0.0)
    return log


def _messages(
    group: NotificationGroup,
    settled: LogEntry,
    decision: Decision,
    last: LastPush,
    recent: RecentPushes,
    view: NotifyView,
    config: NotifyConfig,
) -> list[EdgeMessage]:
    """What is sent; a text names the alerts with their values of now."""
    action, options = decision.action, config.push(group.key)
    firing = _named(group, decision)
    messages = _superseded(group, decision, last, firing, view, config)
    subject = Subject(group.key, list(_with_values_of_now(firing, view, config)), decision.ended)
    match action:
        case NotifyAction.PUSH | NotifyAction.REMIND | NotifyAction.UPDATE_UNSENT:
            text = content.firing(subject, config.rules, options, view, is_reminder=action is NotifyAction.REMIND)
        case NotifyAction.UPDATE | NotifyAction.UPDATE_BY_PUSH:
            # The text is replaced silently, however loud the rule is.
            text = replace(content.firing(subject, config.rules, options, view), interruption_level="passive")
        case NotifyAction.END | NotifyAction.END_BY_PUSH:
            text = content.ended(subject, view)
        case _:
            return messages
    key, text = push_key(group.key, settled), options.addressed(text, config.channels)
    is_open = options.on_resolve != "none" and bool(firing)
    if action in (NotifyAction.UPDATE, NotifyAction.END):
        # An update is worth nothing as a notification of its own; the end is.
        only_in_place = action is NotifyAction.UPDATE
        messages.append(content.update(key, text, view, is_open=is_open, only_in_place=only_in_place))
    else:
        # An unsent push is as urgent as what it announces, whatever was added to its text since.
        announced = firing if last.waits else decision.news
        push = RecentPush(view.now, key, rule_of(group.key), Severity.CRITICAL in {each.severity for each in announced})
        priority = _priority(push, recent, view, is_beginning=settled.sequence == 1 and bool(firing))
        messages.append(content.push(key, text, view, priority, is_open=is_open))
    return messages


def _with_values_of_now(
    alerts: Iterable[GroupedAlert], view: NotifyView, config: NotifyConfig
) -> Iterator[GroupedAlert]:
    for alert in alerts:
        # What moves with its value, or is an increase, is known as of the last transition.
        rule = config.rules.get(alert.rule)
        value = view.value(alert.series) if rule is None or rule.compares_newest else None
        yield replace(alert, value=value) if value is not None else alert


def _superseded(
    group: NotificationGroup,
    decision: Decision,
    last: LastPush,
    firing: Sequence[GroupedAlert],
    view: NotifyView,
    config: NotifyConfig,
) -> list[EdgeMessage]:
    """The group's newest notification as the past, in place, where it is that from now on."""
    options = config.push(group.key)
    if decision.action is NotifyAction.SUPERSEDE:
        what_followed = "Its alerts moved to other notifications"
    # Where ends are not updates in place, an old notification stays as it is.
    elif last not in (LastPush.SENT, LastPush.IN_FLIGHT) or options.on_resolve != "replace":
        return []
    elif decision.action is NotifyAction.REMIND:
        what_followed = "A reminder followed"
    elif decision.action is NotifyAction.PUSH:
        what_followed = _what_followed(group, decision, firing[0].severity)
    else:
        return []
    key = push_key(group.key, group.log)
    shown = view.status(key).push
    text = content.superseded(group, shown.content if shown is not None else None, what_followed, view)
    return [content.update(key, options.addressed(text, config.channels), view, Priority.COSMETIC, only_in_place=True)]


def _what_followed(group: NotificationGroup, decision: Decision, worst: Severity) -> str:
    """Why a notification is the past, now that a push follows it; it goes before the time of now."""
    # With what happened before, the notification was brought up to date in place.
    if all(group.log.named.get(alert.id) is alert.severity for alert in decision.news):
        return "A newer notification followed"
    has_risen = all(group.is_notified(alert) for alert in decision.news)
    return f"It rose to {worst}" if has_risen else "More alerts fired"


def _priority(push: RecentPush, recent: RecentPushes, view: NotifyView, *, is_beginning: bool) -> Priority:
    """How soon a push goes; a rise to critical counts as the first push of its rule, too."""
    # A reminder, or the end of all, is no first push.
    may_be_first = push.is_critical or is_beginning
    return _PRIORITIES[push.is_critical, may_be_first and recent.is_first(push, view)]


def _decided(
    group: NotificationGroup, settled: LogEntry, decision: Decision, view: NotifyView
) -> dict[AlertId, Decided]:
    """What the decision is for each of the alerts that it is about."""
    firing = _named(group, decision)
    others = len(firing) + len(decision.ended) - 1
    with_others = [f"with {others} more"] if others > 0 else []
    notification = str(push_key(group.key, settled))
    found = {}
    # News that are only named are decided about again when they are announced; what fires again has its reason already.
    joined = [alert for alert in decision.joined if group.is_news(alert)]
    for alert in (*joined, *decision.news, *decision.ended):
        # It ended before anything was notified of it: its beginning and its end are in one notification.
        parts = ["it came and went"] if alert.ended is not None and not group.is_notified(alert) else []
        detail = ", ".join([*parts, *with_others])
        if decision.action is NotifyAction.WITHDRAW:
            detail = view.status(push_key(group.key, settled)).refusal
        found[alert.id] = Decided(alert, decision.reason, detail, group.key, notification)
    for alert in decision.reminded:
        found[alert.id] = Decided(alert, decision.reason, f"reminder {settled.reminders}", group.key, notification)
    return found
