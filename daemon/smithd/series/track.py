"""The remembered samples of one series. No I/O.

There are two layers, since no window needs every second of last week: all samples of the last hour, and where more is
remembered a thin layer over the whole of it, whose samples lie at least a minute (of 8 days: six) apart. A window is
read from one of the two, so that its samples lie evenly: a mean over a day does not lean towards its last hour. What a
thin layer costs: a spike shorter than its spacing may not be in it.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
"""Time (seconds since 1970) and value."""

FULL_FOR = 4000.0
"""Seconds of which every sample is kept: an hour, and what ``change`` looks beyond it."""
MOST_FULL = 4000
"""Samples of the full layer: one a second; of a series that brings more, the oldest go."""
MOST_THIN = 2000
LEAST_SPACING = 60.0
_JITTER = 0.9
"""Polls are not on the second: so much of the spacing will do."""
_USUAL_SPACING = 10.0


class _Layer:
    """Samples by time, in 16 bytes each."""

    def __init__(self) -> None:
        self.times = array("d")
        self._values = array("d")

    def append(self, at: float, value: float) -> None:
        self.times.append(at)
        self._values.append(value)

    def between(self, start: float, end: float) -> list[Point]:
        places = slice(bisect_left(self.times, start), bisect_right(self.times, end))
        return list(zip(self.times[places], self._values[places], strict=True))

    def newest(self, until: float = math.inf) -> float | None:
        """The time of the newest sample that is not later than ``until``."""
        place = bisect_right(self.times, until)
        return self.times[place - 1] if place else None

    def points(self) -> Iterator[Point]:
        return zip(self.times, self._values, strict=True)

    def has(self, at: float) -> bool:
        place = bisect_left(self.times, at)
        return place < len(self.times) and self.times[place] == at

    def cut(self, start: int, end: int) -> list[float]:
        """Keep the samples from one place to another; returns the times of the others."""
        dropped = self.times[:start] + self.times[end:]
        self.times, self._values = self.times[start:end], self._values[start:end]
        return dropped.tolist()


class Track:
    """The samples of one series, for ``kept_for`` seconds."""

    def __init__(self, kept_for: float) -> None:
        self._full = _Layer()
        self._thin = _Layer()
        self.keep_for(kept_for)

    def keep_for(self, seconds: float) -> None:
        """Remember samples for this many seconds from now on."""
        self.kept_for = seconds
        self._full_for = min(seconds, FULL_FOR)
        self._spacing = spacing(seconds) * _JITTER

    @property
    def newest(self) -> float | None:
        """The time of the newest sample; None where none is left."""
        return self.newest_until(math.inf)

    def newest_until(self, until: float) -> float | None:
        """The time of the newest sample that is not later than ``until``."""
        full = self._full.newest(until)
        return self._thin.newest(until) if full is None else full

    def points(self) -> list[Point]:
        """Every sample that is in a layer, oldest first."""
        return sorted({**dict(self._thin.points()), **dict(self._full.points())}.items())

    def add(self, at: float, value: float) -> bool:
        """Take a sample; False for one that is not newer than the newest, which changes nothing."""
        newest = self.newest
        if newest is not None and at <= newest:
            return False
        self._full.append(at, value)
        # Where nothing older than the full layer is kept, a thin one would only repeat it.
        if self.kept_for > FULL_FOR and not (self._thin.times and at - self._thin.times[-1] < self._spacing):
            self._thin.append(at, value)
        return True

    def forget(self, now: float) -> list[float]:
        """Drop what is too old at ``now``; returns the times of the samples that are in no layer any more."""
        full, thin = self._full.times, self._thin.times
        start = max(bisect_left(full, now - self._full_for), len(full) - MOST_FULL)
        dropped = self._full.cut(start, len(full)) if start else []
        start = bisect_left(thin, now - self.kept_for)
        dropped += self._thin.cut(start, len(thin)) if start else []
        return [at for at in dropped if not (self._thin.has(at) or self._full.has(at))]

    def rewind(self, now: float) -> list[float]:
        """Drop what lies after ``now``: the clock was wrong then. Returns the times of those samples."""
        dropped = {at for layer in (self._full, self._thin) for at in layer.cut(0, bisect_right(layer.times, now))}
        return sorted(dropped)

    def between(
        self, since: float, now: float, kept_until: float = math.inf, added: Sequence[Point] = ()
    ) -> list[Point]:
        """The samples from ``since`` to ``now``, oldest first; all of them where the full layer reaches back so far.

        It answers as if the samples after ``kept_until`` were dropped and ``added`` were taken after the others.
        """
        until = min(now, kept_until)
        new = [point for point in added if since <= point[0] <= now]
        spaced_from = self._thin.newest(kept_until)
        is_thinned = (self.kept_for > FULL_FOR and added) or spaced_from is not None
        if now - since <= self._full_for or not is_thinned:
            return self._full.between(since, until) + new
        # The window is longer than the full layer: it is read from the thin one, and still ends with the
        # newest sample, for what compares with now.
        found = self._thin.between(since, until)
        for point in added:
            if spaced_from is None or point[0] - spaced_from >= self._spacing:
                spaced_from = point[0]
                if since <= point[0] <= now:
                    found.append(point)
        last = found[-1][0] if found else since
        newest = (self._full.between(last, until) + new)[-1:]
        return found + [point for point in newest if point[0] > last or not found]


class TrackDraft:
    """What a step adds to a track. The track stays as it is; questions are answered as if it had been added."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.kept_until = math.inf
        self.added: list[Point] = []

    @property
    def newest(self) -> float | None:
        """The time of the newest sample."""
        return self.added[-1][0] if self.added else self.track.newest_until(self.kept_until)

    def add(self, at: float, value: float, until: float) -> None:
        """Drop the samples from after ``until``, then take one, where it is newer than the newest."""
        newest = self.newest
        if newest is not None and newest > until:
            self.kept_until = min(self.kept_until, until)
            self.added = [point for point in self.added if point[0] <= until]
            newest = self.newest
        if newest is None or at > newest:
            self.added.append((at, value))

    def between(self, since: float, now: float) -> list[Point]:
        """The samples from ``since`` to ``now``, as in ``Track.between``."""
        return self.track.between(since, now, self.kept_until, self.added)


def spacing(kept_for: float) -> float:
    """How far apart the samples of the thin layer lie, in seconds, of a series that is remembered for so many."""
    return max(LEAST_SPACING, kept_for / MOST_THIN)


def room(kept_for: float) -> float:
    """About how many samples a series has that is remembered for this many seconds."""
    thin = min(kept_for / LEAST_SPACING, MOST_THIN) if kept_for > FULL_FOR else 0.0
    return min(kept_for, FULL_FOR) / _USUAL_SPACING + thin
