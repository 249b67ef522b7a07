"""Damping: the delay grows while an alert comes and goes, and shrinks again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smithd.alerts.damping import Flapping, after_firing, delay

LONGEST = 1800.0


def delays(*gaps: float) -> list[float]:
    """The delays after firings with these gaps between them."""
    flapping, at, found = None, 0.0, []
    for gap in (0.0, *gaps):
        at += gap
        flapping = after_firing(flapping, LONGEST, at)
        found.append(delay(flapping, LONGEST, at))
    return found


def test_the_first_end_is_not_delayed_and_the_next_ones_ever_longer() -> None:
    assert [round(each) for each in delays(0, 0, 0, 0, 0, 0)] == [0, 60, 180, 420, 900, 1800, 1800]


def test_what_fires_once_a_day_is_never_delayed() -> None:
    assert delays(*[86400.0] * 5) == [0.0] * 6


def test_it_falls_by_one_level_in_as_long_as_it_may_last() -> None:
    flapping = after_firing(after_firing(after_firing(None, LONGEST, 0), LONGEST, 0), LONGEST, 0)
    assert delay(flapping, LONGEST, LONGEST) == 60
    assert delay(flapping, LONGEST, flapping.over_at(LONGEST)) == 0


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.floats(1, 1e6))
def test_whatever_the_clock_does_the_delay_stays_within_its_bounds(gaps: list[float], longest: float) -> None:
    flapping: Flapping | None = None
    at = 0.0
    for gap in gaps:
        at += gap
        flapping = after_firing(flapping, longest, at)
        assert 0 <= delay(flapping, longest, at) <= longest
        assert flapping.over_at(longest) >= at
