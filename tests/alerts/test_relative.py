"""Comparisons with the past: how they are written, and what they mean."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smithd.alerts.compared_with import ComparedWith
from smithd.alerts.condition import Verdict
from smithd.alerts.relative import parse_relative
from smithd.alerts.rule import RuleOptions

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 29, 12, tzinfo=BERLIN).timestamp()
"""The day on which Berlin's clocks were set forward."""


@pytest.mark.parametrize(
    ("text", "baseline", "breaches", "is_fine"),
    [
        ("drops > 20% over 1h", 100, 79, 80),
        ("drops >= 20% over 1h", 100, 80, 81),
        ("rises > 50 over 10m", 10, 61, 60),
        ("rises > 50% vs yesterday", 10, 16, 5),
        ("changes > 5 vs last week", 10, 4, 15),
        ("changes > 5 vs last week", 10, 16, 5),
        ("drops > 20% vs average 7d", -100, -121, -80),
        ("rises > 1e3% over 1h", 0, 1, 0),
        ("drops   > 10.5 %  over 1h30m", 100, 89, 90),
    ],
)
def test_it_breaches_where_it_says(text: str, baseline: float, breaches: float, is_fine: float) -> None:
    relative = parse_relative(text)
    assert relative.verdict(breaches, baseline) is Verdict.BREACH
    assert relative.verdict(is_fine, baseline) is Verdict.CLEAR
    assert relative.verdict(breaches, None) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "drops",
        "drops 20% over 1h",
        "drops > 20%",
        "drops == 5 over 1h",
        "falls > 5 over 1h",
        "drops > 5 over 0s",
        "drops > 5 over 1y",
        "drops > 5 vs last month",
        "drops > 5 vs average",
        "drops > 1e999 over 1h",
        "changes > -5% over 1h",
        "changes >= 0 vs yesterday",
        "changes < 5% over 1h",
    ],
)
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|compared|too large"):
        parse_relative(text)


def test_what_differs_by_its_computation_only_is_no_change() -> None:
    assert parse_relative("rises > 0% over 1h").verdict(0.1 + 0.2, 0.3) is Verdict.CLEAR
    assert parse_relative("rises > 0 over 1h").verdict(1e12 + 1, 1e12) is Verdict.BREACH


def test_small_numbers_do_not_count_below_the_floor() -> None:
    relative = replace(parse_relative("drops > 20% over 1h"), floor=50)
    assert relative.verdict(0, 49) is Verdict.CLEAR
    assert relative.verdict(0, 50) is Verdict.BREACH


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_change_either_way_is_a_drop_or_a_rise(value: float, baseline: float) -> None:
    drop, rise, change = (parse_relative(f"{word} > 1% over 1h") for word in ("drops", "rises", "changes"))
    assert change.change(value, baseline) == max(drop.change(value, baseline), rise.change(value, baseline))
    assert not math.isnan(change.change(value, baseline))
    assert drop.describe(value, baseline)


def test_the_same_time_on_another_day_is_that_of_the_clocks() -> None:
    samples = [(NOON - 24 * 3600, 24.0), (NOON - 23 * 3600, 23.0)]
    yesterday = ComparedWith("day", 86400.0, 1)
    assert yesterday.baselines(lambda since: [each for each in samples if each[0] >= since], NOON, BERLIN) == [23.0]
    assert yesterday.reach >= 25 * 3600


@pytest.mark.parametrize(("minutes", "known"), [(29, [5.0]), (31, []), (-29, [5.0]), (-31, [])])
def test_a_gap_at_that_time_means_that_nothing_is_known(minutes: float, known: list[float]) -> None:
    samples = [(NOON - 7 * 86400 + 3600 + 60 * minutes, 5.0)]
    week = ComparedWith("day", 7 * 86400.0, 7)
    assert week.baselines(lambda since: [each for each in samples if each[0] >= since], NOON, BERLIN) == known


def test_an_average_needs_half_of_its_time() -> None:
    average = ComparedWith("average", 3600.0)
    samples = [(NOON - 60.0 * minute, float(minute % 2)) for minute in range(35, 0, -1)]
    assert average.baselines(lambda _: samples[10:], NOON, BERLIN) == []
    assert average.baselines(lambda _: samples, NOON, BERLIN) == [pytest.approx(18 / 35)]


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"warning": "drops > 20% over 1h", "critical": "drops > 10% over 1h"}, "stricter"),
        ({"warning": "drops > 20% over 1h", "recover": "drops < 30% over 1h"}, "safe side"),
        ({"warning": "drops > 20% over 1h", "recover": "drops < 10% over 2h"}, "compare like"),
        ({"warning": "> 5", "recover": "drops < 10% over 2h"}, "compare like"),
    ],
)
def test_comparisons_that_contradict_each_other_are_a_mistake(keys: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        RuleOptions.model_validate({"metric": "a.b", **keys})
