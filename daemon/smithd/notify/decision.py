"""Decisions: that something was told, or was not, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smithd.alerts.reason import Evidence
from smithd.plugin.sample import Series


class Reason(StrEnum):
    """Why something was told, or was not; docs/rules.md explains each."""

    TOLD = "told"
    REPEATED = "told again"
    DIGEST = "told in a digest"
    UPDATED = "told silently"
    GROUPED = "waits for its group"
    SILENCED = "silenced"
    MUTED = "muted"
    INHIBITED = "inhibited"
    DEPENDENT = "depends on another"
    UNCONFIRMED = "not confirmed yet"
    UNSENT = "the last one still waits"
    SEVERITY = "severity not asked for"
    NO_PUSH = "no push"
    STEP = "a step on the way"
    FALL = "a fall"
    BACK = "back before its end was told"
    NEVER_TOLD = "never told"
    UNTOLD_END = "ends are not told"
    CLOSED = "not watched any more"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about an alert at ``at`` (seconds since 1970).

    ``change``: what had happened to it, "" where nothing had and only its telling moved on; ``evidence``: why it
    changed; ``detail``: the reason's object, as in "nights until 07:00"; ``notice``: the notification's
    name in the outbox, where there is one.
    """

    at: float
    rule: str
    series: Series
    change: str
    severity: str
    value: float | None
    evidence: Evidence | None
    reason: Reason
    detail: str = ""
    notice: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason
