"""The alert's states: a table, and one small function that lets time pass. Pure.

Timing is that of Prometheus' alerting rules evaluated every second (``for`` and ``keep_firing_for``, see
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/), with a fourth state of its own for an
alert that is clear but not yet resolved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from smithd.alerts.condition import Verdict
from smithd.alerts.rule import SEVERITIES, Rule, Severity, Timing
from smithd.plugin.sample import Labels, Series


class Phase(StrEnum):
    """Where one severity of an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


_NEXT: dict[tuple[Phase, Verdict], Phase] = {
    (Phase.INACTIVE, Verdict.BREACH): Phase.PENDING,
    (Phase.INACTIVE, Verdict.BETWEEN): Phase.INACTIVE,
    (Phase.INACTIVE, Verdict.CLEAR): Phase.INACTIVE,
    (Phase.INACTIVE, Verdict.MISSING): Phase.INACTIVE,
    (Phase.PENDING, Verdict.BREACH): Phase.PENDING,
    (Phase.PENDING, Verdict.BETWEEN): Phase.INACTIVE,
    (Phase.PENDING, Verdict.CLEAR): Phase.INACTIVE,
    (Phase.PENDING, Verdict.MISSING): Phase.PENDING,
    (Phase.FIRING, Verdict.BREACH): Phase.FIRING,
    (Phase.FIRING, Verdict.BETWEEN): Phase.FIRING,
    (Phase.FIRING, Verdict.CLEAR): Phase.RECOVERING,
    (Phase.FIRING, Verdict.MISSING): Phase.FIRING,
    (Phase.RECOVERING, Verdict.BREACH): Phase.FIRING,
    (Phase.RECOVERING, Verdict.BETWEEN): Phase.FIRING,
    (Phase.RECOVERING, Verdict.CLEAR): Phase.RECOVERING,
    (Phase.RECOVERING, Verdict.MISSING): Phase.RECOVERING,
}


@dataclass(frozen=True, slots=True)
class Hold:
    """One severity's phase, and since when (seconds since 1970)."""

    phase: Phase = Phase.INACTIVE
    since: float = 0.0

    @property
    def fires(self) -> bool:
        return self.phase in (Phase.FIRING, Phase.RECOVERING)

    def due(self, timing: Timing) -> float | None:
        """When time alone will move this phase; None where it will not."""
        if self.phase is Phase.PENDING:
            return self.since + timing.hold
        if self.phase is Phase.RECOVERING:
            return self.since + timing.keep_firing_for
        return None


IDLE = Hold()


def step(hold: Hold, verdict: Verdict, timing: Timing, now: float) -> Hold:
    """Where a hold goes when a verdict comes at ``now``; a clock that was set back does not leave it waiting."""
    phase = _NEXT[hold.phase, verdict]
    if phase is not hold.phase or hold.since > now:
        hold = Hold(phase, now)
    if verdict is Verdict.MISSING:
        return hold
    due = hold.due(timing)
    if due is None or now < due:
        return hold
    return Hold(Phase.FIRING, now) if hold.phase is Phase.PENDING else IDLE


class Change(StrEnum):
    """What a transition means to a person."""

    PENDING = "pending"
    ABANDONED = "abandoned"
    FIRED = "fired"
    RAISED = "raised"
    LOWERED = "lowered"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"


_ENTERED = ((Phase.RECOVERING, Change.RECOVERING), (Phase.PENDING, Change.PENDING))

VISIBLE = frozenset({Change.FIRED, Change.RAISED, Change.LOWERED, Change.RESOLVED})
"""The changes of severity; the others are steps on the way."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule on one series, while it is not inactive.

    ``holds`` go with the rule's thresholds, lowest first. ``since``: when the breach began; ``fired_at``: when the
    alert first fired; ``value``: the newest reading that was judged when the alert last moved; ``worst``: the highest
    severity of this story so far; ``cause``: what its severity stands on, "" (a value), "series" (its series is
    missing) or "source:<name>" (its source fails, or is silent).
    """

    rule: str
    series: Series
    holds: tuple[Hold, ...]
    severity: Severity | None
    since: float
    fired_at: float | None
    value: float
    worst: Severity | None = None
    cause: str = ""

    @property
    def id(self) -> tuple[str, Labels]:
        """Its identity: the rule, and the labels of its series."""
        return self.rule, self.series.labels

    @property
    def incident(self) -> str:
        """The name of this one story, from firing to resolving."""
        labels = str(self.series).partition("{")[2]
        return f"{self.rule}{'{' + labels if labels else ''}@{self.fired_at:.3f}"

    def due(self, timing: Timing) -> float | None:
        """When time alone will move this alert next; None where it will not."""
        return min((due for hold in self.holds if (due := hold.due(timing)) is not None), default=None)


@dataclass(frozen=True, slots=True)
class Transition:
    """That an alert changed: from what (None: inactive) to what, how a person calls it, when, at which value, why.

    ``why`` is a sentence for a person; ``cause`` what moved it, as in ``Alert.cause`` (an alert that ends has none
    afterwards).
    """

    before: Alert | None
    after: Alert | None
    change: Change
    at: float
    value: float
    why: str
    cause: str = ""

    @property
    def alert(self) -> Alert:
        """The alert as it was when it last existed."""
        alert = self.after or self.before
        assert alert is not None
        return alert


def judge(rule: Rule, series: Series, alert: Alert | None, value: float, now: float) -> Transition | None:
    """What a value does to a rule's alert on a series (None: inactive); None where nothing changes.

    With the newest value again, at a later ``now``, this is how time moves an alert.
    """
    holds = alert.holds if alert else (IDLE,) * len(rule.thresholds)
    moved = tuple(
        step(hold, verdict, rule.timing, now) for hold, verdict in zip(holds, rule.verdicts(value), strict=True)
    )
    if moved == holds:
        return None
    after = _alert(rule, series, alert, moved, value, now)
    change = _change(alert, after)
    return Transition(alert, after, change, now, value, _why(rule, alert, after, change, value))


def _alert(
    rule: Rule, series: Series, before: Alert | None, holds: tuple[Hold, ...], value: float, now: float
) -> Alert | None:
    if all(hold.phase is Phase.INACTIVE for hold in holds):
        return None
    severity = shown_severity(zip((level for level, _ in rule.thresholds), holds, strict=True))
    if before is None:
        return Alert(rule.name, series, holds, severity, now, now if severity else None, value, severity)
    fired_at = (before.fired_at if before.severity else now) if severity else None
    worst = max((level for level in (before.worst, severity) if level), key=SEVERITIES.index, default=None)
    return replace(before, holds=holds, severity=severity, fired_at=fired_at, value=value, worst=worst)


def shown_severity(holds: Iterable[tuple[Severity, Hold]]) -> Severity | None:
    """The highest severity that fires; the holds come lowest first."""
    firing = [severity for severity, hold in holds if hold.fires]
    return firing[-1] if firing else None


def _change(before: Alert | None, after: Alert | None) -> Change:
    was, now = (before.severity if before else None), (after.severity if after else None)
    if was != now:
        if was is None:
            return Change.FIRED
        if now is None:
            return Change.RESOLVED
        return Change.RAISED if SEVERITIES.index(now) > SEVERITIES.index(was) else Change.LOWERED
    if after is None:
        return Change.ABANDONED
    entered = {hold.phase for hold in set(after.holds).difference(before.holds if before else ())}
    return next((change for phase, change in _ENTERED if phase in entered), Change.RELAPSED)


def _why(rule: Rule, before: Alert | None, after: Alert | None, change: Change, value: float) -> str:
    """The reason, for a person: the value, and the threshold that it crossed."""
    text = f"{rule.metric} is {value:g}"
    lowest = rule.thresholds[0][0]
    if change in (Change.FIRED, Change.RAISED, Change.PENDING, Change.RELAPSED):
        severity = (after.severity if after else None) or lowest
        return f"{text} ({severity} {rule.threshold(severity)})"
    severity = (before.severity if before else None) or lowest
    if severity is lowest and rule.recover is not None:
        return f"{text} (recover {rule.recover})"
    return f"{text}, no longer {rule.threshold(severity)} ({severity})"
