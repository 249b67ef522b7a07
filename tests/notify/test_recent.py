"""What counts as a storm, and what as the first push of a rule."""

from __future__ import annotations

from notify.scenes import NOW, view
from smithd.keys import PushKey
from smithd.notify.recent import RecentPush, RecentPushes


def pushes(*ats: float, storm: int) -> RecentPushes:
    recent = RecentPushes()
    for number, at in enumerate(ats):
        push = RecentPush(at, PushKey("default", f"r{number}", at, 1), f"r{number}", is_critical=False)
        recent = recent.add((), push, storm)
    return recent


def test_a_bound_that_was_lowered_counts_the_newest_pushes() -> None:
    recent = pushes(NOW - 300, NOW - 200, NOW - 3, NOW - 2, NOW - 1, storm=10)
    assert recent.is_storm((), 2, view(NOW))
    assert not recent.is_storm((), 3, view(NOW))


def test_after_the_clock_was_set_back_pushes_count_for_a_minute_from_then() -> None:
    recent = pushes(NOW + 7201, NOW + 7202, storm=1)
    assert recent.by(NOW).is_storm((), 1, view(NOW + 59))
    assert not recent.by(NOW).is_storm((), 1, view(NOW + 60))
