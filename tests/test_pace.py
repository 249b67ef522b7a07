"""An answer that costs more than it brings is cut off; slow and small ones are not."""

from __future__ import annotations

import pytest

from smithd.pace import BodyPace

SMALL, SLOW = "it comes in chunks of", "bytes in"


@pytest.mark.parametrize(
    ("chunks", "size", "every", "problem"),
    [
        (1, 20, 30.0, None),
        (20, 1, 5.0, None),
        (1_000, 1, 0.001, None),
        (1_001, 1, 0.001, SMALL),
        (1_001, 63, 0.0, SMALL),
        (100_000, 64, 0.0, None),
        (100_000, 16_000, 0.001, None),
        (100, 1, 0.04, None),
        (200, 1, 0.04, SLOW),
        (200, 4, 0.04, None),
        (60, 1, 1.0, SLOW),
        (60, 101, 1.0, None),
    ],
)
def test_a_body_is_refused_for_tiny_chunks_and_for_a_low_rate(
    chunks: int, size: int, every: float, problem: str | None
) -> None:
    pace = BodyPace(0.0)
    found = [pace.problem(size, number * every) for number in range(1, chunks + 1)]
    last = next((each for each in found if each is not None), None)
    assert last is None if problem is None else last is not None and problem in last
