"""Which series of an expression's metrics are there, and which are lost: asked for many alerts at one moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from smithd.alerts.latest import Latest
from smithd.alerts.scope import Scope
from smithd.plugin.sample import Labels

_Shape = tuple[set[Labels], list[Labels]]
"""What is left of many series by some labels' names: those that have all of these labels, and those that have fewer."""


class Parts:
    """The parts of one expression at one moment. An alert stands on the series that contradict none of its labels."""

    def __init__(self, latest: Latest, metrics: Iterable[str], scope: Scope) -> None:
        self._sides: list[tuple[set[Labels], set[Labels]]] = []
        self._shapes: dict[frozenset[str], list[tuple[_Shape, _Shape]]] = {}
        for metric in metrics:
            fresh = set(scope.latest(metric) or ())
            lost = {*latest.readings.get(metric, ()), *latest.gone.get(metric, ())} - fresh
            if lost:
                self._sides.append((fresh, lost))

    def has_lost(self, labels: Labels) -> bool:
        """Whether some metric had a series for these labels, and has none now."""
        if not self._sides:
            return False
        names = frozenset(name for name, _ in labels)
        if names not in self._shapes:
            self._shapes[names] = [(_shape(fresh, names), _shape(lost, names)) for fresh, lost in self._sides]
        return any(_has(lost, labels) and not _has(fresh, labels) for fresh, lost in self._shapes[names])


def _shape(series: Iterable[Labels], names: frozenset[str]) -> _Shape:
    left = {tuple(pair for pair in labels if pair[0] in names) for labels in series}
    return left, [labels for labels in left if len(labels) < len(names)]


def _has(shape: _Shape, labels: Labels) -> bool:
    whole, fewer = shape
    return labels in whole or any(set(other) <= set(labels) for other in fewer)
