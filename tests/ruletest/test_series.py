"""The notation of series means what promtool means by it."""

from __future__ import annotations

import pytest

from smithd.ruletest.series import PollMark, parse_series, parse_values

GAP, MISSING, ERROR = PollMark.NO_POLL, PollMark.MISSING, PollMark.ERROR


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5 -3 1e3", [1, 2.5, -3, 1000]),
        ("0+10x5", [0, 10, 20, 30, 40, 50]),
        ("1-2x3", [1, -1, -3, -5]),
        ("-2+4x3", [-2, 2, 6, 10]),
        ("1x4", [1, 1, 1, 1, 1]),
        ("1x0", [1]),
        ("_ _x3 5", [GAP] * 4 + [5]),
        ("stale NaN", [MISSING, MISSING]),
        ("error errorx2", [ERROR] * 3),
        ("0+10x2 _ stale 1x1 -2+4x1", [0, 10, 20, GAP, MISSING, 1, 1, -2, 2]),
        (7, [7]),
    ],
)
def test_values_are_expanded(text: object, values: list[float | PollMark]) -> None:
    assert list(parse_values(text)) == values


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "expected values like"),
        ("1 x5", "'x5' is no value: expected 5, 1x3"),
        ("0+10", r"'0\+10' is no value"),
        ("1+x5", "is no value"),
        ("1 two", "'two' is no value"),
        ("1e308+1x1e9", "is no value"),
        ("1e308x1 9e999", "too large"),
        ("1x9999999", "at most 200000 steps"),
        (True, "expected values like"),
        (["1"], "expected values like"),
    ],
)
def test_what_is_none_is_refused_with_what_was_expected(text: object, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        parse_values(text)


def test_a_series_is_a_metric_with_labels_in_any_order() -> None:
    assert str(parse_series("shop.orders")) == "shop.orders"
    series = parse_series(' shop.jobs.depth{queue = "a, \\"b\\"", host="c",} ')
    assert series.labels == (("host", "c"), ("queue", 'a, "b"'))


@pytest.mark.parametrize("text", ["orders", "shop.orders{", "shop.orders{a=b}", 'shop.orders{a="b" c="d"}', "A.b", 5])
def test_what_is_no_series_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_series(text)
