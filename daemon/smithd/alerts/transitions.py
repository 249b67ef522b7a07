"""What a value, an expression that is clear, or missing data makes of one alert. No I/O.

The two machines (``machine`` for values, ``missing`` for their absence) say where each severity and the absence go;
here that becomes the alert after it, and the transition with its reason. None where nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from smithd.alerts import machine, missing
from smithd.alerts.alert import Alert, AlertKey, Change, Transition, change_between
from smithd.alerts.condition import Verdict
from smithd.alerts.damping import Flapping, after_firing, delay
from smithd.alerts.machine import Hold, Phase, Timing
from smithd.alerts.missing import GIVEN_UP_AFTER, PRESENT, Absence, MissingResponse, MissingSituation, MissingStep
from smithd.alerts.reason import VALUE, Cause, CauseKind, Evidence, TransitionReason
from smithd.alerts.relative import Relative
from smithd.alerts.rule import Baselines, Rule
from smithd.alerts.severity import rank, worst_of
from smithd.alerts.spell import spells_after
from smithd.plugin.sample import Series

_ABOUT_BREACHES = (Change.FIRED, Change.RAISED, Change.PENDING, Change.RELAPSED)


def on_value(
    rule: Rule,
    series: Series,
    alert: Alert | None,
    value: float,
    now: float,
    baselines: Baselines = (),
    flapping: Flapping | None = None,
) -> Transition | None:
    """What a value does to a rule's alert on a series (None: inactive).

    With the newest value again, at a later ``now``, this is how time changes an alert. ``baselines``: what the value is
    compared with now, where the rule is relative. ``flapping``: that of an alert which is inactive.
    """
    before = alert or _inactive(rule, series, value, now, flapping)
    holds = _stepped(rule, before, rule.verdicts(value, baselines), now)
    if holds == before.holds and not before.absence.is_missing:
        return None
    if baselines:
        # The first breach keeps those of all severities.
        kept = baselines if any(hold.is_active for hold in holds) else (None,) * len(holds)
        holds = tuple(replace(hold, baseline=each) for hold, each in zip(holds, kept, strict=True))
    after = _after(rule, replace(before, value=value), holds, now)
    change = change_between(alert, after)
    return Transition(alert, after, change, now, value, _evidence(rule, before, after, change, value, baselines, now))


def on_clear(rule: Rule, alert: Alert, now: float) -> Transition | None:
    """What it does to an alert that its rule's expression no longer holds for its series."""
    holds = _stepped(rule, alert, (Verdict.CLEAR,) * len(alert.holds), now)
    if holds == alert.holds and not alert.absence.is_missing:
        return None
    after = _after(rule, alert, holds, now)
    change = change_between(alert, after)
    return Transition(alert, after, change, now, alert.value, _evidence(rule, alert, after, change, None, (), now))


def on_missing(
    rule: Rule, series: Series, alert: Alert | None, cause: Cause, value: float | None, since: float, now: float
) -> Transition | None:
    """What it does to an alert that its value is missing ``since``, when it was ``value`` (None: not known)."""
    policy = rule.missing(cause)
    situation = MissingSituation(
        policy,
        alert.absence if alert is not None else PRESENT,
        since,
        is_failure=cause.kind is CauseKind.SOURCE_FAILING,
        is_open=alert is not None,
        has_labels=bool(series.labels),
        is_worse=rank(policy.severity) > rank(alert.severity if alert is not None else None),
    )
    taken, absence, began = missing.step(situation, now)
    if taken is MissingStep.NOTHING:
        return None
    before = alert or replace(_inactive(rule, series, value, now, None), since=min(since, now))
    # The absence began anew: an alert that consists of nothing else begins with it.
    restarts = before.absence.is_missing and before.absence.since < began
    if restarts and not any(hold.is_active for hold in before.holds):
        before = replace(before, since=began)
    # Unknown values move no phase; they only correct one that begins in the future.
    holds = _stepped(rule, before, (Verdict.UNKNOWN,) * len(before.holds), now)
    is_over = taken is MissingStep.END
    if alert is not None and not is_over and absence == alert.absence and holds == alert.holds:
        return None
    after = None if is_over else _after(rule, before, holds, now, absence, cause, began)
    reason = TransitionReason.SERIES_MISSING
    if is_over:
        reason = TransitionReason.CLOSED_UNKNOWN
    elif cause.kind is CauseKind.SOURCE_FAILING:
        reason = TransitionReason.SOURCE_FAILING
    missed = now - min(began, now)
    evidence = Evidence(reason, series.metric, value=before.value, seconds=missed, source=cause.source)
    return Transition(alert, after, change_between(alert, after), now, before.value, evidence)


def on_gap(rule: Rule, alert: Alert, cause: Cause, since: float, now: float) -> Transition | None:
    """What it does to an alert that nothing is known of its value ``since``, for longer than values count as fresh."""
    holds = tuple(machine.after_gap(hold) for hold in alert.holds)
    if holds == alert.holds:
        return None
    # Where nothing else is left of it, what is missing has an alert of its own, if any.
    is_left = alert.absence.fires or any(hold.is_active for hold in holds)
    after = _after(rule, alert, holds, now, alert.absence, alert.cause) if is_left else None
    is_failure = cause.kind is CauseKind.SOURCE_FAILING
    reason = TransitionReason.SOURCE_FAILING if is_failure else TransitionReason.SERIES_MISSING
    evidence = Evidence(reason, alert.metric, value=alert.value, seconds=now - min(since, now), source=cause.source)
    return Transition(alert, after, change_between(alert, after), now, alert.value, evidence)


def on_return(rule: Rule, alert: Alert, now: float, *, source_answers: str = "") -> Transition | None:
    """What it does to an alert about missing values that this is over: there are values again on other series, or the
    source that failed answers (without them).
    """
    if not alert.absence.is_missing:
        return None
    after = _after(rule, alert, alert.holds, now)
    reason = TransitionReason.SOURCE_ANSWERS if source_answers else TransitionReason.DATA_RETURNED
    evidence = Evidence(reason, alert.metric, source=source_answers)
    return Transition(alert, after, change_between(alert, after), now, alert.value, evidence)


def on_displaced(alert: Alert, now: float) -> Transition:
    """What it does to an alert that a worse one takes its place."""
    evidence = Evidence(TransitionReason.ALERT_LIMIT, alert.metric, value=alert.value)
    return Transition(alert, None, change_between(alert, None), now, alert.value, evidence)


def due_times(rule: Rule, alert: Alert) -> list[float]:
    """When time alone may change an alert."""
    found = [hold.due(timing(rule, alert, hold, hold.since)) for hold in alert.holds]
    absence = alert.absence
    if absence.is_missing:
        policies = (rule.no_data, rule.on_error)
        found += [absence.since + each.after for each in policies if each.response is not MissingResponse.KEEP]
    if absence.fires:
        found.append(absence.since + GIVEN_UP_AFTER)
    return [due for due in found if due is not None]


def timing(rule: Rule, alert: Alert, hold: Hold, now: float) -> Timing:
    """The rule's timing of a severity; where it has damping, a flapping alert keeps firing for longer."""
    given = rule.timings[hold.severity]
    if not rule.damping:
        return given
    # Counted from the moment it cleared: the delay must not shrink while it is waited for.
    since = hold.since if hold.phase is Phase.RECOVERING else now
    longer = delay(alert.flapping, rule.damping, since)
    return Timing(given.hold, given.keep_firing_for + longer)


def _inactive(rule: Rule, series: Series, value: float | None, now: float, flapping: Flapping | None) -> Alert:
    key = AlertKey("", rule.name, series.labels)
    holds = tuple(Hold(severity) for severity, _ in rule.thresholds)
    return Alert(key, series.metric, holds, None, now, None, value, flapping=flapping)


def _stepped(rule: Rule, alert: Alert, verdicts: Sequence[Verdict], now: float) -> tuple[Hold, ...]:
    given = zip(alert.holds, verdicts, strict=True)
    return machine.together(
        [machine.step(hold, verdict, timing(rule, alert, hold, now), now) for hold, verdict in given], now
    )


def _after(
    rule: Rule,
    before: Alert,
    holds: tuple[Hold, ...],
    now: float,
    absence: Absence = PRESENT,
    cause: Cause = VALUE,
    missing_since: float = 0.0,
) -> Alert | None:
    """The alert with these holds and this absence, which began at ``missing_since``; None where it is inactive."""
    if not absence.is_missing and not any(hold.is_active for hold in holds):
        return None
    by_value = worst_of(*(hold.severity for hold in holds if hold.fires))
    by_absence = rule.missing(cause).severity if absence.fires else None
    severity = worst_of(by_value, by_absence)
    breached = {hold.severity: hold.began for hold in holds if hold.fires}
    if by_absence is not None:
        breached[by_absence] = min(breached.get(by_absence, now), missing_since)

    # An alert flaps that fires, rises to where it was before in this episode, or relapses.
    fired = before.severity is None and severity is not None
    rose_again = not fired and rank(before.severity) < rank(severity) <= rank(before.worst)
    relapsed = any(
        was.phase is Phase.RECOVERING and hold.phase is Phase.FIRING
        for was, hold in zip(before.holds, holds, strict=True)
    )
    flapping = before.flapping if rule.damping else None
    if rule.damping and (fired or rose_again or relapsed):
        flapping = after_firing(flapping, rule.damping, now)
    since = before.since
    if before.severity is not None and severity is None:
        # The episode is over; what is pending already begins another alert.
        since = min((hold.began for hold in holds if hold.is_active), default=now)
    return replace(
        before,
        since=since,
        holds=holds,
        absence=absence,
        severity=severity,
        cause=cause if severity is not by_value else VALUE,
        fired_at=(before.fired_at if before.severity else now) if severity else None,
        spells=spells_after(before.spells, severity, breached, now),
        flapping=flapping,
    )


def _evidence(
    rule: Rule,
    before: Alert,
    after: Alert | None,
    change: Change,
    value: float | None,
    baselines: Baselines,
    now: float,
) -> Evidence:
    """Of a breach the threshold that was crossed, of anything else the one that was left."""
    is_breach = change in _ABOUT_BREACHES
    if before.absence.is_missing and not is_breach:
        if value is None and before.cause.source:
            return Evidence(TransitionReason.SOURCE_ANSWERS, before.metric, source=before.cause.source)
        if value is not None or _says_data_returned(rule, before):
            return Evidence(TransitionReason.DATA_RETURNED, before.metric, value=value)
    shown = after if is_breach else before
    severity = shown.severity if shown is not None and change is not Change.RESOLVED else None
    # Missing values may have a severity of their own, without a threshold.
    if severity is None or severity not in dict(rule.thresholds):
        severity = rule.lowest
    compared = dict(zip((level for level, _ in rule.thresholds), baselines, strict=False))
    reason = TransitionReason.THRESHOLD_BREACHED if is_breach else TransitionReason.CLEARED
    if not is_breach and _is_new_level(rule, before, now):
        reason = TransitionReason.NEW_LEVEL
    return Evidence(
        reason,
        before.metric,
        value,
        compared.get(severity),
        # What only waited for a value was at no severity.
        severity if is_breach or any(hold.is_active for hold in before.holds) else None,
        str(rule.threshold(severity)),
        str(rule.thresholds[0][1]),
        str(rule.recover.get(rule.lowest, "")),
        seconds=rule.rebase_after if reason is TransitionReason.NEW_LEVEL else None,
        counted=rule.references[0].counted() if rule.references and value is not None else "",
    )


def _says_data_returned(rule: Rule, before: Alert) -> bool:
    """Whether an alert about missing values is clear, without a value, because there are values again: not where an
    answer without them means clear.
    """
    return before.cause.kind is CauseKind.SERIES_MISSING and not rule.metric and not rule.clear_when_empty


def _is_new_level(rule: Rule, before: Alert, now: float) -> bool:
    """Whether an alert is clear because what it is compared with was frozen for as long as that may be, or is a day by
    now of which the alert was open all the time before.
    """
    condition, hold = rule.thresholds[0][1], before.holds[0]
    if not isinstance(condition, Relative):
        return False
    reference = condition.reference
    least = rule.rebase_after if reference.freezes else max(rule.rebase_after, reference.seconds)
    cleared_at = hold.since if hold.phase is Phase.RECOVERING else now
    return cleared_at - before.breached_since(now) >= least
