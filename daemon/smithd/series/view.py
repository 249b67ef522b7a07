"""What an expression sees at one moment: the fresh samples, and the remembered ones. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from smithd.plugin.sample import Labels, Series
from smithd.series.intervals import NO_INTERVALS, FiringIntervals
from smithd.series.state import Freshness, SeriesState

Past = Callable[[Series, float, float], Sequence[tuple[float, float]]]
"""Times and values of a series from one moment to another, oldest first."""


class SeriesView:
    """A state, the remembered samples and the firing intervals, as they are at ``now``; a metric is looked up once."""

    def __init__(
        self,
        state: SeriesState,
        past: Past,
        now: float,
        zone: tzinfo,
        intervals: FiringIntervals = NO_INTERVALS,
    ) -> None:
        self.state = state
        self.now = now
        self.zone = zone
        self.intervals = intervals
        self._past = past
        self._found: dict[str, Mapping[Labels, float] | None] = {}

    def fresh(self, metric: str) -> Mapping[Labels, float] | None:
        """The fresh values of a metric's series; empty where it is missing; None where it is stale or unseen."""
        if metric not in self._found:
            fresh = self.state.fresh(metric, self.now)
            is_known = fresh or self.state.freshness(metric, self.now) is Freshness.MISSING
            self._found[metric] = fresh if is_known else None
        return self._found[metric]

    def is_partial(self, metric: str) -> bool:
        """Whether a metric may have series beside the fresh ones: no complete answer says that it has not."""
        return self.state.newest(metric).is_partial

    def past(self, metric: str, labels: Labels, since: float) -> Sequence[tuple[float, float]]:
        """Time and value of what is remembered of a series from ``since`` to now."""
        return self._past(Series(metric, labels), since, self.now)

    def advanced(self, state: SeriesState) -> SeriesView:
        """The view of a later state, which differs in nothing that was looked up."""
        view = SeriesView(state, self._past, self.now, self.zone, self.intervals)
        view._found = self._found
        return view
