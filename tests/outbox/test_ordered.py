"""An ordered set that never changes holds what a sorted list would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.outbox.ordered import LARGEST_CHUNK, Ordered


@given(st.lists(st.tuples(st.integers(0, 999), st.booleans()), max_size=600))
def test_it_holds_what_a_sorted_list_holds(steps: list[tuple[int, bool]]) -> None:
    ordered, expected = Ordered[tuple[int]](), set[tuple[int]]()
    for number, adds in steps:
        before, was = ordered, sorted(expected)
        item = (number,)
        if adds and item not in expected:
            ordered = ordered.add(item)
            expected.add(item)
        elif not adds and item in expected:
            ordered = ordered.remove(item)
            expected.remove(item)
        assert list(before) == was, "it was changed in place"
    assert list(ordered) == sorted(expected)
    assert ordered.first == min(expected, default=None)
    assert bool(ordered) == bool(expected)


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(KeyError):
        Ordered[tuple[int]]().remove((1,))
    with pytest.raises(KeyError):
        Ordered.of([(1,), (3,)]).remove((2,))


def test_many_items_stand_in_order() -> None:
    items = [(number,) for number in range(10 * LARGEST_CHUNK)]
    ordered = Ordered.of(items)
    for item in reversed(items[::2]):
        ordered = ordered.remove(item)
    assert list(ordered) == items[1::2]
