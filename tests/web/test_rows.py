"""Which rows of a list are shown, of many."""

from __future__ import annotations

from typing import Any

from smithd.web.rows import by_urgency, choose
from smithd.web.visit import visit

STATES = ("failing", "up")
ROWS = [{"name": f"source-{number}", "state": "failing" if number % 100 == 7 else "up"} for number in range(10_000)]


def chosen(**asked: str) -> Any:
    rows = by_urgency(ROWS, STATES, lambda row: str(row["state"]))
    return choose(rows, visit("sources", asked), STATES, lambda row: row["state"], lambda row: row["name"])


def test_of_many_rows_a_hundred_are_shown_the_most_urgent_first() -> None:
    found = chosen()
    assert (len(found.shown), found.matching, found.total, found.more) == (100, 10_000, 10_000, 500)
    assert found.states == [("failing", 100), ("up", 9_900)]
    assert {row["state"] for row in found.shown} == {"failing"}


def test_more_are_shown_up_to_a_thousand() -> None:
    assert len(chosen(rows="500").shown) == 500
    assert len(chosen(rows="1000000").shown) == 1_000
    assert chosen(rows="1000").more is None
    assert len(chosen(rows="-1").shown) == 100


def test_every_word_must_be_in_a_row() -> None:
    assert [row["name"] for row in chosen(q="SOURCE 1234").shown] == ["source-1234"]
    assert chosen(q="source 1234 no").matching == 0


def test_a_state_chooses_among_the_rows_with_the_words() -> None:
    found = chosen(q="source-99", state="failing")
    assert found.states == [("failing", 1), ("up", 110)]
    assert [row["name"] for row in found.shown] == ["source-9907"]


def test_a_state_that_no_row_has_is_still_there_to_be_left() -> None:
    assert chosen(q="source-9999", state="failing").states == [("failing", 0), ("up", 1)]
