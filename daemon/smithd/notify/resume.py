"""Going on: with the groups of an earlier run, after the clock was set, and when silences end. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rpds import HashTrieMap

from smithd.alerts.severity import Severity, rank
from smithd.notify import content
from smithd.notify.apply import push_key, rule_of
from smithd.notify.config import NotifyConfig
from smithd.notify.content import Subject
from smithd.notify.group import AlertId, GroupedAlert, GroupKey, Groups, GroupScope, NotificationGroup, id_of
from smithd.notify.grouping import Decided
from smithd.notify.pipeline import Notified, record
from smithd.notify.reason import Reason
from smithd.notify.recent import RecentPush, RecentPushes
from smithd.notify.route import GroupDue, NotifyTimer, SuppressionEnds
from smithd.notify.suppression import Suppression, suppression
from smithd.notify.unsent import brought_up_to_date, newest, overtaken
from smithd.notify.view import NotifyView
from smithd.outbox.message import Message, Push, PushUpdate
from smithd.outbox.shown import ShownPush

Timers = list[tuple[float, NotifyTimer]]


def resume(groups: Groups, view: NotifyView, config: NotifyConfig) -> Notified:
    """Go on with the groups of an earlier run. Alerts that the configuration does not notify any more are closed; what
    was not notified yet waits until its source has answered, as it may be over.
    """
    messages: list[Message] = []
    decided: dict[AlertId, Decided] = {}
    changed: list[GroupKey] = []
    timers: Timers = []
    groups = _by(groups, view.now)
    for key in groups.keys:
        group = groups.by_key[key]
        closed = [
            alert
            for alert in (*group.firing, *group.ended)
            if alert.rule not in config.pushes or (alert.ended is None and not _still_fires(alert, view))
        ]
        if closed:
            messages += _closing(group, closed, view, config)
            notification = str(push_key(key, group.log))
            decided |= {alert.id: Decided(alert, Reason.CLOSED, "", key, notification) for alert in closed}
            for alert in closed:
                groups = groups.drop_alert(alert.id)
            left = groups.by_key[key]
            # What its notification says of those that are left is not true any more.
            groups = groups.put_log(key, replace(left.log, is_outdated=True)) if left.alerts else groups.close(key)
            changed.append(key)

    for key in groups.keys:
        group = groups.by_key[key]
        waiting = [alert for alert in group.firing if not group.is_notified(alert)]
        if key.scope is GroupScope.DIGEST and waiting:
            confirmed = {alert.id: view.confirmed_by(alert.series) for alert in waiting}
            # The digest waits until every alert in it is known to fire still.
            not_before = max(group.log.not_before, *confirmed.values())
            groups = groups.put_log(key, replace(group.log, not_before=not_before))
            timers += [(at, SuppressionEnds(id_, config.account)) for id_, at in confirmed.items()]
        # Time has passed, and the configuration may be another one: every group is decided about anew.
        timers.append((view.now, GroupDue(key)))
        if (waits := brought_up_to_date(group, view, config)) is not None:
            messages.append(waits)

    for found in [alert for of_rule in view.alerts.values() for alert in of_rule.values()]:
        if found.severity is None or found.rule not in config.pushes:
            continue
        # In a group that has notified nothing of it, it waits already.
        of_alert, id_ = groups.of(id_of(found)), id_of(found)
        notified = of_alert.log.severities.get(id_) if of_alert is not None else None
        if of_alert is None or (notified is not None and rank(found.severity) > rank(notified)):
            until = view.confirmed_by(found.series)
            groups = groups.suppress(id_, Suppression(Reason.UNCONFIRMED, "", until))
            timers.append((until, SuppressionEnds(id_, config.account)))
    groups = _with_recent_pushes(groups, config)
    # What was in flight when the last run ended waits again.
    earlier = overtaken(newest(groups), view)
    messages += earlier.messages
    decisions = record((), decided, config, view.now)
    return Notified(groups, messages, decisions, timers, changed, list(decided), earlier.withdrawn)


def _with_recent_pushes(groups: Groups, config: NotifyConfig) -> Groups:
    """After a start: with the recent pushes, as the log entries know them, the last of each group."""
    if groups.recent.of_rule:
        return groups
    recent = RecentPushes()
    for group in sorted(groups.by_key.values(), key=lambda group: (group.log.notified_at, group.key)):
        if group.log.sequence:
            is_critical = group.log.highest is Severity.CRITICAL
            key = push_key(group.key, group.log)
            push = RecentPush(group.log.notified_at, key, rule_of(group.key), is_critical)
            recent = recent.add(config.channel_set(group.key), push, config.storm)
    return replace(groups, recent=recent)


def reschedule(groups: Groups, account: str, now: float) -> tuple[Groups, Timers]:
    """An account's groups after the clock was set: nothing was notified in the future, nothing began there, and
    everything is looked at.
    """
    groups = _by(groups, now)
    for key in groups.keys:
        group = groups.by_key[key]
        groups = groups.put_log(key, replace(group.log, remind_not_before=0.0)).put_timer(key, now)
    # The end of a suppression was computed by the old clock, so each is looked at again at once.
    for of_rule in groups.suppressed.values():
        for id_, suppressed in of_rule.items():
            if suppressed.until is not None:
                groups = groups.suppress(id_, replace(suppressed, until=min(suppressed.until, now)))
    return groups, [(now, GroupDue(key)) for key in groups.keys] + look_again(groups, account, now)


def look_again(groups: Groups, account: str, now: float) -> Timers:
    """Timers for everything that is suppressed for an account; for when what suppresses it has changed by hand."""
    ids = [id_ for of_rule in groups.suppressed.values() for id_ in of_rule]
    for group in groups.by_key.values():
        if group.key.scope is GroupScope.DIGEST:
            ids += [alert.id for alert in group.firing if not group.is_notified(alert)]
    return [(now, SuppressionEnds(id_, account)) for id_ in sorted(ids)]


def outdate(groups: Groups, rule: str, account: str, now: float) -> tuple[Groups, Timers, list[GroupKey]]:
    """After series of a rule began, or ceased, to breach without an alert: what its notification says of them is
    outdated. Where ``group_by`` splits, the next text says it: a rule may have a thousand notifications.
    """
    changed = []
    for scope in (GroupScope.RULE, GroupScope.REST):
        group = groups.by_key.get(GroupKey(account, scope, rule))
        if group is not None and group.log.sequence:
            groups = groups.put_log(group.key, replace(group.log, is_outdated=True))
            changed.append(group.key)
    return groups, [(now, GroupDue(key)) for key in changed], changed


def suppressions(groups: Groups, rule: str, view: NotifyView, config: NotifyConfig) -> Mapping[AlertId, Suppression]:
    """What suppresses the alerts of a rule that have something to notify, for a person: of what is unconfirmed, what
    will suppress it when it is not.
    """
    of_rule = groups.suppressed.get(rule)
    found = dict(of_rule.items()) if of_rule is not None else {}
    for id_, suppressed in found.items():
        alert = view.alerts.get(rule, {}).get(id_.labels)
        if suppressed.reason is Reason.UNCONFIRMED and alert is not None:
            found[id_] = suppression(config.suppressors[rule], alert, config.rules[rule], view) or suppressed
    return found


def _by(groups: Groups, now: float) -> Groups:
    """The groups as they can be by ``now``: the clock may have been set back."""
    for key, group in groups.by_key.items():
        log = group.log
        log = replace(
            log,
            notified_at=min(log.notified_at, now),
            changed_at=min(log.changed_at, now),
            announced_at=min(log.announced_at, now),
            announced=HashTrieMap({id_: min(at, now) for id_, at in log.announced.items()}),
        )
        groups = groups.put_log(key, log)
        for alert in group.alerts.values():
            if (known := alert.by(now)) is not alert:
                groups = groups.put_alert(key, known, now)
    return replace(groups, recent=groups.recent.by(now))


def _still_fires(alert: GroupedAlert, view: NotifyView) -> bool:
    """Whether the alert of a rule and labels fires, whatever it fires for."""
    found = view.alerts.get(alert.rule, {}).get(alert.series.labels)
    return found is not None and found.severity is not None


def _closing(
    group: NotificationGroup, closed: Sequence[GroupedAlert], view: NotifyView, config: NotifyConfig
) -> list[Message]:
    """The last text of a notification of which nothing is left, where the phone has it or may get it."""
    if len(closed) < len(group.alerts) or not group.log.sequence:
        return []
    key = push_key(group.key, group.log)
    status = view.status(key)
    before = status.shown or status.queued or status.claimed
    if not isinstance(before, ShownPush | Push | PushUpdate):
        return []
    # A rule that only has no ``push`` any more is still evaluated, and the text must not say otherwise.
    is_evaluated = all(alert.rule in config.rules and _still_fires(alert, view) for alert in group.firing)
    text = content.closed(Subject(group.key, group.firing, group.ended), view, is_evaluated=is_evaluated)
    whole = replace(text, channels=before.content.channels, tags=before.content.tags)
    is_sent = status.shown is not None or status.in_flight
    return [content.update(key, whole, view) if is_sent else content.push(key, whole, view)]
