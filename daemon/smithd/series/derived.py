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
    """The samples of derived metrics. ``view``: what is seen with them; ``changed``: those whose series or values are
    others now; ``brought``: what was brought, and all that was worked out from it.
    """

    view: SeriesView
    samples: list[Sample]
    changed: list[str]
    brought: set[str]


class DerivedMetrics:
    """The derived metrics of one configuration."""

    def __init__(self, expressions: Mapping[str, Expression]) -> None:
        self._expressions = [
            (name, expressions[name], expressions[name].metrics) for name in evaluation_order(expressions)
        ]

    def derive(self, brought: Collection[str], view: SeriesView) -> Derived:
        """All that depends on metrics that were brought, each after those that it depends on."""
        known = set(brought)
        samples: list[Sample] = []
        changed: list[str] = []
        for name, expression, metrics in self._expressions:
            if metrics.isdisjoint(known):
                continue
            vector = expression.evaluate(view)
            time, fresh_for = _age(name, metrics, view)
            found = [Sample(Series(name, labels), value, time) for labels, value in vector.values.items()]
            state, is_changed = record_derived(view.state, name, found, vector.is_known, fresh_for, view.now)
            # Nothing looked at this metric before it was worked out: its dependents come later in the order.
            view = view.advanced(state)
            samples += found
            known.add(name)
            if is_changed:
                changed.append(name)
        return Derived(view, samples, changed, known)


def _age(name: str, metrics: Collection[str], view: SeriesView) -> tuple[float, float]:
    """The time of a derived value, and for how many seconds it is fresh: it is as old as the oldest sample that it is
    worked out from, and stale when the first of them is.
    """
    times = [(view.state.newest_at(metric), metric) for metric in metrics if view.fresh(metric)]
    if not times:
        return view.now, view.state.fresh_for(name)
    time = min(at for at, _ in times)
    return time, min(at + view.state.fresh_for(metric) for at, metric in times) - time
