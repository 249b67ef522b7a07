"""Why an alert changed, and how it is, in sentences for a person: what happened, and what would be normal. No I/O.

The sentences are English; their numbers and lengths of time are written as ``language`` does. Thresholds stand as they
are written in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from smithd.alerts.condition import Verdict
from smithd.alerts.reason import Cause, Evidence, TransitionReason
from smithd.alerts.relative import Relative
from smithd.alerts.rule import Rule, parse_condition
from smithd.alerts.severity import Severity
from smithd.expression.expression import render_operands
from smithd.formatting import duration
from smithd.locales import IN_ENGLISH, Language
from smithd.plugin.sample import Labels, Series


def sentence(evidence: Evidence | None, rule: str, labels: Labels, language: Language = IN_ENGLISH) -> str:
    """Why the alert of a rule (its name) with these labels changed."""
    if evidence is None:
        return ""
    series = Series(evidence.metric, labels)
    # The series of an expression has labels only, and is called by the name of its rule.
    what = str(series) if series.metric else f"{rule}{series}"
    match evidence.reason:
        case TransitionReason.THRESHOLD_BREACHED:
            text = _breached(evidence, what, language)
        case TransitionReason.CLEARED | TransitionReason.NEW_LEVEL:
            text = _cleared(evidence, what, language)
        case TransitionReason.SERIES_MISSING | TransitionReason.SOURCE_FAILING:
            text = _no_data(what, evidence.cause, evidence.value, evidence.seconds or 0.0, language)
        case TransitionReason.CLOSED_UNKNOWN:
            missing = _no_data(what, evidence.cause, evidence.value, evidence.seconds or 0.0, language)
            text = f"{missing}: its alert is closed, not knowing how it is"
        case TransitionReason.DATA_RETURNED:
            value = f": {language.number(evidence.value)}" if evidence.value is not None else ""
            text = f"{what} has data again{value}"
        case TransitionReason.SOURCE_ANSWERS:
            text = f"source {evidence.source} answers again"
        case TransitionReason.ALERT_LIMIT:
            text = f"{what} gave its place to a worse one: the rule has as many alerts as it may have (max_alerts)"
        case TransitionReason.RECORDED:
            text = evidence.text
    return f"{render_operands(evidence.operands, language)} ({text})" if evidence.operands else text


def still_firing(
    rule: Rule,
    series: Series,
    severity: Severity,
    value: float | None,
    baseline: float | None,
    days: int | None = None,
    language: Language = IN_ENGLISH,
) -> str:
    """Why an alert fires now: the threshold that its value breaches, or, where the value does not breach any more, that
    it still fires. ``days``: how many days ago the baseline was, where it is that of another day.
    """
    condition = rule.threshold(severity)
    if rule.when is not None or value is None:
        return f"{severity}: {condition}"
    lowest = rule.threshold(rule.lowest)
    if condition.verdict(value, baseline) in (Verdict.BREACH, Verdict.UNKNOWN):
        evidence = Evidence(
            TransitionReason.THRESHOLD_BREACHED,
            series.metric,
            value,
            baseline,
            severity,
            str(condition),
            str(lowest),
            counted=condition.reference.counted() if isinstance(condition, Relative) else "",
            days=days,
        )
        return sentence(evidence, rule.name, series.labels, language)
    text = _value(str(series), value, "", language)
    if isinstance(condition, Relative) and baseline is not None:
        counted = condition.reference.counted(language)
        change = condition.describe(value, baseline, language)
        text = f"{_value(str(series), value, counted, language)}, {change}"
    return f"{text}, not {condition} any more, but {severity} still (normal: {lowest.normal(language)})"


def missing_now(
    rule: Rule, series: Series, cause: Cause, value: float | None, seconds: float, language: Language = IN_ENGLISH
) -> str:
    """That nothing is known of an alert's value, for how long, and what was known last."""
    return _no_data(str(series) if series.metric else f"{rule.name}{series}", cause, value, seconds, language)


def expected(rule: Rule, labels: Labels, language: Language = IN_ENGLISH) -> str:
    """What a rule watches, and which of its values are normal; for a text about several alerts, which all have these
    labels.
    """
    lowest = rule.threshold(rule.lowest)
    if not rule.metric:
        return f"They fire when {lowest}"
    return f"Normal for {Series(rule.metric, labels)}: {lowest.normal(language)}"


def _breached(evidence: Evidence, what: str, language: Language) -> str:
    if not evidence.metric or evidence.value is None:
        return f"{evidence.severity}: {evidence.threshold}"
    condition = parse_condition(evidence.threshold)
    if isinstance(condition, Relative) and evidence.baseline is not None:
        change = _compared(condition, evidence).describe(evidence.value, evidence.baseline, language)
        value = _value(what, evidence.value, _counted(evidence, language), language)
        return f"{value}, {change} ({evidence.severity}: {condition})"
    normal = parse_condition(evidence.lowest).normal(language)
    return f"{_value(what, evidence.value, '', language)} ({evidence.severity} {condition}; normal: {normal})"


def _cleared(evidence: Evidence, what: str, language: Language) -> str:
    if not evidence.metric:
        was = evidence.severity
        return f"no longer {was}: {evidence.threshold}" if was else f"{evidence.threshold} does not hold"
    if evidence.value is None and evidence.severity is None:
        return f"the answer does not contain {what}"
    if evidence.value is None:
        return f"{what} is no longer {evidence.severity} ({evidence.threshold}): the answer does not contain it"
    condition = parse_condition(evidence.threshold)
    text = _value(what, evidence.value, _counted(evidence, language), language)
    if isinstance(condition, Relative) and evidence.baseline is not None:
        text += f", {_compared(condition, evidence).describe(evidence.value, evidence.baseline, language)}"
    if evidence.reason is TransitionReason.NEW_LEVEL:
        return f"{text}: after {language.duration(evidence.seconds or 0.0)} the new level is taken as normal"
    if evidence.threshold != evidence.lowest:
        return f"{text}, no longer {evidence.severity} ({condition})"
    return f"{text} (normal: {evidence.recover or parse_condition(evidence.lowest).normal(language)})"


def _compared(condition: Relative, evidence: Evidence) -> Relative:
    """The condition with what it was compared with: where a day is left out, an earlier one."""
    if not evidence.days:
        return condition
    return replace(condition, reference=replace(condition.reference, days=evidence.days))


def _counted(evidence: Evidence, language: Language) -> str:
    """In which time a counter counted a value; empty where it is the value of a metric that is none."""
    lowest = parse_condition(evidence.lowest) if evidence.counted else None
    if not isinstance(lowest, Relative):
        return evidence.counted
    return replace(lowest.reference, counter=True).counted(language)


def _value(what: str, value: float, counted: str, language: Language) -> str:
    """What a value is, or of a counter how far it rose in a time."""
    shown = language.number(value)
    return f"{what} rose by {shown} {counted}" if counted else f"{what} is {shown}"


def _no_data(what: str, cause: Cause, value: float | None, seconds: float, language: Language) -> str:
    blame = f" (source {cause.source} fails)" if cause.source else ""
    before = f"; it was {language.number(value)} before" if value is not None else ""
    return f"{what} has no data for {language.duration(seconds)}{blame}{before}"


def conditions(rule: Rule) -> Iterator[tuple[Severity, str]]:
    """When a rule fires, for each of its severities."""
    for severity, condition in rule.thresholds:
        yield severity, f"{fires_when(rule, str(condition))}{for_at_least(rule.timings[severity].hold)}"


def fires_when(rule: Rule, condition: str) -> str:
    """A condition of a rule with what it is about."""
    return condition if rule.when is not None else f"{rule.metric} {condition}"


def for_at_least(seconds: float) -> str:
    """How long a condition must hold, behind it; "" where that does not matter."""
    return f" for {duration(seconds)}" if seconds else ""
