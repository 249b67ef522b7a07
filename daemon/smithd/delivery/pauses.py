"""Pauses: how long the service asks not to be sent anything of a family. No I/O.

They are the account's, like its limits: all its keys keep to them. Times are those of a clock that never steps.
"""

from __future__ import annotations

import math
from collections import Counter

from smithd.contract.endpoint import Family
from smithd.delivery.outcome import RATE_PAUSE, SHORTEST_PAUSE


class Pauses:
    """The pauses of one account."""

    def __init__(self) -> None:
        self._until: dict[Family, float] = {}
        self._asked: Counter[Family] = Counter()

    def until(self, family: Family) -> float:
        """When the pause of a family ends, or has ended; minus infinity where there was none."""
        return self._until.get(family, -math.inf)

    def is_on_trial(self, family: Family) -> bool:
        """Whether it is not known yet that the last pause was long enough."""
        return self._asked[family] > 0

    def ask(self, family: Family, seconds: float, now: float) -> None:
        """The service asks for a pause. Each one that turns out to be too short makes the next one longer, whatever
        the service asks for.
        """
        least = min(SHORTEST_PAUSE * 2.0 ** min(self._asked[family], 30), RATE_PAUSE)
        self._asked[family] += 1
        self._until[family] = max(now + max(seconds, least), self.until(family))

    def was_enough(self, family: Family) -> None:
        """A request got past the limits."""
        del self._asked[family]

    def rest(self, until: float) -> None:
        """Let nothing go before ``until``."""
        self._until |= dict.fromkeys(Family, until)
