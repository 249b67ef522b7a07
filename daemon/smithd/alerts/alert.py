"""An alert, and its transitions: frozen values. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from smithd.alerts.damping import Flapping
from smithd.alerts.machine import Hold, Phase
from smithd.alerts.missing import PRESENT, Absence
from smithd.alerts.reason import VALUE, Cause, Evidence
from smithd.alerts.severity import Severity, rank
from smithd.alerts.spell import Spells, since_at
from smithd.plugin.sample import Labels, Series


class AlertKey(NamedTuple):
    """The identity of an alert: who evaluated it ("" for a rule of ours), the rule's name, and the labels."""

    origin: str
    name: str
    labels: Labels

    @property
    def rule(self) -> str:
        """The rule's name among all rules: no rule of ours has a colon in it."""
        return f"{self.origin}:{self.name}" if self.origin else self.name


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule on one series, while it is not inactive.

    ``metric``: what the rule watches ("" for an expression); ``holds``: one for each of its thresholds, lowest first.
    ``severity``: the highest that fires; ``since``: when the breach began; ``fired_at``: when the alert first fired;
    ``value``: the newest value that was evaluated when the alert last changed (None: there never was one); ``spells``:
    how long it was at each severity of this episode; ``cause``: what its severity is based on. ``absence``: whether
    its value is missing. ``flapping``: how often it fired lately, where the rule has damping.
    """

    key: AlertKey
    metric: str
    holds: tuple[Hold, ...]
    severity: Severity | None
    since: float
    fired_at: float | None
    value: float | None
    spells: Spells = ()
    cause: Cause = VALUE
    absence: Absence = PRESENT
    flapping: Flapping | None = None

    @property
    def rule(self) -> str:
        return self.key.rule

    @property
    def labels(self) -> Labels:
        return self.key.labels

    @property
    def series(self) -> Series:
        return Series(self.metric, self.key.labels)

    @property
    def worst(self) -> Severity | None:
        """The highest severity of this episode so far; None before it fires."""
        return self.spells[-1].severity if self.spells else None

    @property
    def severity_since(self) -> float:
        """Since when its severity is breached; while it is pending, since when any is."""
        return since_at(self.severity, self.spells, self.since)

    @property
    def is_pending(self) -> bool:
        """Whether it is about to fire, at some severity."""
        return any(hold.phase is Phase.PENDING for hold in self.holds)

    @property
    def incident(self) -> str:
        """The name of this one episode, from firing to resolved."""
        labels = str(Series("", self.labels))
        return f"{self.rule}{labels}@{self.fired_at:.3f}"

    @property
    def breach_fires(self) -> bool:
        """Whether it fires because of values, not only of their absence."""
        return any(hold.fires for hold in self.holds)

    def breached_since(self, now: float) -> float:
        """Since when it breaches, at some severity; ``now`` where it consists of missing values only."""
        return min((hold.began for hold in self.holds if hold.is_active), default=now)

    def baseline(self, severity: Severity) -> float | None:
        """What its value is compared with at a severity; None where the threshold is not relative."""
        return next((hold.baseline for hold in self.holds if hold.severity is severity), None)

    def clamped(self, now: float) -> Alert:
        """The alert as it can be by ``now``: the clock may have been set back since it began."""
        spells = tuple([spell.by(now) for spell in self.spells])
        if max(self.since, self.fired_at or now) <= now and spells == self.spells:
            return self
        fired_at = min(self.fired_at, now) if self.fired_at is not None else None
        return replace(self, since=min(self.since, now), fired_at=fired_at, spells=spells)


class Change(StrEnum):
    """What a transition means to a person."""

    PENDING = "pending"
    ABANDONED = "abandoned"
    FIRED = "fired"
    RAISED = "raised"
    LOWERED = "lowered"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    MISSING = "missing"
    RETURNED = "returned"
    RESOLVED = "resolved"


VISIBLE = frozenset({Change.FIRED, Change.RAISED, Change.LOWERED, Change.RESOLVED})
"""The changes of severity; the others are steps on the way."""


@dataclass(frozen=True, slots=True)
class Transition:
    """That an alert changed: from what (None: inactive) to what, how a person calls it, when, at which value, why."""

    before: Alert | None
    after: Alert | None
    change: Change
    at: float
    value: float | None
    evidence: Evidence

    @property
    def alert(self) -> Alert:
        """The alert as it was when it last existed."""
        alert = self.after or self.before
        assert alert is not None
        return alert

    @property
    def cause(self) -> Cause:
        """What changed it; an alert that has ended has no cause any more."""
        return self.evidence.cause

    @property
    def changes_severity(self) -> bool:
        """Whether it fired, resolved, or fires at another severity."""
        return (self.before and self.before.severity) != (self.after and self.after.severity)


def change_between(before: Alert | None, after: Alert | None) -> Change:
    """How a person calls the difference: the severity comes first, then missing data, then the phases."""
    was, now = (before.severity if before else None), (after.severity if after else None)
    if was != now:
        if was is None:
            return Change.FIRED
        if now is None:
            return Change.RESOLVED
        return Change.RAISED if rank(now) > rank(was) else Change.LOWERED
    if after is None:
        return Change.ABANDONED
    absence = before.absence if before else PRESENT
    if after.absence != absence:
        return Change.MISSING if after.absence.is_missing else Change.RETURNED
    known = {(hold.severity, hold.phase, hold.since) for hold in before.holds} if before else set()
    phases = {hold.phase for hold in after.holds if (hold.severity, hold.phase, hold.since) not in known}
    if Phase.RECOVERING in phases:
        return Change.RECOVERING
    return Change.PENDING if Phase.PENDING in phases else Change.RELAPSED
