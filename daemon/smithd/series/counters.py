"""Whether remembered values look like those of a counter. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

LEAST_RISES = 10
RISES_FOR_EACH_FALL = 10
"""What rises so often for each time that it falls does not merely go up and down."""
RESTARTS_BELOW = 0.5
"""Its first value after a restart is less than this share of the last one before."""


def starts_again(values: Sequence[float]) -> bool:
    """Whether values (oldest first) rise nearly always, and each fall is a restart; at least one has been."""
    rises = sum(after > before for before, after in pairwise(values))
    falls = [(before, after) for before, after in pairwise(values) if after < before]
    return (
        bool(falls)
        and rises >= max(LEAST_RISES, RISES_FOR_EACH_FALL * len(falls))
        and all(0 <= after < RESTARTS_BELOW * before for before, after in falls)
    )
