"""What the surfaces look at: the newest readings, the open alerts and what the phone was told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from smithd.alerts.alert import Alert
from smithd.alerts.severity import Severity, worst_of
from smithd.keys import Key, SurfaceKey
from smithd.outbox.shown import Standing
from smithd.plugin.sample import Labels, Sample
from smithd.series.state import SeriesState

Number = int | float


@dataclass(frozen=True, slots=True)
class View:
    """Everything a surface may know when it is worded, at ``now``.

    ``series``: the newest samples. ``firing``: the firing alerts by rule. ``watchers``: the rules on
    each metric. ``standing``: where a key stands in the outbox.
    """

    now: float
    zone: tzinfo
    series: SeriesState
    firing: Mapping[str, Mapping[Labels, Alert]]
    watchers: Mapping[str, Sequence[str]]
    standing: Callable[[Key], Standing]

    def samples(self, metric: str) -> list[Sample]:
        """The newest readings of a metric, one for each series."""
        return list(self.series.samples(metric).values())

    def is_fresh(self, sample: Sample) -> bool:
        """Whether a reading may still be shown as today's truth."""
        return self.series.is_fresh(sample, self.now)

    def awaits(self, name: str) -> bool:
        """Whether the first word since the start of a metric, or of a source, may still come in good time."""
        return self.series.is_unseen(name, self.now)

    def is_silent(self, source: str) -> bool:
        """Whether a source has not answered for too long."""
        return self.series.stale_at(source) < self.now

    def ambiguity(self, metric: str) -> str | None:
        """The complaint about a metric with several series where one is needed."""
        count = len(self.samples(metric))
        return f"{metric} has {count} series where one is needed: aggregate them in the source" if count > 1 else None

    def severity(self, rules: Iterable[str]) -> Severity | None:
        """The worst severity that fires among these rules."""
        return worst_of(*(alert.severity for rule in rules for alert in self.firing.get(rule, {}).values()))

    def clock(self, at: float) -> str:
        """A moment as a person says it: the time of day, with the weekday where it was not today."""
        moment, today = datetime.fromtimestamp(at, self.zone), datetime.fromtimestamp(self.now, self.zone)
        return moment.strftime("%H:%M" if moment.date() == today.date() else "%a %H:%M")


@dataclass(frozen=True, slots=True)
class Held:
    """A surface that cannot be worded, and why."""

    surface: SurfaceKey
    reason: str


def plain(value: float) -> Number:
    """A number as it should be written: without ``.0``."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def names_of(sample: Sample, now: float) -> dict[str, Any]:
    """The names that a format may use for a reading."""
    return {
        "value": plain(sample.value),
        "labels": dict(sample.series.labels),
        "age": max(0.0, now - sample.time),
    }


def summary_names(view: View) -> dict[str, Any]:
    """The names that a text about everything may use."""
    firing = sorted(view.firing)
    return {"firing": firing, "count": sum(len(view.firing[rule]) for rule in firing)}
