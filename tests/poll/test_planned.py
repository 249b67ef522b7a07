"""When a source is polled next."""

from __future__ import annotations

import pytest

from smithd.poll.planned import NOTHING_PLANNED, Planned
from smithd.poll.schedule import Cron, Every, Schedule

EARLY = Planned({"shop": ["every 60", "first"]}, {"every 60": 100.0, "first": 45.0})
LATE = Planned({"shop": ["every 60", "first"]}, {"every 60": 100.0})
DAILY = Planned({"shop": ["cron"]}, {"cron": 21_600.0})


@pytest.mark.parametrize(
    ("planned", "schedule", "put_off_until", "expected"),
    [
        # no scheduler runs
        (NOTHING_PLANNED, Every(60.0), None, None),
        # the first of its jobs, also the early one of a start
        (EARLY, Every(60.0), None, 45.0),
        (LATE, Every(60.0), None, 100.0),
        # the first run that is not put off
        (EARLY, Every(60.0), 50.0, 100.0),
        (LATE, Every(60.0), 100.0, 100.0),
        (LATE, Every(60.0), 101.0, 160.0),
        (LATE, Every(60.0), 400.0, 400.0),
        (LATE, Every(60.0), 401.0, 460.0),
        (DAILY, Cron("0 6 * * *", "UTC"), 21_601.0, 21_600.0 + 86_400.0),
    ],
)
def test_the_next_poll(planned: Planned, schedule: Schedule, put_off_until: float | None, expected: float) -> None:
    assert planned.next_poll("shop", schedule, put_off_until) == expected
