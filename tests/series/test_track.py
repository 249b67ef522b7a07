"""What is remembered of one series: all of the last hour, and enough of what came before."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from smithd.series.track import FULL_FOR, MOST_FULL, MOST_THIN, Track

DAY = 86400.0
START = 1_800_000_000.0


def filled(kept_for: float, every: float, seconds: float) -> Track:
    track = Track(kept_for)
    for number in range(int(seconds / every) + 1):
        track.add(START + number * every, float(number))
    track.forget(START + seconds)
    return track


def test_every_sample_of_the_last_hour_is_there() -> None:
    now = START + DAY
    samples = filled(DAY, 10, DAY).between(now - 3600, now)
    assert [at for at, _ in samples] == [now - 3600 + 10 * number for number in range(361)]


def test_of_a_day_one_sample_a_minute_is_remembered_and_the_newest() -> None:
    now = START + 2 * DAY + 30
    track = filled(DAY, 30, 2 * DAY + 30)
    times = [at for at, _ in track.between(now - DAY, now)]
    assert times[0] - (now - DAY) <= 60
    assert {after - before for before, after in pairwise(times[:-1])} == {60.0}
    assert times[-1] == now


def test_polls_that_are_a_little_early_do_not_halve_the_memory() -> None:
    track = filled(DAY, 59.2, DAY)
    assert len(track.between(START, START + DAY)) == int(DAY / 59.2) + 1


def test_a_series_stays_small_whatever_comes() -> None:
    track = filled(8 * DAY, 300, 20 * DAY)
    assert len(track.between(START, START + 20 * DAY)) <= MOST_THIN / 0.9 + 2
    track = Track(3600)
    for number in range(2 * MOST_FULL):
        track.add(START + number / 10, 1.0)
    assert len(track.forget(START + MOST_FULL / 5)) == MOST_FULL


def test_a_sample_that_is_not_newer_changes_nothing() -> None:
    track = Track(3600)
    assert track.add(START, 1.0)
    assert not track.add(START, 2.0)
    assert not track.add(START - 1, 3.0)
    assert track.between(0, START) == [(START, 1.0)]


def test_what_lies_in_the_future_is_forgotten_when_the_clock_goes_back() -> None:
    track = filled(DAY, 60, 600)
    assert track.rewind(START + 300) == [START + 60 * number for number in range(6, 11)]
    assert track.newest == START + 300
    assert track.add(START + 301, 1.0)


@given(
    st.sampled_from([60.0, 3600.0, FULL_FOR, 2 * DAY, 8 * DAY]),
    st.lists(st.sampled_from([0.0, 1.0, 30.0, 60.0, 900.0, DAY, -5.0]), max_size=60),
    st.integers(1, 10),
)
def test_a_sample_that_was_taken_is_there_or_was_returned_as_dropped(
    kept_for: float, steps: list[float], often: int
) -> None:
    track, now, there = Track(kept_for), START, set()
    for number, step in enumerate(steps):
        now += step
        if track.add(now, 0.0):
            there.add(now)
        if number % often == 0:
            there -= set(track.forget(now))
    found = {at for at, _ in track.between(now - track.kept_for, now)} | {at for at, _ in track.between(now - 60, now)}
    assert found <= there
    newest = max(there, default=None)
    assert track.newest == newest
    there -= set(track.forget((newest or now) + kept_for + 1))
    assert there == set()
    assert track.newest is None
