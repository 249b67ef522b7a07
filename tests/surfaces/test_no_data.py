"""Since when all sources are down, and when to look for that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smithd.series.expected import Expected, ExpectedSource
from smithd.series.state import SeriesState, begin, record
from smithd.surfaces.no_data import down_since, last_answer, next_look

T = 1_800_000_000.0
SOURCES = frozenset({"a", "b"})
AFTER = 600.0


def after(*polls: tuple[str, float, bool]) -> SeriesState:
    """After these polls: the source, when, and whether it answered. An answer is good for 100 s."""
    series = begin(Expected(frozenset(), frozenset(), dict.fromkeys(SOURCES, ExpectedSource(100.0, 20.0)), {}), T)
    for source, at, answers in polls:
        failure = None if answers else "no answer"
        series = record(series, source, (), failure, complete=answers, fresh_for=100.0, now=T + at).state
    return series


def test_all_are_down_since_the_last_of_them_is() -> None:
    failing = after(("a", 0, True), ("b", 0, True), ("a", 60, False), ("b", 120, False), ("a", 180, False))
    assert (down_since(failing, SOURCES, T + 200), last_answer(failing, SOURCES)) == (T + 120, T)
    silent = after(("a", 0, True), ("b", 50, False))
    assert down_since(silent, SOURCES, T + 100) is None
    assert down_since(silent, SOURCES, T + 101) == T + 50
    assert down_since(after(("a", 0, False)), SOURCES, T + 5) is None  # the other one may still answer
    assert (down_since(after(), (), T), last_answer(after(), SOURCES)) == (None, None)


polls = st.lists(st.tuples(st.sampled_from(sorted(SOURCES)), st.integers(1, 400), st.booleans()), max_size=12)


@given(polls)
def test_looking_when_it_says_to_misses_nothing(given: list[tuple[str, int, bool]]) -> None:
    """Whatever comes later, all sources have not been down for so long before the moment that it names."""
    at, known = 0.0, list[tuple[str, float, bool]]()
    for source, seconds, answers in given:
        series = after(*known)
        look = next_look(series, SOURCES, AFTER, T + at)
        assert look > T + at
        since = down_since(series, SOURCES, look - 1)
        assert since is None or since + AFTER > look - 1 or since + AFTER <= T + at
        at += seconds
        known.append((source, at, answers))


def test_while_they_have_been_down_for_long_it_is_looked_at_once_in_a_while() -> None:
    assert next_look(after(("a", 0, False), ("b", 0, False)), SOURCES, AFTER, T + 700) == T + 1300
