"""The past of a metric: thinned without losing a peak, and when its alerts fired."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smithd.journal import Entry
from smithd.past import FiringSpell, spells, thinned

A, B = (("instance", "a"),), (("instance", "b"),)


def entry(at: float, change: str, labels: tuple[tuple[str, str], ...] = A) -> Entry:
    return Entry(at, "errors", labels, change, "critical", None, "", "", "", "")


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


def test_spells_are_from_fired_to_resolved_of_each_alert() -> None:
    entries = [entry(1, "fired"), entry(2, "fired", B), entry(3, "raised"), entry(4, "resolved"), entry(6, "fired")]
    assert spells(entries, 0, 10) == [
        FiringSpell("errors", A, 1, 4),
        FiringSpell("errors", B, 2, None),
        FiringSpell("errors", A, 6, None),
    ]


def test_spells_are_those_of_the_span_and_one_may_have_begun_before_what_is_remembered() -> None:
    entries = [entry(1, "fired"), entry(4, "resolved"), entry(6, "resolved", B), entry(20, "fired")]
    assert spells(entries, 5, 10) == [FiringSpell("errors", B, None, 6)]
