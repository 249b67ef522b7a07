"""Works out the derived metrics that a poll concerns. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from smithd.expression.derived import in_order
from smithd.expression.expression import Expression
from smithd.plugin.sample import Sample, Series
from smithd.series.latest import Latest
from smithd.series.scope import Scope


class Derivation:
    """The derived metrics of one configuration; ``latest`` must have been told of them."""

    def __init__(self, formulas: Mapping[str, Expression], latest: Latest) -> None:
        self._formulas = [(name, formulas[name], formulas[name].metrics) for name in in_order(formulas)]
        self._latest = latest

    def work_out(self, brought: set[str], scope: Scope) -> tuple[list[Sample], list[str]]:
        """The readings of all that is made of metrics that were brought, and the metrics whose values changed. They
        are in ``latest`` then, and their names among what was brought.
        """
        samples: list[Sample] = []
        changed: list[str] = []
        for name, formula, metrics in self._formulas:
            if not metrics.isdisjoint(brought):
                found, moved = self._derive(name, formula, scope)
                samples += found
                changed += moved
                brought.add(name)
        return samples, changed

    def _derive(self, name: str, formula: Expression, scope: Scope) -> tuple[list[Sample], list[str]]:
        """A derived value is as old as the oldest that it is made of, and too old when the first of them is."""
        vector = formula.evaluate(scope)
        times = [(self._latest.newest(metric), metric) for metric in formula.metrics if scope.latest(metric)]
        time = min((at for at, _ in times), default=scope.now)
        until = min((at + self._latest.fresh_for(metric) for at, metric in times), default=None)
        fresh_for = self._latest.fresh_for(name) if until is None else until - time
        samples = [Sample(Series(name, labels), value, time) for labels, value in vector.values.items()]
        changed, _ = self._latest.take(samples, fresh_for, scope.now, [name] if vector.is_known else [])
        if vector.is_known:
            self._latest.answered(name, scope.now, fresh_for)
        return samples, changed
