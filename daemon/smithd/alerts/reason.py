"""Why an alert moved, in a sentence for a person: what happened, and what was normal. Pure."""

from __future__ import annotations

from smithd.alerts.condition import Verdict
from smithd.alerts.relative import Relative
from smithd.alerts.rule import Rule
from smithd.alerts.severity import Severity
from smithd.formatting import duration, number
from smithd.plugin.sample import Series


def breached(rule: Rule, series: Series, severity: Severity, value: float | None, baseline: float | None) -> str:
    """The value, the threshold that it crossed, and what would have been normal."""
    condition = rule.threshold(severity)
    if rule.when is not None or value is None:
        return f"{severity}: {condition}"
    if isinstance(condition, Relative) and baseline is not None:
        return f"{series} is {number(value)}, {condition.told(value, baseline)} ({severity}: {condition})"
    return f"{series} is {number(value)} ({severity} {condition}; normal: {_normal(rule)})"


def lasting(rule: Rule, series: Series, severity: Severity, value: float | None, baseline: float | None) -> str:
    """Why an alert fires: as ``breached``, or, where its value does not breach any more, that it fires still."""
    condition = rule.threshold(severity)
    if (
        rule.when is not None
        or value is None
        or condition.verdict(value, baseline) in (Verdict.BREACH, Verdict.MISSING)
    ):
        return breached(rule, series, severity, value, baseline)
    told = f", {condition.told(value, baseline)}" if isinstance(condition, Relative) and baseline is not None else ""
    return (
        f"{series} is {number(value)}{told}, not {condition} any more, but {severity} still (normal: {_normal(rule)})"
    )


def cleared(rule: Rule, series: Series, severity: Severity, value: float | None, baseline: float | None) -> str:
    """The value, and what is normal; ``severity`` is what it is no longer."""
    condition = rule.threshold(severity)
    if rule.when is not None or value is None:
        return f"no longer {severity}: {condition}"
    text = f"{series} is {number(value)}"
    if isinstance(condition, Relative) and baseline is not None:
        text += f", {condition.told(value, baseline)}"
    if severity is not rule.thresholds[0][0]:
        return f"{text}, no longer {severity} ({condition})"
    return f"{text} (normal: {rule.recover if rule.recover is not None else _normal(rule)})"


def expected(rule: Rule) -> str:
    """What a rule looks at, and which of its values are normal; for a text about several alerts."""
    return f"Normal for {rule.metric}: {_normal(rule)}" if rule.metric else f"They fire when {rule.thresholds[0][1]}"


def _normal(rule: Rule) -> str:
    """What is neither critical nor a warning."""
    return rule.thresholds[0][1].normal


def missing(rule: Rule, series: Series, cause: str, value: float | None, seconds: float) -> str:
    """That nothing is known, for how long, and what was known last."""
    what = str(series) if series.metric else f"{rule.name}{series}"
    before = f"; it was {number(value)} before" if value is not None else ""
    return f"{what} has no data for {duration(seconds)}{_blame(cause)}{before}"


def gone(rule: Rule, series: Series, cause: str, value: float | None, seconds: float) -> str:
    """That the alert ends without its value having become normal."""
    return f"{missing(rule, series, cause, value, seconds)}: its alert is closed, not knowing how it is"


def returned(rule: Rule, series: Series, value: float | None) -> str:
    """That there is something to judge again."""
    what = str(series) if series.metric else f"{rule.name}{series}"
    return f"{what} has data again" + (f": {number(value)}" if value is not None else "")


def answers(cause: str) -> str:
    """That the source which was the cause does not fail any more."""
    return f"source {cause.partition(':')[2]} answers again"


def _blame(cause: str) -> str:
    kind, _, source = cause.partition(":")
    return f" (source {source} fails)" if kind == "source" else ""
