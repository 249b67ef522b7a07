"""Which name was probably meant."""

from __future__ import annotations

import pytest

from smithd.suggestion import did_you_mean, nearest

NAMES = ("shop.orders", "shop.revenue", "error-rate", "min_interval", "interval")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("shop.order", "shop.orders"),
        ("Error_Rate", "error-rate"),  # capitals and signs between words do not count
        ("orders", "shop.orders"),  # the last part of a dotted name stands for the whole name
        ("mininterval", "min_interval"),
        ("intervall", "interval"),
        ("weather", None),
        ("", None),
        ("x" * 1000, None),
    ],
)
def test_the_nearest_name_is_found_or_none(word: str, name: str | None) -> None:
    assert nearest(word, NAMES) == name


def test_the_question_shows_the_name_as_it_is_written() -> None:
    assert did_you_mean("tody", ["today"]) == "did you mean 'today'?"
    assert did_you_mean("tody", ["today"], ":{}") == "did you mean :today?"
    assert did_you_mean("x", ["today"]) is None


def test_a_higher_likeness_asks_for_more() -> None:
    assert nearest("tdoay", ["today"], 0.6) == "today"
    assert nearest("tdoay", ["today"], 0.95) is None
