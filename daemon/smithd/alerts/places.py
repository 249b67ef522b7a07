"""Which series have the alerts of a rule where more breach than it may have alerts (``max_alerts``). No I/O.

Criticals come first, then the oldest. A series that breaches and has no alert is of the *rest*: it is counted, and
evaluated again with each of its samples, so that it gets the place of an alert that ends. The alert without labels is
about the whole rule (its source fails, or there is no data at all): it always has a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from smithd.alerts.alert import Alert
from smithd.alerts.alerts import NO_ALERTS, Alerts
from smithd.alerts.condition import Verdict
from smithd.alerts.rule import Baselines, Rule
from smithd.alerts.severity import Severity, rank, worst_of
from smithd.plugin.sample import Labels, Sample

_Place = tuple[int, float, Labels]
"""What decides about a place: the severity (the worst first), since when, and the labels."""


class AlertPlaces:
    """The places of all rules during one evaluation; those of a rule are put in order when they are first asked for."""

    def __init__(self) -> None:
        self._by_rule: dict[str, list[_Place]] = {}

    def last_below(self, severity: Severity, rule: Rule, alerts: Alerts) -> Alert | None:
        """The alert that gives its place to a series of this severity; None where all are as bad."""
        known = alerts.by_rule.get(rule.name, NO_ALERTS)
        if rule.name not in self._by_rule:
            self._by_rule[rule.name] = sorted(_place(alert) for alert in known.values() if alert.labels)
        places = self._by_rule[rule.name]
        while places and -places[-1][0] < rank(severity):
            place = places.pop()
            alert = known.get(place[2])
            # It may have ended or risen since.
            if alert is not None and _place(alert) == place:
                return alert
        return None


def is_full(rule: Rule, alerts: Alerts) -> bool:
    """Whether a rule has as many alerts as it may have."""
    known = alerts.by_rule.get(rule.name, NO_ALERTS)
    return len(known) - (() in known) >= rule.max_alerts


def first_in_order(rule: Rule, alerts: Iterable[Alert]) -> list[Alert]:
    """Those of a rule's alerts that it may have."""
    kept = [alert for alert in alerts if not alert.labels]
    return kept + sorted((alert for alert in alerts if alert.labels), key=_place)[: rule.max_alerts]


def in_order(newcomers: Sequence[tuple[Rule, Sample]], alerts: Alerts) -> Sequence[tuple[Rule, Sample]]:
    """Samples of series without an alert, in the order in which they get places: as they came, unless a rule has too
    few of them.
    """
    counts = Counter(rule.name for rule, _ in newcomers)
    limits = {rule.name: rule.max_alerts for rule, _ in newcomers}
    if all(len(alerts.by_rule.get(name, NO_ALERTS)) + count <= limits[name] for name, count in counts.items()):
        return newcomers
    return sorted(newcomers, key=lambda each: -rank(breached(each[0], each[1].value)))


def breached(rule: Rule, value: float, baselines: Baselines = ()) -> Severity | None:
    """The worst severity whose threshold a value breaches."""
    verdicts = zip(rule.thresholds, rule.verdicts(value, baselines), strict=True)
    return worst_of(*[severity for (severity, _), verdict in verdicts if verdict is Verdict.BREACH])


def _place(alert: Alert) -> _Place:
    worst = worst_of(alert.severity, *[hold.severity for hold in alert.holds if hold.is_active])
    return -rank(worst), alert.since, alert.labels
