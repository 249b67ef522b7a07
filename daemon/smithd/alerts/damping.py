"""Damping: an alert that comes and goes again and again is told to stay. Pure.

Each time an alert fires it grows more restless by one; in as long as its delay may last at most, without firing, it
calms down by one. The delay before it resolves doubles with the restlessness: nothing after the first firing, a minute
after the second in a row, three after the third, seven, and so on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

UNIT = 60.0


class Unrest(NamedTuple):
    """How restless an alert was when it last fired."""

    level: float
    at: float

    def now(self, longest: float, now: float) -> float:
        """How restless it is now; ``longest`` is the longest delay, in seconds."""
        return max(0.0, self.level - max(0.0, now - self.at) / longest)

    def calm_at(self, longest: float) -> float:
        """When nothing of it is left."""
        return self.at + self.level * longest


def stirred(unrest: Unrest | None, longest: float, now: float) -> Unrest:
    """After one more firing. It grows no further than the delay does, so that it can shrink again."""
    level = unrest.now(longest, now) if unrest is not None else 0.0
    return Unrest(min(level + 1, 1 + math.log2(1 + longest / UNIT)), now)


def delay(unrest: Unrest | None, longest: float, since: float) -> float:
    """For how many seconds more an alert fires that has been clear ``since``."""
    if unrest is None or not longest:
        return 0.0
    return min(longest, UNIT * max(0.0, 2 ** (unrest.now(longest, since) - 1) - 1))
