"""Functions of each value by itself, of the time of day, and of what is absent. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from smithd.expression.tree import CALL, Node, Selector
from smithd.expression.vector import Querier, Vector, each
from smithd.plugin.sample import Labels


def _round(value: float, to: float = 1.0) -> float:
    """To the nearest multiple of ``to``; half of it is rounded up, as in PromQL."""
    inverse = 1 / to
    scaled = value * inverse
    # What is too large for that has no decimals.
    return math.floor(scaled + 0.5) / inverse if math.isfinite(scaled) else value


def _clamp(value: float, lowest: float, highest: float) -> float:
    return max(lowest, min(highest, value))


FUNCTIONS_OF_VALUES: dict[str, tuple[Callable[..., float], int, int]] = {
    "abs": (abs, 0, 0),
    "ceil": (lambda value: float(math.ceil(value)), 0, 0),
    "clamp": (_clamp, 2, 2),
    "floor": (lambda value: float(math.floor(value)), 0, 0),
    "round": (_round, 0, 1),
}
"""By name: the function of a value and its parameters, and how few and how many parameters it takes."""

FUNCTIONS_OF_TIME: dict[str, Callable[[datetime], float]] = {
    # 0 is Sunday, as in PromQL; Python's first day is Monday.
    "day_of_week": lambda moment: float((moment.weekday() + 1) % 7),
    "hour": lambda moment: float(moment.hour),
}


@dataclass(frozen=True, slots=True)
class ValueFunction:
    """The same series, each with the function of its value. ``parameters`` are numbers."""

    function: str
    operand: Node
    parameters: tuple[Node, ...] = ()
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, (self.operand, *self.parameters)))})"

    def evaluate(self, querier: Querier) -> Vector:
        compute, _, _ = FUNCTIONS_OF_VALUES[self.function]
        parameters = [number.evaluate(querier).values[()] for number in self.parameters]
        return each(self.operand.evaluate(querier), lambda value: compute(value, *parameters))


@dataclass(frozen=True, slots=True)
class TimeFunction:
    """What the clock in the configured zone says at the moment of the evaluation: one value without labels."""

    function: str
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"{self.function}()"

    def evaluate(self, querier: Querier) -> Vector:
        moment = datetime.fromtimestamp(querier.now, querier.zone)
        return Vector({(): FUNCTIONS_OF_TIME[self.function](moment)})


@dataclass(frozen=True, slots=True)
class Absent:
    """1 where the operand has no series. While it is not known whether it has any, this is not known either."""

    operand: Node
    column: int = field(default=1, compare=False)
    binding: ClassVar[int] = CALL
    is_number: ClassVar[bool] = False
    is_condition: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"absent({self.operand})"

    def evaluate(self, querier: Querier) -> Vector:
        vector = self.operand.evaluate(querier)
        # A series whose value is undefined is there all the same.
        if vector.values or vector.unknown:
            return Vector()
        if vector.unavailable:
            return Vector(unavailable=vector.unavailable)
        return Vector({self._labels(): 1.0})

    def _labels(self) -> Labels:
        """As in PromQL, the labels that the absent series would have: those that are compared with one text only."""
        if not isinstance(self.operand, Selector):
            return ()
        matchers = self.operand.matchers
        named = [matcher.label for matcher in matchers]
        wanted = {each.label: each.text for each in matchers if each.operator == "=" and named.count(each.label) == 1}
        return tuple(sorted((label, text) for label, text in wanted.items() if text))
