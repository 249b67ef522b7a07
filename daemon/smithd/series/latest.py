"""The newest reading of every series that somebody looks at, whether it is still fresh, and which are missing. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from smithd.plugin.sample import Labels, Sample, Series

GONE_AFTER = 4.0
"""A series is taken for gone when its last reading is so many times as old as one that is just fresh."""
LEAST_PATIENCE = 300.0


class Latest:
    """Readings by metric and labels, and when each source last answered.

    A poll replaces all series of the metrics it brings; a metric it does not bring keeps its own until they are old.
    A series that a poll did not bring any more is remembered apart (``gone``), until whoever judges it lets go of it.
    Times are seconds since 1970. A derived metric is a source of its own, and stands on those of the metrics it is
    made of.
    """

    def __init__(self, watched: Collection[str], started: float, judged: Collection[str] = ()) -> None:
        """``watched``: the metrics whose readings are kept; ``judged``: those whose lost series are remembered."""
        self.samples: dict[str, dict[Labels, Sample]] = {}
        self.gone: dict[str, dict[Labels, Sample]] = defaultdict(dict)
        self.longest_patience = 0.0
        self._watched = frozenset(watched)
        self._judged = frozenset(judged)
        self._fresh_for: dict[str, float] = {}
        self._patience: dict[str, float] = {}
        self._made_of: dict[str, frozenset[str]] = {}
        self._started = started
        self._since = started
        self._heard: set[str] = set()
        self._answered: dict[str, float] = {}
        self._well: dict[str, float] = {}
        self._brought: dict[str, float] = {}
        self._failing: set[str] = set()

    def adopt(self, before: Latest, sources: Collection[str]) -> None:
        """Go on with what was known of these sources before a reload. A source of which more is watched now is waited
        for, as after a start: its next answer brings the rest. To be told after ``expect``.
        """
        self._since = before._since
        for name in self._watched & before._watched:
            if source_of(name) in sources:
                self._adopt_metric(name, before)
        for source in sources:
            self._fresh_for[source] = before._fresh_for[source]
            if any(source_of(name) == source for name in self._watched - before._watched):
                self.expect(source, (), self._fresh_for[source], self._fresh_for[source])
            elif source in before._answered:
                self._answered[source] = before._answered[source]
        self._well = {source: at for source, at in before._well.items() if source in sources}
        spoken = set(sources) & (self._answered.keys() | before._failing)
        self._heard |= before._heard & spoken
        self._failing |= before._failing & spoken

    def _adopt_metric(self, name: str, before: Latest) -> None:
        self._fresh_for[name] = before._fresh_for[name]
        if name in before.samples:
            self.samples[name] = before.samples[name]
        if name in before.gone and name in self._judged:
            self.gone[name] = dict(before.gone[name])
        if name in before._brought:
            self._brought[name] = before._brought[name]

    def known(self, now: float) -> list[Sample]:
        """All readings that are fresh."""
        samples = (sample for series in self.samples.values() for sample in series.values())
        return [sample for sample in samples if self.is_fresh(sample, now)]

    def expect(self, source: str, metrics: Iterable[str], fresh_for: float, patience: float) -> None:
        """A source, its metrics, for how many seconds they are fresh, and how long its first word may take."""
        self._fresh_for[source] = fresh_for
        self._fresh_for |= {f"{source}.{metric}": fresh_for for metric in metrics}
        self._patience[source] = patience
        self.longest_patience = max(self.longest_patience, patience)

    def derive(self, metric: str, sources: frozenset[str]) -> None:
        """A derived metric, and the sources that it stands on."""
        self._made_of[metric] = sources
        self._fresh_for[metric] = max((self._fresh_for[source] for source in sources), default=0.0)
        self._patience[metric] = max((self._patience[source] for source in sources), default=0.0)

    def patience(self, metrics: Iterable[str]) -> float:
        """When a series of these metrics is taken for gone, in seconds: about ten polls, five minutes at least."""
        longest = max((self._fresh_for[metric] for metric in metrics), default=0.0)
        return max(LEAST_PATIENCE, GONE_AFTER * longest)

    def sources_of(self, metric: str) -> frozenset[str]:
        """The sources that a metric stands on."""
        return self._made_of.get(metric) or frozenset([source_of(metric)])

    def fresh_for(self, name: str) -> float:
        """For how many seconds the readings of a metric or source count as fresh."""
        return self._fresh_for[name]

    def set_clock(self, now: float) -> None:
        """The clock was set: what is true was not true in the future, and nobody was heard since."""
        self._started = min(self._started, now)
        self._since = now
        self._heard.clear()
        self._answered = {source: min(at, now) for source, at in self._answered.items()}
        self._well = {source: min(at, now) for source, at in self._well.items()}
        for series in (*self.samples.values(), *self.gone.values()):
            for labels, sample in series.items():
                series[labels] = sample._replace(time=min(sample.time, now))

    def take(
        self, samples: Iterable[Sample], fresh_for: float, now: float, whole: Iterable[str] = ()
    ) -> tuple[list[str], set[str]]:
        """Remember readings; returns the metrics whose values or series changed, and all that were brought. Of those
        that are ``whole``, nothing is left but what was brought.
        """
        brought: dict[str, dict[Labels, Sample]] = {metric: {} for metric in whole}
        for sample in samples:
            metric, labels = sample.series
            if metric in self._watched:
                brought.setdefault(metric, {})[labels] = sample
        changed = [metric for metric, series in brought.items() if not self._same(metric, series)]
        for metric in changed:
            if metric in self._judged:
                self._replace(metric, brought[metric])
        self.samples.update(brought)
        for metric in brought:
            self._fresh_for[metric] = fresh_for
            self._brought[metric] = now
        return changed, set(brought)

    def _replace(self, metric: str, brought: Mapping[Labels, Sample]) -> None:
        """Remember the series that are brought no more, and forget that those were gone which are."""
        before, gone = self.samples.get(metric, {}), self.gone[metric]
        if before.keys() == brought.keys() and not gone:
            return
        for labels in before.keys() - brought.keys():
            gone[labels] = before[labels]
        for labels in gone.keys() & brought.keys():
            del gone[labels]

    def answered(self, source: str, at: float, fresh_for: float) -> None:
        """A source was asked and had no complaint, whether or not it had values."""
        self._answered[source] = at
        self._fresh_for[source] = fresh_for

    def heard(self, source: str, now: float, *, failing: bool) -> bool:
        """A source was asked, and answered or failed; returns whether that is news: its first word since the start
        (or since the clock was set), or a beginning or end of its failing, or of its silence. To be told before
        ``answered``.
        """
        was_well = source not in self._failing and not self._is_silent(source, now)
        news = source not in self._heard or was_well is failing
        self._heard.add(source)
        (self._failing.add if failing else self._failing.discard)(source)
        if not failing:
            self._well[source] = now
        return news

    def get(self, metric: str, labels: Labels) -> Sample | None:
        """The newest reading of a series, None where it is gone or never came."""
        return self.samples.get(metric, {}).get(labels)

    def is_fresh(self, sample: Sample, now: float) -> bool:
        """Whether a reading may still be taken for today's truth."""
        return now - sample.time <= self._fresh_for[sample.series.metric]

    def moment(self, sample: Sample, now: float) -> float:
        """The moment that a value belongs to: that of a derived one is now, however old what it is made of."""
        return now if sample.series.metric in self._made_of else sample.time

    def fresh(self, metric: str, now: float) -> dict[Labels, float]:
        """The values of a metric's series that are fresh."""
        fresh_for = self._fresh_for[metric]
        return {
            labels: sample.value
            for labels, sample in self.samples.get(metric, {}).items()
            if now - sample.time <= fresh_for
        }

    def knows(self, metric: str, now: float) -> bool:
        """Whether a metric without fresh series is known to have none: its source answered lately, without complaint,
        and brought none.
        """
        source = source_of(metric)
        answered = self._answered.get(source)
        if answered is None or source in self._failing or now - answered > self._fresh_for[source]:
            return False
        return metric not in self._brought or self._brought[metric] < answered or not self.samples[metric]

    def lost(self, metric: str, now: float) -> list[Sample]:
        """The last readings of a metric's series that are missing: they are too old, and came in this life or could
        have come.
        """
        fresh_for = self._fresh_for[metric]
        known = (*self.samples.get(metric, {}).values(), *self.gone[metric].values())
        return [sample for sample in known if now - max(sample.time, self._since) > fresh_for]

    def is_missing(self, metric: str, now: float) -> bool:
        """Whether there is nothing fresh of a metric, and has not been for long enough to say so."""
        return now - max(self.newest(metric), self._since) > self._fresh_for[metric]

    def has_known(self, metric: str) -> bool:
        """Whether any series of a metric was there in this life."""
        return bool(self.samples.get(metric) or self.gone.get(metric))

    def expect_back(self, series: Series, value: float | None, at: float) -> None:
        """An alert is open from an earlier life, which knew its series until ``at``, or later: it is missing where it
        does not come again. That of an expression is none that could come.
        """
        if value is not None and series.metric and self.get(*series) is None:
            self.gone[series.metric].setdefault(series.labels, Sample(series, value, at))

    def has_spoken(self, metric: str) -> bool:
        """Whether all that a metric stands on was heard since the start, and since the clock was last set."""
        return self.sources_of(metric) <= self._heard

    def cause(self, metric: str, now: float) -> str:
        """Why a metric's values are missing, as in ``Alert.cause``."""
        for source in sorted(self.sources_of(metric)):
            if source in self._failing or self._is_silent(source, now):
                return f"source:{source}"
        return "series"

    def _is_silent(self, source: str, now: float) -> bool:
        return now - self._answered.get(source, self._started) > self._fresh_for[source]

    def newest(self, metric: str) -> float:
        """The time of a metric's newest reading; where it has none, when one could first have come."""
        return max((sample.time for sample in self.samples.get(metric, {}).values()), default=self._started)

    def unknown_since(self, metric: str, cause: str, at: float) -> float:
        """Since when nothing is known of what was ``at`` its last value, by the cause of that: where its source fails,
        since that was last well, whether it had a value or not.
        """
        if cause == "series":
            return at
        return max(at, min(self._well.get(source, self._started) for source in self.sources_of(metric)))

    def awaits(self, name: str, now: float) -> bool:
        """Whether the first word since the start of a metric, or of a source, may still come in good time."""
        unheard = name not in self.samples and source_of(name) not in self._answered
        return unheard and now - self._started <= self._patience[source_of(name)]

    def heard_by(self, metric: str) -> float:
        """When the first word of a metric since the start must have come."""
        return self._started + self._patience.get(source_of(metric), self.longest_patience)

    def old_at(self, name: str) -> float:
        """When what we know of a metric (its oldest reading), or of a source (its last answer), is too old."""
        times = [sample.time for sample in self.samples.get(name, {}).values()]
        known = min(times) if times else self._answered.get(name, self._started)
        return known + self._fresh_for[name]

    def next_old_at(self, name: str, now: float) -> float | None:
        """When the next thing that we know of a metric, or of a source, grows too old; None where all of it is."""
        fresh_for = self._fresh_for[name]
        samples = (*self.samples.get(name, {}).values(), *self.gone.get(name, {}).values())
        times = [max(sample.time, self._since) if name in self._judged else sample.time for sample in samples]
        times = times or [max(self._answered.get(name, self._started), self._since if name in self._judged else 0.0)]
        return min((at + fresh_for for at in times if at + fresh_for > now), default=None)

    def _same(self, metric: str, series: dict[Labels, Sample]) -> bool:
        before = self.samples.get(metric)
        if before is None or before.keys() != series.keys():
            return False
        return all(before[labels].value == sample.value for labels, sample in series.items())


def source_of(metric: str) -> str:
    """The source's name in ``source.metric``; a source's own name, and that of a derived metric, is its own."""
    return metric.partition(".")[0]
