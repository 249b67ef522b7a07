"""The names by which parts of a file refer to others: every metric, rule, time window and account named must be
declared.

Names are searched in the plain values, not in the checked options, so that a mistake in one key hides none in another.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping, Sequence

from smithd.config.model import File
from smithd.config.sources import Declared
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.expression.expression import parse
from smithd.expression.lexer import ExpressionError
from smithd.keys import DEFAULT_ACCOUNT
from smithd.references import Reference, ReferenceKind, plain_references

_MANY = 12
"""How many declared names a message lists at most."""


def check(validator: Validator, declared: Mapping[str, Declared]) -> None:
    """Report each name that is not declared, and rules that wait for each other. ``declared``: by source."""
    named = list(plain_references(File, validator.data))
    _check_metrics(validator, [each for each in named if each.kind is ReferenceKind.METRIC], declared)
    rules = [each for each in named if each.kind is ReferenceKind.RULE]
    _check_names(validator, rules, "rules", "rule")
    _check_names(
        validator, [each for each in named if each.kind is ReferenceKind.TIME_WINDOW], "time_windows", "time window"
    )
    accounts = [each for each in named if each.kind is ReferenceKind.ACCOUNT]
    _check_names(validator, accounts, "accounts", "account", always=(DEFAULT_ACCOUNT,))
    if (found := circle(rules)) is not None:
        path, names = found
        expected = "rules that wait for each other would never notify: leave one of these names out"
        validator.report_at(path, f"these rules wait for each other: {' → '.join(names)}", expected=expected)


def circle(named: Sequence[Reference]) -> tuple[Path, list[str]] | None:
    """Rules that wait for each other, the first one last again, and a place where one of them names the next."""
    waits: dict[str, dict[str, Path]] = {}
    for each in named:
        # Live Activities name rules too, but only a rule waits for those that it names.
        if each.path[0] == "rules":
            waits.setdefault(str(each.path[1]), {})[each.name] = each.path
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        # graphlib names each before the one that waits for it; turned round, each waits for the next.
        names = list(reversed(error.args[1]))
        return waits[names[0]][names[1]], names
    return None


def _check_metrics(validator: Validator, named: Sequence[Reference], declared: Mapping[str, Declared]) -> None:
    # Sources that are no mapping were reported when the file was validated, and every metric would seem undeclared.
    if not isinstance(validator.data.get("sources"), dict):
        return
    derived = validator.data.get("derived")
    derived_names = derived if isinstance(derived, dict) else {}
    known = [f"{source}.{name}" for source, metrics in declared.items() for name in sorted(metrics.names)]
    known += derived_names
    for path, _, name, column, _, beside in named:
        source, _, metric = name.partition(".")
        is_declared = source in declared and metric and declared[source].has(metric)
        if is_declared or name in derived_names or not validator.is_known(path):
            continue
        if source in declared:
            own = sorted(declared[source].names | declared[source].open)
            expected = f"source '{source}' has: {_listed(own)}" if own else f"source '{source}' has no metrics"
        else:
            expected = f"expected source.metric; sources declared: {_listed(declared)}"
        message = f"no source declares the metric '{name}'"
        if column is not None:
            validator.report_within(path, column, message, expected=expected, name=name, near=[*known, *beside])
        elif _is_expression(name):
            expected = "expected source.metric; an expression gets a name under 'derived', which can stand here"
            validator.report_at(path, f"'{name}' is an expression, and no metric", expected=expected)
        else:
            validator.report_at(path, message, expected=expected, near=known)


def _is_expression(name: str) -> bool:
    """Whether what should be the name of a metric computes something from metrics."""
    try:
        found = [metric for metric, _ in parse(name).references]
    except ExpressionError:
        return False
    return bool(found) and found != [name]


def _check_names(
    validator: Validator, named: Sequence[Reference], section: str, what: str, always: Sequence[str] = ()
) -> None:
    """Report what a section does not declare, unless the section itself is wrong. ``always``: what is declared by
    itself.
    """
    written = validator.data.get(section, {})
    if not isinstance(written, dict):
        return
    declared = dict.fromkeys([*always, *written])
    for each in named:
        if each.name not in declared and validator.is_known(each.path):
            expected = f"{what}s declared: {_listed(declared)}" if declared else f"no {what} is declared"
            message = f"there is no {what} '{each.name}'"
            validator.report_at(each.path, message, expected=expected, near=declared.keys(), at_key=each.is_key)


def _listed(names: Collection[str]) -> str:
    first = ", ".join(list(names)[:_MANY])
    return first if len(names) <= _MANY else f"{first} and {len(names) - _MANY} more"
