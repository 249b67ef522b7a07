"""iOS' own budget of updates of one Live Activity, beside the service's limits. No I/O.

iOS shows a burst of updates, and then about one every few minutes. What comes beyond that it drops for about an hour,
while the service goes on answering that it was accepted (contract section 9.3). The figures are not documented. The
service warns at the 13th update of an activity that had more than one in two minutes, so twelve in a row are taken to
be safe; a rate that iOS bears for hours is taken to be one in five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

UPDATES_AT_ONCE = 12
REFILL = 300.0
"""Seconds after which one more update may go."""

WARNED_FOR = 3600.0
"""Seconds for which iOS is taken to drop updates after the service has warned of that."""


@dataclass(frozen=True, slots=True)
class UpdateBudget:
    """``used`` updates count at the time ``at`` (seconds since 1970), and one less every ``REFILL`` seconds.
    ``warned_until``: iOS is taken to drop updates until then.
    """

    used: float = 0.0
    at: float = 0.0
    warned_until: float = 0.0

    def used_at(self, now: float) -> float:
        """How many updates count at ``now``."""
        return max(0.0, self.used - max(0.0, now - self.at) / REFILL)

    def after_update(self, now: float, at_once: int) -> UpdateBudget:
        """The budget once another update is sent. ``at_once``: how many iOS shows in a row."""
        # Updates beyond the budget delay the next ordinary one by one refill, and not for hours.
        return replace(self, used=min(self.used_at(now) + 1, at_once), at=now)

    def after_warning(self, now: float) -> UpdateBudget:
        """The budget once the service has warned that iOS may drop updates."""
        return replace(self, warned_until=now + WARNED_FOR)

    def shifted(self, seconds: float) -> UpdateBudget:
        """The same by a wall clock that was set by ``seconds``."""
        return replace(self, at=self.at + seconds, warned_until=self.warned_until + seconds)

    def free_at(self, allowed: float) -> float:
        """When an update may go so that no more than ``allowed`` count with it, in seconds since 1970."""
        return max(self.at + max(0.0, self.used + 1 - allowed) * REFILL, self.warned_until)


UNUSED = UpdateBudget()
