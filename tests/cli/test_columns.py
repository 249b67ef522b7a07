"""Columns on a terminal: nothing is wider than it, nothing is lost but in what is cut, and no text controls it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from smithd.cli.columns import BAD, Cell, Output, aligned, cut, painted, wide

PIPED, TERMINAL = Output(None, in_color=False), Output(40, in_color=True)


def plain(lines: list[str]) -> list[str]:
    return [re.sub(r"\033\[\d*m", "", line) for line in lines]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [[Cell("a"), Cell("up"), Cell("")], [Cell("longer"), Cell("failing"), Cell("why")]]
    assert list(aligned(rows, PIPED)) == ["  a       up", "  longer  failing  why"]


def test_what_finds_no_room_at_the_end_has_lines_of_its_own() -> None:
    rows = [[Cell("shop"), Cell("failing", BAD), Cell("connection refused by a host with a long name")]]
    assert plain(list(aligned(rows, TERMINAL))) == [
        "  shop  failing",
        "    connection refused by a host with a",
        "    long name",
    ]


def test_a_pipe_has_neither_colours_nor_an_end_of_the_line() -> None:
    assert list(aligned([[Cell("a" * 60, BAD), Cell("b" * 200)]], PIPED)) == [f"  {'a' * 60}  {'b' * 200}"]


def test_one_long_label_pushes_no_other_column_away() -> None:
    rows = [[Cell("x" * 10_000), Cell("up"), Cell("why")], [Cell("short"), Cell("failing"), Cell("why")]]
    assert list(aligned(rows, PIPED)) == [f"  {'x' * 59}…  up       why", f"  {'short':60}  failing  why"]


def test_a_long_text_of_wide_letters_is_cut_at_once() -> None:
    assert cut("漢" * 1_000_000, 6) == "漢漢…"


def test_a_text_cannot_control_the_terminal() -> None:
    assert painted(Cell("a\x1b[2Jb\n\u202ec", BAD), TERMINAL) == "\033[31ma [2Jb  c\033[0m"


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60), st.text(max_size=200)), min_size=1, max_size=5))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str]]) -> None:
    lines = plain(list(aligned([[Cell(text, BAD) for text in row] for row in rows], Output(40, in_color=False))))
    assert all(line.isprintable() for line in lines)
    # Where narrow and wide letters are mixed, a wrapped line may have more of the wide ones.
    if all(letter.isascii() for row in rows for text in row for letter in text):
        assert all(wide(line) <= 40 for line in lines)


def test_wide_letters_take_two_columns() -> None:
    assert (wide("東京"), cut("東京都", 5), cut("東京", 4)) == (4, "東京…", "東京")
