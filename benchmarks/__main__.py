"""Prints the table; exit status 1 where a target is missed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

import click

from benchmarks import configuring, evaluation, neighbours, polling, scraping, slots, starting, steps

JUDGING = {"threshold": {1: 120.0, 1_000: 20.0, 100_000: 25.0}, "when": {1: 250.0, 1_000: 25.0, 100_000: 35.0}}
"""The kinds of rules, the numbers of series, and how many bare comparisons a sample may cost. A poll of one sample pays
for all that a poll costs.
"""

STEP = 150.0
"""How many bare comparisons a step without a change may cost."""

CHANGING = {"alert": {1: 14.0, 100: 5.0}, "widget": {1: 15.0, 100: 3.0}}
"""What a poll changes, how many of them arrive together, and how many plain commits one of them may cost."""

FLAT = 1.3
"""How much dearer a new label set that breaches may be after 20,000 others than after 1,000."""

SCRAPE = 20.0
"""How many milliseconds longer a poll may take while a scrape is answered."""

PLOTTED = 3.0
"""How much dearer a sample whose value is fine may be where it is remembered for plots."""

GROWTH = 2.0
"""How much dearer one poll, or one alert, may be among ten times as many."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: measured pairs (smithd's, the bare one's), and what their ratio or difference may be."""

    name: str
    pairs: Sequence[tuple[float, float]]
    target: float
    ratio: bool = True

    @property
    def result(self) -> float:
        """The median over the pairs."""
        return median(ours / bare if self.ratio else ours - bare for ours, bare in self.pairs)

    @property
    def kept(self) -> bool:
        return self.result <= self.target

    def __str__(self) -> str:
        ours, bare = (median(side) for side in zip(*self.pairs, strict=True))
        result, target = (f"{self.result:.2f}x", f"{self.target}x") if self.ratio else self._difference()
        return f"{self.name:48}{ours:10.1f}{bare:10.1f}{result:>10}{target:>10}{'' if self.kept else '  OVER'}"

    def _difference(self) -> tuple[str, str]:
        return f"{self.result:+.1f}", f"{self.target:+.1f}"


def polls(sources: int, count: int, seconds: float) -> Row:
    """CPU per poll."""
    pairs = [(each.smithd * 1e6, each.bare * 1e6) for each in polling.rounds(sources, count, seconds)]
    return Row(f"CPU per poll, {sources} polls a second (µs)", pairs, 1.5)


def evaluated(count: int) -> Iterator[Row]:
    """CPU per sample and rule."""
    for kind, targets in JUDGING.items():
        for series, target in targets.items():
            pairs = [(each.smithd * 1e6, each.bare * 1e6) for each in evaluation.rounds(kind, series, count)]
            yield Row(f"evaluation: {kind}, {series} series (µs a sample)", pairs, target)


def stepped(count: int) -> Iterator[Row]:
    """CPU of a step for each poll: without a change beside a bare comparison, with changes beside a plain commit."""
    yield Row("step without a change (µs)", _micro(steps.unchanged(count)), STEP)
    for kind, targets in CHANGING.items():
        for together, target in targets.items():
            what = f"step: a poll changes {kind}" if together == 1 else f"step: {together} polls change {kind}s, each"
            yield Row(f"{what} (µs)", _micro(steps.changed(kind, together, count)), target)


def grown(count: int) -> Iterator[Row]:
    """What ten times as much does to the cost of one: it must not grow with the number of the others."""
    for number in (100, 1_000, 10_000):
        found = _micro(steps.among_sources(number, count))
        yield Row(f"growth: a poll among {number} sources, or a tenth (µs)", found, GROWTH)
        found = _micro(steps.of_series(number, count))
        yield Row(f"growth: an alert of {number}, or a tenth (µs)", found, GROWTH)
    found = _micro(steps.among_series(20_000, count))
    yield Row("growth: a new series after 20000, or 1000 (µs)", found, FLAT)


def plotted(count: int) -> Iterator[Row]:
    """What it costs to remember samples for plots."""
    for number in (1_000, 10_000):
        found = _micro(steps.plotted(number, count))
        yield Row(f"plots: a sample of {number}, with or without the page (µs)", found, PLOTTED)


def configured(count: int) -> Iterator[Row]:
    """What a configuration costs, and whether ten times as many sources cost more than ten times as much."""
    few: list[configuring.Round] = []
    for number in (10, 100, 1_000, 10_000):
        measured = list(configuring.rounds(number, count))
        if number == 10_000:
            yield Row(
                "check, 10000 sources, beside PyYAML (ms)", [(a.check * 1e3, a.yaml * 1e3) for a in measured], 1.5
            )
            yield Row("start, 10000 sources, beside check (ms)", [(a.start * 1e3, a.check * 1e3) for a in measured], 2)
            yield Row(
                "reload, 10000 sources, beside check (ms)", [(a.reload * 1e3, a.check * 1e3) for a in measured], 2
            )
            held = [(a.held * 1e3, a.idle * 1e3) for a in measured]
            yield Row("reload, 10000 sources: loop held (ms)", held, 50, ratio=False)
        for name in ("check", "start", "reload") if few else ():
            pairs = [
                (getattr(a, name) * 1e6 / number, getattr(b, name) * 1e7 / number)
                for a, b in zip(measured, few, strict=True)
            ]
            yield Row(f"growth: {name} of {number} sources, or a tenth (µs each)", pairs, GROWTH)
        few = measured


def _micro(found: Iterable[steps.Round]) -> list[tuple[float, float]]:
    return [(each.smithd * 1e6, each.bare * 1e6) for each in found]


def starts(count: int) -> Iterator[Row]:
    """CPU and memory of a start."""
    measured = list(starting.rounds(count))
    for name, chosen in (
        ("first start", [(each.first, each.imports) for each in measured]),
        ("start", [(each.again, each.imports) for each in measured]),
    ):
        yield Row(f"{name}: CPU to the first poll (ms)", [(a.cpu * 1e3, b.cpu * 1e3) for a, b in chosen], 1.5)
        yield Row(f"{name}: idle memory (MB)", [(a.resident, b.resident) for a, b in chosen], 15, ratio=False)


def neighbourhood(count: int, seconds: float) -> Iterator[Row]:
    """How punctual healthy sources stay beside bad ones, and what those cost."""
    measured = list(neighbours.rounds(count, seconds))
    lateness = [(each.beside * 1e3, each.alone * 1e3) for each in measured]
    yield Row("200 sources beside bad ones: lateness p99 (ms)", lateness, 1.5)
    memory = [(each.beside_memory, each.alone_memory) for each in measured]
    yield Row("200 sources beside bad ones: memory (MB)", memory, 60, ratio=False)


def scraped(count: int) -> Iterator[Row]:
    """How much longer the slowest of 50 polls takes during which a scrape begins."""
    for sources, what in ((1_000, "with their series"), (10_000, "without")):
        pairs = [(each.beside * 1e3, each.alone * 1e3) for each in scraping.rounds(sources, count)]
        yield Row(f"scrape: {sources} sources {what}: a poll (ms)", pairs, SCRAPE, ratio=False)


def promised() -> Iterator[Row]:
    """What slots promise, over three simulated weeks: the worst of each, beside what is allowed."""
    for name, pairs in slots.promises(7, 3):
        yield Row(name, [max(pairs, key=lambda pair: pair[0] / pair[1])], 1.0)


@click.command(help=__doc__)
@click.option("--rounds", default=7, show_default=True, help="rounds of each measurement; medians are shown")
@click.option("--seconds", default=3.0, show_default=True, help="length of a round of polling")
@click.option("--sources", default=[50, 500], multiple=True, show_default=True, help="sources polled every second")
def main(rounds: int, seconds: float, sources: tuple[int, ...]) -> None:
    click.echo(f"{'':48}{'smithd':>10}{'bare':>10}{'median':>10}{'target':>10}")
    kept = True
    for row in chain(
        evaluated(rounds),
        stepped(rounds),
        grown(rounds),
        plotted(rounds),
        configured(rounds),
        (polls(number, rounds, seconds) for number in sources),
        starts(rounds),
        neighbourhood(rounds, 2 * seconds),
        scraped(rounds),
        promised(),
    ):
        click.echo(row)
        kept &= row.kept
    sys.exit(not kept)


if __name__ == "__main__":
    main()
