"""The trail: the last day of what nothing looks back on, thinned without losing a peak."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smithd.plugin.sample import Sample, Series
from smithd.series.trail import KEPT_FOR, MOST_POINTS, MOST_SERIES, Trail, thinned

LOAD = Series("host.load")


@given(st.lists(st.floats(-1e9, 1e9), max_size=300), st.integers(5, 50))
def test_thinning_keeps_order_extremes_and_the_newest(values: list[float], most: int) -> None:
    points = [(float(at), value) for at, value in enumerate(values)]
    kept = thinned(points, most)
    assert len(kept) <= most
    assert kept == sorted(set(kept) & set(points))
    if points:
        assert kept[-1] == points[-1]
        assert {min(value for _, value in kept), max(value for _, value in kept)} == {min(values), max(values)}


def test_few_points_stay_as_they_are() -> None:
    assert thinned([(1.0, 2.0), (2.0, 3.0)]) == [(1.0, 2.0), (2.0, 3.0)]


def test_of_a_long_time_the_peak_stays_and_the_memory_is_bounded() -> None:
    trail = Trail({"host.load"})
    for at in range(20_000):
        trail.take([Sample(LOAD, 99.0 if at == 7_777 else 1.0, float(at))])
    kept = trail.past(LOAD, 0, 20_000)
    assert len(kept) < 2 * MOST_POINTS
    assert (7_777.0, 99.0) in kept
    assert kept[-1] == (19_999.0, 1.0)


def test_what_is_older_than_a_day_goes_with_the_next_thinning() -> None:
    trail = Trail({"host.load"})
    trail.take([Sample(LOAD, 1.0, 0.0)])
    for at in range(2 * MOST_POINTS):
        trail.take([Sample(LOAD, 1.0, KEPT_FOR + 1 + at)])
    assert trail.past(LOAD, 0, KEPT_FOR) == []


def test_only_metrics_that_are_watched_are_remembered() -> None:
    trail = Trail({"host.load"})
    trail.take([Sample(LOAD, 1.0, 1.0), Sample(Series("host.disk"), 1.0, 1.0)])
    assert trail.past(Series("host.disk"), 0, 9) == []
    trail.watch({"host.disk"})
    assert trail.past(LOAD, 0, 9) == []


def test_more_series_than_there_is_room_for_wait_until_others_are_gone() -> None:
    trail = Trail({"host.load"})
    many = [Series("host.load", (("host", str(number)),)) for number in range(MOST_SERIES + 1)]
    trail.take([Sample(series, 1.0, 1.0) for series in many])
    assert trail.past(many[-1], 0, 9) == []
    later = KEPT_FOR + 10
    trail.take([Sample(many[-1], 2.0, later)])
    assert trail.past(many[-1], 0, later) == [(later, 2.0)]


def test_a_clock_that_is_set_back_leaves_no_line_that_runs_back() -> None:
    trail = Trail({"host.load"})
    trail.take([Sample(LOAD, float(at), float(at)) for at in (1, 2, 3)])
    trail.take([Sample(LOAD, 9.0, 2.0)])
    assert trail.past(LOAD, 0, 9) == [(1.0, 1.0), (2.0, 9.0)]
