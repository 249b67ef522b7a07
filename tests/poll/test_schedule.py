"""When sources are due, for how long readings are fresh, and how a failing source is spared."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smithd.poll.schedule import Cron, Every, ScheduleOptions, backoff, first_delay, fresh_for, period, phase

HALF_PAST_TWO = 1_793_586_600.0  # 2026-11-02 02:30 UTC
HOURLY = Cron("0 * * * *", "UTC")


def test_readings_are_fresh_until_a_second_poll_fails() -> None:
    assert fresh_for(Every(60), 10, HALF_PAST_TWO) == 160
    assert fresh_for(HOURLY, 10, HALF_PAST_TWO) == 90 * 60 + 10


def test_the_period_of_a_schedule() -> None:
    assert period(Every(60), HALF_PAST_TWO) == 60
    assert period(HOURLY, HALF_PAST_TWO) == 3600


@given(st.text(max_size=40), st.floats(0.1, 1e6))
def test_a_phase_is_a_place_within_the_interval_and_the_first_poll_comes_early(name: str, seconds: float) -> None:
    assert 0 <= phase(name, seconds) < seconds
    assert 0 <= first_delay(name, seconds) <= min(seconds, 10)


def test_phases_are_stable_and_spread() -> None:
    assert phase("shop", 60) == pytest.approx(40.41, abs=0.01)
    tenths = Counter(int(phase(f"source{number}", 10)) for number in range(1000))
    assert min(tenths.values()) > 50


@given(st.integers(1, 2000), st.floats(0.1, 1e6), st.booleans())
def test_backing_off_never_asks_more_often_and_never_gives_up(failures: int, interval: float, wrong: bool) -> None:
    wait = backoff(failures, interval, misconfigured=wrong)
    assert wait == 0 or interval <= wait <= max(600, interval)
    assert wait <= backoff(failures + 1, interval, misconfigured=wrong)
    assert backoff(failures, interval) <= backoff(failures, interval, misconfigured=True)


def test_backing_off_after_a_second_failure() -> None:
    assert [backoff(failures, 30) for failures in range(1, 8)] == [0, 0, 60, 120, 240, 300, 300]
    assert [backoff(failures, 30, misconfigured=True) for failures in range(1, 5)] == [120, 480, 600, 600]


def test_options_have_one_schedule_and_a_cron_that_is_one() -> None:
    assert ScheduleOptions.model_validate({"type": "x", "cron": "@daily"}).cron == "@daily"
    with pytest.raises(ValidationError, match="hour: '25' is not possible; expected 0 to 23"):
        ScheduleOptions.model_validate({"type": "x", "cron": "0 25 * * *"})
    with pytest.raises(ValidationError, match="either 'every' or 'cron'"):
        ScheduleOptions.model_validate({"type": "x", "cron": "0 2 * * *", "every": "1m"})
