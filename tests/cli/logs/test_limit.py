"""How much of the same the log says: the same line, different lines of a kind, and what changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smithd.cli.logs.limit import AT_ONCE, LOOK, PAUSE, WINDOW, LeftOut, RepeatLimit, Sort


def sort(content: object = "same", subject: str = "shop", kind: str = "skipped") -> Sort:
    return Sort(subject, kind, content)


def test_the_same_line_passes_at_once_and_then_is_told_every_ten_minutes_with_how_often_it_came() -> None:
    limit: RepeatLimit[str] = RepeatLimit()
    passed = [limit.admits(sort(), f"line {second}", second) for second in range(0, 600, 10)]
    assert passed == [True] + [False] * 59
    assert limit.due(WINDOW - 1) == []
    assert limit.due(WINDOW + LOOK) == [LeftOut("line 590", 59, WINDOW + LOOK, alike=True)]
    # It goes on: the next ten minutes begin.
    assert not limit.admits(sort(), "again", WINDOW + LOOK + 1)
    assert limit.due(2 * WINDOW) == []
    assert [told.count for told in limit.due(2 * WINDOW + LOOK)] == [1]


def test_a_line_that_did_not_come_again_is_told_nothing_of_and_passes_after_ten_minutes() -> None:
    limit: RepeatLimit[str] = RepeatLimit()
    assert limit.admits(sort(), "first", 0)
    assert limit.admits(sort(), "second", WINDOW)
    assert limit.due(WINDOW) == []


def test_different_lines_pass_twenty_at_once_and_two_a_minute_and_the_others_are_counted() -> None:
    limit: RepeatLimit[str] = RepeatLimit()
    passed = sum(limit.admits(sort(number), f"line {number}", 0) for number in range(1000))
    assert passed == AT_ONCE
    assert sum(limit.admits(sort(number), "later", 1000 + number / 1000) for number in range(1000, 1002)) == 2
    assert limit.due(1001) == [LeftOut("line 999", 980, 1001, alike=False)]
    another: RepeatLimit[str] = RepeatLimit()
    assert sum(another.admits(sort(number), "", number) for number in range(600)) == AT_ONCE + 599 // PAUSE


def test_a_storm_about_one_thing_hides_nothing_of_another_and_no_other_kind() -> None:
    limit: RepeatLimit[str] = RepeatLimit()
    for number in range(1000):
        limit.admits(sort(number), "", 0)
    assert limit.admits(sort(subject="billing"), "", 0)
    assert limit.admits(sort(kind="refused"), "", 0)
    assert not limit.admits(sort("new"), "", 0)


def test_after_a_change_the_same_line_is_news_and_what_was_left_out_is_told_before() -> None:
    limit: RepeatLimit[str] = RepeatLimit()
    for second in range(5):
        limit.admits(sort(), "skipped", second)
    assert limit.end("billing", 5) == []
    assert limit.end("shop", 5) == [LeftOut("skipped", 4, 5, alike=True)]
    assert limit.admits(sort(), "skipped", 6)


def test_at_the_end_all_that_was_not_told_is() -> None:
    limit: RepeatLimit[str] = RepeatLimit()
    for subject in ("shop", "billing"):
        for second in range(3):
            limit.admits(sort(subject=subject), subject, second)
    assert [(told.last, told.count) for told in limit.end_all(3)] == [("shop", 2), ("billing", 2)]
    assert limit.end_all(3) == []


@given(st.lists(st.tuples(st.floats(0, 90), st.integers(0, 40), st.integers(0, 3)), max_size=200))
def test_every_line_either_passes_or_is_counted_once(lines: list[tuple[float, int, int]]) -> None:
    limit: RepeatLimit[int] = RepeatLimit()
    now, passed, told = 0.0, 0, 0
    for pause, content, subject in lines:
        now += pause
        told += sum(left_out.count for left_out in limit.due(now))
        passed += limit.admits(sort(content, str(subject)), content, now)
    told += sum(left_out.count for left_out in limit.end_all(now))
    assert passed + told == len(lines)


def test_what_is_over_is_forgotten() -> None:
    limit: RepeatLimit[int] = RepeatLimit()
    for number in range(500):
        limit.admits(sort(number, str(number)), number, 0)
    limit.due(2 * WINDOW)
    assert limit._kinds == {}
