"""What expressions and comparisons with the past need besides being well written: names, no circles, enough history."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from smithd.alerts.relative import is_relative, parse_relative
from smithd.config.draft import Draft
from smithd.config.names import is_metric_name
from smithd.config.positions import Path
from smithd.config.references import expressions
from smithd.expression.derived import circle
from smithd.expression.expression import Expression, parse
from smithd.expression.lexer import ExpressionError
from smithd.formatting import duration


def check(draft: Draft, sources: Collection[str], history: float | None) -> None:
    """Report what is wrong with derived metrics, and each look back that is longer than ``history`` (seconds; None:
    not known).
    """
    parsed: dict[Path, Expression] = {}
    for path, text in expressions(draft.data):
        with suppress(ExpressionError):  # what is no expression was complained about already
            parsed[path] = parse(text)
    formulas = {str(path[-1]): expression for path, expression in parsed.items() if path[0] == "derived"}
    for name in formulas:
        _check_name(draft, name, sources)
    for path, expression in parsed.items():
        if not expression.references:
            draft.complain(path, "this names no metric, so it never changes", expected="expected a metric in it")
    _check_circle(draft, formulas)
    if history is not None:
        _check_history(draft, parsed, history)


def _check_name(draft: Draft, name: str, sources: Collection[str]) -> None:
    at = ("derived", name)
    if not is_metric_name(name):
        return  # that was complained about already
    if name in sources:
        draft.complain(at, f"'{name}' is the name of a source already", at_key=True)
        return
    with suppress(ExpressionError):
        if [metric for metric, _ in parse(name).references] == [name]:
            return
    draft.complain(at, f"'{name}' is a word of the expressions' own language", at_key=True)


def _check_circle(draft: Draft, formulas: Mapping[str, Expression]) -> None:
    names = circle(formulas)
    if names:
        first = min(names)
        turned = [*names[names.index(first) : -1], *names[: names.index(first)], first]
        columns = dict(formulas[first].references)
        draft.complain_within(
            ("derived", first), columns[turned[1]], f"made of itself: {' → '.join(turned)}", name=turned[1]
        )


def _check_history(draft: Draft, parsed: Mapping[Path, Expression], history: float) -> None:
    reaches = [(path, max(expression.windows.values(), default=0.0)) for path, expression in parsed.items()]
    for path, reach in [*reaches, *_relative(draft.data)]:
        if reach > history:
            draft.complain(
                path,
                f"this looks back {duration(reach)}, and only {duration(history)} are remembered",
                expected="'history' says for how long",
            )


def _relative(data: Mapping[str, Any]) -> Iterator[tuple[Path, float]]:
    rules = data.get("rules")
    for name, rule in rules.items() if isinstance(rules, dict) else ():
        for key in ("warning", "critical"):
            text = rule.get(key) if isinstance(rule, dict) else None
            if isinstance(text, str) and is_relative(text):
                with suppress(ValueError):
                    yield ("rules", name, key), parse_relative(text).reference.reach
