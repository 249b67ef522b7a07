"""What expressions and relative thresholds need besides correct syntax: metrics, no circles, enough history."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from smithd.alerts.relative import Relative
from smithd.config.model import Config, File, RuleConfig
from smithd.config.names import is_metric_name
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.expression.derived import cycle
from smithd.expression.expression import Expression, parse
from smithd.expression.lexer import ExpressionError
from smithd.expression.option import InlineMetric, inline_metrics
from smithd.formatting import duration
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.badge import BadgeOptions


def check(validator: Validator, file: File, sources: Collection[str]) -> None:
    """Report what is wrong with derived metrics, and what looks back further than ``history``.

    ``file`` may be partial, with UNKNOWN in the place of what is no expression; that is reported already.
    """
    formulas = {name: formula for name, formula in file.derived.items() if isinstance(formula, Expression)}
    rules = {name: rule for name, rule in file.rules.items() if isinstance(rule, RuleConfig)}
    expressions: dict[Path, Expression] = {("derived", name): formula for name, formula in formulas.items()}
    expressions |= {("rules", name, "when"): rule.when for name, rule in rules.items() if rule.when is not None}
    expressions |= {path: metric.expression for metric, path in inline(file).items()}

    for name in formulas:
        _check_name(validator, name, sources)
    for path, expression in expressions.items():
        if not expression.references and validator.is_known(path):
            message = "this names no metric: an expression is evaluated when a metric of it has new samples"
            validator.report_at(path, message, expected="expected a metric in it; for times of the day: time_windows")

    if names := cycle(formulas):
        # A cycle has no beginning of its own: it is shown from the metric that comes first in the alphabet.
        first = min(names)
        turned = [*names[names.index(first) : -1], *names[: names.index(first)], first]
        column = dict(formulas[first].references)[turned[1]]
        message = f"this depends on itself: {' → '.join(turned)}"
        validator.report_within(("derived", first), column, message, name=turned[1])

    # A wrong ``history`` has its default here: comparing with that would report what the user did not write.
    if "history" not in validator.data or validator.is_sound(("history",)):
        reaches = {path: max(each.windows.values(), default=0.0) for path, each in expressions.items()}
        _check_history(validator, file.history, reaches, rules)


def inline(config: File | Config) -> dict[InlineMetric, Path]:
    """The derived metrics that are written where surfaces use them, each with a place where it is."""
    found: dict[InlineMetric, Path] = {}
    if isinstance(config.badge, BadgeOptions):
        found |= inline_metrics(config.badge, ("badge",))
    for key, activity in config.live_activities.items():
        # Where a file has mistakes, an activity may not be known.
        if isinstance(activity, ActivityOptions):
            found |= inline_metrics(activity, ("live_activities", key))
    return found


def _check_name(validator: Validator, name: str, sources: Collection[str]) -> None:
    at = ("derived", name)
    # A name with wrong characters was reported when the file was validated.
    if not is_metric_name(name):
        return
    if name in sources:
        validator.report_at(at, f"'{name}' is also the name of a source", at_key=True)
        return
    # The parser itself decides: it reads a keyword (rate, sum, and) as something other than a metric.
    with suppress(ExpressionError):
        if [metric for metric, _ in parse(name).references] == [name]:
            return
    validator.report_at(at, f"'{name}' is a keyword of the expression language", at_key=True)


def _check_history(
    validator: Validator, history: float, reaches: Mapping[Path, float], rules: Mapping[str, RuleConfig]
) -> None:
    """Report what looks back further than samples are kept; ``reaches``: how far each expression does, in seconds."""
    found = dict(reaches)
    for name, rule in rules.items():
        for severity, threshold in rule.thresholds.items():
            if isinstance(threshold, Relative):
                found["rules", name, str(severity)] = threshold.reference.reach
    for path, reach in found.items():
        if reach > history:
            message = f"this looks back {duration(reach)}, but only {duration(history)} are kept"
            validator.report_at(path, message, expected="'history' sets how long samples are kept")
