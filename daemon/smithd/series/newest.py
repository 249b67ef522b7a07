"""The newest samples of one metric, and which of its series are missing. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from smithd.plugin.sample import Labels, Sample

NO_SAMPLES: Mapping[Labels, Sample] = MappingProxyType({})


class NewestSamples(NamedTuple):
    """What is known of one metric's series. Nothing in it is ever changed: an answer makes a new one.

    ``samples``: the newest sample of each series, fresh or stale. ``fresh_for``: for how many seconds they are fresh.
    ``reported_at``: when an answer last said what series the metric has (None: not since the start). ``missing``: the
    last samples of series that a later answer lacked; they are kept until ``forget_missing``. ``is_partial``: series
    that are there may be among the missing ones, since no complete answer came after them.
    """

    samples: Mapping[Labels, Sample]
    fresh_for: float
    reported_at: float | None = None
    missing: Mapping[Labels, Sample] = NO_SAMPLES
    is_partial: bool = False

    def is_fresh(self, sample: Sample, now: float) -> bool:
        """Whether a sample of this metric is young enough to be taken for the truth of now."""
        return now - sample.time <= self.fresh_for

    def fresh(self, now: float) -> dict[Labels, float]:
        """The values of the series that are fresh."""
        fresh_for = self.fresh_for
        return {labels: sample.value for labels, sample in self.samples.items() if now - sample.time <= fresh_for}

    def stale(self, now: float, since: float) -> list[Sample]:
        """The last samples that are too old, of missing series as well; none of them counts as older than ``since``."""
        known = (*self.samples.values(), *self.missing.values())
        return [sample for sample in known if now - max(sample.time, since) > self.fresh_for]

    def replaced(
        self, samples: Mapping[Labels, Sample], fresh_for: float, now: float, keeps_missing: bool
    ) -> NewestSamples:
        """After an answer that has all series of the metric. ``keeps_missing``: those that it lacks are missing now;
        otherwise they are forgotten.
        """
        missing = self.missing
        if missing:
            missing = {labels: sample for labels, sample in missing.items() if labels not in samples}
        # Mostly the series are the same as before, and then nothing needs to be copied.
        if keeps_missing and samples.keys() != self.samples.keys():
            lacking = self.samples.keys() - samples.keys()
            missing = {**missing, **{labels: self.samples[labels] for labels in lacking}}
        return NewestSamples(samples, fresh_for, now, missing)

    def joined(
        self, samples: Mapping[Labels, Sample], fresh_for: float, now: float, keeps_missing: bool
    ) -> NewestSamples:
        """After an answer that may lack series which are still there: the others stay as they are.

        Those of them that are stale by now are moved to the missing ones: a source whose answers are never complete and
        whose labels always change would fill the memory. A lasting sample (a pushed one) comes once, and stays.
        """
        kept = {
            labels: sample
            for labels, sample in self.samples.items()
            if labels in samples or sample.lasting or now - sample.time <= fresh_for
        }
        is_partial = self.is_partial or len(kept) < len(self.samples)
        return self.replaced({**kept, **samples}, fresh_for, now, keeps_missing)._replace(is_partial=is_partial)

    def equals(self, before: NewestSamples) -> bool:
        """Whether the same series have the same values."""
        mine, others = self.samples, before.samples
        if before.reported_at is None or mine.keys() != others.keys():
            return False
        for labels, sample in mine.items():  # noqa: SIM110 # a generator costs more than all else of a poll of one series
            if others[labels].value != sample.value:
                return False
        return True

    def without(self, gone: Collection[Labels]) -> NewestSamples:
        """With these missing series forgotten."""
        missing = {labels: sample for labels, sample in self.missing.items() if labels not in gone}
        return self._replace(missing=missing)

    def clamped(self, now: float) -> NewestSamples:
        """After the clock was set to ``now``: nothing was true, or came, later than that."""
        return NewestSamples(
            {labels: _clamped(sample, now) for labels, sample in self.samples.items()},
            self.fresh_for,
            None if self.reported_at is None else min(self.reported_at, now),
            {labels: _clamped(sample, now) for labels, sample in self.missing.items()},
            self.is_partial,
        )


def _clamped(sample: Sample, now: float) -> Sample:
    arrived = None if sample.arrived is None else min(sample.arrived, now)
    return sample._replace(time=min(sample.time, now), arrived=arrived)
