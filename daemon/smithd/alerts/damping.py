"""Flap damping: an alert that comes and goes again and again resolves later each time. No I/O.

Each time an alert fires, its flapping level grows by one; for each ``longest`` seconds (the longest delay that damping
may add) without firing, it falls by one. The delay before the alert resolves doubles with the level: none after the
first firing, a minute after the second in a row, then three minutes, seven, and so on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

UNIT = 60.0
"""Seconds of delay after the second firing in a row."""


class Flapping(NamedTuple):
    """How much an alert was flapping (``level``) when it last fired (``at``, seconds since 1970)."""

    level: float
    at: float

    def level_at(self, longest: float, now: float) -> float:
        """The level that is left at ``now``."""
        return max(0.0, self.level - max(0.0, now - self.at) / longest)

    def over_at(self, longest: float) -> float:
        """When nothing of it is left."""
        return self.at + self.level * longest


def after_firing(flapping: Flapping | None, longest: float, now: float) -> Flapping:
    """The flapping after one more firing."""
    level = flapping.level_at(longest, now) if flapping is not None else 0.0
    # The level stops where the delay does: a higher one would only take longer to fall.
    return Flapping(min(level + 1, 1 + math.log2(1 + longest / UNIT)), now)


def delay(flapping: Flapping | None, longest: float, since: float) -> float:
    """For how many seconds more an alert fires that has been clear ``since``."""
    if flapping is None or not longest:
        return 0.0
    return min(longest, UNIT * max(0.0, 2 ** (flapping.level_at(longest, since) - 1) - 1))
