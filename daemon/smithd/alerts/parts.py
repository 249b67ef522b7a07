"""Which series of an expression's metrics are there, and which are lost: asked for many alerts at one moment. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from smithd.plugin.sample import Labels
from smithd.series.view import SeriesView

_Shape = tuple[set[Labels], list[Labels]]
"""What is left of many series by some labels' names: those that have all of these labels, and those that have fewer."""


class Parts:
    """The parts of one expression at one moment. An alert stands on the series that contradict none of its labels."""

    def __init__(self, metrics: Iterable[str], view: SeriesView) -> None:
        self._sides: list[tuple[set[Labels], set[Labels]]] = []
        self._shapes: dict[frozenset[str], list[tuple[_Shape, _Shape]]] = {}
        for metric in metrics:
            fresh = set(view.fresh(metric) or ())
            lost = {*view.state.samples(metric), *view.state.missing(metric)} - fresh
            self._sides.append((fresh, lost))

    def has_lost(self, labels: Labels) -> bool:
        """Whether some metric had a series for these labels, and has none now."""
        return any(_has(lost, labels) and not _has(fresh, labels) for fresh, lost in self._left(labels))

    def has_none(self, labels: Labels) -> bool:
        """Whether no metric has a series for these labels now; what was there before a restart is not known."""
        return not any(_has(fresh, labels) for fresh, _ in self._left(labels))

    def _left(self, labels: Labels) -> list[tuple[_Shape, _Shape]]:
        names = frozenset(name for name, _ in labels)
        if names not in self._shapes:
            self._shapes[names] = [(_shape(fresh, names), _shape(lost, names)) for fresh, lost in self._sides]
        return self._shapes[names]


class Missed:
    """The alerts of an expression that wait for something missing: asked, of many series, whether they stood on it."""

    def __init__(self, alerts: Iterable[Labels]) -> None:
        self._alerts: dict[frozenset[str], set[Labels]] = defaultdict(set)
        for labels in alerts:
            self._alerts[frozenset(name for name, _ in labels)].add(labels)

    def need(self, series: Labels) -> bool:
        """Whether one of them may have stood on the series with these labels."""
        return any(self._meets(series, names, alerts) for names, alerts in self._alerts.items())

    def _meets(self, series: Labels, names: frozenset[str], alerts: set[Labels]) -> bool:
        left = tuple(pair for pair in series if pair[0] in names)
        return left in alerts or (len(left) < len(names) and any(set(left) <= set(labels) for labels in alerts))


def _shape(series: Iterable[Labels], names: frozenset[str]) -> _Shape:
    left = {tuple(pair for pair in labels if pair[0] in names) for labels in series}
    return left, [labels for labels in left if len(labels) < len(names)]


def _has(shape: _Shape, labels: Labels) -> bool:
    whole, fewer = shape
    return labels in whole or any(set(other) <= set(labels) for other in fewer)
