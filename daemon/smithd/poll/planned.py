"""When sources are due, as the scheduler has planned it. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smithd.poll.schedule import Cron, Schedule


@dataclass(frozen=True, slots=True)
class Planned:
    """``jobs_of``: the jobs of the scheduler that poll a source, which many sources share; ``runs``: when each of them
    runs next, in seconds since 1970.
    """

    jobs_of: Mapping[str, Sequence[str]]
    runs: Mapping[str, float]

    def next_poll(self, source: str, schedule: Schedule, put_off_until: float | None) -> float | None:
        """When a source is polled next, which is not before ``put_off_until``; None where nothing is planned."""
        runs = [self.runs[job] for job in self.jobs_of.get(source, ()) if job in self.runs]
        if not runs:
            return None
        soonest = put_off_until if put_off_until is not None else -math.inf
        if later := [run for run in runs if run >= soonest]:
            return min(later)
        if isinstance(schedule, Cron):
            return schedule.after(soonest)
        # The run that comes at the interval is planned after each call only.
        own = max(runs)
        return own + schedule.seconds * math.ceil((soonest - own) / schedule.seconds)


NOTHING_PLANNED = Planned({}, {})
"""No scheduler runs."""
