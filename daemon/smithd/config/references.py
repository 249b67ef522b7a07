"""What the file's parts say of each other: every metric and rule that is named must be declared.

Read from the plain values and not from the checked options, so that a mistake in one key hides none in another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from smithd.config.draft import Draft
from smithd.config.positions import Path
from smithd.config.sources import Declared

Reference = tuple[Path, str]
_AT_MOST = 12


def check(draft: Draft, declared: Mapping[str, Declared]) -> None:
    """Report each name that stands for nothing. ``declared`` has the metrics of each source."""
    metrics = [f"{source}.{name}" for source, known in declared.items() for name in sorted(known.names)]
    for path, name in metric_references(draft.data) if isinstance(draft.data.get("sources"), dict) else ():
        source, _, metric = name.partition(".")
        known = source in declared and metric and declared[source].has(metric)
        if not known and draft.is_known(path):
            _complain_of_metric(draft, path, name, metrics, declared)
    rules = draft.data.get("rules", {})
    for path, name in rule_references(draft.data):
        if draft.is_known(path) and isinstance(rules, dict) and name not in rules:
            expected = f"rules declared: {_some(rules)}" if rules else "no rule is declared"
            draft.complain(path, f"there is no rule '{name}'", expected=expected, near=rules.keys())


def _complain_of_metric(
    draft: Draft, path: Path, name: str, metrics: list[str], declared: Mapping[str, Declared]
) -> None:
    source = name.partition(".")[0]
    if source in declared:
        own = sorted(declared[source].names | declared[source].open)
        expected = f"source '{source}' has: {_some(own)}" if own else f"source '{source}' has no metrics"
    else:
        expected = f"expected source.metric; sources declared: {_some(declared)}"
    draft.complain(path, f"no source declares the metric '{name}'", expected=expected, near=metrics)


def _some(names: Collection[str]) -> str:
    first = ", ".join(list(names)[:_AT_MOST])
    return first if len(names) <= _AT_MOST else f"{first} and {len(names) - _AT_MOST} more"


def metric_references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """Each place that names a metric, with the name."""
    for path, rule in _entries(data, ("rules",)):
        yield from _text(rule, path, "metric")
    for path, widget in _entries(data, ("widgets",)):
        if isinstance(widget, str):
            yield path, widget
        yield from _text(widget, path, "value")
    for path, row in _rows(data):
        yield from _text(row, path, "value")
        yield from _text(row, path, "each")


def rule_references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """Each place that names a rule, with the name."""
    for path, row in _rows(data):
        yield from _text(row, path, "color_by")
    for path, activity in _entries(data, ("live_activities",)):
        show = activity.get("show") if isinstance(activity, dict) else None
        names = show.get("while_firing") if isinstance(show, dict) else None
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield (*path, "show", "while_firing", index), name


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
