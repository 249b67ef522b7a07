"""What a value is compared with: of a counter what it counted; times that are left out, and new levels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.alerts.compared_with import ComparedWith, Normality, Past
from smithd.plugin.options import Counter

HOUR, DAY = 3600.0, 86400.0
NOW = datetime(2026, 1, 15, 18, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")
DAILY: Counter = "daily"
Points = Sequence[tuple[float, float]]


def past_of(points: Points) -> Past:
    return lambda since: [point for point in points if point[0] >= since]


def counted(steps: Sequence[float], restarts: Sequence[bool], every: float = 600.0) -> Points:
    """A counter that grows by these steps and is NOW at the last one; where it restarts it begins with its step."""
    points, value = [], 0.0
    for index, (step, restarts_here) in enumerate(zip(steps, restarts, strict=True)):
        value = step if restarts_here else value + step
        points.append((NOW - (len(steps) - 1 - index) * every, value))
    return points


STEPS = st.lists(st.integers(1, 50).map(float), min_size=13, max_size=13)


@given(STEPS, st.lists(st.booleans(), min_size=13, max_size=13))
def test_restarts_do_not_change_what_was_counted_in_the_last_hour_and_before(
    steps: list[float], restarts: list[bool]
) -> None:
    # A counter is seen to restart only where it falls.
    points = counted(steps, restarts)
    falls = [index > 0 and points[index][1] < points[index - 1][1] for index in range(13)]
    hour = ComparedWith("ago", HOUR, counter=True)
    straight = counted(steps, [False] * 13)
    if falls[1:] == restarts[1:]:
        for each in (points, straight):
            assert hour.measured(each[-1][1], past_of(each), NOW, UTC) == pytest.approx(sum(steps[7:]))
            assert hour.baselines(past_of(each), NOW, UTC) == [pytest.approx(sum(steps[1:7]))]


@pytest.mark.parametrize(
    "compared",
    [
        ComparedWith("ago", 600.0, counter=True),
        ComparedWith("ago", HOUR, counter=True),
        ComparedWith("average", 5 * HOUR, counter=True),
        ComparedWith("average", 600.0, counter=True),
        ComparedWith("day", DAY, 1, counter=True),
    ],
)
@given(st.lists(st.sampled_from([10.0, 60.0, 300.0, 1800.0, 3600.0, 7200.0, 40000.0]), min_size=1, max_size=100))
def test_a_counter_that_grows_evenly_never_changed(compared: ComparedWith, spacings: list[float]) -> None:
    """However young its history is, and whatever gaps are in it."""
    times = [NOW - sum(spacings[:index]) for index in range(len(spacings) + 1)][::-1]
    points = [(at, (at - times[0]) / 10) for at in times]
    measured = compared.measured(points[-1][1], past_of(points), NOW, UTC)
    found = compared.baselines(past_of(points), NOW, UTC)
    if measured is not None:
        expected = measured if compared.kind != "average" else 360
        assert found in ([], [pytest.approx(expected)])


@pytest.mark.parametrize(
    ("begins", "seconds", "known"), [(5400, HOUR, False), (7190, HOUR, False), (7200, HOUR, True), (15, 10.0, False)]
)
def test_an_hour_that_begins_before_the_history_is_unknown(begins: float, seconds: float, known: bool) -> None:
    points = [(NOW - begins + 5 * step, 5.0 * step) for step in range(int(begins // 5) + 1)]
    found = ComparedWith("ago", seconds, counter=True).baselines(past_of(points), NOW, UTC)
    assert found == ([pytest.approx(seconds)] if known else [])


@pytest.mark.parametrize(
    ("minutes_after_midnight", "others", "expected"),
    [
        (15, [(40, 40.0)], []),  # the history begins too late
        (15, [(5, 5.0), (40, 40.0)], [5.0, 40.0]),
        (35, [(5, 5.0)], []),  # nobody knows what came after
        (35, [(35, 35.0)], [35.0]),
        (720, [(600, 600.0), (800, 800.0)], []),  # a gap, and both are far away
        (720, [(600, 600.0), (740, 740.0)], [600.0, 740.0]),
        (1430, [(1400, 1400.0)], [1400.0]),  # the last one of the day
    ],
)
def test_yesterdays_orders_at_this_time_are_known_by_those_before_and_after(
    minutes_after_midnight: float, others: list[tuple[float, float]], expected: list[float]
) -> None:
    yesterday = datetime(2026, 1, 14, tzinfo=BERLIN).timestamp()
    points = [(yesterday - 60.0, 1439.0), *((yesterday + 60 * at, value) for at, value in others)]
    now = yesterday + DAY + 60 * minutes_after_midnight
    assert ComparedWith("day", DAY, 1, DAILY).baselines(past_of([*points, (now, 1.0)]), now, BERLIN) == expected


def test_a_counter_that_started_again_in_a_gap_counted_nobody_knows_what() -> None:
    minutes = [*range(-120, -60), *range(-20, 1)]
    points = [(NOW + 60.0 * at, at + 1000.0 if at <= -60 else at + 20.0) for at in minutes]
    hour = ComparedWith("ago", HOUR, counter=True)
    assert hour.measured(20.0, past_of(points), NOW, UTC) is None
    assert ComparedWith("average", 2 * HOUR, counter=True).baselines(past_of(points), NOW, UTC) == [pytest.approx(60)]


@pytest.mark.parametrize(
    ("minutes", "known"),
    [
        (range(-60, 1), True),
        (range(-20, 1), False),
        ([*range(-60, -55), 0], False),  # a gap
        ([*range(-60, -40), *range(-20, 1)], True),
        ([-60, -30, 0], True),
        ([-45, 0], True),  # so it is polled
        ([0], False),
    ],
)
def test_an_average_needs_samples_from_half_of_its_time(minutes: Sequence[int], known: bool) -> None:
    points = [(NOW + 60.0 * at, 7.0) for at in minutes]
    assert ComparedWith("average", HOUR).baselines(past_of(points), NOW, UTC) == ([7.0] if known else [])


def test_an_average_that_is_too_large_for_a_number_is_unknown() -> None:
    points = [(NOW - 60.0 * back, 1.7e308) for back in range(60, -1, -1)]
    assert ComparedWith("average", HOUR).baselines(past_of(points), NOW, UTC) == []


def test_polls_that_miss_the_hour_are_weighed() -> None:
    points = [(NOW - 2400.0 * back, 2400.0 * -back / 10) for back in range(5, -1, -1)]
    hour = ComparedWith("ago", HOUR, counter=True)
    assert hour.measured(0.0, past_of(points), NOW, UTC) == pytest.approx(360)
    assert hour.baselines(past_of(points), NOW, UTC) == [pytest.approx(360)]


def test_a_daily_counter_may_be_corrected_and_another_one_starts_again_with_each_fall() -> None:
    values = [10.0, 20.0, 30.0, 29.0, *(39.0 + 10 * step for step in range(9))]
    points = [(NOW - 2 * HOUR + 600 * step, value) for step, value in enumerate(values)]
    daily, other = (
        ComparedWith("ago", 2 * HOUR, counter=kind).measured(0.0, past_of(points), NOW, UTC) for kind in (DAILY, True)
    )
    assert daily == points[-1][1] - 10
    assert other == points[-1][1] - 10 + 30


@pytest.mark.parametrize(
    ("minutes", "value", "known"),
    [(-40, 500.0, 500.0), (-10, 500.0, 500.0), (-10, 3.0, None), (10, 500.0, None), (10, 3.0, 3.0), (40, 600.0, 600.0)],
)
def test_a_day_that_begins_late_or_early_is_known_only_after(minutes: float, value: float, known: float | None) -> None:
    midnight = datetime(2026, 1, 15, tzinfo=BERLIN).timestamp()
    now = midnight + 60 * minutes
    points = [(midnight - 60 * back, 500.0) for back in range(100, 0, -1) if midnight - 60 * back < now] + [
        (now, value)
    ]
    yesterday = ComparedWith("day", DAY, 1, DAILY)
    assert yesterday.measured(value, past_of(points), now, BERLIN) == known


def test_a_day_of_a_counter_begins_at_midnight_on_the_clocks_of_the_zone() -> None:
    # Two in an hour, all the time; the clocks are set forward in the night to the 29th.
    now = datetime(2026, 3, 29, 12, tzinfo=BERLIN).timestamp()
    points = [(now - 1800.0 * back, 1000.0 - back) for back in range(120, -1, -1)]
    yesterday = ComparedWith("day", DAY, 1, counter=True)
    assert yesterday.measured(1000.0, past_of(points), now, BERLIN) == pytest.approx(2 * 11)
    assert yesterday.baselines(past_of(points), now, BERLIN) == [pytest.approx(2 * 12)]


def test_what_is_left_out_counts_in_no_mean_hour_and_is_no_hour_before() -> None:
    steps = [10.0] * 24 + [0.0] * 6 + [10.0] * 6
    points = counted(steps, [False] * 36)
    outage = Normality(((NOW - 2 * HOUR, NOW - HOUR),))
    mean = ComparedWith("average", 5 * HOUR, counter=True)
    assert mean.baselines(past_of(points), NOW, UTC, outage) == [pytest.approx(60)]
    assert ComparedWith("ago", HOUR, counter=True).baselines(past_of(points), NOW, UTC, outage) == [pytest.approx(60)]
    long = Normality(((NOW - 2.5 * HOUR, NOW - HOUR),))
    assert ComparedWith("ago", HOUR, counter=True).baselines(past_of(points), NOW, UTC, long) == []


def test_a_new_level_is_compared_with_itself() -> None:
    points = counted([10.0] * 144 + [20.0] * 144, [False] * 288)
    level = Normality(level_since=NOW - DAY)
    mean = ComparedWith("average", 2 * DAY, counter=True)
    assert mean.baselines(past_of(points), NOW, UTC) == [pytest.approx(90, rel=0.01)]
    assert mean.baselines(past_of(points), NOW, UTC, level) == [pytest.approx(120, rel=0.01)]
    days = ComparedWith("ago", 1.5 * DAY, counter=True)
    assert days.baselines(past_of(points), NOW, UTC, level) == [pytest.approx(120 * 36, rel=0.01)]
