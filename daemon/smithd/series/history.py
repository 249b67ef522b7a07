"""The memory of samples. No I/O.

Only series that something looks back on are remembered, and only for as long as it looks. A step collects its samples
in a ``HistoryDraft``, which leaves the memory as it is; ``History.apply`` takes them up once the step is committed.
Samples reach the disk in batches, in the transaction of the step in which a batch is due: after a crash at most the
last batch is missing, which is a gap of a minute in what was remembered and nothing else. Times are seconds since 1970.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from smithd.plugin.sample import Sample, Series
from smithd.series.track import Point, Track, TrackDraft, room

BATCH_FOR = 60.0
"""Seconds that a sample may wait to be written."""
BATCH = 5000
"""Samples that may wait to be written."""
MOST_WAITING = 100_000
"""Samples that wait to be written while nothing can be; with more, all that is remembered is written anew instead."""
MOST_SAMPLES = 4_000_000
"""About how many samples are remembered at once; series that come when there is no more room are not remembered."""

SampleRow = tuple[int, float, float]
"""The id of a series, time and value."""


class HistoryRows(NamedTuple):
    """What a transaction writes of the history. Series are named by their ids.

    ``replaces``: the rows are all that is remembered, and stand for what was written before. ``ended``: series that
    are forgotten; ``strays``: their samples may still be there. ``removed``: samples that are dropped; one that is
    among ``samples`` as well is dropped after it was written.
    """

    replaces: bool
    series: list[tuple[int, Series]]
    samples: Iterable[SampleRow]
    removed: list[tuple[int, float]]
    ended: list[int]
    strays: bool


class HistoryChanges(NamedTuple):
    """What a step adds to the history. ``refused``: metrics of which there are series that found no room."""

    tracks: Mapping[Series, TrackDraft]
    refused: frozenset[str]


NOTHING_ADDED = HistoryChanges({}, frozenset())


class History:
    """Samples of the last days, by series."""

    def __init__(self, kept_for: Mapping[str, float], longest: float, now: float) -> None:
        """``kept_for``: the metrics that are looked back on, and for how many seconds; no memory is longer than
        ``longest``.
        """
        self.kept_for: dict[str, float] = {}
        self.refused: frozenset[str] = frozenset()
        self.room_taken = 0.0
        self._tracks: dict[Series, Track] = {}
        self._ids: dict[Series, int] = {}
        self._next_id = 1
        self._written_at = now
        self._forgotten_at = now
        # What waits to be written: series, samples, samples to remove, and series that have ended.
        self._new_series: dict[int, Series] = {}
        self._new: list[SampleRow] = []
        self._removed: dict[int, set[float]] = defaultdict(set)
        self._ended: set[int] = set()
        self._strays = False
        self._writes_all = False
        self.watch(kept_for, longest)

    def restore(self, series: Mapping[int, Series], samples: Iterable[SampleRow]) -> None:
        """Take up what the last run wrote (samples in the order of time), as far as it is still wanted."""
        self._next_id = max(series, default=0) + 1
        for row, each in series.items():
            if not (each.metric in self.kept_for and self._place(each, Track(self.kept_for[each.metric]), row)):
                self._ended.add(row)
        self._strays = bool(self._ended)
        for row, at, value in samples:
            if (track := self._tracks.get(series[row])) is not None:
                track.add(at, value)

    def watch(self, kept_for: Mapping[str, float], longest: float) -> None:
        """Other metrics are looked back on, or for another time; what is no longer wanted is forgotten."""
        self.kept_for = _limited(kept_for, longest)
        self.refused = frozenset()
        self.room_taken = 0.0
        tracks, self._tracks = self._tracks, {}
        for series, track in tracks.items():
            row = self._ids.pop(series)
            if series.metric in self.kept_for:
                track.keep_for(self.kept_for[series.metric])
                if self._place(series, track, row):
                    continue
            self._end(row)
            self._strays = True

    def track(self, series: Series) -> Track | None:
        """The memory of a series; None where it has none."""
        return self._tracks.get(series)

    def past(self, series: Series, since: float, now: float) -> list[Point]:
        """What is remembered of a series from ``since`` to ``now``: time and value, oldest first."""
        track = self._tracks.get(series)
        return track.between(since, now) if track else []

    def apply(self, changes: HistoryChanges, now: float) -> None:
        """Take up what a step added. Cannot fail."""
        self.refused |= changes.refused
        for series, draft in changes.tracks.items():
            track = draft.track
            if series not in self._tracks:
                if not self._place(series, track, self._next_id):
                    continue
                self._new_series[self._next_id] = series
                self._next_id += 1
            row = self._ids[series]
            if draft.kept_until < math.inf:
                self._removed[row].update(track.rewind(draft.kept_until))
            for at, value in draft.added:
                track.add(at, value)
                self._new.append((row, at, value))
                # Removals are written after samples: they must not take a sample that came again after a rewind.
                if row in self._removed:
                    self._removed[row].discard(at)
        # Negative where the clock was set back: that must not put it off.
        if not 0 <= now - self._forgotten_at < BATCH_FOR:
            self.forget(now)
        if len(self._new) + len(self._removed) > MOST_WAITING:
            self._new, self._writes_all = [], True
            self._removed.clear()

    def forget(self, now: float) -> None:
        """Drop what is too old."""
        self._forgotten_at = now
        for series, track in list(self._tracks.items()):
            row = self._ids[series]
            if dropped := track.forget(now):
                self._removed[row].update(dropped)
            if track.newest is None:
                self.room_taken -= room(self._tracks.pop(series).kept_for)
                self._end(self._ids.pop(series))

    def pending(self, now: float) -> HistoryRows | None:
        """What the transaction of this step has to write: a batch, once a minute or when much has come. Changes
        nothing: where the transaction fails, the next step asks again.
        """
        is_due = len(self._new) >= BATCH or not 0 <= now - self._written_at < BATCH_FOR
        return self.unwritten() if is_due else None

    def unwritten(self) -> HistoryRows | None:
        """What is not written yet; None where there is nothing."""
        # Too much waited to be listed: what is written now replaces the tables.
        if self._writes_all:
            return self.everything()
        if not (self._new or self._removed or self._ended):
            return None
        # A series may have ended before its samples were written.
        live = set(self._ids.values())
        return HistoryRows(
            False,
            list(self._new_series.items()),
            [sample for sample in self._new if sample[0] in live],
            [(row, at) for row, times in self._removed.items() for at in times],
            list(self._ended),
            self._strays,
        )

    def everything(self) -> HistoryRows:
        """All that is remembered. Its samples are read while they are written: nothing may be applied meanwhile."""
        return HistoryRows(True, [(row, series) for series, row in self._ids.items()], _AllSamples(self), [], [], False)

    def samples(self) -> Iterator[SampleRow]:
        """Every sample that is remembered, series by series."""
        for series, track in self._tracks.items():
            row = self._ids[series]
            yield from ((row, at, value) for at, value in track.points())

    def written(self, now: float) -> None:
        """What ``pending``, ``unwritten`` or ``everything`` returned was committed; to be called before ``apply``."""
        self._written_at = now
        self._new_series.clear()
        self._new = []
        self._removed.clear()
        self._ended.clear()
        self._strays = self._writes_all = False

    def _place(self, series: Series, track: Track, row: int) -> bool:
        needed = room(track.kept_for)
        if self.room_taken + needed > MOST_SAMPLES:
            self.refused |= {series.metric}
            return False
        self.room_taken += needed
        self._tracks[series] = track
        self._ids[series] = row
        return True

    def _end(self, row: int) -> None:
        """Forget a series; one that was never written need not be removed."""
        if self._new_series.pop(row, None) is None:
            self._ended.add(row)
        else:
            self._removed.pop(row, None)


class _AllSamples:
    """The samples of a history, which can be read more than once."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __iter__(self) -> Iterator[SampleRow]:
        return self._history.samples()


class HistoryDraft:
    """The history as one step sees it: what is remembered, and the step's own samples."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._kept_for = history.kept_for
        self._tracks: dict[Series, TrackDraft] = {}
        self._refused: set[str] = set()
        self._room = 0.0

    def watch(self, kept_for: Mapping[str, float], longest: float) -> None:
        """Other metrics are looked back on from here on, as in ``History.watch``, which is called after the step."""
        self._kept_for = _limited(kept_for, longest)
        self._refused.clear()
        self._tracks = {series: draft for series, draft in self._tracks.items() if series.metric in self._kept_for}
        self._room = 0.0
        for series, draft in self._tracks.items():
            # A track that is remembered stays as it is; a new one is the step's own.
            if self._history.track(series) is None:
                draft.track.keep_for(self._kept_for[series.metric])
                self._room += room(draft.track.kept_for)

    def take(self, samples: Iterable[Sample], now: float) -> None:
        """Remember the samples of series that are looked back on. One that is not newer than the last of its series
        is left out; samples from after ``now``, which a clock set back has left, are forgotten.
        """
        if kept_for := self._kept_for:
            for sample in samples:
                if sample.series.metric in kept_for:
                    self._add(sample.series, sample.value, sample.time, now)

    def take_derived(self, samples: Iterable[Sample], now: float) -> None:
        """Remember what derived series are at ``now``, however old the values are that they are worked out from. Of
        several values of one moment the last one counts.
        """
        if kept_for := self._kept_for:
            # An earlier value of this moment lies after "just before", so the new one takes its place.
            just_before = math.nextafter(now, -math.inf)
            for sample in samples:
                if sample.series.metric in kept_for:
                    self._add(sample.series, sample.value, now, just_before)

    def past(self, series: Series, since: float, now: float) -> list[Point]:
        """What is remembered of a series from ``since`` to ``now``: time and value, oldest first."""
        draft = self._tracks.get(series)
        return self._history.past(series, since, now) if draft is None else draft.between(since, now)

    def changes(self) -> HistoryChanges:
        """What the step adds, for ``History.apply``."""
        return (
            HistoryChanges(self._tracks, frozenset(self._refused)) if self._tracks or self._refused else NOTHING_ADDED
        )

    def _add(self, series: Series, value: float, at: float, until: float) -> None:
        draft = self._tracks.get(series)
        if draft is None:
            track = self._history.track(series)
            if track is None:
                track = Track(self._kept_for[series.metric])
                needed = room(track.kept_for)
                if self._history.room_taken + self._room + needed > MOST_SAMPLES:
                    self._refused.add(series.metric)
                    return
                self._room += needed
            draft = self._tracks[series] = TrackDraft(track)
        draft.add(at, value, until)


def _limited(kept_for: Mapping[str, float], longest: float) -> dict[str, float]:
    return {metric: min(seconds, longest) for metric, seconds in kept_for.items()}
