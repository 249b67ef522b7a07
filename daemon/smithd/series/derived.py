"""Works out the derived metrics that a poll concerns. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from smithd.expression.derived import evaluation_order
from smithd.expression.expression import Expression
from smithd.plugin.sample import Sample, Series
from smithd.series.state import record_derived
from smithd.series.view import SeriesView


class Derived(NamedTuple):
    """The samples of derived metrics. ``view``: the series with them; ``changed``: the derived metrics that have other
    series or values than before; ``metrics``: those that were reported, and all that were derived from them.
    """

    view: SeriesView
    samples: list[Sample]
    changed: list[str]
    metrics: Collection[str]


class DerivedMetrics:
    """The derived metrics of one configuration."""

    def __init__(self, expressions: Mapping[str, Expression]) -> None:
        self._expressions = [
            (name, expressions[name], expressions[name].metrics) for name in evaluation_order(expressions)
        ]

    def derive(self, reported: Collection[str], view: SeriesView) -> Derived:
        """Evaluate all that depends on metrics which a poll reported, each after those that it depends on."""
        if not self._expressions:
            return Derived(view, [], [], reported)
        # No set: the order of evaluations must not differ from run to run.
        known = dict.fromkeys(reported)
        samples: list[Sample] = []
        changed: list[str] = []
        for name, expression, metrics in self._expressions:
            # ``known`` grows in the loop: a derived metric may depend on one above it.
            if metrics.isdisjoint(known):
                continue
            vector = expression.evaluate(view.seen_by(expression))
            # A derived value is as old as the oldest sample that it is worked out from, and stale when the first of
            # them is.
            time, fresh_for = view.now, view.state.fresh_for(name)
            times = [(view.state.newest_at(metric), metric) for metric in metrics if view.fresh(metric)]
            if times:
                time = min(at for at, _ in times)
                fresh_for = min(at + view.state.fresh_for(metric) for at, metric in times) - time
            found = [Sample(Series(name, labels), value, time) for labels, value in vector.values.items()]
            state, is_changed = record_derived(
                view.state, name, found, vector.is_known, fresh_for, view.now, complete=not vector.is_incomplete
            )
            # The view may keep what it looked up: this metric was not among it, for its dependents come later.
            view = view.advanced(state)
            samples += found
            known[name] = None
            if is_changed:
                changed.append(name)
        return Derived(view, samples, changed, known)
