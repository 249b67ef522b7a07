"""The clairvoyant bound: what no policy can do better than, even one that knows the future. No I/O.

Lagrangian relaxation: the limit of requests is replaced by a price for each. Each widget alone then has a best way to
send, found by dynamic programming on its true values: the cheapest way to polls that are sent at. What all of them
cost, less what the budget is worth at that price, is a lower bound of the weighted error at every price (weak duality);
the best price gives the best bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import add

from benchmarks.freshness.worlds import POLL, UNIT, Widget

_GOLDEN = (math.sqrt(5) - 1) / 2


def bound(widgets: Sequence[Widget], sends: int) -> float:
    """The mean weighted error of a widget over the hour, with so many sends, that nobody undercuts."""
    # The best price is looked for on a few of the widgets, since it takes many tries: the first, of all kinds.
    few = widgets[: max(50, len(widgets) // 10)]
    low, high = math.log(0.01), math.log(1e8)
    while high - low > 0.3:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        worse, better = (_dual(few, sends * len(few) / len(widgets), math.exp(at)) for at in (left, right))
        low, high = (left, high) if better > worse else (low, right)
    middle = (low + high) / 2
    best = max(_dual(widgets, sends, math.exp(middle + step)) for step in (-0.3, -0.15, 0.0, 0.15, 0.3))
    return best / sum(POLL * len(widget.values) for widget in widgets)


def _dual(widgets: Sequence[Widget], sends: float, price: float) -> float:
    return sum(_cheapest(widget, price) for widget in widgets) - price * sends


def _cheapest(widget: Widget, price: float) -> float:
    """The least that a widget's errors and sends cost together; its first value is on the screen at no price."""
    values, weight = widget.values, widget.priority * POLL / UNIT
    cost: list[float] = [0.0]
    for at in range(1, len(values)):
        # ``cost[n]``: the least until now, with the value of poll n on the screen.
        shown = values[at - 1]
        errors = [weight * abs(value - shown) for value in values[:at]]
        cost = [*map(add, cost, errors)]
        cost.append(min(cost) + price)
    return float(min(map(add, cost, [weight * abs(value - values[-1]) for value in values])))
