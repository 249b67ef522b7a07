"""Whether the service can be reached, as the gate knows it from the ends of all requests. No I/O.

Out of reach is where several tries in a row had no answer, or one had none for so long that this alone says it. Then
only probes go, one at a time, until one is answered; what an answer says does not matter. Each message has a wait of
its own besides, which is for what concerns this message alone: a probe without an answer does not make it longer.

Times are those of a clock that never steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from smithd.delivery.outcome import Outcome

SILENCE = 3
"""Tries in a row without an answer after which the service counts as out of reach."""

LONG_SILENCE = 10.0
"""Seconds without any answer after which the end of one try is enough."""

PROBE_EVERY = 12.0
"""Seconds from one probe to the next."""


@dataclass(frozen=True, slots=True)
class Reachability:
    """Whether the service answers, and since when. ``unanswered``: tries in a row without an answer; ``probes``: how
    many of them were probes; ``probe_at``: when the next probe may go.
    """

    is_reachable: bool = True
    since: float = -math.inf
    answered_at: float = -math.inf
    unanswered: int = 0
    probes: int = 0
    probe_at: float = -math.inf

    @property
    def was_outage(self) -> bool:
        """Whether the service was out of reach for all requests, as far as probes can tell: where the first of them is
        answered, it was about the requests before it.
        """
        return not self.is_reachable and self.probes > 0

    def after(self, outcome: Outcome, began: float, now: float, *, is_probe: bool) -> Reachability:
        """What is known once a request that went out at ``began`` has ended."""
        if outcome.is_answer:
            return Reachability(True, self.since if self.is_reachable else now, now)
        tried = replace(self, unanswered=self.unanswered + 1)
        if not self.is_reachable:
            return replace(tried, probes=self.probes + 1, probe_at=began + PROBE_EVERY) if is_probe else tried
        # Where another request was answered meanwhile, the service could be reached.
        is_silent = now - began >= LONG_SILENCE and self.answered_at < began
        if tried.unanswered < SILENCE and not is_silent:
            return tried
        # A probe may go at once: it is something else than what was tried.
        return replace(tried, is_reachable=False, since=now, probes=0, probe_at=now)
