"""Metrics made of metrics: what each is made of in the end, and in which order they are worked out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from smithd.expression.expression import Expression


def circle(formulas: Mapping[str, Expression]) -> list[str]:
    """Derived metrics that are made of each other, each of the next, the first one last again; empty where none are."""
    try:
        _sorter(formulas).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        return names[::-1]
    return []


def in_order(formulas: Mapping[str, Expression]) -> list[str]:
    """The derived metrics, each after those that it is made of. They must have no circle."""
    return [name for name in _sorter(formulas).static_order() if name in formulas]


def made_of(formulas: Mapping[str, Expression]) -> dict[str, frozenset[str]]:
    """The metrics of sources that each derived metric is made of, in the end. They must have no circle."""
    found: dict[str, frozenset[str]] = {}
    for name in in_order(formulas):
        parts = (found.get(metric, frozenset([metric])) for metric in formulas[name].metrics)
        found[name] = frozenset[str]().union(*parts)
    return found


def _sorter(formulas: Mapping[str, Expression]) -> TopologicalSorter[str]:
    return TopologicalSorter({name: sorted(formula.metrics) for name, formula in formulas.items()})
