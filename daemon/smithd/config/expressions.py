"""What expressions and relative thresholds need besides correct syntax: metrics, no circles, enough history."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from smithd.alerts.relative import Relative
from smithd.config.model import File, RuleConfig
from smithd.config.names import is_metric_name
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.expression.derived import cycle
from smithd.expression.expression import Expression, parse
from smithd.expression.lexer import ExpressionError
from smithd.formatting import duration


def check(validator: Validator, file: File, sources: Collection[str]) -> None:
    """Report what is wrong with derived metrics, and what looks back further than ``history``.

    ``file`` may be partial, with UNKNOWN in the place of what is no expression; that is reported already.
    """
    formulas = {name: formula for name, formula in file.derived.items() if isinstance(formula, Expression)}
    rules = {name: rule for name, rule in file.rules.items() if isinstance(rule, RuleConfig)}
    expressions: dict[Path, Expression] = {("derived", name): formula for name, formula in formulas.items()}
    expressions |= {("rules", name, "when"): rule.when for name, rule in rules.items() if rule.when is not None}
    for name in formulas:
        _check_name(validator, name, sources)
    for path, expression in expressions.items():
        if not expression.references and validator.is_known(path):
            message = "this names no metric, so it never changes"
            validator.report_at(path, message, expected="expected a metric in it")
    _check_cycle(validator, formulas)
    if "history" not in validator.data or validator.is_sound(("history",)):
        reaches = [(path, max(each.windows.values(), default=0.0)) for path, each in expressions.items()]
        for path, reach in [*reaches, *_relative(rules)]:
            if reach > file.history:
                message = f"this looks back {duration(reach)}, but only {duration(file.history)} are kept"
                validator.report_at(path, message, expected="'history' sets how long samples are kept")


def _check_name(validator: Validator, name: str, sources: Collection[str]) -> None:
    at = ("derived", name)
    if not is_metric_name(name):
        return  # that is reported already
    if name in sources:
        validator.report_at(at, f"'{name}' is also the name of a source", at_key=True)
        return
    # A keyword (rate, sum, and) is read as something else than a metric.
    with suppress(ExpressionError):
        if [metric for metric, _ in parse(name).references] == [name]:
            return
    validator.report_at(at, f"'{name}' is a keyword of the expression language", at_key=True)


def _check_cycle(validator: Validator, formulas: Mapping[str, Expression]) -> None:
    names = cycle(formulas)
    if not names:
        return
    first = min(names)
    turned = [*names[names.index(first) : -1], *names[: names.index(first)], first]
    column = dict(formulas[first].references)[turned[1]]
    message = f"this depends on itself: {' → '.join(turned)}"
    validator.report_within(("derived", first), column, message, name=turned[1])


def _relative(rules: Mapping[str, RuleConfig]) -> Iterator[tuple[Path, float]]:
    """How far each relative threshold looks back, in seconds."""
    for name, rule in rules.items():
        for key in ("warning", "critical"):
            threshold = getattr(rule, key)
            if isinstance(threshold, Relative):
                yield ("rules", name, key), threshold.reference.reach
