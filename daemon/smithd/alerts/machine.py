"""The state machine of values: the next phase of one severity of an alert, by verdict. No I/O.

Each severity of an alert has a machine of its own, with the four phases of the table below. A verdict chooses the next
phase; then time may take it one further: a pending severity whose ``for`` is full fires, a recovering one whose
``keep_firing_for`` is full becomes inactive. Two things follow from that order:

- ``for: 0s`` fires with the first breach, and ``keep_firing_for: 0s`` resolves with the first clear value.
- The timing is that of Prometheus' alerting rules, evaluated every second
  (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/). Prometheus does not name the recovering
  phase: it is that of a firing alert whose expression is empty, within ``keep_firing_for``.

``between`` (no breach any more, not yet past ``recover``) ends a breach that has not fired, and is as good as a breach
for one that has. ``unknown`` changes nothing, and stops time: nothing fires or resolves by waiting for a value. A gap
(no value for longer than values count as fresh) ends a breach that has not fired, since it is not known whether it
lasted; what missing values mean for one that has is in ``missing``.

The severities meet in one place only (``together``): one that fires takes along the lower ones that are pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from smithd.alerts.condition import Verdict
from smithd.alerts.severity import Severity


class Phase(StrEnum):
    """The phases of one severity of an alert."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


NEXT: dict[tuple[Phase, Verdict], Phase] = {
    (Phase.INACTIVE, Verdict.BREACH): Phase.PENDING,
    (Phase.INACTIVE, Verdict.BETWEEN): Phase.INACTIVE,
    (Phase.INACTIVE, Verdict.CLEAR): Phase.INACTIVE,
    (Phase.INACTIVE, Verdict.UNKNOWN): Phase.INACTIVE,
    (Phase.PENDING, Verdict.BREACH): Phase.PENDING,
    (Phase.PENDING, Verdict.BETWEEN): Phase.INACTIVE,
    (Phase.PENDING, Verdict.CLEAR): Phase.INACTIVE,
    (Phase.PENDING, Verdict.UNKNOWN): Phase.PENDING,
    (Phase.FIRING, Verdict.BREACH): Phase.FIRING,
    (Phase.FIRING, Verdict.BETWEEN): Phase.FIRING,
    (Phase.FIRING, Verdict.CLEAR): Phase.RECOVERING,
    (Phase.FIRING, Verdict.UNKNOWN): Phase.FIRING,
    (Phase.RECOVERING, Verdict.BREACH): Phase.FIRING,
    (Phase.RECOVERING, Verdict.BETWEEN): Phase.FIRING,
    (Phase.RECOVERING, Verdict.CLEAR): Phase.RECOVERING,
    (Phase.RECOVERING, Verdict.UNKNOWN): Phase.RECOVERING,
}
"""The next phase, by phase and verdict."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a threshold must hold to fire (``hold``), and be clear to resolve; in seconds."""

    hold: float = 0.0
    keep_firing_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """One severity of an alert: its phase, and since when (seconds since 1970).

    ``began``: when its breach began, whatever phases it has gone through since. ``baseline``: what values are compared
    with at this severity, where its threshold is relative, from the moment that the first severity was breached.
    """

    severity: Severity
    phase: Phase = Phase.INACTIVE
    since: float = 0.0
    began: float = 0.0
    baseline: float | None = None

    @property
    def fires(self) -> bool:
        return self.phase in (Phase.FIRING, Phase.RECOVERING)

    @property
    def is_active(self) -> bool:
        return self.phase is not Phase.INACTIVE

    def due(self, timing: Timing) -> float | None:
        """When time alone changes the phase; None where it does not."""
        if self.phase is Phase.PENDING:
            return self.since + timing.hold
        if self.phase is Phase.RECOVERING:
            return self.since + timing.keep_firing_for
        return None


def step(hold: Hold, verdict: Verdict, timing: Timing, now: float) -> Hold:
    """The hold after a verdict at ``now``."""
    phase = NEXT[hold.phase, verdict]
    # A phase that began in the future, because the clock was set back, begins now: it would wait too long.
    if phase is not hold.phase or (hold.is_active and hold.since > now):
        hold = _entered(hold, phase, now)
    # Without a value nothing fires or resolves, however long it is waited for.
    if verdict is Verdict.UNKNOWN:
        return hold
    due = hold.due(timing)
    if due is None or now < due:
        return hold
    return _entered(hold, Phase.FIRING if hold.phase is Phase.PENDING else Phase.INACTIVE, now)


def together(holds: Sequence[Hold], now: float) -> tuple[Hold, ...]:
    """The holds of one alert, lowest first, after each made its own step: what fires at a severity fires at the lower
    ones that were breached before it, too, however long their own ``for`` is. Otherwise an alert whose worst severity
    is over would resolve, and fire again minutes later, without ever having been clear.
    """
    found: list[Hold] = []
    for index, hold in enumerate(holds):
        worse = (other for other in holds[index + 1 :] if other.fires)
        is_carried = hold.phase is Phase.PENDING and any(hold.began <= other.began for other in worse)
        found.append(_entered(hold, Phase.FIRING, now) if is_carried else hold)
    return tuple(found)


def after_gap(hold: Hold) -> Hold:
    """The hold after a gap."""
    return _entered(hold, Phase.INACTIVE, 0.0) if hold.phase is Phase.PENDING else hold


def _entered(hold: Hold, phase: Phase, now: float) -> Hold:
    if phase is Phase.INACTIVE:
        return replace(hold, phase=phase, since=0.0, began=0.0)
    began = min(hold.began, now) if hold.is_active else now
    return replace(hold, phase=phase, since=now, began=began)
