"""A world for expressions: values that are given, and samples that are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from smithd.plugin.sample import Labels


def labels(**pairs: str) -> Labels:
    return tuple(sorted(pairs.items()))


@dataclass(frozen=True)
class World:
    """``series``: the newest values by metric; None is a metric of which nothing is known, and so is any other."""

    series: Mapping[str, Mapping[Labels, float] | None]
    samples: Mapping[tuple[str, Labels], Sequence[tuple[float, float]]] = field(default_factory=dict)
    now: float = 1000.0
    zone: tzinfo = UTC
    partial: frozenset[str] = frozenset()
    counters: frozenset[str] = frozenset()

    def fresh(self, metric: str) -> Mapping[Labels, float] | None:
        return self.series.get(metric)

    def is_partial(self, metric: str) -> bool:
        return metric in self.partial

    def is_counter(self, metric: str) -> bool:
        return metric in self.counters

    def past(self, metric: str, labels: Labels, since: float) -> Sequence[tuple[float, float]]:
        return [sample for sample in self.samples.get((metric, labels), ()) if sample[0] >= since]
