"""The alerts of all rules, as one frozen value. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from rpds import HashTrieMap, HashTrieSet

from smithd.alerts.alert import Alert, AlertKey, Transition
from smithd.alerts.damping import Flapping
from smithd.alerts.rule import Rule
from smithd.plugin.sample import Labels

ByLabels: TypeAlias = "HashTrieMap[Labels, Alert]"

NO_ALERTS: ByLabels = HashTrieMap()
NO_SERIES: HashTrieSet[Labels] = HashTrieSet()


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts that are not inactive, by rule and labels (``by_rule``), and those of them that fire (``firing``).

    ``flapping``: how much the inactive ones were flapping that did so lately. ``problems``: the rules whose expression
    makes no sense with its series now, and why. ``rest``: the series that breach and have no alert, since their rule
    has as many as it may have; it is not stored: the next samples bring it back. The order of the maps is arbitrary.
    """

    by_rule: HashTrieMap[str, ByLabels] = field(default_factory=HashTrieMap)
    firing: HashTrieMap[str, ByLabels] = field(default_factory=HashTrieMap)
    flapping: HashTrieMap[AlertKey, Flapping] = field(default_factory=HashTrieMap)
    problems: HashTrieMap[str, str] = field(default_factory=HashTrieMap)
    rest: HashTrieMap[str, HashTrieSet[Labels]] = field(default_factory=HashTrieMap)

    @classmethod
    def of(cls, alerts: Iterable[Alert], flapping: Mapping[AlertKey, Flapping] | None = None) -> Alerts:
        """These alerts."""
        by_rule: dict[str, dict[Labels, Alert]] = defaultdict(dict)
        firing: dict[str, dict[Labels, Alert]] = defaultdict(dict)
        for alert in alerts:
            by_rule[alert.rule][alert.labels] = alert
            if alert.severity is not None:
                firing[alert.rule][alert.labels] = alert
        return cls(
            HashTrieMap({rule: HashTrieMap(those) for rule, those in by_rule.items()}),
            HashTrieMap({rule: HashTrieMap(those) for rule, those in firing.items()}),
            HashTrieMap(flapping or {}),
        )

    def __iter__(self) -> Iterator[Alert]:
        """The alerts that are not inactive, the oldest first."""
        found = [alert for alerts in self.by_rule.values() for alert in alerts.values()]
        return iter(sorted(found, key=lambda alert: (alert.since, alert.key)))

    @property
    def has_pending(self) -> bool:
        """Whether an alert is there that does not fire: the length of an outage will matter to it."""
        return any(len(alerts) > len(self.firing.get(rule, NO_ALERTS)) for rule, alerts in self.by_rule.items())

    def get(self, rule: str, labels: Labels) -> Alert | None:
        """The alert of a rule on the series with these labels; None where it is inactive."""
        alerts = self.by_rule.get(rule)
        return alerts.get(labels) if alerts is not None else None

    def of_rule(self, rule: str) -> list[Alert]:
        """The alerts of a rule, in the order of their labels."""
        return sorted(self.by_rule.get(rule, NO_ALERTS).values(), key=lambda alert: alert.key)

    def after(self, transition: Transition) -> Alerts:
        """The alerts after a transition. One that ends leaves its flapping behind."""
        key, flapping = transition.alert.key, transition.alert.flapping
        after = self._with(key, transition.after)
        # While an alert is there, it has its flapping itself.
        if transition.after is None and flapping is not None:
            return replace(after, flapping=self.flapping.insert(key, flapping))
        return after.without_flapping(key)

    def without_flapping(self, key: AlertKey) -> Alerts:
        """The alerts without what was known of an inactive one."""
        return replace(self, flapping=self.flapping.remove(key)) if key in self.flapping else self

    def with_problem(self, rule: str, problem: str) -> Alerts:
        """The alerts, with what is wrong with a rule's expression now ("": nothing)."""
        if problem:
            return replace(self, problems=self.problems.insert(rule, problem))
        return replace(self, problems=self.problems.discard(rule))

    def with_rest(self, rule: str, series: HashTrieSet[Labels]) -> Alerts:
        """The alerts, with the series of a rule that breach and have none."""
        return replace(self, rest=self.rest.insert(rule, series) if series else self.rest.discard(rule))

    def flapping_over_at(self, rule: Rule, key: AlertKey) -> float | None:
        """When an inactive alert does not count as flapping any more; None where it does not now."""
        flapping = self.flapping.get(key)
        return flapping.over_at(rule.damping) if flapping is not None else None

    def clamped(self, now: float) -> Alerts:
        """The alerts as they can be by ``now``: the clock was set, and nothing began in the future."""
        changed = self
        for alert in self:
            if (shifted := alert.clamped(now)) is not alert:
                changed = changed._with(alert.key, shifted)
        return changed

    def _with(self, key: AlertKey, alert: Alert | None) -> Alerts:
        # ``firing`` is kept beside ``by_rule``, so that those who only ask what fires need not look at the others.
        firing = alert if alert is not None and alert.severity is not None else None
        return replace(self, by_rule=_put(self.by_rule, key, alert), firing=_put(self.firing, key, firing))


def _put(by_rule: HashTrieMap[str, ByLabels], key: AlertKey, alert: Alert | None) -> HashTrieMap[str, ByLabels]:
    """The map with this alert under its key; a rule without alerts has no entry."""
    alerts = by_rule.get(key.rule, NO_ALERTS)
    if alert is not None:
        return by_rule.insert(key.rule, alerts.insert(key.labels, alert))
    if key.labels not in alerts:
        return by_rule
    left = alerts.remove(key.labels)
    return by_rule.insert(key.rule, left) if left else by_rule.remove(key.rule)
