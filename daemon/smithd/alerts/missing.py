"""Missing data: what ``no_data`` and ``on_error`` make of a missing value. No I/O.

Beside the machines of its values, an alert has one for their absence. It is not fed by verdicts, but by situations: a
series is missing, by a cause. The cause chooses the policy that counts: ``no_data`` where the source answers without
the series, ``on_error`` where the source fails or is silent. The theory:

- A value that is missing is neither a breach nor clear, so the value's own phases stand still. What happens instead is
  the policy's: nothing (``keep`` with ``on_error``), the alert ends (``ok``; ``keep`` with ``no_data``, after a longer
  time), or the absence fires with a severity of its own. The alert shows the worse of the two severities.
- The time ``after`` counts from the last value (with ``on_error``: from the source's last good answer). Until then the
  alert waits: the absence is remembered, so that time alone can end it or make it fire.
- A failing source is one incident, however many series it had. Only the alert without labels fires by ``on_error``.
- A series with labels may be away for good: a host that was removed. After a day it counts as that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from smithd.alerts.severity import Severity
from smithd.plugin.options import Duration, Options

GIVEN_UP_AFTER = 86400.0
"""Seconds that the absence of a series with labels fires before the series counts as removed."""


class MissingOptions(Options):
    """``no_data: warning`` is short for ``no_data: {severity: warning}``."""

    severity: Literal["keep", "ok", "info", "warning", "critical"] = Field(
        description="keep: the alert stays as it is; ok: it resolves; a severity: that is an alert of its own"
    )
    after: Duration | None = Field(
        None, description="how long the last value must be ago; at the least, until it is too old to count as fresh"
    )


def _short_form(given: Any) -> Any:
    return {"severity": given} if isinstance(given, str) else given


MissingOption = Annotated[MissingOptions, BeforeValidator(_short_form)]


class MissingResponse(Enum):
    """What a policy does in the end."""

    KEEP = "keep"
    END = "end"
    FIRE = "fire"


@dataclass(frozen=True, slots=True)
class MissingPolicy:
    """What a rule makes of values that are missing for ``after`` seconds; ``severity``: with which one it fires."""

    response: MissingResponse = MissingResponse.KEEP
    after: float = 0.0
    severity: Severity | None = None


KEEP = MissingPolicy()


def no_data_policy(options: MissingOptions | None, expires_after: float) -> MissingPolicy:
    """What ``no_data`` asks for. By default an alert ends when its series was missing for that long."""
    if options is None or options.severity == "keep":
        given = options.after if options is not None else None
        return MissingPolicy(MissingResponse.END, expires_after if given is None else given)
    return _policy(options)


def on_error_policy(options: MissingOptions | None) -> MissingPolicy:
    """What ``on_error`` asks for. By default alerts stay as they are for as long as their source fails."""
    return KEEP if options is None or options.severity == "keep" else _policy(options)


def _policy(options: MissingOptions) -> MissingPolicy:
    if options.severity == "ok":
        return MissingPolicy(MissingResponse.END, options.after or 0.0)
    return MissingPolicy(MissingResponse.FIRE, options.after or 0.0, Severity(options.severity))


class AbsencePhase(StrEnum):
    """Whether the value of an alert is missing, and whether that fires."""

    PRESENT = "present"
    WAITING = "waiting"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Absence:
    """The phase of a value's absence, and since when: of the absence while it waits, of its firing when it fires."""

    phase: AbsencePhase = AbsencePhase.PRESENT
    since: float = 0.0

    @property
    def is_missing(self) -> bool:
        return self.phase is not AbsencePhase.PRESENT

    @property
    def fires(self) -> bool:
        return self.phase is AbsencePhase.FIRING


PRESENT = Absence()


class MissingStep(Enum):
    """What happens to an alert now, because its value is missing."""

    NOTHING = "nothing"
    WAIT = "wait"
    FIRE = "fire"
    END = "end"


# What happens, by the phase of the absence, what the policy does in the end, and whether its time ``after`` has come.
STEPS: dict[tuple[AbsencePhase, MissingResponse, bool], MissingStep] = {
    (AbsencePhase.PRESENT, MissingResponse.KEEP, False): MissingStep.NOTHING,
    (AbsencePhase.PRESENT, MissingResponse.KEEP, True): MissingStep.NOTHING,
    (AbsencePhase.PRESENT, MissingResponse.END, False): MissingStep.WAIT,
    (AbsencePhase.PRESENT, MissingResponse.END, True): MissingStep.END,
    (AbsencePhase.PRESENT, MissingResponse.FIRE, False): MissingStep.WAIT,
    (AbsencePhase.PRESENT, MissingResponse.FIRE, True): MissingStep.FIRE,
    (AbsencePhase.WAITING, MissingResponse.KEEP, False): MissingStep.NOTHING,
    (AbsencePhase.WAITING, MissingResponse.KEEP, True): MissingStep.NOTHING,
    (AbsencePhase.WAITING, MissingResponse.END, False): MissingStep.WAIT,
    (AbsencePhase.WAITING, MissingResponse.END, True): MissingStep.END,
    (AbsencePhase.WAITING, MissingResponse.FIRE, False): MissingStep.WAIT,
    (AbsencePhase.WAITING, MissingResponse.FIRE, True): MissingStep.FIRE,
    (AbsencePhase.FIRING, MissingResponse.KEEP, False): MissingStep.NOTHING,
    (AbsencePhase.FIRING, MissingResponse.KEEP, True): MissingStep.NOTHING,
    (AbsencePhase.FIRING, MissingResponse.END, False): MissingStep.WAIT,
    (AbsencePhase.FIRING, MissingResponse.END, True): MissingStep.END,
    # It fires already. The severity stays as it is, unless this policy's is worse: see ``step``.
    (AbsencePhase.FIRING, MissingResponse.FIRE, False): MissingStep.WAIT,
    (AbsencePhase.FIRING, MissingResponse.FIRE, True): MissingStep.WAIT,
}


@dataclass(frozen=True, slots=True)
class MissingSituation:
    """That the value of an alert is missing ``since`` (its last value, or the source's last good answer).

    ``is_failure``: because its source fails; ``is_open``: there is an alert; ``is_worse``: the policy's severity is
    worse than the one that the alert fires with.
    """

    policy: MissingPolicy
    absence: Absence
    since: float
    is_failure: bool = False
    is_open: bool = True
    has_labels: bool = False
    is_worse: bool = False


class MissingOutcome(NamedTuple):
    """What happens, the absence that goes with it, and since when the value counts as missing."""

    step: MissingStep
    absence: Absence
    began: float


def step(situation: MissingSituation, now: float) -> MissingOutcome:
    """What happens to an alert whose value is missing at ``now``."""
    policy, absence = situation.policy, situation.absence
    if not _concerns(situation, now):
        return MissingOutcome(MissingStep.NOTHING, absence, absence.since)
    if not absence.is_missing or absence.since > now:
        began = min(situation.since, now)
    elif situation.is_failure and absence.phase is AbsencePhase.WAITING and absence.since < situation.since <= now:
        # The source was up in between: the time counts anew.
        began = situation.since
    else:
        began = absence.since
    is_due = now >= began + policy.after
    # A host that was removed would otherwise keep its alert forever.
    given_up = absence.fires and situation.has_labels and now >= began + GIVEN_UP_AFTER
    taken = STEPS[absence.phase, policy.response, is_due]
    if policy.response is MissingResponse.FIRE and absence.fires:
        if situation.is_worse and now >= situation.since + policy.after:
            taken = MissingStep.FIRE
        elif given_up:
            taken = MissingStep.END
    if taken is MissingStep.FIRE:
        return MissingOutcome(taken, Absence(AbsencePhase.FIRING, now), began)
    phase = AbsencePhase.FIRING if absence.fires else AbsencePhase.WAITING
    return MissingOutcome(taken, Absence(phase, began), began)


def _concerns(situation: MissingSituation, now: float) -> bool:
    """Whether an absence means anything to this alert."""
    policy = situation.policy
    if policy.response is MissingResponse.KEEP:
        return False
    # There is nothing to end.
    if not situation.is_open and policy.response is MissingResponse.END:
        return False
    # A failing source is one incident: only the alert without labels fires for it.
    if policy.response is MissingResponse.FIRE and situation.is_failure and situation.has_labels:
        return False
    # A series that was away for so long is no reason for a new alert; one that there is goes on.
    given_up = situation.has_labels and now - situation.since >= GIVEN_UP_AFTER
    return situation.is_open or not given_up
