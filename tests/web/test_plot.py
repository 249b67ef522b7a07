"""The plot: everything stands within it, and nothing that happened is lost."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.web.plot import HIGH, WIDE, Curve, Level, Plot, Span, plot, united

BERLIN = ZoneInfo("Europe/Berlin")
SINCE = 1_795_392_000.0  # 2026-11-23 00:00 UTC, which is 01:00 in Berlin
HOUR = 3600.0


def drawn(points: list[tuple[float, float]], levels: tuple[Level, ...] = (), until: float = SINCE + HOUR) -> Plot:
    found = plot([Curve("load", points)], levels, (), SINCE, until, BERLIN)
    assert found is not None
    return found


@given(
    st.lists(st.tuples(st.floats(0, HOUR), st.floats(-1e12, 1e12)), min_size=1, max_size=40),
    st.lists(st.floats(-1e12, 1e12), max_size=3),
)
def test_all_stands_within_the_plot(given_points: list[tuple[float, float]], bounds: list[float]) -> None:
    points = [(SINCE + at, value) for at, value in sorted(given_points)]
    found = drawn(points, tuple(Level("warning", bound, "") for bound in bounds))
    places = [float(text) for text in re.findall(r"-?[0-9.]+(?:e[+-]?[0-9]+)?", found.lines[0].path.removesuffix("h0"))]
    assert all(0 <= x <= WIDE for x in places[::2])
    assert all(0 <= y <= HIGH for y in places[1::2])
    assert all(0 <= each.y <= HIGH for each in found.thresholds)
    assert 2 <= len(found.values) <= 7


def test_the_axes_are_labelled_with_round_values_and_the_clocks_of_the_zone() -> None:
    found = drawn([(SINCE, 3.0), (SINCE + HOUR, 97.0)])
    assert [tick.text for tick in found.values] == ["0", "25", "50", "75", "100"]
    assert [tick.text for tick in found.times] == ["01:10", "01:20", "01:30", "01:40", "01:50"]


def test_days_are_labelled_by_their_names() -> None:
    found = drawn([(SINCE, 1.0)], until=SINCE + 7 * 24 * HOUR)
    assert {tick.text for tick in found.times} == {"Wed 25 Nov", "Fri 27 Nov", "Sun 29 Nov"}


@pytest.mark.parametrize("value", [0.0, 5.0, -1e300, 1e-300])
def test_a_value_that_never_changes_is_a_line_in_the_plot(value: float) -> None:
    found = drawn([(SINCE, value), (SINCE + HOUR, value)])
    assert 0 < float(found.lines[0].path.split()[1].split("L")[0]) < HIGH


def test_a_line_breaks_where_nothing_is_known() -> None:
    found = drawn([(SINCE, 1.0), (SINCE + 60, 1.0), (SINCE + 900, math.nan), (SINCE + 1800, 1.0), (SINCE + 1860, 1.0)])
    assert re.sub(r"[0-9. ]+", "", found.lines[0].path) == "MLML"


def test_a_point_between_two_gaps_is_a_dot() -> None:
    found = drawn([(SINCE, 1.0), (SINCE + 60, 1.0), (SINCE + 900, math.nan), (SINCE + 1800, 3.0)])
    assert found.lines[0].path.endswith("h0")
    assert (found.lines[0].last, found.lines[0].lowest) == (3.0, 1.0)


def test_one_point_is_a_dot() -> None:
    assert drawn([(SINCE, 1.0)]).lines[0].path.endswith("h0")


def test_without_a_sample_there_is_no_plot() -> None:
    assert plot([Curve("load", ())], [Level("warning", 1.0, "> 1")], (), SINCE, SINCE + HOUR, BERLIN) is None


def test_the_texts_of_thresholds_that_are_close_stand_apart() -> None:
    levels = tuple(Level("warning", 50.0 + number / 100, "") for number in range(3))
    places = [each.text_y for each in drawn([(SINCE, 0.0), (SINCE, 100.0)], levels).thresholds]
    assert all(lower - upper >= 13 for upper, lower in pairwise(places))


def test_spans_that_meet_are_one() -> None:
    assert united([Span(5, 7), Span(1, 3), Span(2, 4), Span(7, 8)]) == [Span(1, 4), Span(5, 8)]
