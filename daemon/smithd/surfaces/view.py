"""What surfaces look at: the newest samples, the firing alerts, and what is shown. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from smithd.alerts.alert import Alert
from smithd.alerts.rule import Rule
from smithd.alerts.severity import SEVERITIES, Severity, worst_of
from smithd.expression.option import InlineMetric
from smithd.formatting import clock_time, plain
from smithd.keys import StreamKey, SurfaceKey
from smithd.locales import ENGLISH, Language, language
from smithd.outbox.message import ActivityState
from smithd.outbox.shown import Shown, ShownActivity
from smithd.plugin.sample import Labels, Sample
from smithd.series.state import Freshness, SeriesState
from smithd.surfaces.countdown import Countdown


@dataclass(frozen=True, slots=True)
class SurfacesView:
    """Everything that a surface may know when it is rendered, at ``now`` (seconds since 1970).

    ``firing``: the firing alerts by rule and labels. ``unsuppressed``: those of a rule that are not suppressed.
    ``is_open``: whether a time window is open, by its name.
    ``shown``: what a surface shows. ``on_phone``: the streams that are on the phone, may be, or have their start
    enqueued; ``enqueued``: those of them whose start can be withdrawn; ``ending``: those whose end was sent.
    ``refusals``: the states of streams that the service refused (None: whatever it says). ``zone``: that of the times
    which are shown. ``countdowns``: what the timers of streams count down. ``rules``: all, by their names.
    ``is_stopping``: the daemon was asked to stop. ``locale``: how numbers and lengths of time are written.
    """

    now: float
    series: SeriesState
    firing: Mapping[str, Mapping[Labels, Alert]]
    unsuppressed: Callable[[str], Mapping[Labels, Alert]]
    is_open: Callable[[str], bool]
    shown: Callable[[SurfaceKey], Shown | None]
    on_phone: Callable[[], Set[StreamKey]]
    zone: tzinfo = UTC
    countdowns: Mapping[StreamKey, Countdown] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    enqueued: Callable[[], Set[StreamKey]] = frozenset
    ending: Callable[[], Set[StreamKey]] = frozenset
    refusals: Callable[[], Mapping[StreamKey, ActivityState | None]] = dict
    is_stopping: bool = False
    locale: str = ENGLISH

    @property
    def language(self) -> Language:
        """What writes numbers and lengths of time."""
        return language(self.locale)

    def is_on_phone(self, key: StreamKey) -> bool:
        """Whether a stream is on the phone, or may be; not one whose start is only enqueued."""
        shown = self.shown(key)
        return isinstance(shown, ShownActivity) and not shown.ended

    def samples(self, metric: str) -> Collection[Sample]:
        """The newest samples of a metric, one for each series."""
        return self.series.samples(metric).values()

    def is_fresh(self, sample: Sample) -> bool:
        """Whether a sample may be shown without a mark."""
        return self.series.is_fresh(sample, self.now)

    def is_unseen(self, name: str) -> bool:
        """Whether the first answer since the start with this metric, or of this source, may still come in time."""
        return self.series.is_unseen(name, self.now)

    def holds(self, metric: str) -> bool | None:
        """Whether a metric has a value that is not 0; where it is an expression that compares, any value. None: not
        known.
        """
        values = self.series.fresh(metric, self.now).values()
        compares = isinstance(metric, InlineMetric) and metric.expression.is_filter
        if any(value != 0.0 or compares for value in values):
            return True
        is_missing = self.series.freshness(metric, self.now) is Freshness.MISSING
        is_known = is_missing or (values and not self.series.is_partial(metric, self.now))
        return False if is_known else None

    def is_silent(self, source: str) -> bool:
        """Whether a source has not answered for too long."""
        return self.series.stale_at(source) < self.now

    def clock(self, at: float) -> str:
        """A moment as the time of day, with the weekday where it was not today."""
        return clock_time(at, self.now, self.zone)

    def severity(self, rules: Iterable[str]) -> Severity | None:
        """The worst severity that fires among these rules, suppressed or not: that of colours."""
        return worst_of(*(alert.severity for rule in rules for alert in self.firing.get(rule, {}).values()))

    def unsuppressed_severity(self, rules: Iterable[str]) -> Severity | None:
        """The worst severity that fires among these rules, suppressed alerts apart: that of ranks and starts."""
        return worst_of(*(alert.severity for rule in rules for alert in self.unsuppressed(rule).values()))

    def counted(
        self, rules: Iterable[str] | None = None, *, include_suppressed: bool = False
    ) -> dict[str, Collection[Alert]]:
        """The firing alerts that count in texts, by rule; of all rules, or of some. A rule without any is left out."""
        of_rule = {rule: self.firing.get(rule, {}) for rule in (self.firing if rules is None else rules)}
        if not include_suppressed:
            of_rule = {rule: self.unsuppressed(rule) for rule, alerts in of_rule.items() if alerts}
        return {rule: alerts.values() for rule, alerts in of_rule.items() if alerts}


def sample_names(sample: Sample, now: float) -> dict[str, Any]:
    """The names that a ``format`` may use, for a sample."""
    return {
        "value": plain(sample.value),
        "labels": dict(sample.series.labels),
        "age": max(0.0, now - sample.time),
    }


class FiringRules(list[str]):
    """The rules that fire at a severity (by default a warning) or above, by their names; called with another severity,
    those that fire at that one or above. ``worst``: the worst severity of each rule that fires.
    """

    def __init__(self, worst: Mapping[str, Severity], least: Severity = Severity.WARNING) -> None:
        super().__init__(sorted(rule for rule, severity in worst.items() if severity >= least))
        self._worst = worst

    def __call__(self, severity: str) -> FiringRules:
        if severity not in SEVERITIES:
            raise ValueError(f"there is no severity '{severity}': expected {', '.join(SEVERITIES)}")
        return FiringRules(self._worst, Severity(severity))


def summary_names(counted: Mapping[str, Collection[Alert]]) -> dict[str, Any]:
    """The names that a text about rules may use. ``counted``: the alerts that it is about, by rule; ``count``: those
    of them that fire at warning or above.
    """
    severities = {rule: [alert.severity for alert in alerts if alert.severity] for rule, alerts in counted.items()}
    count = sum(severity > Severity.INFO for found in severities.values() for severity in found)
    return {"firing": FiringRules({rule: max(found) for rule, found in severities.items() if found}), "count": count}
