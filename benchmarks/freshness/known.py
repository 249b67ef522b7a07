"""Prints what no policy can undercut that knows how each widget moves, but not its future: for noise and for states.

The bound of the clairvoyant says little of these two, whose future matters most. Here, too, a price for each request
replaces the limit (see ``bound``), but each widget's best way to send is found by dynamic programming on the chances of
its next values, with its kind, rates and size known from the start and the limit kept on average only. What has to be
learned, and a limit for every minute, cost more than that.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from operator import mul
from statistics import NormalDist, fmean

import click

from benchmarks.freshness import policies, worlds
from benchmarks.freshness.worlds import HOUR, POLL, POLLS, UNIT

LEVELS = 21
"""Of noise, from -3.5 to 3.5 standard deviations."""

PRICES = [math.exp(step / 4) for step in range(-12, 44)]
"""Of a request, in unit-seconds of a widget's size; between these, costs are interpolated, which is never too much."""

EARLY = {"noise": 0.6, "states": 0.1}
"""By how much more a request costs at first, when all widgets leave the values that they began with; that falls within
5 minutes. Other prices give another bound that holds as well: these are about the best.
"""


@dataclass(frozen=True, slots=True)
class Chain:
    """How a widget of size 1 moves from poll to poll: its levels, the chances of each next one, those of the first."""

    levels: Sequence[float]
    chances: Sequence[Sequence[float]]
    first: Sequence[float]


def least(chain: Chain, prices: Sequence[float]) -> float:
    """The least that the errors (in seconds of its size) and the sends of an hour are expected to cost."""
    count = range(len(chain.levels))
    # ``cost[s][x]``: from now on, where the value is x and the screen shows s.
    cost = [[0.0 for _ in count] for _ in count]
    for price in reversed(prices):
        kept = [
            [
                POLL * abs(value - shown) + sum(map(mul, chances, after))
                for value, chances in zip(chain.levels, chain.chances, strict=True)
            ]
            for shown, after in zip(chain.levels, cost, strict=True)
        ]
        sent = [kept[level][level] + price for level in count]
        cost = [[*map(min, row, sent)] for row in kept]
    return sum(chain.first[level] * cost[level][level] for level in count)


def noise(stays: float) -> Chain:
    """Noise with a standard deviation of 1 that returns to its mean in so many seconds."""
    width = 7 / (LEVELS - 1)
    levels = [width * (number - LEVELS // 2) for number in range(LEVELS)]
    edges = [-math.inf, *(level + width / 2 for level in levels[:-1]), math.inf]
    kept = math.exp(-POLL / stays)

    def chances(chance: NormalDist) -> list[float]:
        return [chance.cdf(high) - chance.cdf(low) for low, high in pairwise(edges)]

    spread = math.sqrt(1 - kept * kept)
    return Chain(levels, [chances(NormalDist(kept * level, spread)) for level in levels], chances(NormalDist()))


def states(down: float, up: float) -> Chain:
    """Down or up, each for so many seconds on average."""
    leaves, returns = POLL / down, POLL / up
    chances = [[1 - leaves, leaves], [returns, 1 - returns]]
    return Chain([0.0, 1.0], chances, [down / (down + up), up / (down + up)])


def bound(name: str, limit: int, widgets: int) -> float:
    """The mean weighted error over the hour that is expected at least."""
    priorities = range(1, 11)
    if name == "noise":
        chains = [noise(stays) for stays in _spread(10, 300, 7)]
        sizes = [each * hourly / math.sqrt(2) / UNIT for each, hourly in product(priorities, _spread(0.1, 10, 20))]
    else:
        chains = [states(*stays) for stays in product(_spread(30, 1200, 7), repeat=2)]
        sizes = [each / UNIT for each in priorities]
    # The last poll of the hour is in its last 15 seconds.
    shape = [1 + EARLY[name] * math.exp(-turn * POLL / 300) for turn in range(POLLS - 1)]
    costs = [fmean(least(chain, [price * each for each in shape]) for chain in chains) for price in PRICES]
    paid = sum(shape) * POLL * limit / 60 / widgets

    def dual(price: float) -> float:
        return fmean(size * _between(costs, price / size) for size in sizes) - price * paid

    return max(dual(math.exp(step / 20)) for step in range(140, 260)) / HOUR


def _spread(least: float, most: float, count: int) -> Iterator[float]:
    """The middles of so many parts, evenly spread by the logarithm."""
    return (least * (most / least) ** ((number + 0.5) / count) for number in range(count))


def _between(costs: Sequence[float], price: float) -> float:
    """What is paid at a price, from the costs at ``PRICES``."""
    after = bisect_right(PRICES, price)
    if after == 0:
        return costs[0] * price / PRICES[0]
    if after == len(PRICES):
        return costs[-1]
    low, high = PRICES[after - 1], PRICES[after]
    return costs[after - 1] + (costs[after] - costs[after - 1]) * (price - low) / (high - low)


@click.command(help=__doc__)
@click.option("--limit", default=60, show_default=True, help="requests a minute")
@click.option("--widgets", default=500, show_default=True)
@click.option("--seeds", default=40, show_default=True, help="worlds whose mean is what first come, first served makes")
def main(limit: int, widgets: int, seeds: int) -> None:
    for name in EARLY:
        found = [worlds.world(name, widgets, seed) for seed in range(1, seeds + 1)]
        first_come = fmean(policies.on_screen(world, policies.first_come(world, limit)) for world in found)
        least_of_all = bound(name, limit, widgets)
        ratio = least_of_all / first_come
        click.echo(f"{name:9}{limit:5}{least_of_all:10.2f}, first come {first_come:.2f}: {ratio:.2f}x")


if __name__ == "__main__":
    main()
