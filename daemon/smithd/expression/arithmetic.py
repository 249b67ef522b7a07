"""Numbers by operator. What is undefined is NaN, and becomes no value. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from operator import add, eq, ge, gt, le, lt, mul, ne, sub


def sum_of(values: Iterable[float]) -> float:
    """The exact sum, rounded once; NaN where it is too large for a number."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return math.nan


def _divided(left: float, right: float) -> float:
    return left / right if right else math.nan


def _remainder(left: float, right: float) -> float:
    """With the sign of the dividend, as in PromQL."""
    return math.fmod(left, right) if right else math.nan


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except (ValueError, OverflowError):
        return math.nan


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": _divided,
    "%": _remainder,
    "^": _power,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {"==": eq, "!=": ne, ">": gt, ">=": ge, "<": lt, "<=": le}


def _as_number(compare: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: float(compare(left, right))


CALCULATIONS = ARITHMETIC | {sign: _as_number(compare) for sign, compare in COMPARISONS.items()}
"""What makes a number of two; a comparison makes 1 or 0."""
SETS = ("and", "or", "unless")
