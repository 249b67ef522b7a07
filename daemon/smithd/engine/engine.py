"""The engine: what is remembered, and the three moves of a step: compute, commit, apply.

``compute`` changes nothing: it folds entries into a draft and returns the changes. ``write`` is what the committer runs
in one transaction. ``apply`` puts the changes into memory and cannot fail: it assigns what was computed.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from smithd.alerts.alert import Alert
from smithd.alerts.evaluation import same_verdicts
from smithd.engine.entries import Entry
from smithd.engine.step import Changes, Step
from smithd.journal import Journal
from smithd.poll.intake import Poll
from smithd.series.trail import Trail
from smithd.setup import Setup
from smithd.startup import EngineTimer, LeftBehind, start
from smithd.state import write, write_all
from smithd.timers import TimerChanges, TimerQueue


class Engine:
    """Everything that one daemon remembers. ``started`` is the first step: it is to be committed and applied."""

    def __init__(self, setup: Setup, left: LeftBehind, now: float) -> None:
        resumed = start(left, setup, now)
        self.setup = setup
        self.state = resumed.state
        self.history = left.history
        self.trail = Trail(setup.plotted, now)
        self._timers = TimerQueue[EngineTimer]()
        self._journal = Journal()
        timers = TimerChanges(self._timers)
        timers.add(resumed.timers)
        samples = Step(setup, resumed.state, self.history, self._timers, now).changes().samples
        # The outbox of the last run may hold messages: the sender is to look into it.
        self.started = Changes(
            setup, resumed.state, now, samples, timers, resumed.stored, resumed.events, [], has_messages=True
        )

    def compute(self, entries: Iterable[Entry], now: float) -> Changes:
        """Fold entries, one after another, each with its own time. ``now``: the time of a step without any."""
        step = Step(self.setup, self.state, self.history, self._timers, now)
        for entry in entries:
            step.take(entry)
        return step.changes()

    def write(self, connection: Connection, changes: Changes) -> None:
        """Write what a step changed."""
        write(connection, changes.state, changes.stored, self._journal, changes.now)

    def write_all(self, connection: Connection, now: float) -> None:
        """Write all that is remembered: after a time without commits."""
        write_all(connection, self.state, self.history, now)

    def apply(self, changes: Changes, *, committed: bool = True) -> None:
        """Put what a step changed into memory. ``committed``: what it stores is on disk."""
        # First, since it takes all that is new for written: the samples of this step are not yet.
        if committed and changes.stored.history is not None:
            self.history.written(changes.now)
        if changes.setup is not self.setup:
            self.history.watch(changes.setup.history, changes.setup.config.history)
            self.trail.watch(changes.setup.plotted, changes.now)
        self.setup = changes.setup
        self.state = changes.state
        self.history.apply(changes.samples, changes.now)
        if self.trail.since:
            for samples, not_before in changes.new_samples:
                self.trail.take(samples, not_before, changes.state.series.fresh_for)
        self._timers.apply(changes.timers)

    def wake_at(self) -> float | None:
        """When the next timer is due (seconds since 1970); None where only an entry can change anything."""
        return self._timers.next_at()

    @property
    def alerts(self) -> list[Alert]:
        """The alerts that are not inactive, the oldest first."""
        return list(self.state.alerts)

    @property
    def most_waiting(self) -> int:
        """How many answers of sources may wait for a step."""
        return 100 + 2 * len(self.setup.config.sources)

    def same_verdicts(self, older: Poll, newer: Poll) -> bool:
        """Whether two answers of a source give every rule on it the same verdicts."""
        metrics = {sample.series.metric for sample in (*older.samples, *newer.samples)}
        if (older.failure is None) != (newer.failure is None) or older.is_complete != newer.is_complete:
            return False
        # Derived metrics and functions over time look at every sample.
        if not metrics.isdisjoint(self.setup.inputs) or not metrics.isdisjoint(self.setup.history):
            return False
        return same_verdicts(self.setup.rules, older.samples, newer.samples)
