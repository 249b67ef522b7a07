"""The alert's states: a table, and one small function that lets time pass. Pure.

Timing is that of Prometheus' alerting rules evaluated every second (``for`` and ``keep_firing_for``, see
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/), with a fourth state of its own for an
alert that is clear but not yet resolved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from smithd.alerts import reason
from smithd.alerts.condition import Verdict
from smithd.alerts.damping import Unrest, delay, stirred
from smithd.alerts.missing import GIVEN_UP_AFTER, Missing
from smithd.alerts.rule import Baselines, Rule, Timing
from smithd.alerts.severity import SEVERITIES, Severity
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
    MISSING = "missing"
    RETURNED = "returned"
    RESOLVED = "resolved"


_ENTERED = ((Phase.RECOVERING, Change.RECOVERING), (Phase.PENDING, Change.PENDING))

SERIES = "series"
"""The cause of an alert whose series is missing, though its source answers."""

VISIBLE = frozenset({Change.FIRED, Change.RAISED, Change.LOWERED, Change.RESOLVED})
"""The changes of severity; the others are steps on the way."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule on one series, while it is not inactive.

    ``holds`` go with the rule's thresholds, lowest first. ``since``: when the breach began; ``fired_at``: when the
    alert first fired; ``value``: the newest reading that was judged when the alert last moved (None: there never was
    one); ``worst``: the highest severity of this story so far; ``cause``: what its severity stands on, "" (a value),
    "series" (its series is missing) or "source:<name>" (its source fails, or is silent). ``absent``: since when its
    value is missing. ``baselines``: what its values are compared with, for each threshold that is relative, from when
    the first of them was breached. ``unrest``: how often it fired lately, where the rule has damping.
    """

    rule: str
    series: Series
    holds: tuple[Hold, ...]
    severity: Severity | None
    since: float
    fired_at: float | None
    value: float | None
    worst: Severity | None = None
    cause: str = ""
    absent: Hold = IDLE
    baselines: Baselines = ()
    unrest: Unrest | None = None

    @property
    def id(self) -> tuple[str, Labels]:
        """Its identity: the rule, and the labels of its series."""
        return self.rule, self.series.labels

    @property
    def incident(self) -> str:
        """The name of this one story, from firing to resolving."""
        labels = str(self.series).partition("{")[2]
        return f"{self.rule}{'{' + labels if labels else ''}@{self.fired_at:.3f}"

    def by(self, now: float) -> Alert:
        """The alert as it can be by ``now``: the clock may have been set back since it began."""
        if max(self.since, self.fired_at or now) <= now:
            return self
        return replace(
            self,
            since=min(self.since, now),
            fired_at=min(self.fired_at, now) if self.fired_at is not None else None,
        )

    def baseline(self, rule: Rule, severity: Severity) -> float | None:
        """What its value is compared with at a severity; None where the threshold is not relative."""
        given = zip_longest(rule.thresholds, self.baselines)
        return next((baseline for (level, _), baseline in given if level is severity), None)


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
    value: float | None
    why: str
    cause: str = ""

    @property
    def alert(self) -> Alert:
        """The alert as it was when it last existed."""
        alert = self.after or self.before
        assert alert is not None
        return alert


def judge(
    rule: Rule,
    series: Series,
    alert: Alert | None,
    value: float,
    now: float,
    baselines: Baselines = (),
    unrest: Unrest | None = None,
) -> Transition | None:
    """What a value does to a rule's alert on a series (None: inactive); None where nothing changes.

    With the newest value again, at a later ``now``, this is how time moves an alert. ``baselines``: what the value is
    compared with now, where the rule is relative; an alert keeps those it began with. ``unrest``: how restless an
    alert was that is inactive.
    """
    before = alert if alert is not None else _inactive(rule, series, value, now, unrest)
    compared = _kept(before, baselines)
    holds = _stepped(rule, before, rule.verdicts(value, compared), now)
    if holds == before.holds and before.absent.phase is Phase.INACTIVE:
        return None
    has_begun = any(hold.phase is not Phase.INACTIVE for hold in holds)
    kept = compared if has_begun else ()
    after = _after(rule, replace(before, value=value, baselines=kept), holds, now)
    change = _change(alert, after)
    return Transition(alert, after, change, now, value, _why(rule, before, after, change, value, compared))


def clear(rule: Rule, alert: Alert, now: float) -> Transition | None:
    """What it does to an alert that its rule's expression no longer holds for its series."""
    holds = _stepped(rule, alert, (Verdict.CLEAR,) * len(alert.holds), now)
    if holds == alert.holds and alert.absent.phase is Phase.INACTIVE:
        return None
    after = _after(rule, alert, holds, now)
    change = _change(alert, after)
    return Transition(alert, after, change, now, alert.value, _why(rule, alert, after, change, None, ()))


def miss(
    rule: Rule, series: Series, alert: Alert | None, cause: str, value: float | None, since: float, now: float
) -> Transition | None:
    """What it does to an alert that its value is missing ``since``, when it was ``value`` (None: nobody knows).

    A failing source is one matter, however many series it had: only the alert without labels gets its severity.
    """
    missing = rule.missing(cause)
    if not missing.matters or (alert is None and missing.severity is None):
        return None
    if missing is rule.on_error and missing.severity is not None and series.labels:
        return None
    if alert is None and series.labels and now - since >= GIVEN_UP_AFTER:
        return None
    before = alert if alert is not None else replace(_inactive(rule, series, value, now, None), since=min(since, now))
    if missing is rule.on_error:
        before = _waiting_anew(before, since, now)
    absent = _absent(before.absent, missing, series, since, now)
    if _is_worse(before, missing, since, now):
        absent = Hold(Phase.FIRING, now)
    holds = _stepped(rule, before, (Verdict.MISSING,) * len(before.holds), now)
    if alert is not None and absent == alert.absent and holds == alert.holds:
        return None
    after = _after(rule, before, holds, now, absent, cause) if absent is not None else None
    change = _change(alert, after)
    say = reason.gone if after is None else reason.missing
    began = before.absent.since if before.absent.phase is not Phase.INACTIVE else since
    why = say(rule, series, cause, before.value, now - min(began, now))
    return Transition(alert, after, change, now, before.value, why, cause)


def come_back(rule: Rule, alert: Alert, now: float, why: str) -> Transition | None:
    """What it does to an alert about missing values that this is over: there is something to judge again on other
    series, or the source answers.
    """
    if alert.absent.phase is Phase.INACTIVE:
        return None
    after = _after(rule, alert, alert.holds, now)
    return Transition(alert, after, _change(alert, after), now, alert.value, why)


def dues(rule: Rule, alert: Alert) -> list[float]:
    """When time alone may move an alert."""
    found = [hold.due(timing(rule, alert, hold, hold.since)) for hold in alert.holds]
    if alert.absent.phase is not Phase.INACTIVE:
        found += [alert.absent.since + missing.after for missing in (rule.no_data, rule.on_error) if missing.matters]
    if alert.absent.phase is Phase.FIRING:
        found.append(alert.absent.since + GIVEN_UP_AFTER)
    return [due for due in found if due is not None]


def _inactive(rule: Rule, series: Series, value: float | None, now: float, unrest: Unrest | None) -> Alert:
    return Alert(rule.name, series, (IDLE,) * len(rule.thresholds), None, now, None, value, unrest=unrest)


def _kept(alert: Alert, baselines: Baselines) -> Baselines:
    """The baselines that an alert began with; those of now where there was none."""
    if not baselines:
        return alert.baselines
    kept = zip_longest(alert.baselines, baselines)
    return tuple(baseline if begun is None else begun for begun, baseline in kept)


def _stepped(rule: Rule, alert: Alert, verdicts: tuple[Verdict, ...], now: float) -> tuple[Hold, ...]:
    given = zip(alert.holds, verdicts, strict=True)
    return tuple(step(hold, verdict, timing(rule, alert, hold, now), now) for hold, verdict in given)


def timing(rule: Rule, alert: Alert, hold: Hold, now: float) -> Timing:
    """The rule's timing; where it has damping, a restless alert keeps firing for longer."""
    if not rule.damping:
        return rule.timing
    since = hold.since if hold.phase is Phase.RECOVERING else now
    longer = delay(alert.unrest, rule.damping, since)
    return Timing(rule.timing.hold, rule.timing.keep_firing_for + longer)


def _is_worse(alert: Alert, missing: Missing, since: float, now: float) -> bool:
    """Whether an absence that is told already has, by now, a cause that is worse."""
    return alert.absent.fires and _rank(missing.severity) > _rank(alert.severity) and now >= since + missing.after


def _waiting_anew(alert: Alert, since: float, now: float) -> Alert:
    """An alert that waits for a source which was well once more in between, at ``since``."""
    if alert.absent.phase is not Phase.PENDING or not alert.absent.since < since <= now:
        return alert
    begun = alert.since if any(hold.phase is not Phase.INACTIVE for hold in alert.holds) else since
    return replace(alert, since=begun, absent=Hold(Phase.PENDING, since))


def _absent(hold: Hold, missing: Missing, series: Series, since: float, now: float) -> Hold | None:
    """Where the hold on missing values goes; None where that ends the alert."""
    if hold.phase is Phase.INACTIVE or hold.since > now:
        hold = Hold(Phase.PENDING if hold.phase is Phase.INACTIVE else hold.phase, min(since, now))
    is_due = now >= hold.since + missing.after
    if missing.ends:
        return None if is_due else hold
    if hold.phase is Phase.PENDING and is_due:
        return Hold(Phase.FIRING, now)
    given_up = hold.phase is Phase.FIRING and series.labels and now >= hold.since + GIVEN_UP_AFTER
    return None if given_up else hold


def _after(
    rule: Rule, before: Alert, holds: tuple[Hold, ...], now: float, absent: Hold = IDLE, cause: str = ""
) -> Alert | None:
    if all(hold.phase is Phase.INACTIVE for hold in (*holds, absent)):
        return None
    by_value = shown_severity(zip((level for level, _ in rule.thresholds), holds, strict=True))
    by_absence = rule.missing(cause).severity if absent.fires else None
    severity = worst_of(by_value, by_absence)
    return replace(
        before,
        holds=holds,
        absent=absent,
        severity=severity,
        cause=cause if severity is not by_value else "",
        fired_at=(before.fired_at if before.severity else now) if severity else None,
        worst=worst_of(before.worst, severity) if severity else None,
        unrest=_unrest(rule, before, holds, severity, now),
    )


def _unrest(rule: Rule, before: Alert, holds: tuple[Hold, ...], severity: Severity | None, now: float) -> Unrest | None:
    if not rule.damping:
        return None
    fired = before.severity is None and severity is not None
    rose_again = not fired and _rank(before.severity) < _rank(severity) <= _rank(before.worst)
    relapsed = any(
        was.phase is Phase.RECOVERING and hold.phase is Phase.FIRING
        for was, hold in zip(before.holds, holds, strict=True)
    )
    return stirred(before.unrest, rule.damping, now) if fired or rose_again or relapsed else before.unrest


def shown_severity(holds: Iterable[tuple[Severity, Hold]]) -> Severity | None:
    """The highest severity that fires; the holds come lowest first."""
    firing = [severity for severity, hold in holds if hold.fires]
    return firing[-1] if firing else None


def worst_of(*severities: Severity | None) -> Severity | None:
    """The worst of some severities; None where there is none."""
    return max((severity for severity in severities if severity), key=SEVERITIES.index, default=None)


def _rank(severity: Severity | None) -> int:
    return SEVERITIES.index(severity) if severity is not None else -1


def _change(before: Alert | None, after: Alert | None) -> Change:
    was, now = (before.severity if before else None), (after.severity if after else None)
    if was != now:
        if was is None:
            return Change.FIRED
        if now is None:
            return Change.RESOLVED
        return Change.RAISED if _rank(now) > _rank(was) else Change.LOWERED
    if after is None:
        return Change.ABANDONED
    absent = before.absent if before else IDLE
    if after.absent != absent:
        return Change.RETURNED if after.absent.phase is Phase.INACTIVE else Change.MISSING
    entered = {hold.phase for hold in set(after.holds).difference(before.holds if before else ())}
    return next((change for phase, change in _ENTERED if phase in entered), Change.RELAPSED)


_BREACHES = (Change.FIRED, Change.RAISED, Change.PENDING, Change.RELAPSED)


def _why(
    rule: Rule, before: Alert, after: Alert | None, change: Change, value: float | None, baselines: Baselines
) -> str:
    """The reason, for a person: of a breach the threshold that was crossed, of anything else the one that was left."""
    if before.absent.phase is not Phase.INACTIVE and change not in _BREACHES:
        return reason.returned(rule, before.series, value)
    lowest = rule.thresholds[0][0]
    told = after if change in _BREACHES else before
    severity = told.severity if told is not None and change is not Change.RESOLVED else None
    if severity is None or severity not in dict(rule.thresholds):
        severity = lowest
    compared = dict(zip((level for level, _ in rule.thresholds), baselines, strict=False)).get(severity)
    say = reason.breached if change in _BREACHES else reason.cleared
    return say(rule, before.series, severity, value, compared)
