"""How the rules of one configuration are notified. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from smithd.alerts.rule import Rule
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify.group import GroupKey, GroupScope, NotificationGroup, worst_first
from smithd.notify.options import GROUP_INTERVAL, GROUP_WAIT, STORM, PushOptions, RepeatOptions
from smithd.notify.suppression import Suppressors


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """The rules, how an account is notified of each (``pushes`` has those of which it is), and what suppresses it.

    ``own``: the rules whose alerts' state belongs to the account; ``channels``: the account's; ``dependents``: the
    rules that another one may suppress; ``storm``: after how many pushes in a minute what is less than critical joins a
    summary.
    """

    rules: Mapping[str, Rule]
    pushes: Mapping[str, PushOptions]
    suppressors: Mapping[str, Suppressors]
    dependents: Mapping[str, Sequence[str]]
    own: Collection[str]
    channels: Sequence[str] | None = None
    account: str = DEFAULT_ACCOUNT
    storm: int = STORM

    def push(self, key: GroupKey) -> PushOptions:
        """How a group is notified; where it is not one rule's, by the defaults."""
        if key.scope in (GroupScope.RULE, GroupScope.REST):
            return self.pushes[key.name]
        return PushOptions(channels=list(key.channels) or None)

    def pace(self, key: GroupKey) -> tuple[float, float]:
        """Its ``group_wait`` and ``group_interval``, in seconds."""
        match key.scope:
            case GroupScope.RULE:
                return self.pushes[key.name].pace
            case GroupScope.REST:
                return GROUP_WAIT, GROUP_INTERVAL
        return 0.0, GROUP_INTERVAL

    def said(self, detail: str) -> str:
        """What a decision is about, with the account where that is not the one of activitysmith."""
        account = f"account {self.account}" if self.account != DEFAULT_ACCOUNT else ""
        return ", ".join(filter(None, (account, detail)))

    def channel_set(self, key: GroupKey) -> tuple[str, ...]:
        """Who is notified of a group, in order; empty: everybody."""
        return tuple(sorted({*(self.push(key).channels or self.channels or ())}))

    def storm_summary(self, key: GroupKey) -> GroupKey:
        """The group that takes in this one's alerts in a storm: one for each channel set."""
        return GroupKey(self.account, GroupScope.STORM, "summary", (), self.channel_set(key))

    def repeat(self, group: NotificationGroup) -> RepeatOptions | None:
        """How reminders follow: as the first rule says that has an alert which fires and was notified."""
        if group.key.scope is GroupScope.STORM:
            return None
        notified = (alert for alert in group.alerts.values() if alert.ended is None and group.is_notified(alert))
        # All alerts of a rule's group have the same: a thousand need not be put in order for it.
        if group.key.scope in (GroupScope.RULE, GroupScope.REST):
            return self.pushes[group.key.name].repeat if any(notified) else None
        repeats = (self.pushes[alert.rule].repeat for alert in worst_first(notified))
        return next((repeat for repeat in repeats if repeat is not None), None)


def notify_config(
    rules: Mapping[str, Rule],
    pushes: Mapping[str, PushOptions],
    suppressors: Mapping[str, Suppressors],
    channels: Sequence[str] | None = None,
    account: str = DEFAULT_ACCOUNT,
    storm: int = STORM,
    own: Collection[str] | None = None,
) -> NotifyConfig:
    """How an account is notified of these rules. ``own``: see ``NotifyConfig``; left out: all."""
    dependents: dict[str, list[str]] = defaultdict(list)
    for name, each in suppressors.items():
        for other in sorted({*each.unless_firing, *each.depends_on}):
            dependents[other].append(name)
    own = rules.keys() if own is None else own
    return NotifyConfig(rules, pushes, suppressors, dict(dependents), own, channels, account, storm)
