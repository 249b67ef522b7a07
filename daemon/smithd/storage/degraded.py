"""Whether commits succeed, fail, or have failed for so long that the daemon goes on without them. No I/O.

    ok ── a commit fails ──▶ failing ── it goes on for 5 s ──▶ degraded
    ▲                          │                                  │
    └───── a commit succeeds ──┴───────── a commit succeeds ──────┘

While *failing*, a step waits: memory and disk are as they were, and the same step is tried again. While *degraded*,
steps are applied without a commit, so what is sent may not be on disk; now and then a snapshot of all memory is tried,
and the first that succeeds makes up for everything. Only Unwritable leads here: a state that is damaged, or another
daemon's, will not be ours again by waiting.

Times are those of the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from smithd.errors import DatabaseError, Unwritable

DEGRADED_AFTER = 5.0
"""Seconds of failing commits after which the daemon goes on without them."""

RETRY = 0.5
"""Seconds between two tries of a step while commits fail."""

RETRY_DEGRADED = 5.0
"""Seconds between two tries to write a snapshot while degraded."""


@dataclass(frozen=True, slots=True)
class CommitHealth:
    """Whether commits succeed. ``since``: when the first that failed was begun; ``reason``: what the last one said."""

    since: float | None = None
    reason: str = ""
    is_degraded: bool = False
    retry_at: float = 0.0

    @property
    def is_failing(self) -> bool:
        """The last commit failed, degraded or not."""
        return self.since is not None

    def failed(self, error: DatabaseError, began: float, now: float) -> Self:
        """After a commit that was begun at ``began`` and failed at ``now``: one may wait seconds for another program.

        Raises the error where waiting would not help.
        """
        if not isinstance(error, Unwritable):
            raise error
        since = began if self.since is None else self.since
        is_degraded = self.is_degraded or now - since >= DEGRADED_AFTER
        retry_at = now + (RETRY_DEGRADED if is_degraded else min(RETRY, max(0.0, since + DEGRADED_AFTER - now)))
        return type(self)(since, str(error), is_degraded, retry_at)

    def succeeded(self) -> Self:
        """After a commit that succeeded."""
        return type(self)()
