"""Notices: which alerts one notification tells of, what it has told of each, and when it may speak again. Pure.

A notice lives from its first alert to the last one's end. An alert that is told alone has a notice of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from smithd.alerts.alert import Alert, Transition
from smithd.alerts.reason import VALUE, Cause, Evidence
from smithd.alerts.severity import Severity, rank
from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.plugin.sample import Labels, Series


class AlertId(NamedTuple):
    """What is told of an alert: its rule, the labels of its series, and the source, where it is about one that does
    not answer. What is told of its values is another matter, in another notice.
    """

    rule: str
    labels: Labels
    source: str = ""


def source_of(alert: Alert | None) -> str:
    """The source that an alert is about; empty where it is about a value, or a series."""
    return alert.cause.source if alert is not None else ""


def id_of(alert: Alert) -> AlertId:
    """What is to be told of an alert as it is now."""
    return AlertId(alert.rule, alert.series.labels, source_of(alert))


class Scope(StrEnum):
    """What the alerts of a notice have in common."""

    RULE = "rule"
    REST = "rest"
    """A rule's alerts beyond the number that is told one by one."""
    SOURCE = "source"
    MUTE = "mute"


class Group(NamedTuple):
    """What a notice is about. ``name``: the rule, source or window; ``labels``: those that its alerts share;
    ``channels``: who is told, where a notice is not one rule's.
    """

    scope: Scope
    name: str
    labels: Labels = ()
    channels: tuple[str, ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(f'{name}="{value}"' for name, value in self.labels)
        to = f" to {', '.join(self.channels)}" if self.channels else ""
        kind = "" if self.scope is Scope.RULE else f"{self.scope} "
        return f"{kind}{self.name}{f'{{{inner}}}' if inner else ''}{to}"


@dataclass(frozen=True, slots=True)
class Member:
    """An alert in a notice: ``severity`` as it is, or was when it ended; ``told``: the one last told (None: none yet);
    ``value``: its last one (None: there never was one); ``ended``: when it did (seconds since 1970; None: it fires);
    ``evidence`` and ``cause``: of its last transition; ``baseline``: what its value is compared with, if anything;
    ``source``: as in its ``id``.
    """

    rule: str
    series: Series
    since: float
    fired_at: float
    severity: Severity
    worst: Severity
    value: float | None
    evidence: Evidence | None = None
    cause: Cause = VALUE
    baseline: float | None = None
    source: str = ""
    told: Severity | None = None
    ended: float | None = None

    @property
    def id(self) -> AlertId:
        return AlertId(self.rule, self.series.labels, self.source)

    @property
    def is_news(self) -> bool:
        """Whether it fires, and was told as less than it is, or not at all."""
        return self.ended is None and (self.told is None or rank(self.severity) > rank(self.told))


@dataclass(slots=True)
class Notice:
    """One notification, or the next. ``chapter`` counts those sent so far; ``opened``, ``told_at`` (aloud) and
    ``spoke_at`` (in any way) are seconds since 1970. ``not_before``: when the window ends whose digest this is.
    ``is_stale``: it shows an alert that is not its own any more. ``loudest``: the highest severity that it has told of
    an alert (None: of none).
    """

    group: Group
    opened: float
    members: dict[AlertId, Member] = field(default_factory=dict)
    chapter: int = 0
    told_at: float = 0.0
    spoke_at: float = 0.0
    repeats: int = 0
    not_before: float = 0.0
    is_stale: bool = False
    loudest: Severity | None = None

    @property
    def key(self) -> PushKey:
        """The key of its newest notification in the outbox."""
        return PushKey(DEFAULT_ACCOUNT, str(self.group), round(self.opened, 3), max(self.chapter, 1))

    @property
    def firing(self) -> list[Member]:
        return [member for member in self.members.values() if member.ended is None]

    @property
    def ended(self) -> list[Member]:
        return [member for member in self.members.values() if member.ended is not None]

    def tops(self, member: Member) -> bool:
        """Whether a member is worse than anything it has told of yet."""
        return rank(member.severity) > rank(self.loudest)

    def shift(self, now: float) -> None:
        """The clock was set: nothing was said in the future, and nothing began there."""
        self.told_at, self.spoke_at = min(self.told_at, now), min(self.spoke_at, now)
        for id_, member in self.members.items():
            if max(member.since, member.fired_at, member.ended or now) > now:
                ended = min(member.ended, now) if member.ended is not None else None
                since, fired_at = min(member.since, now), min(member.fired_at, now)
                self.members[id_] = replace(member, since=since, fired_at=fired_at, ended=ended)


class Notices:
    """The open notices, by their groups, and which one each alert is in."""

    def __init__(self) -> None:
        self._notices: dict[Group, Notice] = {}
        self._places: dict[AlertId, Group] = {}
        self._alone: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Notice]:
        return iter(list(self._notices.values()))

    def get(self, group: Group) -> Notice | None:
        return self._notices.get(group)

    def of(self, alert: AlertId) -> Notice | None:
        """The notice that an alert is in."""
        place = self._places.get(alert)
        return self._notices[place] if place is not None else None

    def alone(self, rule: str) -> int:
        """How many alerts of a rule fire in notices of its own."""
        return self._alone[rule]

    def add(self, notice: Notice) -> None:
        """Take in a notice of the last run."""
        self._notices[notice.group] = notice
        for member in notice.members.values():
            self._set(notice.group, None, member)

    def put(self, group: Group, member: Member, now: float) -> Notice:
        """Put an alert into a group's notice, as it is now; the notice is opened where there is none."""
        notice = self._notices.get(group)
        if notice is None:
            notice = self._notices[group] = Notice(group, now)
        self._set(group, notice.members.get(member.id), member)
        notice.members[member.id] = member
        return notice

    def drop(self, alert: AlertId) -> None:
        """Take an alert out of its notice."""
        group = self._places[alert]
        self._set(group, self._notices[group].members.pop(alert), None)

    def remove(self, notice: Notice) -> None:
        """Forget a notice that has no alerts any more."""
        del self._notices[notice.group]

    def _set(self, group: Group, before: Member | None, after: Member | None) -> None:
        for member, count in ((before, -1), (after, 1)):
            if member is not None and member.ended is None and group.scope is Scope.RULE:
                self._alone[member.rule] += count
        if after is not None:
            self._places[after.id] = group
        elif before is not None:
            del self._places[before.id]


def member_of(alert: Alert, before: Member | None = None, evidence: Evidence | None = None) -> Member:
    """A firing alert as a notice sees it; ``before``: as it was seen last; ``evidence``: why it changed, if so."""
    assert alert.severity is not None
    assert alert.fired_at is not None
    return Member(
        alert.rule,
        alert.series,
        alert.since,
        alert.fired_at,
        alert.severity,
        alert.worst or alert.severity,
        alert.value,
        evidence or (before.evidence if before is not None else None),
        alert.cause,
        alert.baseline(alert.severity),
        source_of(alert),
        before.told if before is not None else None,
    )


def fell(member: Member) -> Member:
    """A member that is less than it was told as: the next rise is news again."""
    return replace(member, told=member.severity)


def ended(member: Member, transition: Transition) -> Member:
    """A member whose alert has ended."""
    return replace(
        member, value=transition.value, evidence=transition.evidence, cause=transition.cause, ended=transition.at
    )


def told(member: Member) -> Member:
    """A member after it was told as it is."""
    return replace(member, told=member.severity)
