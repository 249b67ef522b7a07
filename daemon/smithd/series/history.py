"""The memory of samples: in memory for reading, on disk for the next start.

Only series that something looks back on are remembered, and only for as long as it looks. Samples reach the disk in
batches, so that a poll costs no commit: after a crash at most the last batch is missing, which is a gap of a minute in
what was remembered and nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from smithd.expression import window
from smithd.plugin.sample import Labels, Sample, Series
from smithd.series import rows
from smithd.series.track import Point, Track, room
from smithd.storage.database import Database

BATCH_FOR = 60.0
"""Seconds that a sample may wait to be written."""
BATCH = 5000
"""Samples that may wait to be written."""
MOST_SAMPLES = 4_000_000
"""About how many samples are remembered at once; series that come when there is no more room are not remembered."""


class History:
    """Samples of the last days, by series. Times are seconds since 1970."""

    def __init__(self, database: Database, kept_for: Mapping[str, float], longest: float, now: float) -> None:
        """``kept_for``: the metrics that are looked back on, and for how many seconds; no memory is longer than
        ``longest``. What the last run wrote is taken up, as far as it is still wanted.
        """
        self._database = database
        self._kept_for: dict[str, float] = {}
        self._tracks: dict[Series, Track] = {}
        self._ids: dict[Series, int] = {}
        self._new: list[tuple[Series, float, float]] = []
        self._gone: dict[Series, set[float]] = defaultdict(set)
        self._ended: set[Series] = set()
        self._strays = False
        self._room = 0.0
        self._flushed_at = now
        self.refused: set[str] = set()
        """The metrics of which there are series that are not remembered, for want of room."""
        self.watch(kept_for, longest)
        with database.resuming() as connection:
            self._load(connection)

    def watch(self, kept_for: Mapping[str, float], longest: float) -> None:
        """Other metrics are looked back on, or for another time; what is no longer wanted is forgotten."""
        self.refused.clear()
        self._kept_for = {metric: min(seconds, longest) for metric, seconds in kept_for.items()}
        for series, track in list(self._tracks.items()):
            self._end(series)
            if series.metric in self._kept_for:
                track.keep_for(self._kept_for[series.metric])
                self._place(series, track)
        self._strays |= bool(self._ended)

    def take(self, samples: Iterable[Sample], now: float) -> None:
        """Remember the readings of series that are looked back on. One that is not newer than the last of its series
        is left out; samples from after ``now``, which a clock set back has left, are forgotten.
        """
        for series, value, at, *_ in samples if self._kept_for else ():
            self._keep(series, value, at, now)

    def take_derived(self, samples: Iterable[Sample], now: float) -> None:
        """Remember what derived series are at ``now``, however old the values are that they are made of. Where they are
        worked out more than once in a moment, the last word counts.
        """
        just_before = math.nextafter(now, -math.inf)
        for series, value, *_ in samples if self._kept_for else ():
            self._keep(series, value, now, just_before)

    def past(self, series: Series, since: float, now: float) -> list[Point]:
        """What is remembered of a series from ``since`` to ``now``: time and value, oldest first."""
        track = self._tracks.get(series)
        return track.between(since, now) if track else []

    def value_at(self, series: Series, at: float, tolerance: float, now: float) -> float | None:
        """The value at a moment: of the newest sample until then, or else of the first one after; None where neither
        is nearer than ``tolerance`` seconds.
        """
        return window.value_at(self.past(series, at - tolerance, now), at, tolerance)

    def average(self, series: Series, start: float, end: float, tolerance: float, now: float) -> float | None:
        """The mean of the samples from ``start`` to ``end``; gaps within do not count. None where nothing is
        remembered from the first ``tolerance`` seconds: too short a memory is not what is normal.
        """
        samples = self.past(series, start - tolerance, now)
        if window.value_at(samples, start, tolerance) is None:
            return None
        return window.average(samples, start, end)

    def series(self, metric: str) -> list[Labels]:
        """The labels of a metric's series that are remembered."""
        return [series.labels for series in self._tracks if series.metric == metric]

    def is_due(self, now: float) -> bool:
        """Whether ``flush`` has something to do: once a minute, or when much has come."""
        return len(self._new) >= BATCH or not 0 <= now - self._flushed_at < BATCH_FOR

    def flush(self, now: float) -> None:
        """Write down what has come, and drop what is too old, in a transaction of its own. DatabaseError where that
        fails; then all of it is kept for the next time.
        """
        self._flushed_at = now
        for series, track in list(self._tracks.items()):
            if gone := track.forget(now):
                self._gone[series].update(gone)
            if track.newest is None:
                self._end(series)
        if not (self._new or self._gone or self._ended):
            return
        with self._database.transaction() as connection:
            ids = self._write(connection)
        self._ids = ids
        self._new.clear()
        self._gone.clear()
        self._ended.clear()
        self._strays = False

    def _keep(self, series: Series, value: float, at: float, until: float) -> None:
        """Remember a sample; those of its series from after ``until`` are forgotten."""
        if series.metric not in self._kept_for or (track := self._track(series)) is None:
            return
        newest = track.newest
        if newest is not None and newest > until:
            self._gone[series].update(track.rewind(until))
        if track.add(at, value):
            self._new.append((series, at, value))
            if series in self._gone:
                self._gone[series].discard(at)

    def _track(self, series: Series) -> Track | None:
        """The memory of a series, made where it has none yet; None where there is no room for it."""
        track = self._tracks.get(series)
        if track is None and self._place(series, track := Track(self._kept_for[series.metric])):
            return track
        return track if series in self._tracks else None

    def _place(self, series: Series, track: Track) -> bool:
        needed = room(track.kept_for)
        if self._room + needed > MOST_SAMPLES:
            self.refused.add(series.metric)
            return False
        self._room += needed
        self._tracks[series] = track
        self._ended.discard(series)
        return True

    def _end(self, series: Series) -> None:
        self._room -= room(self._tracks.pop(series).kept_for)
        self._ended.add(series)

    def _load(self, connection: Connection) -> None:
        known = dict(rows.all_series(connection))
        self._ids = {series: row for row, series in known.items()}
        for series in known.values():
            if series.metric not in self._kept_for or self._track(series) is None:
                self._ended.add(series)
        self._strays = bool(self._ended)
        for row, at, value in rows.all_samples(connection):
            if track := self._tracks.get(known[row]):
                track.add(at, value)

    def _write(self, connection: Connection) -> dict[Series, int]:
        """All changes since the last time; returns the ids of the series that are on disk then."""
        ids = dict(self._ids)
        new = [sample for sample in self._new if sample[0] in self._tracks]
        for series in {series for series, _, _ in new}.difference(ids):
            ids[series] = rows.add_series(connection, series)
        rows.add(connection, ((ids[series], at, value) for series, at, value in new))
        gone = ((ids[series], at) for series, times in self._gone.items() if series in ids for at in times)
        rows.remove(connection, gone)
        rows.forget_series(connection, [ids.pop(series) for series in self._ended if series in ids])
        if self._strays:
            rows.remove_strays(connection)
        return ids
