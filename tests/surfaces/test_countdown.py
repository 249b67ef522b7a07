"""What a timer counts down: one row of the ladder after another, and the law behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.surfaces.countdown import LEAST_MOVE, LEAST_SHARE, Countdown, for_duration, to_time

RUNS = Countdown("until 1000.000 from 0.000", 1000.0, 0.0, True, 1000.0)
PAUSED = RUNS.frozen(100.0, None)
STALE = RUNS.frozen(100.0, 1000.0)


def to(end: float, now: float, known: Countdown | None = None, **what: bool) -> Countdown:
    return to_time(known, end, now, **{"is_paused": False, "is_stale": False, **what})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (to(1000, 0), RUNS),
        (to(1000, 0, is_paused=True), Countdown(RUNS.name, 1000.0, 0.0, False, None)),
        (to(1000, 0, is_stale=True), Countdown(RUNS.name, 1000.0, 0.0, False, 1000.0)),
        (to(1000, 100, RUNS), RUNS),
        # 5 % of 900 are 45; 44 are as much of 880.
        (to(1044, 100, RUNS), replace(RUNS, moves_at=121.0)),
        (to(1044, 121, RUNS), Countdown("until 1044.000 from 121.000", 923.0, 121.0, True, 1044.0)),
        (to(1045, 100, RUNS), Countdown("until 1045.000 from 100.000", 945.0, 100.0, True, 1045.0)),
        (to(955, 100, RUNS), Countdown("until 955.000 from 100.000", 855.0, 100.0, True, 955.0)),
        (to(1029, 900, RUNS), RUNS),
        (to(1030, 900, RUNS), Countdown("until 1030.000 from 900.000", 130.0, 900.0, True, 1030.0)),
        (to(1000, 100, RUNS, is_paused=True), PAUSED),
        (to(2000, 150, PAUSED, is_paused=True), PAUSED),
        (to(1050, 150, PAUSED), Countdown(RUNS.name, 900.0, 150.0, True, 1050.0)),
        (to(1000, 150, PAUSED), Countdown("until 1000.000 from 150.000", 850.0, 150.0, True, 1000.0)),
        (to(1000, 100, RUNS, is_stale=True), STALE),
        (to(1000, 999, STALE, is_stale=True), STALE),
        (to(1000, 1000, STALE, is_stale=True), Countdown("until 1000.000 from 1000.000", 0.0, 1000.0, True, 1000.0)),
        (to(1000, 1000, RUNS), RUNS),
        (to(1000, 5000, RUNS, is_stale=True), RUNS),
        (to(9000, 5000, RUNS), Countdown("until 9000.000 from 5000.000", 4000.0, 5000.0, True, 9000.0)),
        (to(10, 50), Countdown("until 10.000 from 50.000", 0.0, 50.0, True, 50.0)),
    ],
)
def test_a_countdown_to_a_time(found: Countdown, expected: Countdown) -> None:
    assert found == expected


def test_a_countdown_of_a_duration() -> None:
    begun = for_duration(None, 300, 10, is_paused=False)
    assert begun == Countdown("for 300 from 10.000", 300.0, 10.0, True, 310.0)
    paused = for_duration(begun, 300, 60, is_paused=True)
    assert paused == Countdown(begun.name, 250.0, 60.0, False, None)
    assert for_duration(paused, 300, 100, is_paused=False) == Countdown(begun.name, 250.0, 100.0, True, 350.0)
    assert for_duration(begun, 300, 400, is_paused=True) is begun  # it is over
    assert for_duration(begun, 600, 60, is_paused=False).name == "for 600 from 60.000"  # another duration
    assert to(1000, 60, begun).name == "until 1000.000 from 60.000"  # another kind


ends = st.floats(0, 1e6)
moments = st.lists(st.tuples(st.floats(0.1, 1000), ends, st.booleans(), st.booleans()), min_size=1, max_size=20)


@given(moments)
def test_while_it_runs_on_fresh_data_the_phone_is_as_near_to_the_end_as_is_promised(
    history: list[tuple[float, float, bool, bool]],
) -> None:
    known: Countdown | None = None
    now = 0.0
    for passed, end, is_paused, is_stale in history:
        now += passed
        before, known = known, to_time(known, end, now, is_paused=is_paused, is_stale=is_stale)
        if known.runs and not is_stale:
            off = abs(known.remaining(now) - max(0.0, end - now))
            assert off < max(LEAST_MOVE, LEAST_SHARE * known.remaining(now)) + 1e-6
        # Another name starts the phone's clock anew, and the same one must not jump.
        if before is not None and known.name == before.name:
            assert abs(known.remaining(now) - before.remaining(now)) < 1e-6
