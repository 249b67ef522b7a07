"""What the decision to notify looks at: the alerts, what may suppress them, and what was sent. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import tzinfo

from smithd.alerts.alert import Alert
from smithd.formatting import clock_span, clock_time
from smithd.keys import PushKey
from smithd.locales import ENGLISH, Language, language
from smithd.notify.silence import Silence
from smithd.outbox.shown import KeyStatus
from smithd.plugin.sample import Labels, Series
from smithd.series.state import SeriesState


@dataclass(frozen=True, slots=True)
class NotifyView:
    """Everything that decides about notifications, at ``now`` (seconds since 1970).

    ``alerts``: those that are not inactive, by rule and labels; ``rest``: the series of each rule that breach and have
    none, since their rule has as many as it may have; ``windows``: the time windows that are open, with their
    ends; ``silences``: the active ones; ``series``: the newest samples; ``status``: where a notification stands in
    the outbox; ``waiting``: those that wait there; ``locale``: how numbers and lengths of
    time are written.
    """

    now: float
    zone: tzinfo
    alerts: Mapping[str, Mapping[Labels, Alert]]
    windows: Mapping[str, float]
    silences: Sequence[Silence]
    series: SeriesState
    status: Callable[[PushKey], KeyStatus]
    rest: Mapping[str, Sized] = field(default_factory=dict)
    waiting: Callable[[], Iterable[PushKey]] = tuple
    locale: str = ENGLISH

    @property
    def language(self) -> Language:
        """What writes numbers and lengths of time."""
        return language(self.locale)

    def value(self, series: Series) -> float | None:
        """The newest value of a series, while it is fresh."""
        sample = self.series.get(*series)
        return sample.value if sample is not None and self.series.is_fresh(sample, self.now) else None

    def confirmed_by(self, series: Series) -> float:
        """When it is known whether an alert on a series still fires: where no sample came yet, when one must have."""
        return self.now if self.series.get(*series) is not None else self.series.first_answer_by(series.metric)

    def clock(self, at: float) -> str:
        """A moment as a person says it."""
        return clock_time(at, self.now, self.zone)

    def span(self, start: float, end: float) -> str:
        """Two moments as a person says them."""
        return clock_span(start, end, self.now, self.zone)
