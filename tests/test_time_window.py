"""Time windows go by the clock on the wall: over midnight, on some days, and when daylight saving begins or ends."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from smithd.notify.mute import MuteOptions
from smithd.time_window import DAYS, TimeWindow, TimeWindowOptions, compile_window

BERLIN = ZoneInfo("Europe/Berlin")


def window(**keys: object) -> TimeWindow:
    return compile_window(
        "w", TimeWindowOptions.model_validate({key.rstrip("_"): value for key, value in keys.items()}), BERLIN
    )


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


def test_a_night_begins_on_one_day_and_ends_on_the_next() -> None:
    nights = window(from_="22:00", to="07:00")
    assert [nights.contains(at(f"2026-11-23T{time}")) for time in ("21:59:59", "22:00", "23:59")] == [False, True, True]
    assert [nights.contains(at(f"2026-11-24T{time}")) for time in ("00:00", "06:59:59", "07:00")] == [True, True, False]
    assert nights.ends_at(at("2026-11-23T23:00")) == nights.ends_at(at("2026-11-24T03:00")) == at("2026-11-24T07:00")


def test_days_are_those_it_begins_on() -> None:
    friday = window(from_="22:00", to="07:00", days=["fri"])
    assert friday.contains(at("2026-11-28T03:00"))
    assert not friday.contains(at("2026-11-27T03:00"))


def test_days_that_follow_each_other_are_one() -> None:
    weekend = window(days=["sat", "sun"])
    assert weekend.ends_at(at("2026-11-28T12:00")) == at("2026-11-30T00:00")
    assert not weekend.contains(at("2026-11-27T23:59:59"))


@pytest.mark.parametrize(
    ("keys", "begins", "ends"),
    [
        ({"from_": "22:00", "to": "07:00"}, at("2026-03-28T22:00"), at("2026-03-29T07:00")),
        ({"from_": "22:00", "to": "02:30"}, at("2026-10-24T22:00"), at("2026-10-25T02:30", 1)),
        ({"from_": "02:30", "to": "06:00"}, at("2026-10-25T02:30"), at("2026-10-25T06:00")),
        ({"from_": "02:30", "to": "06:00"}, at("2026-03-29T03:30"), at("2026-03-29T06:00")),
        ({"from_": "22:00", "to": "02:30"}, at("2026-03-28T22:00"), at("2026-03-29T03:30")),
    ],
)
def test_when_the_clocks_change_a_window_is_open_in_one_piece(keys: dict[str, str], begins: float, ends: float) -> None:
    changed = window(**keys)
    assert not changed.contains(begins - 1)
    assert changed.ends_at(begins) == ends
    assert all(changed.contains(moment) for moment in range(int(begins), int(ends), 300))
    assert not changed.contains(ends)


times = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@given(
    begin=times,
    end=times,
    days=st.sets(st.sampled_from(DAYS), min_size=1, max_size=6),
    now=st.integers(int(at("2026-01-01T00:00")), int(at("2027-01-01T00:00"))),
)
@settings(max_examples=200)
def test_a_window_is_open_until_it_ends_and_not_then(begin: str, end: str, days: set[str], now: int) -> None:
    if begin == end:
        return
    some = window(from_=begin, to=end, days=sorted(days))
    if some.contains(now):
        ends = some.ends_at(now)
        assert now < ends
        assert some.contains(ends - 1)
        assert not some.contains(ends)


@given(
    begin=times,
    end=times,
    days=st.sets(st.sampled_from(DAYS), min_size=1, max_size=6),
    now=st.integers(int(at("2026-01-01T00:00")), int(at("2027-01-01T00:00"))),
    share=st.floats(0, 0.999),
)
@settings(max_examples=200)
def test_a_window_stays_as_it_is_until_it_changes(begin: str, end: str, days: set[str], now: int, share: float) -> None:
    if begin == end:
        return
    some = window(from_=begin, to=end, days=sorted(days))
    changes = some.changes_at(now)
    assert now < changes < now + 9 * 86400
    assert some.contains(now + share * (changes - now)) == some.contains(now)
    if some.contains(now):
        # Days that follow each other are one window: it is looked at between them, too.
        assert changes <= some.ends_at(now)


@pytest.mark.parametrize(
    "keys", [{}, {"days": list(DAYS)}, {"from": "07:00", "to": "07:00"}, {"from": "00:00", "to": "00:00"}, {"to": "7"}]
)
def test_a_window_must_begin_and_end(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TimeWindowOptions.model_validate(keys)


def test_a_list_is_short_for_the_windows() -> None:
    assert MuteOptions.model_validate(["nights"]) == MuteOptions.model_validate({"during": ["nights"]})
