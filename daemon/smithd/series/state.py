"""The newest samples of every series and the health of every source, as one value. No I/O.

A poll makes a new ``SeriesState`` of the old one: one record for each metric that it reported, and one for its source;
all others are shared with the state before. Times are seconds since 1970. A derived metric is a source of its own,
whose answers are its evaluations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from enum import StrEnum
from typing import NamedTuple

from rpds import HashTrieMap

from smithd.plugin.sample import Labels, Sample, Series
from smithd.series.expected import Expected, source_of
from smithd.series.health import Health, SourceAnswers, SourceHealth
from smithd.series.newest import NO_SAMPLES, NewestSamples

EXPIRES_AFTER = 4.0
"""A series has expired when the age of its last sample is this many times the age at which samples become stale."""
LEAST_EXPIRY = 300.0


class Freshness(StrEnum):
    """What is known of a metric at one moment.

    FRESH: its sample is young enough. STALE: it is too old. MISSING: a complete answer lacks it. UNSEEN: there was no
    answer yet since the start.
    """

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    UNSEEN = "unseen"


class SeriesState(NamedTuple):
    """``started``: when this run began; ``since``: when it began, or the clock was last set. ``metrics`` has the
    metrics of which something is known, ``sources`` every source and derived metric.
    """

    expected: Expected
    started: float
    since: float
    metrics: HashTrieMap[str, NewestSamples]
    sources: HashTrieMap[str, SourceAnswers]

    def newest(self, metric: str) -> NewestSamples:
        """What is known of a metric."""
        return self.metrics.get(metric) or NewestSamples(NO_SAMPLES, self.fresh_for(metric))

    def samples(self, metric: str) -> Mapping[Labels, Sample]:
        """The newest sample of each series of a metric, fresh or stale, without the missing ones."""
        found = self.metrics.get(metric)
        return NO_SAMPLES if found is None else found.samples

    def missing(self, metric: str) -> Mapping[Labels, Sample]:
        """The last samples of the series of a metric that are missing."""
        found = self.metrics.get(metric)
        return NO_SAMPLES if found is None else found.missing

    def get(self, metric: str, labels: Labels) -> Sample | None:
        """The newest sample of a series; None where it is missing or unseen."""
        return self.samples(metric).get(labels)

    def fresh_for(self, name: str) -> float:
        """For how many seconds the samples of a metric, or the answers of a source, are fresh."""
        found = self.metrics.get(name)
        if found is not None:
            return found.fresh_for
        configured = self.expected.fresh_for.get(name)
        return self.sources[source_of(name)].fresh_for if configured is None else configured

    def is_fresh(self, sample: Sample, now: float) -> bool:
        """Whether a sample is young enough to be taken for the truth of now."""
        return now - sample.time <= self.fresh_for(sample.series.metric)

    def fresh_of(self, samples: Iterable[Sample], now: float) -> list[Sample]:
        """Those of these samples that are fresh."""
        # Most are as new as the poll that brought them: their metric need not be looked up.
        return [sample for sample in samples if sample.time >= now or self.is_fresh(sample, now)]

    def not_older(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """These samples; one whose own time is earlier than that of its series' newest gives way to the newest."""
        # Most sources bring no times of their own.
        if all(sample.time == sample.arrived for sample in samples):
            return samples
        known = [self.get(*sample.series) for sample in samples]
        return [
            sample if newest is None or newest.time <= sample.time else newest
            for sample, newest in zip(samples, known, strict=True)
        ]

    def stale_metrics(self, samples: Iterable[Sample], now: float) -> set[str]:
        """The metrics with rules of which some of these samples are too old, although they have just come."""
        return {
            sample.series.metric
            for sample in samples
            if sample.time < now and sample.series.metric in self.expected.with_rules and not self.is_fresh(sample, now)
        }

    def fresh(self, metric: str, now: float) -> dict[Labels, float]:
        """The values of a metric's series that are fresh."""
        found = self.metrics.get(metric)
        return {} if found is None else found.fresh(now)

    def fresh_samples(self, now: float) -> list[Sample]:
        """All samples that are fresh, in the order of their metrics' names."""
        found = (sample for _, newest in sorted(self.metrics.items()) for sample in newest.samples.values())
        return [sample for sample in found if self.is_fresh(sample, now)]

    def stale(self, metric: str, now: float) -> list[Sample]:
        """The last samples of a metric's series that are too old, whether an answer lacked them or none came. Samples
        from before the start are as good as new at the start.
        """
        return self.newest(metric).stale(now, self.since)

    def freshness(self, metric: str, now: float) -> Freshness:
        """Whether a metric is fresh (one of its series is), stale, missing or unseen."""
        if self.fresh(metric, now):
            return Freshness.FRESH
        found, answers = self.newest(metric), self.sources[source_of(metric)]
        # A metric whose series all came stale is stale. One that the last complete answer did not have at all, or had
        # without series, is missing.
        reported_at = found.reported_at
        lacked = reported_at is None or reported_at < (answers.completed_at or 0.0) or not found.samples
        if lacked and answers.is_complete(now):
            return Freshness.MISSING
        is_seen = reported_at is not None or answers.answered_at is not None
        return Freshness.STALE if is_seen else Freshness.UNSEEN

    def is_partial(self, metric: str, now: float) -> bool:
        """Whether a metric may have series beside the fresh ones, since no complete answer says that they went."""
        found = self.newest(metric)
        if found.is_partial or all(found.is_fresh(sample, now) for sample in found.samples.values()):
            return found.is_partial
        return not self.sources[source_of(metric)].is_complete(now)

    def is_stale(self, metric: str, now: float) -> bool:
        """Whether there is nothing fresh of a metric, and has not been for long enough to say so, since the start."""
        return now - max(self.newest_at(metric), self.since) > self.fresh_for(metric)

    def is_unseen(self, name: str, now: float) -> bool:
        """Whether a metric or source is unseen, and its first answer may still come in time."""
        answers = self.sources[source_of(name)]
        found = self.metrics.get(name)
        if (found is not None and found.reported_at is not None) or answers.answered_at is not None:
            return False
        return now - self.started <= answers.first_answer_within

    def is_polled(self, metric: str) -> bool:
        """Whether every source of a metric answered or failed, since the start and since the clock was last set."""
        return all(self.sources[source].polled for source in self.expected.sources_of(metric))

    def is_complete(self, metric: str, now: float) -> bool:
        """Whether a complete answer, which is young enough, says which series a metric has."""
        return self.sources[source_of(metric)].is_complete(now) and not self.newest(metric).is_partial

    def lacks(self, metric: str, labels: Labels, now: float) -> bool:
        """Whether a complete answer says that a series is not there."""
        return labels not in self.samples(metric) and self.is_complete(metric, now)

    def has_series(self, metric: str) -> bool:
        """Whether any series of a metric was there since the start, or is expected back."""
        found = self.metrics.get(metric)
        return found is not None and bool(found.samples or found.missing)

    def health(self, source: str, now: float) -> SourceHealth | None:
        """Whether a source is up, fails or is silent; None before its first answer is due."""
        return self.sources[source].health(now, self.started)

    def failing_source(self, metric: str, now: float) -> str:
        """The source of a metric that fails or is silent, the first by name; empty where all are up."""
        for source in sorted(self.expected.sources_of(metric)):
            if not self.sources[source].is_up(now, self.started):
                return source
        return ""

    def failing(self, metrics: Iterable[str], now: float) -> dict[str, SourceHealth]:
        """The sources of some metrics that fail or are silent, in the order of their names."""
        sources = {source for metric in metrics for source in self.expected.sources_of(metric)}
        found = {source: self.health(source, now) for source in sorted(sources)}
        return {source: each for source, each in found.items() if each is not None and each.health is not Health.UP}

    def unknown_since(self, metric: str, at: float) -> float:
        """Since when nothing is known of what was ``at`` its last value, where its source fails: since that last
        succeeded, whether it had a value or not.
        """
        succeeded = (self.sources[source].succeeded_at for source in self.expected.sources_of(metric))
        return max(at, min(self.started if each is None else each for each in succeeded))

    def moment(self, sample: Sample, now: float) -> float:
        """The time that a value belongs to. A derived value belongs to its evaluation, however old its inputs are."""
        metric = sample.series.metric
        if metric not in self.expected.derived:
            return sample.time
        evaluated_at = self.newest(metric).reported_at
        return now if evaluated_at is None else evaluated_at

    def answered_at(self, metrics: Iterable[str]) -> float | None:
        """When the newest value of some metrics came to be, or the newest answer that lacks one of them; None where
        there was none of either.
        """
        times: list[float | None] = []
        for metric in metrics:
            newest = self.newest(metric)
            if newest.samples and metric not in self.expected.derived:
                times.append(max(sample.time for sample in newest.samples.values()))
            else:
                times.append(newest.reported_at if newest.samples else self.sources[source_of(metric)].completed_at)
        return max((at for at in times if at is not None), default=None)

    def newest_at(self, metric: str) -> float:
        """The time of a metric's newest sample, or of its last one; without one, when one could first have come."""
        samples = self.samples(metric) or self.missing(metric)
        return max((sample.time for sample in samples.values()), default=self.started)

    def known_at(self, metric: str) -> float:
        """When it was last known what a metric is: the time of its newest sample, or of the complete answer that lacks
        it; without one, when an answer could first have come.
        """
        newest, completed_at = self.newest(metric), self.sources[source_of(metric)].completed_at
        if newest.samples or newest.is_partial or completed_at is None:
            return self.newest_at(metric)
        return max(self.newest_at(metric), completed_at)

    def first_answer_by(self, metric: str) -> float:
        """When the first answer since the start that may have this metric must have come."""
        answers = self.sources.get(source_of(metric))
        return self.started + (self.longest_first_answer if answers is None else answers.first_answer_within)

    @property
    def longest_first_answer(self) -> float:
        """How many seconds after the start the first answer of any source may take."""
        return max((answers.first_answer_within for answers in self.sources.values()), default=0.0)

    def expires_after(self, metrics: Iterable[str]) -> float:
        """The age of the last sample at which a series of these metrics has expired: about ten polls."""
        longest = max((self.fresh_for(metric) for metric in metrics), default=0.0)
        return max(LEAST_EXPIRY, EXPIRES_AFTER * longest)

    def stale_at(self, name: str) -> float:
        """When the first sample of a metric, or the last answer of a source, becomes stale."""
        times = [sample.time for sample in self.samples(name).values()]
        return (min(times) if times else self._answered_at(name)) + self.fresh_for(name)

    def next_stale_at(self, name: str, now: float) -> float | None:
        """When the next sample of a metric, the complete answer that lacks it, or the last answer of a source becomes
        stale; None where all are.
        """
        fresh_for = self.fresh_for(name)
        # Samples from before the start are as good as new at the start, where rules look at them: see ``stale``.
        least = self.since if name in self.expected.with_rules else 0.0
        found = (*self.samples(name).values(), *self.missing(name).values())
        times = [max(sample.time, least) for sample in found] or [max(self._answered_at(name), least)]
        if not self.samples(name):
            times.append(self.known_at(name))
        return min((at + fresh_for for at in times if at + fresh_for > now), default=None)

    def _answered_at(self, name: str) -> float:
        answers = self.sources.get(name)
        return self.started if answers is None or answers.answered_at is None else answers.answered_at


class Recorded(NamedTuple):
    """A state after a poll. ``changed``: the metrics whose series or values are others now; ``reported``: all of which
    the poll said something, if only that they have no series. ``news``: the source began or ceased to fail or to be
    silent, or answered for the first time.
    """

    state: SeriesState
    changed: list[str]
    reported: Set[str]
    news: bool


def begin(expected: Expected, now: float) -> SeriesState:
    """The state at a start: everything is unseen."""
    answers = {}
    for name in (*expected.sources, *expected.derived):
        source = expected.of(name)
        answers[name] = SourceAnswers(source.fresh_for, source.first_answer_within)
    return SeriesState(expected, now, now, HashTrieMap(), HashTrieMap(answers))


def record(
    state: SeriesState,
    source: str,
    samples: Iterable[Sample],
    failure: str | None,
    complete: bool,
    fresh_for: float,
    now: float,
) -> Recorded:
    """What a poll reported. ``complete``: it has all that there is, so that a series it lacks is missing; a failure is
    never complete. A metric that a complete answer lacks has no series from then on; one that any other answer lacks
    keeps its samples until they are stale.
    """
    watched = state.expected.watched
    complete = complete and failure is None
    # A series that came twice has its last sample; a metric that nothing looks at is not kept.
    reported: dict[str, dict[Labels, Sample]] = {}
    has_samples = False
    for sample in samples:
        has_samples = True
        metric, labels = sample.series
        series = reported.get(metric)
        if series is not None:
            series[labels] = sample
        elif metric in watched:
            reported[metric] = {labels: sample}
    metrics, changed = state.metrics, []
    for metric, found in reported.items():
        before = metrics.get(metric) or state.newest(metric)
        # A complete answer replaces what there was: a series that it lacks is missing. Any other is added to it.
        change = before.replaced if complete else before.joined
        metric_fresh_for = state.expected.fresh_for.get(metric, fresh_for)
        newest = change(found, metric_fresh_for, now, metric in state.expected.with_rules)
        metrics = metrics.insert(metric, newest)
        if not newest.equals(before):
            changed.append(metric)
    # A complete answer says of all of its metrics which series they have: of those that it lacks, none.
    of_source = state.expected.metrics_of.get(source, ()) if complete else ()
    lacked = [metric for metric in of_source if metric not in reported]
    for metric in lacked:
        known = metrics.get(metric)
        if known is not None and (known.samples or known.is_partial):
            none_left = known.replaced(NO_SAMPLES, known.fresh_for, now, metric in state.expected.with_rules)
            metrics = metrics.insert(metric, none_left)
            changed.append(metric)
    answers = state.sources[source]
    news = not answers.polled or answers.is_up(now, state.started) is (failure is not None)
    after = answers.after(failure, fresh_for, now, has_samples, complete)
    sources = state.sources.insert(source, after)
    changed_state = SeriesState(state.expected, state.started, state.since, metrics, sources)
    # In an order that is the same in every run: that of evaluations and notifications follows from it.
    return Recorded(changed_state, changed, dict.fromkeys([*reported, *lacked]).keys(), news)


def record_derived(
    state: SeriesState,
    metric: str,
    samples: Iterable[Sample],
    known: bool,
    fresh_for: float,
    now: float,
    *,
    complete: bool = True,
) -> tuple[SeriesState, bool]:
    """What a derived metric is now, and whether that is a change. ``known``: its expression could be worked out in
    full; where it could not and has no value at all, nothing is said of it. ``complete``: it has no other series.
    """
    found = {sample.series.labels: sample for sample in samples}
    metrics, sources, changed = state.metrics, state.sources, False
    if found or known:
        before = state.newest(metric)
        change = before.replaced if complete else before.joined
        newest = change(found, fresh_for, now, metric in state.expected.with_rules)
        # Even without an earlier sample: what is not known may be there.
        newest = newest if complete else newest._replace(is_partial=True)
        metrics, changed = metrics.insert(metric, newest), not newest.equals(before)
    if known:
        after = sources[metric].after(None, fresh_for, now, bool(found), True)
        sources = sources.insert(metric, after)
    return SeriesState(state.expected, state.started, state.since, metrics, sources), changed


def forget_missing(state: SeriesState, series: Iterable[Series]) -> SeriesState:
    """Without these series, where they are missing: no alert needs them any more."""
    gone: dict[str, set[Labels]] = defaultdict(set)
    for metric, labels in series:
        gone[metric].add(labels)
    metrics = state.metrics
    for metric, of_metric in gone.items():
        found = metrics.get(metric)
        if found is not None and not of_metric.isdisjoint(found.missing):
            metrics = metrics.insert(metric, found.without(of_metric))
    return state._replace(metrics=metrics)


def expect_back(state: SeriesState, samples: Iterable[Sample]) -> SeriesState:
    """With the last samples of series that alerts of an earlier run are open on: one is missing where it does not come
    again.
    """
    by_metric: dict[str, dict[Labels, Sample]] = defaultdict(dict)
    for sample in samples:
        by_metric[sample.series.metric].setdefault(sample.series.labels, sample)
    metrics = state.metrics
    for metric, found in by_metric.items():
        newest = state.newest(metric)
        back = {labels: sample for labels, sample in found.items() if labels not in newest.samples}
        metrics = metrics.insert(metric, newest._replace(missing={**back, **newest.missing}))
    return state._replace(metrics=metrics)


def set_clock(state: SeriesState, now: float) -> SeriesState:
    """After the clock was set: what is true was not true in the future, and no source was polled since."""
    return state._replace(
        started=min(state.started, now),
        since=now,
        metrics=HashTrieMap({metric: newest.clamped(now) for metric, newest in state.metrics.items()}),
        sources=HashTrieMap({name: answers.clamped(now) for name, answers in state.sources.items()}),
    )


def adopt(state: SeriesState, before: SeriesState, sources: Collection[str]) -> SeriesState:
    """A new configuration's state, going on with what was known of these sources before a reload. A source of which
    more is watched now is waited for, as after a start: its next answer brings the rest.
    """
    watched, with_rules = state.expected.watched, state.expected.with_rules
    metrics, sources_after = state.metrics, state.sources
    for metric, newest in before.metrics.items():
        if metric in watched and source_of(metric) in sources:
            metrics = metrics.insert(metric, newest if metric in with_rules else newest._replace(missing=NO_SAMPLES))
    wider = {source_of(metric) for metric in watched - before.expected.watched}
    for source in sources:
        known = before.sources[source]
        if source in wider:
            # What failed goes on failing; what answered has not answered for the metrics that are new.
            failing = known.failure is not None
            known = known._replace(
                first_answer_within=known.fresh_for,
                polled=known.polled and failing,
                answered_at=None,
                completed_at=None,
            )
        else:
            known = known._replace(first_answer_within=state.sources[source].first_answer_within)
        sources_after = sources_after.insert(source, known)
    return state._replace(since=before.since, metrics=metrics, sources=sources_after)
