"""The trail: the last day of every metric that is looked at, thinned without losing a peak or closing a gap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from smithd.plugin.sample import Sample, Series
from smithd.series.trail import (
    ALL_POINTS,
    KEPT_FOR,
    MOST_POINTS,
    MOST_SERIES,
    PlotPoint,
    Trail,
    apart,
    joined,
    thinned,
)

LOAD = Series("host.load")
FRESH_FOR = 100.0
NEVER = float("-inf")


def trail_of(*metrics: str) -> Trail:
    return Trail(metrics or ("host.load",), 0.0)


def take(trail: Trail, *points: tuple[float, float], series: Series = LOAD) -> None:
    for at, value in points:
        trail.take([Sample(series, value, at)], NEVER, lambda _: FRESH_FOR)


def pairs(points: Sequence[PlotPoint]) -> list[tuple[float, float]]:
    return [(each.at, each.value) for each in points]


def envelope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    values = [value for _, value in points]
    return min(values), max(values)


@st.composite
def lines(draw: st.DrawFn) -> list[PlotPoint]:
    """Points in the order of time, some of them after gaps."""
    steps = draw(st.lists(st.tuples(st.floats(0.01, 1000.0), st.floats(-1e9, 1e9), st.booleans()), max_size=200))
    at, found = 1.7e9, []
    for step, value, after_gap in steps:
        at += step
        found.append(PlotPoint(at, value, after_gap))
    return found


@given(lines(), st.integers(5, 50))
def test_thinning_keeps_order_extremes_and_the_newest(points: list[PlotPoint], most: int) -> None:
    exact = most // 4
    kept = thinned(points, most, exact)
    assert len(kept) <= most
    assert pairs(kept) == [pair for pair in pairs(points) if pair in set(pairs(kept))]
    assert pairs(kept[-exact:]) == pairs(points[-exact:])
    if points:
        assert envelope(pairs(kept)) == envelope(pairs(points))


@given(lines(), st.integers(5, 50))
def test_of_each_stretch_the_lowest_and_the_highest_stay(points: list[PlotPoint], most: int) -> None:
    kept = thinned(points, most)
    if len(points) > most:
        stretches = (most - 1) // 2
        width = (points[-2].at - points[0].at) / stretches
        for point in points:
            near = [each.value for each in kept if abs(each.at - point.at) <= width * 1.001]
            assert min(near) <= point.value <= max(near)


@given(lines(), st.integers(5, 50))
def test_thinning_joins_no_points_that_a_gap_parted(points: list[PlotPoint], most: int) -> None:
    gaps = [each.at for each in points if each.after_gap]
    for earlier, later in pairwise(thinned(points, most)):
        assert later.after_gap is any(earlier.at < at <= later.at for at in gaps)


@given(st.lists(st.tuples(st.floats(0.01, 60.0), st.floats(-1e9, 1e9)), max_size=2000))
def test_what_is_drawn_encloses_every_sample_of_the_day(steps: list[tuple[float, float]]) -> None:
    trail = trail_of()
    at, points = 1.7e9, []
    for step, value in steps:
        at += step
        points.append((at, value))
    take(trail, *points)
    kept = pairs(trail.past(LOAD, 1.7e9, at))
    assert len(kept) <= MOST_POINTS
    assert set(kept) <= set(points)
    assert kept[-1:] == points[-1:]
    if points:
        assert envelope(kept) == envelope(points)


def test_few_points_stay_as_they_are() -> None:
    points = [PlotPoint(1.0, 2.0), PlotPoint(2.0, 3.0)]
    assert thinned(points, 500) == points


def test_a_peak_stays_through_many_thinnings() -> None:
    trail = trail_of()
    take(trail, *((float(at), 99.0 if at == 7_777 else 1.0) for at in range(20_000)))
    kept = pairs(trail.past(LOAD, 0, 20_000))
    assert len(kept) <= MOST_POINTS
    assert (7_777.0, 99.0) in kept
    assert kept[-50:] == [(float(at), 1.0) for at in range(19_950, 20_000)]


def test_a_gap_stays_through_many_thinnings() -> None:
    trail = trail_of()
    take(trail, *((float(at), at % 7) for at in range(20_000) if not 7_000 <= at < 7_200))
    kept = trail.past(LOAD, 0, 20_000)
    assert len(kept) < 1_000
    assert [each.at > 7_000 and not each.at > 7_500 for each in kept if each.after_gap] == [True]


def test_a_sample_that_comes_while_the_last_is_fresh_comes_after_no_gap() -> None:
    trail = trail_of()
    take(trail, (0.0, 1.0), (FRESH_FOR, 1.0), (2 * FRESH_FOR + 1, 1.0))
    assert [each.after_gap for each in trail.past(LOAD, 0, 999)] == [False, False, True]


def test_what_is_older_than_a_day_goes_with_the_next_thinning() -> None:
    trail = trail_of()
    take(trail, (0.0, 1.0), *((KEPT_FOR + 1 + at, 1.0) for at in range(MOST_POINTS)))
    assert trail.past(LOAD, 0, KEPT_FOR) == []


def test_of_hourly_samples_more_than_a_day_stays() -> None:
    trail = trail_of()
    take(trail, *((3600.0 * at, float(at)) for at in range(MOST_POINTS)))
    kept = trail.past(LOAD, 0, 3600.0 * MOST_POINTS)
    assert [each.value for each in kept] == [float(at) for at in range(MOST_POINTS - len(kept), MOST_POINTS)]
    assert len(kept) >= MOST_POINTS // 2


def test_derived_values_are_as_old_as_their_poll() -> None:
    trail = trail_of()
    trail.take([Sample(LOAD, 1.0, 5.0)], 7.0, lambda _: FRESH_FOR)
    assert pairs(trail.past(LOAD, 0, 9)) == [(7.0, 1.0)]


def test_only_metrics_that_are_watched_are_remembered() -> None:
    trail, disk = trail_of(), Series("host.disk")
    take(trail, (1.0, 1.0))
    take(trail, (1.0, 1.0), series=disk)
    assert (trail.has(LOAD), trail.has(disk)) == (True, False)
    trail.watch({"host.disk"}, 5.0)
    assert trail.since == {"host.disk": 5.0}
    assert trail.past(LOAD, 0, 9) == []


def test_a_metric_that_stays_watched_keeps_its_past() -> None:
    trail = trail_of()
    take(trail, (1.0, 1.0))
    trail.watch({"host.load", "host.disk"}, 5.0)
    assert trail.since == {"host.load": 0.0, "host.disk": 5.0}
    assert pairs(trail.past(LOAD, 0, 9)) == [(1.0, 1.0)]


def test_more_series_than_there_is_room_for_wait_until_others_are_gone() -> None:
    trail = trail_of()
    many = [Series("host.load", (("host", str(number)),)) for number in range(MOST_SERIES + 1)]
    trail.take([Sample(series, 1.0, 1.0) for series in many], NEVER, lambda _: FRESH_FOR)
    assert not trail.has(many[-1])
    later = KEPT_FOR + 10
    take(trail, (later, 2.0), series=many[-1])
    assert pairs(trail.past(many[-1], 0, later)) == [(later, 2.0)]


def test_many_series_share_the_room() -> None:
    trail, count = trail_of(), 4000
    many = [Series("host.load", (("host", str(number)),)) for number in range(count)]
    for at in range(500):
        trail.take(
            [Sample(series, float(at), float(at)) for series in many[:: 1 if at == 0 else 200]], NEVER, lambda _: 9.0
        )
    assert max(len(trail.past(series, 0, 500)) for series in many) <= ALL_POINTS // count


def test_a_clock_that_is_set_back_leaves_no_line_that_runs_back() -> None:
    trail = trail_of()
    take(trail, (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (2.0, 9.0))
    assert pairs(trail.past(LOAD, 0, 9)) == [(1.0, 1.0), (2.0, 9.0)]


def test_points_that_are_far_apart_are_no_line() -> None:
    assert [each.after_gap for each in apart([(0.0, 1.0), (60.0, 1.0), (200.0, 1.0)], 100.0)] == [False, False, True]
    assert apart([], 100.0) == []


def test_a_later_part_takes_over_where_it_begins() -> None:
    old = apart([(0.0, 1.0), (60.0, 2.0), (120.0, 3.0)], 100.0)
    new = apart([(100.0, 4.0), (110.0, 5.0)], 100.0)
    assert pairs(joined([old, [], new], 100.0)) == [(0.0, 1.0), (60.0, 2.0), (100.0, 4.0), (110.0, 5.0)]


def test_a_line_breaks_between_parts_that_are_far_apart() -> None:
    old, new = apart([(0.0, 1.0)], 100.0), apart([(900.0, 1.0)], 100.0)
    assert [each.after_gap for each in joined([old, new], 100.0)] == [False, True]
