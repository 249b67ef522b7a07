"""Which series of an expression's metrics are fresh, and which were there and are not: asked for many alerts at one
moment. No I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from smithd.plugin.sample import Labels
from smithd.series.view import SeriesView

_Shape = tuple[set[Labels], list[Labels]]
"""What is left of many series by some labels' names: those that have all of these labels, and those that have fewer."""


class ExpressionSeries:
    """The series of one expression at one moment. An alert depends on the series that contradict none of its labels."""

    def __init__(self, metrics: Iterable[str], view: SeriesView) -> None:
        self._sides: list[tuple[set[Labels], set[Labels]]] = []
        self._shapes: dict[frozenset[str], list[tuple[_Shape, _Shape]]] = {}
        for metric in metrics:
            fresh = set(view.fresh(metric) or ())
            # What the alerts wait for is remembered as missing, though it has no sample any more.
            others = {*view.state.samples(metric), *view.state.missing(metric)} - fresh
            self._sides.append((fresh, others))

    def lacks_some(self, labels: Labels) -> bool:
        """Whether some metric had a series for these labels, and has no fresh one now."""
        return any(_has(others, labels) and not _has(fresh, labels) for fresh, others in self._left(labels))

    def lacks_all(self, labels: Labels) -> bool:
        """Whether no metric has a fresh series for these labels; what was there before a restart is not known."""
        return not any(_has(fresh, labels) for fresh, _ in self._left(labels))

    def _left(self, labels: Labels) -> list[tuple[_Shape, _Shape]]:
        names = frozenset(name for name, _ in labels)
        if names not in self._shapes:
            self._shapes[names] = [(_shape(fresh, names), _shape(others, names)) for fresh, others in self._sides]
        return self._shapes[names]


class WaitingAlerts:
    """The alerts of an expression that wait for missing series: whether they depended on one, asked for many."""

    def __init__(self, alerts: Iterable[Labels]) -> None:
        self._alerts: dict[frozenset[str], set[Labels]] = defaultdict(set)
        for labels in alerts:
            self._alerts[frozenset(name for name, _ in labels)].add(labels)

    def need(self, series: Labels) -> bool:
        """Whether one of them may have depended on the series with these labels."""
        for names, alerts in self._alerts.items():
            left = tuple(pair for pair in series if pair[0] in names)
            # Only a series without some of the names has to be held against each alert.
            if left in alerts or (len(left) < len(names) and any(set(left) <= set(labels) for labels in alerts)):
                return True
        return False


def _shape(series: Iterable[Labels], names: frozenset[str]) -> _Shape:
    left = {tuple(pair for pair in labels if pair[0] in names) for labels in series}
    return left, [labels for labels in left if len(labels) < len(names)]


def _has(shape: _Shape, labels: Labels) -> bool:
    whole, fewer = shape
    return labels in whole or any(set(other) <= set(labels) for other in fewer)
