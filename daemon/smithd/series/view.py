"""What an expression sees at one moment: the fresh samples, and the remembered ones. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import tzinfo
from functools import cached_property

from smithd.expression.expression import Expression
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
        return self.state.is_partial(metric, self.now)

    def is_counter(self, metric: str) -> bool:
        """Whether a metric counts up and starts again."""
        return metric in self.state.expected.counters

    def past(self, metric: str, labels: Labels, since: float) -> Sequence[tuple[float, float]]:
        """Time and value of what is remembered of a series from ``since`` to now."""
        return self._past(Series(metric, labels), since, self.now)

    def seen_by(self, expression: Expression) -> ExpressionView:
        """What an expression sees."""
        return ExpressionView(self, expression.metrics)

    def advanced(self, state: SeriesState) -> SeriesView:
        """The view of a later state, which differs in nothing that was looked up."""
        view = SeriesView(state, self._past, self.now, self.zone, self.intervals)
        view._found = self._found
        return view


class ExpressionView:
    """What one expression sees. Its windows end, and its clock stands, at the newest sample of its metrics, so that
    time alone does not change its value: it would come and go between two answers.
    """

    def __init__(self, view: SeriesView, metrics: Collection[str]) -> None:
        self._view = view
        self._metrics = metrics
        self.zone = view.zone
        self.fresh = view.fresh
        self.is_partial = view.is_partial
        self.is_counter = view.is_counter
        self.past = view.past

    @cached_property
    def now(self) -> float:
        """The moment for which the expression is evaluated."""
        at = self._view.state.answered_at(self._metrics)
        return self._view.now if at is None else min(at, self._view.now)
