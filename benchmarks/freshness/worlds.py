"""Worlds of widgets: what their values do in an hour that is polled every 15 seconds. No I/O.

Sizes are in units of ``UNIT``, the widgets' ``min_change``: a widget usually changes by 10 to 1000 of them in an hour,
evenly spread by the logarithm, and its priority is 1 to 10. The unit stands below what is worth a look, so that it
weighs errors and hardly keeps anything back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

POLL = 15.0
POLLS = 240
HOUR = 3600.0
UNIT = 0.01


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget's values, one for each poll; the first is polled ``offset`` seconds after the start."""

    values: tuple[float, ...]
    priority: int
    offset: float


def walk(chance: Random, hourly: float) -> list[float]:
    """A random walk."""
    return _summed([chance.gauss(0, hourly / math.sqrt(POLLS)) for _ in range(POLLS)])


def jumps(chance: Random, hourly: float) -> list[float]:
    """Jumps of random size, one in 1 to 20 minutes, and nothing between them."""
    every = _between(chance, 60, 1200)
    size = hourly / math.sqrt(HOUR / every)
    return _summed([chance.gauss(0, size) if chance.random() < POLL / every else 0.0 for _ in range(POLLS)])


def noise(chance: Random, hourly: float) -> list[float]:
    """Noise about a mean, to which it returns within 10 seconds to 5 minutes (an autoregressive process)."""
    stays = math.exp(-POLL / _between(chance, 10, 300))
    found = [chance.gauss(0, 1)]
    for _ in range(POLLS):
        found.append(stays * found[-1] + math.sqrt(1 - stays * stays) * chance.gauss(0, 1))
    return [value * hourly / math.sqrt(2) for value in found]


def counter(chance: Random, hourly: float) -> list[float]:
    """A counter of the day: events in 1.5 seconds to 2.5 minutes, each as large as the others."""
    every = _between(chance, 1.5, 150)
    return _summed([_events(chance, POLL / every) * hourly * every / HOUR for _ in range(POLLS)])


def state(chance: Random, hourly: float) -> list[float]:  # noqa: ARG001 - a state is 0 or 1 in every world
    """Up or down, each for 30 seconds to 20 minutes on average."""
    stays = [_between(chance, 30, 1200) for _ in range(2)]
    found = [chance.random() < stays[1] / sum(stays)]
    for _ in range(POLLS):
        found.append(found[-1] is not (chance.random() < POLL / stays[found[-1]]))
    return [float(up) for up in found]


KINDS: dict[str, Callable[[Random, float], list[float]]] = {
    "walks": walk,
    "jumps": jumps,
    "noise": noise,
    "counters": counter,
    "states": state,
}
WORLDS = (*KINDS, "mix")


def world(name: str, widgets: int = 500, seed: int = 1, priority: int | None = None) -> list[Widget]:
    """A world of widgets; ``mix`` has as many of each kind. ``priority``: of all, in place of one of 1 to 10 each."""
    # The same world every time.
    chance, kinds = Random(seed), list(KINDS.values())
    found = []
    for number in range(widgets):
        kind = kinds[number % len(kinds)] if name == "mix" else KINDS[name]
        values = kind(chance, _between(chance, 0.1, 10))
        offset = POLL * number / widgets
        weight = chance.randint(1, 10)
        found.append(Widget(tuple(round(value, 9) for value in values), priority or weight, offset))
    return found


def _between(chance: Random, least: float, most: float) -> float:
    return math.exp(chance.uniform(math.log(least), math.log(most)))


def _events(chance: Random, mean: float) -> int:
    """How many events come where ``mean`` are expected (Poisson)."""
    left, found = chance.expovariate(1), 0
    while left < mean:
        left += chance.expovariate(1)
        found += 1
    return found


def _summed(changes: list[float]) -> list[float]:
    found = [0.0]
    for change in changes:
        found.append(found[-1] + change)
    return found
