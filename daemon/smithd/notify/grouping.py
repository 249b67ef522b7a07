"""Group: puts what a step looks at into its groups, or, while it is suppressed, into none. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from smithd.alerts.alert import Alert
from smithd.alerts.reason import TransitionReason
from smithd.alerts.severity import Severity, rank
from smithd.notify.config import NotifyConfig
from smithd.notify.group import (
    REMEMBERED_FOR,
    AlertId,
    GroupedAlert,
    GroupKey,
    Groups,
    GroupScope,
    NotificationGroup,
    ended,
    grouped,
    id_of,
)
from smithd.notify.options import PushOptions
from smithd.notify.reason import Reason
from smithd.notify.route import Corrected, Fires, Ignored, NotifyTimer, Over, Routed, SuppressionEnds
from smithd.notify.suppression import Suppression
from smithd.notify.view import NotifyView


class Decided(NamedTuple):
    """What a step decided about an alert. ``reason``: None where the decision of its group gives it; ``group``: the one
    that notifies it, if any; ``notification``: the key of its newest notification.
    """

    alert: Alert | GroupedAlert
    reason: Reason | None
    detail: str = ""
    group: GroupKey | None = None
    notification: str = ""


class Regrouped(NamedTuple):
    """The groups after a step's alerts were put into them. ``changed``: those that are to be written and decided anew;
    ``alerts``: those for which a group changed; ``timers``: when suppressions end.
    """

    groups: Groups
    decided: Mapping[AlertId, Decided]
    changed: Sequence[GroupKey]
    alerts: Sequence[AlertId]
    timers: Sequence[tuple[float, NotifyTimer]]


class Placed(NamedTuple):
    """The groups after one alert was put into its group; ``decided`` and ``changed`` as in ``Regrouped``."""

    groups: Groups
    decided: Decided | None = None
    changed: Sequence[GroupKey] = ()


def regroup(
    groups: Groups,
    routed: Iterable[Routed],
    suppressed: Mapping[AlertId, Suppression],
    view: NotifyView,
    config: NotifyConfig,
) -> Regrouped:
    """Put each alert where it belongs."""
    decided: dict[AlertId, Decided] = {}
    changed: dict[GroupKey, None] = {}
    alerts: dict[AlertId, None] = {}
    timers: list[tuple[float, NotifyTimer]] = []
    for each in routed:
        id_ = id_of(each.alert)
        match each:
            case Ignored(alert, reason):
                placed = Placed(groups, Decided(alert, reason))
            case Corrected():
                placed = _correct(groups, each, view)
            case Over():
                id_, placed = each.id, _end(groups, each, view)
            case Fires():
                placed = _place(groups, each, suppressed.get(each.id), view, config)
        groups = placed.groups
        if placed.changed:
            changed |= dict.fromkeys(placed.changed)
            alerts[id_] = None
        if placed.decided is not None:
            decided[id_] = placed.decided
        waits = groups.suppression(id_)
        if isinstance(each, Fires) and waits is not None and waits.until is not None:
            timers.append((waits.until, SuppressionEnds(id_, config.account)))
    return Regrouped(groups, decided, list(changed), list(alerts), timers)


def _correct(groups: Groups, each: Corrected, view: NotifyView) -> Placed:
    """It is as bad as before, for another cause: what the notification says of it is outdated."""
    alert, id_ = each.alert, id_of(each.alert)
    group = groups.of(id_)
    if group is None or alert.severity is None:
        return Placed(groups)
    known = grouped(alert, group.alerts[id_], each.transition.evidence)
    is_outdated = group.log.is_outdated or id_ in group.log.named
    groups = groups.put_alert(group.key, known, view.now).put_log(
        group.key, replace(group.log, is_outdated=is_outdated)
    )
    return Placed(groups, None, [group.key])


def _end(groups: Groups, each: Over, view: NotifyView) -> Placed:
    """It stays in its group until that has notified its end; outside of any group there is nothing to notify."""
    suppressed, group = groups.suppression(each.id), groups.of(each.id)
    groups = groups.release(each.id)
    # It breaches still, and a worse one has its place: the notification ceases to name it, and does not say it ended.
    if group is not None and each.transition.evidence.reason is TransitionReason.ALERT_LIMIT:
        return Placed(_left(groups, each.id, group), Decided(each.alert, Reason.ALERT_LIMIT), [group.key])
    if group is not None:
        over = ended(group.alerts[each.id], each.transition)
        return Placed(groups.put_alert(group.key, over, view.now), Decided(over, None, "", group.key), [group.key])
    if suppressed is None and not each.is_known:
        return Placed(groups)
    detail = suppressed.describe(view) if suppressed is not None else ""
    return Placed(groups, Decided(each.alert, Reason.RESOLVED_BEFORE_NOTIFIED, detail))


def _place(
    groups: Groups, each: Fires, suppressed: Suppression | None, view: NotifyView, config: NotifyConfig
) -> Placed:
    """Where an alert that fires goes; the first branch that holds decides."""
    alert, severity, options = each.alert, each.alert.severity, config.pushes[each.alert.rule]
    assert severity is not None
    group = groups.of(each.id)
    before = group.alerts[each.id] if group is not None else None
    if group is not None and _waits_as_before(groups, each, group, suppressed, options):
        return Placed(groups)
    known = grouped(alert, before, each.transition.evidence if each.transition else None)

    # It was notified at this severity, or a higher one: it stays, and nothing is sent. Where it is less than was
    # notified of it, its next rise is news again.
    if group is not None and before is not None and rank(severity) <= rank(group.log.severities.get(each.id)):
        groups = groups.release(each.id)
        if each.transition is None and before.ended is None and before.severity is severity:
            return Placed(groups)
        reason = Reason.FIRED_AGAIN if before.ended is not None else Reason.SEVERITY_LOWERED
        groups = _lowered(groups.put_alert(group.key, known, view.now), group.key, known)
        return Placed(groups, Decided(alert, reason, "", group.key), [group.key])

    # Its severity is not listed in ``on``: it leaves, if it was not notified yet.
    if severity not in options.on:
        decided = Decided(alert, Reason.SEVERITY_NOT_LISTED, f"on: {', '.join(options.on)}")
        return _withhold(groups.release(each.id), known, group, decided, view, is_lowered=True)

    # It is suppressed, without a digest: it waits outside of any group, if it was not notified yet.
    target = _target(groups, each, group, suppressed, config, view.now)
    if target is None:
        assert suppressed is not None
        is_new = each.transition is not None or groups.suppression(each.id) != suppressed
        decision = Decided(alert, suppressed.reason, suppressed.describe(view)) if is_new else None
        return _withhold(groups.suppress(each.id, suppressed), known, group, decision, view)

    # Anything else is in the group that will notify it; that one decides when.
    return _enter(groups.release(each.id), each, known, group, target, suppressed, view)


def _waits_as_before(
    groups: Groups, each: Fires, group: NotificationGroup, suppressed: Suppression | None, options: PushOptions
) -> bool:
    """Whether an alert that did not change waits in its rule's group, as it did: a thousand may, at every step."""
    is_suppressed = suppressed is not None or groups.suppression(each.id) is not None
    is_of_rule = group.key.scope in (GroupScope.RULE, GroupScope.REST) and each.group.scope is GroupScope.RULE
    is_news = group.is_news(group.alerts[each.id]) and each.alert.severity in options.on
    return each.transition is None and is_of_rule and is_news and not is_suppressed


def _withhold(
    groups: Groups,
    known: GroupedAlert,
    group: NotificationGroup | None,
    decided: Decided | None,
    view: NotifyView,
    *,
    is_lowered: bool = False,
) -> Placed:
    """It is not notified as it is: it leaves its group, unless the notification names it already."""
    if group is None:
        return Placed(groups, decided)
    if not group.is_notified(known):
        return Placed(_left(groups, known.id, group), decided, [group.key])
    groups = groups.put_alert(group.key, known, view.now)
    return Placed(_lowered(groups, group.key, known) if is_lowered else groups, decided, [group.key])


def _enter(
    groups: Groups,
    each: Fires,
    known: GroupedAlert,
    group: NotificationGroup | None,
    target: GroupKey,
    suppressed: Suppression | None,
    view: NotifyView,
) -> Placed:
    """It is in the group that will notify it, whether it was there before or not."""
    has_moved = group is None or group.key != target
    changed = [target]
    if group is not None and has_moved:
        groups = _left(groups, each.id, group)
        changed.append(group.key)
        known = replace(known, evidence=each.transition.evidence if each.transition else None)
    is_beginning = group is None or group.alerts[each.id].ended is not None
    groups = groups.put_alert(target, known, view.now)
    decided = Decided(each.alert, None, "", target)
    if is_beginning and _was_just_announced(groups.by_key[target], known, view.now):
        groups = _lowered(groups, target, known)
        decided = decided._replace(reason=Reason.FIRED_AGAIN)
    if suppressed is not None and suppressed.until is not None:
        groups = groups.put_log(target, replace(groups.by_key[target].log, not_before=suppressed.until))
        detail = f"{suppressed.describe(view)}, then in its digest"
        decided = decided._replace(reason=suppressed.reason, detail=detail)
    return Placed(groups, decided if has_moved or each.transition is not None else None, changed)


def _target(
    groups: Groups,
    each: Fires,
    group: NotificationGroup | None,
    suppressed: Suppression | None,
    config: NotifyConfig,
    now: float,
) -> GroupKey | None:
    """The group of an alert with something to notify; None where it is suppressed. An alert that was notified stays in
    its group, whatever the configuration says by now.
    """
    is_first = group is None or each.id not in group.log.severities
    scope = group.key.scope if group is not None else None
    if suppressed is not None:
        if suppressed.digest is None or not (is_first or scope is GroupScope.DIGEST):
            return None
        channels = tuple(config.pushes[each.alert.rule].channels or ())
        return GroupKey(config.account, GroupScope.DIGEST, suppressed.digest, (), channels)
    # In a storm summary it stays until it is critical: then it is pushed alone.
    if group is not None and scope is GroupScope.STORM and each.alert.severity is not Severity.CRITICAL:
        return group.key
    # Its time window has ended: the digest notifies it.
    if group is not None and scope is GroupScope.DIGEST and is_first and group.log.not_before <= now:
        return group.key
    # A source that fails is one notification for all its rules, whatever their group_by.
    if each.group.scope is GroupScope.SOURCE:
        return each.group
    if group is not None and scope in (GroupScope.RULE, GroupScope.REST):
        return group.key
    # max_series is looked at only here: an alert that has a notification of its own keeps it.
    options = config.pushes[each.alert.rule]
    if options.is_alone and groups.own.get(each.alert.rule, 0) >= options.max_series:
        return each.group._replace(scope=GroupScope.REST, labels=())
    return each.group


def _was_just_announced(group: NotificationGroup, alert: GroupedAlert, now: float) -> bool:
    """Whether an alert that fires again was announced within the last hour, and nothing worse is to be announced now:
    then it is named again, and no more.
    """
    # What a time window suppresses is for its digest, whatever was notified before.
    if group.key.scope is GroupScope.DIGEST or rank(alert.severity) > rank(group.log.highest):
        return False
    at = group.log.announced.get(alert.id)
    return at is not None and now - at < REMEMBERED_FOR


def _lowered(groups: Groups, key: GroupKey, alert: GroupedAlert) -> Groups:
    """After an alert fell below what was notified of it, or fires again: the next rise is news."""
    log = groups.by_key[key].log
    severities = log.severities.insert(alert.id, alert.severity)
    return groups.put_log(key, replace(log, severities=severities))


def _left(groups: Groups, id_: AlertId, group: NotificationGroup) -> Groups:
    """After an alert left its group: what was notified of it there is outdated."""
    is_outdated = group.log.is_outdated or id_ in group.log.named
    groups = groups.drop_alert(id_)
    # An empty group stays while its notification is to be replaced; ``decide`` supersedes it, and ``apply`` closes it.
    log = groups.by_key[group.key].log
    groups = groups.put_log(group.key, replace(log, is_outdated=is_outdated))
    return groups if groups.by_key[group.key].alerts or is_outdated else groups.close(group.key)
