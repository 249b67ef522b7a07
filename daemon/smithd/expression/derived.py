"""Derived metrics: what each depends on, and in which order they are evaluated. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from smithd.expression.expression import Expression


def cycle(expressions: Mapping[str, Expression]) -> list[str]:
    """Derived metrics that depend on each other, each on the next, the first one last again; empty without a cycle."""
    try:
        _sorter(expressions).prepare()
    except CycleError as error:
        # graphlib names each before the one that depends on it.
        names: list[str] = error.args[1]
        return names[::-1]
    return []


def evaluation_order(expressions: Mapping[str, Expression]) -> list[str]:
    """The derived metrics, each after those that it depends on. They must have no cycle."""
    return [name for name in _sorter(expressions).static_order() if name in expressions]


def base_metrics(expressions: Mapping[str, Expression]) -> dict[str, frozenset[str]]:
    """The metrics of sources that each derived metric depends on, directly or not. They must have no cycle."""
    bases: dict[str, frozenset[str]] = {}
    for name in evaluation_order(expressions):
        parts = (bases.get(metric, frozenset([metric])) for metric in expressions[name].metrics)
        bases[name] = frozenset[str]().union(*parts)
    return bases


def _sorter(expressions: Mapping[str, Expression]) -> TopologicalSorter[str]:
    return TopologicalSorter({name: sorted(expression.metrics) for name, expression in expressions.items()})
