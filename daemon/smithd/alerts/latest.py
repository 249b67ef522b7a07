"""The newest reading of every series that somebody looks at, and whether it is still fresh. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from smithd.plugin.sample import Labels, Reading


class Latest:
    """Readings by metric and labels, and when each source last answered.

    A poll replaces all series of the metrics it brings; a metric it does not bring keeps its own until they are old.
    Times are seconds since 1970.
    """

    def __init__(self, watched: Collection[str], started: float) -> None:
        self.readings: dict[str, dict[Labels, Reading]] = {}
        self.longest_patience = 0.0
        self._watched = frozenset(watched)
        self._fresh_for: dict[str, float] = {}
        self._patience: dict[str, float] = {}
        self._started = started
        self._answered: dict[str, float] = {}
        self._joined: dict[str, float] = {}

    def adopt(self, before: Latest, sources: Collection[str]) -> list[Reading]:
        """Go on with what was known of these sources before a reload; returns the readings. A metric that nobody
        watched until now comes with its source's next answer, which is waited for.
        """
        self._answered |= {source: at for source, at in before._answered.items() if source in sources}
        adopted = {name for name in self._watched & before._watched if source_of(name) in sources}
        self.readings |= {name: before.readings[name] for name in adopted & before.readings.keys()}
        self._fresh_for |= {name: before._fresh_for[name] for name in self.readings}
        self._joined = {
            name: before._joined.get(name, self._started + self._fresh_for[name])
            for name in self._watched - (adopted - before._joined.keys())
            if source_of(name) in self._answered and name in self._fresh_for
        }
        return [reading for series in self.readings.values() for reading in series.values()]

    def expect(self, source: str, metrics: Iterable[str], fresh_for: float, patience: float) -> None:
        """A source, its metrics, for how many seconds they are fresh, and how long its first word may take."""
        self._fresh_for[source] = fresh_for
        self._fresh_for |= {f"{source}.{metric}": fresh_for for metric in metrics}
        self._patience[source] = patience
        self.longest_patience = max(self.longest_patience, patience)

    def set_clock(self, now: float) -> None:
        """The clock was set back: what is true was not true in the future."""
        self._started = min(self._started, now)
        self._answered = {source: min(at, now) for source, at in self._answered.items()}
        for series in self.readings.values():
            for labels, reading in series.items():
                series[labels] = reading._replace(time=min(reading.time, now))

    def take(self, readings: Iterable[Reading], fresh_for: float) -> list[str]:
        """Remember readings; returns the metrics whose values or series changed."""
        brought: dict[str, dict[Labels, Reading]] = {}
        for reading in readings:
            metric, labels = reading.series
            if metric in self._watched:
                brought.setdefault(metric, {})[labels] = reading
        changed = [metric for metric, series in brought.items() if not self._same(metric, series)]
        self.readings.update(brought)
        for metric in brought:
            self._fresh_for[metric] = fresh_for
        return changed

    def answered(self, source: str, at: float, fresh_for: float) -> None:
        """A source was asked and had no complaint, whether or not it had values."""
        if self._joined:
            self._joined = {name: until for name, until in self._joined.items() if source_of(name) != source}
        self._answered[source] = at
        self._fresh_for[source] = fresh_for

    def get(self, metric: str, labels: Labels) -> Reading | None:
        """The newest reading of a series, None where it is gone or never came."""
        return self.readings.get(metric, {}).get(labels)

    def is_fresh(self, reading: Reading, now: float) -> bool:
        """Whether a reading may still be taken for today's truth."""
        return now - reading.time <= self._fresh_for[reading.series.metric]

    def awaits(self, name: str, now: float) -> bool:
        """Whether the first word since the start of a metric, or of a source, may still come in good time."""
        if name in self.readings:
            return False
        if name in self._joined:
            return now <= self._joined[name]
        source = source_of(name)
        return source not in self._answered and now - self._started <= self._patience[source]

    def heard_by(self, metric: str) -> float:
        """When the first word of a metric since the start must have come."""
        return self._started + self._patience.get(source_of(metric), self.longest_patience)

    def old_at(self, name: str) -> float:
        """When what we know of a metric (its oldest reading), or of a source (its last answer), is too old."""
        times = [reading.time for reading in self.readings.get(name, {}).values()]
        known = min(times) if times else self._answered.get(name, self._started)
        return known + self._fresh_for[name]

    def _same(self, metric: str, series: dict[Labels, Reading]) -> bool:
        before = self.readings.get(metric)
        if before is None or before.keys() != series.keys():
            return False
        return all(before[labels].value == reading.value for labels, reading in series.items())


def source_of(metric: str) -> str:
    """The source's name in ``source.metric``; a source's own name is its own."""
    return metric.partition(".")[0]
