"""Notification groups: the alerts that one notification is about, and its notification log entry. No I/O.

A group lives from its first alert to the end of the last. All values are frozen: a change returns new ``Groups``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from rpds import HashTrieMap

from smithd.alerts.alert import Alert, AlertKey, Transition
from smithd.alerts.reason import VALUE, Cause, Evidence
from smithd.alerts.severity import Severity, rank
from smithd.alerts.spell import Spells, since_at
from smithd.notify.recent import RecentPushes
from smithd.notify.suppression import Suppression
from smithd.plugin.sample import Labels, Series

REMEMBERED_FOR = 3600.0
"""Seconds after its announcement for which an alert that ends and fires again in an open group is not news."""


class AlertId(NamedTuple):
    """What is notified of an alert: its identity, and the source, where it fires because that fails. Its value is
    notified apart, in another group.
    """

    key: AlertKey
    source: str = ""

    @property
    def rule(self) -> str:
        return self.key.rule

    @property
    def labels(self) -> Labels:
        return self.key.labels


def source_of(alert: Alert | None) -> str:
    """The failing source that an alert fires for; empty where it fires for a value or a missing series."""
    return alert.cause.source if alert is not None else ""


def id_of(alert: Alert) -> AlertId:
    """What is notified of an alert as it is now."""
    return AlertId(alert.key, source_of(alert))


class GroupScope(StrEnum):
    """What the alerts of a group have in common."""

    RULE = "rule"
    REST = "rest"
    """The alerts of a rule beyond ``max_series``."""
    SOURCE = "source"
    DIGEST = "digest"
    STORM = "storm"
    """Alerts of many rules that began while too many pushes went out."""


class GroupKey(NamedTuple):
    """The identity of a group. ``name``: the rule, source or time window; ``labels``: those that its alerts share;
    ``channels``: who is notified, where the group is not one rule's.
    """

    account: str
    scope: GroupScope
    name: str
    labels: Labels = ()
    channels: tuple[str, ...] = ()

    def __str__(self) -> str:
        # Stored under this text: two keys may not have the same one, whatever their labels are.
        inner = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.labels)
        to = f" to {', '.join(self.channels)}" if self.channels else ""
        kind = "" if self.scope is GroupScope.RULE else f"{self.scope} "
        return f"{kind}{self.name}{f'{{{inner}}}' if inner else ''}{to}"


@dataclass(frozen=True, slots=True)
class GroupedAlert:
    """An alert of a group as it is now, or was when it ended.

    ``value``: its last one (None: there never was one); ``ended``: when it did (seconds since 1970; None: it fires);
    ``evidence`` and ``cause``: those of its last transition; ``baseline``: what its value is compared with, if
    anything; ``metric``: what its rule watches ("" for an expression); ``source``: as in its ``id``; ``spells``: how
    long it was at each severity, until it ended.
    """

    key: AlertKey
    metric: str
    since: float
    fired_at: float
    severity: Severity
    spells: Spells
    value: float | None
    evidence: Evidence | None = None
    cause: Cause = VALUE
    baseline: float | None = None
    source: str = ""
    ended: float | None = None

    @property
    def id(self) -> AlertId:
        return AlertId(self.key, self.source)

    @property
    def rule(self) -> str:
        return self.key.rule

    @property
    def series(self) -> Series:
        return Series(self.metric, self.key.labels)

    @property
    def severity_since(self) -> float:
        """Since when its severity is breached."""
        return since_at(self.severity, self.spells, self.since)

    def by(self, now: float) -> GroupedAlert:
        """The alert as it can be by ``now``: the clock may have been set back since it began."""
        spells = tuple([spell.by(now) for spell in self.spells])
        if max(self.since, self.fired_at, self.ended or now) <= now and spells == self.spells:
            return self
        ended = min(self.ended, now) if self.ended is not None else None
        since, fired_at = min(self.since, now), min(self.fired_at, now)
        return replace(self, since=since, fired_at=fired_at, spells=spells, ended=ended)


def grouped(alert: Alert, before: GroupedAlert | None = None, evidence: Evidence | None = None) -> GroupedAlert:
    """A firing alert as its group knows it. ``before``: as it was known until now; ``evidence``: why it changed, if it
    did.
    """
    assert alert.severity is not None
    assert alert.fired_at is not None
    return GroupedAlert(
        alert.key,
        alert.metric,
        alert.since,
        alert.fired_at,
        alert.severity,
        alert.spells,
        alert.value,
        evidence or (before.evidence if before is not None else None),
        alert.cause,
        alert.baseline(alert.severity),
        source_of(alert),
    )


def worst_first(alerts: Iterable[GroupedAlert]) -> list[GroupedAlert]:
    """Alerts in the order in which a text names them."""
    # The id comes last, since the order of the map is arbitrary, and that of a text must not depend on it.
    return sorted(alerts, key=lambda alert: (-rank(alert.severity), alert.fired_at, alert.id))


def ended(alert: GroupedAlert, transition: Transition) -> GroupedAlert:
    """An alert of a group after its end."""
    at, before = transition.at, transition.before
    spells = tuple(spell.ended(at) for spell in (before.spells if before is not None else alert.spells))
    return replace(
        alert,
        spells=spells,
        value=transition.value,
        evidence=transition.evidence,
        cause=transition.cause,
        ended=at,
    )


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The notification log entry of a group: what was last notified of it, and when.

    ``severities``: the severity last announced of each alert, by a push; ``named``: the severity at which the text
    names each alert, announced or not. ``announced``: when each alert was last announced, those that ended within an
    hour of that included; ``announced_at``: when anything was; ``highest``: the highest severity ever announced.
    ``sequence``: how many notifications were sent; ``notified_at``: when the last one made a sound, ``changed_at``:
    when its text last changed; ``reminders``: how many were sent since the last news. ``not_before``: the end of the
    time window whose digest this is; ``remind_not_before``: when a suppressed reminder is looked at again (0: none is
    suppressed). ``is_outdated``: the notification names an alert that has left the group, or is about something else by
    now. All times are seconds since 1970.
    """

    opened: float
    sequence: int = 0
    severities: HashTrieMap[AlertId, Severity] = field(default_factory=HashTrieMap)
    named: HashTrieMap[AlertId, Severity] = field(default_factory=HashTrieMap)
    announced: HashTrieMap[AlertId, float] = field(default_factory=HashTrieMap)
    announced_at: float = 0.0
    highest: Severity | None = None
    notified_at: float = 0.0
    changed_at: float = 0.0
    reminders: int = 0
    not_before: float = 0.0
    remind_not_before: float = 0.0
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class NotificationGroup:
    """A group: its alerts as they are now beside its log entry. ``timer_at``: when its next timer is due."""

    key: GroupKey
    alerts: HashTrieMap[AlertId, GroupedAlert]
    log: LogEntry
    timer_at: float = math.inf

    @property
    def firing(self) -> list[GroupedAlert]:
        """Its alerts that fire, the worst first."""
        return worst_first(alert for alert in self.alerts.values() if alert.ended is None)

    @property
    def news(self) -> list[GroupedAlert]:
        """Its alerts that fire at a higher severity than was announced of them, the worst first."""
        return worst_first(filter(self.is_news, self.alerts.values()))

    @property
    def ended(self) -> list[GroupedAlert]:
        """Its alerts that have ended since the notification last changed, the first first."""
        found = (alert for alert in self.alerts.values() if alert.ended is not None)
        return sorted(found, key=lambda alert: (alert.ended, alert.since, alert.id))

    def is_notified(self, alert: GroupedAlert) -> bool:
        """Whether an alert was announced by a push, at any severity."""
        return alert.id in self.log.severities

    def is_named(self, alert: GroupedAlert) -> bool:
        """Whether the notification names an alert, announced or not."""
        return alert.id in self.log.named

    def is_news(self, alert: GroupedAlert) -> bool:
        """Whether an alert fires at a higher severity than was announced of it."""
        return alert.ended is None and rank(alert.severity) > rank(self.log.severities.get(alert.id))

    def is_named_too_high(self, alert: GroupedAlert) -> bool:
        """Whether an alert fires and the notification names it at a higher severity."""
        return alert.ended is None and rank(alert.severity) < rank(self.log.named.get(alert.id))

    def is_named_too_low(self, alert: GroupedAlert) -> bool:
        """Whether an alert fires and the notification does not name it, or names it at a lower severity."""
        return alert.ended is None and rank(alert.severity) > rank(self.log.named.get(alert.id))


def renamed(groups: Groups, account: str) -> Groups:
    """The groups of an account that has another name by now."""
    found = Groups(suppressed=groups.suppressed)
    for group in groups.by_key.values():
        found = found.add(replace(group, key=group.key._replace(account=account)))
    return found


class KeptAlert(NamedTuple):
    """What is kept of an alert in a group: how it is, and its part of the log entry."""

    group: GroupKey
    alert: GroupedAlert
    notified: Severity | None
    named: Severity | None
    announced: float | None


@dataclass(frozen=True, slots=True)
class Groups:
    """All groups, the group of each alert, and what suppresses the alerts that have something to notify.

    ``own``: how many alerts of a rule fire in groups of scope ``rule``; ``recent``: the pushes of the last minute.
    """

    by_key: HashTrieMap[GroupKey, NotificationGroup] = field(default_factory=HashTrieMap)
    of_alert: HashTrieMap[AlertId, GroupKey] = field(default_factory=HashTrieMap)
    suppressed: HashTrieMap[str, HashTrieMap[AlertId, Suppression]] = field(default_factory=HashTrieMap)
    own: HashTrieMap[str, int] = field(default_factory=HashTrieMap)
    recent: RecentPushes = field(default_factory=RecentPushes, compare=False)

    def kept(self, id_: AlertId) -> KeptAlert | None:
        """What is kept of an alert; None where it is in no group."""
        if (group := self.of(id_)) is None:
            return None
        log = group.log
        return KeptAlert(
            group.key, group.alerts[id_], log.severities.get(id_), log.named.get(id_), log.announced.get(id_)
        )

    def of(self, alert: AlertId) -> NotificationGroup | None:
        """The group that an alert is in."""
        key = self.of_alert.get(alert)
        return self.by_key[key] if key is not None else None

    def suppression(self, alert: AlertId) -> Suppression | None:
        """What suppressed an alert when it was last looked at."""
        of_rule = self.suppressed.get(alert.rule)
        return of_rule.get(alert) if of_rule is not None else None

    def put_alert(self, key: GroupKey, alert: GroupedAlert, now: float) -> Groups:
        """With an alert in a group, as it is now; a group that is not there is opened."""
        # ``of_alert`` and ``own`` are kept with every change: looking for them would cost a walk over all groups.
        group = self.by_key.get(key) or NotificationGroup(key, HashTrieMap(), LogEntry(now))
        before = group.alerts.get(alert.id)
        group = replace(group, alerts=group.alerts.insert(alert.id, alert))
        return replace(
            self,
            by_key=self.by_key.insert(key, group),
            of_alert=self.of_alert.insert(alert.id, key),
            own=self._counted(key, before, alert),
        )

    def drop_alert(self, id_: AlertId) -> Groups:
        """Without an alert, and without its part of the log entry."""
        group = self.by_key[self.of_alert[id_]]
        log = replace(group.log, severities=group.log.severities.discard(id_), named=group.log.named.discard(id_))
        return replace(
            self,
            by_key=self.by_key.insert(group.key, replace(group, alerts=group.alerts.remove(id_), log=log)),
            of_alert=self.of_alert.remove(id_),
            own=self._counted(group.key, group.alerts[id_], None),
        )

    def put_log(self, key: GroupKey, log: LogEntry) -> Groups:
        """With another log entry of a group."""
        return replace(self, by_key=self.by_key.insert(key, replace(self.by_key[key], log=log)))

    def put_timer(self, key: GroupKey, at: float) -> Groups:
        """With the time of a group's next timer."""
        return replace(self, by_key=self.by_key.insert(key, replace(self.by_key[key], timer_at=at)))

    def without_timers(self, keys: Iterable[GroupKey]) -> Groups:
        """With no timer set for these groups, as far as they are there."""
        groups = self
        for key in keys:
            if key in groups.by_key:
                groups = groups.put_timer(key, math.inf)
        return groups

    def move(self, key: GroupKey, to: GroupKey, now: float) -> Groups:
        """With all alerts of a group that has notified nothing in another one."""
        groups = self
        for alert in self.by_key[key].alerts.values():
            groups = groups.drop_alert(alert.id).put_alert(to, alert, now)
        return groups.close(key)

    def close(self, key: GroupKey) -> Groups:
        """Without a group that has no alerts any more."""
        assert not self.by_key[key].alerts
        return replace(self, by_key=self.by_key.remove(key))

    def add(self, group: NotificationGroup) -> Groups:
        """With a group of an earlier run."""
        groups = replace(self, by_key=self.by_key.insert(group.key, replace(group, alerts=HashTrieMap())))
        # One by one, so that ``of_alert`` and ``own`` are kept with it.
        for alert in group.alerts.values():
            groups = groups.put_alert(group.key, alert, group.log.opened)
        return groups

    def suppress(self, id_: AlertId, suppression: Suppression) -> Groups:
        """With what suppresses an alert."""
        of_rule = self.suppressed.get(id_.rule) or HashTrieMap()
        return replace(self, suppressed=self.suppressed.insert(id_.rule, of_rule.insert(id_, suppression)))

    def release(self, id_: AlertId) -> Groups:
        """With an alert that nothing suppresses."""
        of_rule = self.suppressed.get(id_.rule)
        if of_rule is None or id_ not in of_rule:
            return self
        return replace(self, suppressed=self.suppressed.insert(id_.rule, of_rule.remove(id_)))

    @property
    def keys(self) -> list[GroupKey]:
        """The keys of all groups, in order."""
        # The order of the map is arbitrary, and that of messages must not depend on it.
        return sorted(self.by_key)

    def _counted(self, key: GroupKey, before: GroupedAlert | None, after: GroupedAlert | None) -> HashTrieMap[str, int]:
        if key.scope is not GroupScope.RULE:
            return self.own
        fires = [alert is not None and alert.ended is None for alert in (after, before)]
        change = fires[0] - fires[1]
        return self.own.insert(key.name, self.own.get(key.name, 0) + change) if change else self.own
