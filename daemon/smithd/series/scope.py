"""What an expression may look at, at one moment: the fresh readings, and what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from smithd.plugin.sample import Labels, Series
from smithd.series.latest import Latest

Past = Callable[[Series, float, float], Sequence[tuple[float, float]]]
"""Times and values of a series from one moment to another, oldest first."""


class Scope:
    """The newest readings as they are at ``now``; each metric is looked up once."""

    def __init__(self, latest: Latest, past: Past, now: float) -> None:
        self.now = now
        self._latest = latest
        self._past = past
        self._found: dict[str, Mapping[Labels, float] | None] = {}

    def latest(self, metric: str) -> Mapping[Labels, float] | None:
        """The fresh values of a metric's series; empty where it has none; None where nothing is known about it."""
        if metric not in self._found:
            fresh = self._latest.fresh(metric, self.now)
            self._found[metric] = fresh if fresh or self._latest.knows(metric, self.now) else None
        return self._found[metric]

    def past(self, metric: str, labels: Labels, since: float) -> Sequence[tuple[float, float]]:
        """Time and value of what is remembered of a series from ``since`` to now."""
        return self._past(Series(metric, labels), since, self.now)
