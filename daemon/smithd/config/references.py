"""What the file's parts say of each other: every metric and rule that is named must be declared.

Read from the plain values and not from the checked options, so that a mistake in one key hides none in another.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import starmap
from typing import Any, NamedTuple

from smithd.config.draft import Draft
from smithd.config.positions import Path
from smithd.config.sources import Declared
from smithd.expression.expression import parse
from smithd.expression.lexer import ExpressionError

Reference = tuple[Path, str]
_AT_MOST = 12

WAITING_KEYS = ("unless_firing", "depends_on")
"""The keys by which a rule waits for others."""


class Named(NamedTuple):
    """A metric, and the column of a value's text where it is named; None where it is the whole value."""

    path: Path
    metric: str
    column: int | None = None


def check(draft: Draft, declared: Mapping[str, Declared]) -> None:
    """Report each name that stands for nothing. ``declared`` has the metrics of each source."""
    derived = draft.data.get("derived", {})
    names = derived if isinstance(derived, dict) else {}
    metrics = [f"{source}.{name}" for source, known in declared.items() for name in sorted(known.names)] + list(names)
    for named in metric_references(draft.data) if isinstance(draft.data.get("sources"), dict) else ():
        source, _, metric = named.metric.partition(".")
        known = source in declared and metric and declared[source].has(metric)
        if not known and named.metric not in names and draft.is_known(named.path):
            _complain_of_metric(draft, named, metrics, declared)
    rules = draft.data.get("rules", {})
    for path, name in rule_references(draft.data):
        if draft.is_known(path) and isinstance(rules, dict) and name not in rules:
            expected = f"rules declared: {_some(rules)}" if rules else "no rule is declared"
            draft.complain(path, f"there is no rule '{name}'", expected=expected, near=rules.keys())
    windows = draft.data.get("time_windows", {})
    for path, name in window_references(draft.data):
        if draft.is_known(path) and isinstance(windows, dict) and name not in windows:
            expected = f"time windows declared: {_some(windows)}" if windows else "no time window is declared"
            draft.complain(path, f"there is no time window '{name}'", expected=expected, near=windows.keys())
    if (found := circle(draft.data)) is not None:
        expected = "rules that wait for each other would never be told: leave one of these names out"
        draft.complain(found[0], f"these rules wait for each other: {found[1]}", expected=expected)


def _complain_of_metric(draft: Draft, named: Named, metrics: list[str], declared: Mapping[str, Declared]) -> None:
    path, name, column = named
    source = name.partition(".")[0]
    if source in declared:
        own = sorted(declared[source].names | declared[source].open)
        expected = f"source '{source}' has: {_some(own)}" if own else f"source '{source}' has no metrics"
    else:
        expected = f"expected source.metric; sources declared: {_some(declared)}"
    message = f"no source declares the metric '{name}'"
    if column is None:
        draft.complain(path, message, expected=expected, near=metrics)
    else:
        draft.complain_within(path, column, message, expected=expected, name=name, near=metrics)


def _some(names: Collection[str]) -> str:
    first = ", ".join(list(names)[:_AT_MOST])
    return first if len(names) <= _AT_MOST else f"{first} and {len(names) - _AT_MOST} more"


def metric_references(data: Mapping[str, Any]) -> Iterator[Named]:
    """Each place that names a metric, with the name."""
    for path, rule in _entries(data, ("rules",)):
        yield from starmap(Named, _text(rule, path, "metric"))
    for path, widget in _entries(data, ("widgets",)):
        if isinstance(widget, str):
            yield Named(path, widget)
        yield from starmap(Named, _text(widget, path, "value"))
    for path, row in _rows(data):
        yield from starmap(Named, _text(row, path, "value"))
        yield from starmap(Named, _text(row, path, "each"))
    for path, text in expressions(data):
        with suppress(ExpressionError):  # what is no expression was complained about already
            yield from (Named(path, reference.metric, reference.column) for reference in parse(text).references)


def expressions(data: Mapping[str, Any]) -> Iterator[Reference]:
    """Each place that holds an expression, with its text."""
    for path, text in _entries(data, ("derived",)):
        if isinstance(text, str | int | float) and not isinstance(text, bool):
            yield path, str(text)
    for path, rule in _entries(data, ("rules",)):
        yield from _text(rule, path, "when")


def rule_references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """Each place that names a rule, with the name."""
    for key in WAITING_KEYS:
        for path, rule in _entries(data, ("rules",)):
            yield from _texts(rule, path, key)
    for path, row in _rows(data):
        yield from _text(row, path, "color_by")
    for path, activity in _entries(data, ("live_activities",)):
        show = activity.get("show") if isinstance(activity, dict) else None
        names = show.get("while_firing") if isinstance(show, dict) else None
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield (*path, "show", "while_firing", index), name


def window_references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """Each place that names a time window, with the name."""
    for path, rule in _entries(data, ("rules",)):
        mute = rule.get("mute") if isinstance(rule, dict) else None
        yield from _texts(mute, (*path, "mute"), "during") if isinstance(mute, dict) else _texts(rule, path, "mute")


def circle(data: Mapping[str, Any]) -> Reference | None:
    """A place by which rules wait for each other in a circle, with the way round."""
    waits = {
        str(path[-1]): {name: place for key in WAITING_KEYS for place, name in _texts(rule, path, key)}
        for path, rule in _entries(data, ("rules",))
    }
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        way = list(reversed(error.args[1]))  # each rule waits for the next
        return waits[way[0]][way[1]], " → ".join(way)
    return None


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for path, activity in _entries(data, ("live_activities",)):
        rows = activity.get("stats") if isinstance(activity, dict) else None
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            yield (*path, "stats", index), row


def _entries(data: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    section = data.get(str(path[-1]))
    for name, entry in section.items() if isinstance(section, dict) else ():
        yield (*path, name), entry


def _text(owner: Any, path: Path, key: str) -> Iterator[Reference]:
    if isinstance(owner, dict) and isinstance(owner.get(key), str):
        yield (*path, key), owner[key]


def _texts(owner: Any, path: Path, key: str) -> Iterator[Reference]:
    names = owner.get(key) if isinstance(owner, dict) else None
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str):
            yield (*path, key, index), name
