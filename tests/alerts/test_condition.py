"""Thresholds: what they say, and how they stand to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smithd.alerts.condition import Threshold, Verdict, parse_threshold
from smithd.alerts.rule import RuleOptions, compile_rule

BOUNDS = st.integers(-20, 20).map(lambda number: number / 2)
COMPARISONS = st.builds(
    lambda operator, bound: f"{operator} {bound}", st.sampled_from([">", ">=", "<", "<=", "==", "!="]), BOUNDS
)
RANGES = st.builds(
    lambda word, ends: f"{word} {min(ends)}..{max(ends)}",
    st.sampled_from(["inside", "outside"]),
    st.tuples(BOUNDS, BOUNDS),
)
THRESHOLDS = st.one_of(COMPARISONS, RANGES).map(parse_threshold)
VALUES = st.integers(-50, 50).map(lambda number: number / 4)


@pytest.mark.parametrize(
    ("text", "breaches", "is_fine"),
    [
        ("> 5", 5.1, 5),
        (">= 5", 5, 4.9),
        ("< -2.5", -3, -2.5),
        ("<=0", 0, 0.1),
        ("== 1", 1, 2),
        ("!= 1", 2, 1),
        ("inside 10..20", 10, 9.9),
        ("outside 10..20", 20.1, 20),
        ("> 1e3", 1001, 1000),
    ],
)
def test_a_threshold_breaches_where_it_says(text: str, breaches: float, is_fine: float) -> None:
    threshold = parse_threshold(text)
    assert threshold.breached(breaches)
    assert not threshold.breached(is_fine)


@pytest.mark.parametrize("text", ["5", ">", "=> 5", "> five", "outside 5", "> 5 %", "", 5, None, True, "outside 9..1"])
def test_anything_else_is_refused_with_what_was_expected(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_threshold(text)


@given(THRESHOLDS, THRESHOLDS, VALUES)
def test_within_and_meets_agree_with_the_values(one: Threshold, other: Threshold, value: float) -> None:
    if one.breached(value):
        assert not one.within(other) or other.breached(value)
        assert not other.breached(value) or one.meets(other)


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"warning": "> 5", "critical": "> 1"}, "stricter"),
        ({"warning": "> 5", "critical": "< 1"}, "stricter"),
        ({"warning": "> 5", "recover": "< 6"}, "safe side"),
        ({"critical": "< 10", "recover": "> 5"}, "safe side"),
        ({"recover": "< 6"}, "needs a threshold"),
    ],
)
def test_thresholds_that_contradict_each_other_are_a_mistake(keys: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        RuleOptions.model_validate({"metric": "a.b", **keys})


def test_recover_belongs_to_the_lowest_severity() -> None:
    options = {"metric": "a.b", "warning": "> 5", "critical": "> 10", "recover": "< 3"}
    rule = compile_rule("r", RuleOptions.model_validate(options))
    assert rule.verdicts(12) == (Verdict.BREACH, Verdict.BREACH)
    assert rule.verdicts(7) == (Verdict.BREACH, Verdict.CLEAR)
    assert rule.verdicts(4) == (Verdict.BETWEEN, Verdict.CLEAR)
    assert rule.verdicts(2) == (Verdict.CLEAR, Verdict.CLEAR)
