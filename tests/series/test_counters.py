"""Which remembered values are taken for those of a counter."""

from __future__ import annotations

import pytest

from smithd.series.counters import starts_again

DAY = [float(each) for each in range(30)]


@pytest.mark.parametrize(
    ("values", "is_one"),
    [
        (DAY + DAY, True),
        ([*DAY, 1.0, 5.0, 9.0], True),
        (DAY, False),
        ([], False),
        ([*DAY, 20.0, *DAY[21:]], False),
        ([*DAY, 0.0, 5.0, 0.0, 5.0, 0.0, 5.0, 0.0, 5.0], False),
        (DAY[:5] + DAY[:5], False),
        ([5.0, 9.0, 4.0, 7.0] * 20, False),
        ([0.0, 1.0] * 20, False),
        ([7.0] * 50, False),
    ],
)
def test_a_counter_rises_nearly_always_and_falls_to_next_to_nothing(values: list[float], is_one: bool) -> None:
    assert starts_again(values) is is_one
