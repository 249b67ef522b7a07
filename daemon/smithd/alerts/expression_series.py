"""What an expression's alerts depend on being there, and whether that is so: asked for many alerts at one moment. No
I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set

from smithd.expression.expression import Expression
from smithd.expression.vector import NO_METRICS
from smithd.plugin.sample import Labels
from smithd.series.view import SeriesView

_Shape = tuple[set[Labels], list[Labels]]
"""What is left of many series by some labels' names: those that have all of these labels, and those that have fewer."""


class _Metric:
    """The series of one metric: those that are fresh, and those that were there and are not."""

    def __init__(self, metric: str, view: SeriesView) -> None:
        fresh = set(view.fresh(metric) or ())
        self.fresh = _ByNames(fresh)
        # What the alerts wait for is remembered as missing, though it has no sample any more.
        self.others = _ByNames({*view.state.samples(metric), *view.state.missing(metric)} - fresh)


class ExpressionSeries:
    """What one expression's results depend on at one moment. An alert depends on the series that contradict none of its
    labels; where a part of the expression has a value for them, no series is lacking for it. Of the metrics that are
    ``clear`` where a series is not there, none is lacking. ``needed``: the metrics of the parts that have no value.
    """

    def __init__(self, expression: Expression, view: SeriesView, clear: Set[str] = frozenset()) -> None:
        supports = expression.supports(view.seen_by(expression))
        metrics = {name: _Metric(name, view) for each in supports for name in each.metrics - clear}
        self.needed = NO_METRICS.union(*(names - clear for names, value in supports if not value.values))
        self._parts = [(_ByNames(value.values), [metrics[name] for name in names - clear]) for names, value in supports]

    def lacks_some(self, labels: Labels) -> bool:
        """Whether some part has no value for these labels, and a metric in it had a series and has no fresh one now."""
        return any(
            metric.others.has(labels) and not metric.fresh.has(labels)
            for values, metrics in self._parts
            if not values.has(labels)
            for metric in metrics
        )

    def lacks_all(self, labels: Labels) -> bool:
        """Whether no part has a value for these labels, and no metric a fresh series; what was there before a restart
        is not known. Where nothing needs to be there, nothing is lacking.
        """
        return bool(self._parts) and not any(
            values.has(labels) or not metrics or any(metric.fresh.has(labels) for metric in metrics)
            for values, metrics in self._parts
        )


class _ByNames:
    """Series, asked for by the labels of many alerts that mostly have the same names."""

    def __init__(self, series: Iterable[Labels]) -> None:
        self._series = series
        self._shapes: dict[frozenset[str], _Shape] = {}

    def has(self, labels: Labels) -> bool:
        """Whether one of them contradicts none of these labels."""
        names = frozenset(name for name, _ in labels)
        if names not in self._shapes:
            self._shapes[names] = _shape(self._series, names)
        whole, fewer = self._shapes[names]
        return labels in whole or any(set(other) <= set(labels) for other in fewer)


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
