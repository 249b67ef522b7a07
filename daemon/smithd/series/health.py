"""Whether a source is up, fails or is silent: since when, and why. No I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Health(StrEnum):
    """How a source does. The values are stable names."""

    UP = "up"
    FAILING = "failing"
    SILENT = "silent"


class SourceHealth(NamedTuple):
    """The health of a source at one moment: since when, and why (the failure; "" while it is up)."""

    health: Health
    since: float
    reason: str = ""


class SourceAnswers(NamedTuple):
    """What is known of one source, or of one derived metric (its answers are its evaluations).

    ``fresh_for``: for how many seconds an answer is good. ``first_answer_within``: how many seconds after the start its
    first answer may take. ``polled``: it answered or failed, since the start and since the clock was last set.
    ``answered_at``: its last answer, whether or not that had samples; ``completed_at``: its last complete one;
    ``succeeded_at``: its last without a failure. ``failure``: what it fails with. ``since``: when it began to fail, or
    ceased to.
    """

    fresh_for: float
    first_answer_within: float
    polled: bool = False
    answered_at: float | None = None
    completed_at: float | None = None
    succeeded_at: float | None = None
    failure: str | None = None
    since: float | None = None

    def is_silent(self, now: float, started: float) -> bool:
        """Whether the last answer (before the first one: the start) is too long ago."""
        return now - (started if self.answered_at is None else self.answered_at) > self.fresh_for

    def is_up(self, now: float, started: float) -> bool:
        """Whether it neither fails nor is silent. Before its first answer it is given the benefit of the doubt."""
        return self.failure is None and not self.is_silent(now, started)

    def is_complete(self, now: float) -> bool:
        """Whether the last complete answer still says what there is: it is young enough, and no failure came after."""
        return self.completed_at is not None and self.failure is None and now - self.completed_at <= self.fresh_for

    def kind(self, now: float, started: float) -> Health | None:
        """How it does now; None before its first answer is due."""
        if self.failure is not None:
            return Health.FAILING
        if self.is_silent(now, started):
            return Health.SILENT
        return None if self.since is None else Health.UP

    def health(self, now: float, started: float) -> SourceHealth | None:
        """Its health now; None before its first answer is due."""
        match self.kind(now, started):
            case Health.FAILING:
                return SourceHealth(Health.FAILING, started if self.since is None else self.since, self.failure or "")
            case Health.SILENT:
                answered_at = started if self.answered_at is None else self.answered_at
                return SourceHealth(Health.SILENT, answered_at, "no answer in time")
            case Health.UP:
                assert self.since is not None
                return SourceHealth(Health.UP, self.since)
        return None

    def after(
        self, failure: str | None, fresh_for: float, now: float, has_samples: bool, complete: bool
    ) -> SourceAnswers:
        """After one poll. A failure that brought samples all the same is an answer, and never a complete one."""
        has_failed = failure is not None
        is_answer = has_samples or not has_failed
        # Failing for another reason is still failing: "since" is when it began, or ceased, to fail.
        turned = self.since is None or has_failed is (self.failure is None)
        return SourceAnswers(
            fresh_for if is_answer else self.fresh_for,
            self.first_answer_within,
            True,
            now if is_answer else self.answered_at,
            now if complete and not has_failed else self.completed_at,
            self.succeeded_at if has_failed else now,
            failure,
            now if turned else self.since,
        )

    def clamped(self, now: float) -> SourceAnswers:
        """After the clock was set to ``now``: nothing happened later than that, and nothing is known since."""
        return SourceAnswers(
            self.fresh_for,
            self.first_answer_within,
            False,
            _not_after(self.answered_at, now),
            _not_after(self.completed_at, now),
            _not_after(self.succeeded_at, now),
            self.failure,
            _not_after(self.since, now),
        )


def _not_after(at: float | None, now: float) -> float | None:
    return None if at is None else min(at, now)
