"""What a start makes of the alerts that the last run left, for the rules of today. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from smithd.alerts.alert import Alert, AlertKey
from smithd.alerts.alerts import Alerts
from smithd.alerts.damping import Flapping
from smithd.alerts.machine import Hold, Phase
from smithd.alerts.places import first_in_order
from smithd.alerts.rule import Rule
from smithd.alerts.severity import worst_of
from smithd.alerts.spell import spells_after

PENDING_SURVIVES = 3600.0
"""An outage shorter than this (seconds) does not stop the clocks of pending alerts."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """``alerts``: those that go on; ``orphans``: those that cannot be resolved any more, since their rule was
    removed or has another metric; ``forgotten``: the keys of what was kept and is over.
    """

    alerts: Alerts
    orphans: tuple[Alert, ...]
    forgotten: tuple[AlertKey, ...]


def resume(
    alerts: Iterable[Alert],
    flapping: Mapping[AlertKey, Flapping],
    rules: Mapping[str, Rule],
    alive_at: float | None,
    now: float,
) -> Resumed:
    """What was kept, fitted to the rules of today. ``alive_at``: when the last run was known to be alive."""
    goes_on = alive_at is None or now - alive_at < PENDING_SURVIVES
    fitted, orphans, forgotten = [], [], []
    for alert in alerts:
        rule = rules.get(alert.rule)
        if rule is None or rule.metric != alert.metric:
            orphans.append(alert.clamped(now))
            continue
        if not goes_on:
            holds = [Hold(hold.severity) if hold.phase is Phase.PENDING else hold for hold in alert.holds]
            alert = replace(alert, holds=tuple(holds))
        kept = fit(alert, rule, now)
        if any(hold.is_active for hold in kept.holds) or kept.absence.is_missing:
            fitted.append(kept)
        else:
            forgotten.append(alert.key)
    # ``max_alerts`` may be lower than it was.
    counts = Counter(alert.rule for alert in fitted)
    for rule in [rules[name] for name, count in counts.items() if count > rules[name].max_alerts]:
        those = {alert.key: alert for alert in fitted if alert.rule == rule.name}
        kept_keys = {alert.key for alert in first_in_order(rule, list(those.values()))}
        forgotten += [key for key in those if key not in kept_keys]
        fitted = [alert for alert in fitted if alert.rule != rule.name or alert.key in kept_keys]
    remembered = {}
    for key, each in flapping.items():
        rule = rules.get(key.rule)
        if rule is not None and each.level_at(rule.damping or 1.0, now) > 0:
            remembered[key] = each
        else:
            forgotten.append(key)
    forgotten += [alert.key for alert in orphans]
    return Resumed(Alerts.of(fitted, remembered), tuple(orphans), tuple(forgotten))


def fit(alert: Alert, rule: Rule, now: float) -> Alert:
    """An alert for the thresholds of today: an edited rule does not forget an alert that fires.

    A new severity below one that fires, fires too. Where the only one that fires was taken out, the lowest of today
    fires in its place if it is milder; if it is worse, its alert waits for the next value, which ends it, or begins
    what is asked for now.
    """
    if [hold.severity for hold in alert.holds] == [severity for severity, _ in rule.thresholds]:
        # Nearly every alert at nearly every start.
        return _shown(alert, alert.holds, now).clamped(now)
    found = {hold.severity: hold for hold in alert.holds}
    holds = []
    for severity, _ in rule.thresholds:
        above = [hold for hold in alert.holds if hold.severity > severity and hold.fires]
        # The phases of another severity count, its baseline does not: it may be compared with something else.
        taken_over = replace(above[0], severity=severity, baseline=None) if above else Hold(severity)
        holds.append(found.get(severity, taken_over))
    fired = [hold for hold in alert.holds if hold.fires]
    if fired and not any(hold.fires for hold in holds):
        if fired[-1].severity > rule.lowest:
            holds[0] = replace(fired[-1], severity=rule.lowest, baseline=holds[0].baseline)
        elif not holds[0].is_active:
            holds[0] = replace(holds[0], phase=Phase.PENDING, since=now, began=now)
    return _shown(alert, tuple(holds), now).clamped(now)


def _shown(alert: Alert, holds: tuple[Hold, ...], now: float) -> Alert:
    """The alert with these holds, and the severity that comes of them."""
    by_value = worst_of(*[hold.severity for hold in holds if hold.fires])
    # Where no threshold fires any more, the alert is shown as it was until its next value ends it.
    severity = worst_of(by_value, alert.severity) if alert.absence.fires else by_value or alert.severity
    if holds is alert.holds and severity is alert.severity:
        return alert
    breached = {hold.severity: hold.began for hold in holds if hold.fires}
    spells = spells_after(alert.spells, severity, breached, now)
    return replace(alert, holds=holds, severity=severity, spells=spells)
