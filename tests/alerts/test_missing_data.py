"""Missing data: every row of the table of situations, and whom an absence concerns."""

from __future__ import annotations

import pytest

from smithd.alerts.missing import (
    GIVEN_UP_AFTER,
    KEEP,
    PRESENT,
    STEPS,
    Absence,
    AbsencePhase,
    MissingOptions,
    MissingPolicy,
    MissingResponse,
    MissingSituation,
    MissingStep,
    no_data_policy,
    on_error_policy,
    step,
)
from smithd.alerts.severity import Severity

NOW = 1_000_000.0
ENDS = MissingPolicy(MissingResponse.END, 300.0)
FIRES = MissingPolicy(MissingResponse.FIRE, 300.0, Severity.WARNING)
POLICIES = {MissingResponse.KEEP: KEEP, MissingResponse.END: ENDS, MissingResponse.FIRE: FIRES}
EARLY, LATE = NOW - 100.0, NOW - 300.0
NOTHING, WAIT, FIRE, END = MissingStep

ROWS = [
    # the absence, the policy, the time it is missing, what happens
    (AbsencePhase.PRESENT, MissingResponse.KEEP, EARLY, NOTHING),
    (AbsencePhase.PRESENT, MissingResponse.KEEP, LATE, NOTHING),
    (AbsencePhase.PRESENT, MissingResponse.END, EARLY, WAIT),
    (AbsencePhase.PRESENT, MissingResponse.END, LATE, END),
    (AbsencePhase.PRESENT, MissingResponse.FIRE, EARLY, WAIT),
    (AbsencePhase.PRESENT, MissingResponse.FIRE, LATE, FIRE),
    (AbsencePhase.WAITING, MissingResponse.KEEP, EARLY, NOTHING),
    (AbsencePhase.WAITING, MissingResponse.KEEP, LATE, NOTHING),
    (AbsencePhase.WAITING, MissingResponse.END, EARLY, WAIT),
    (AbsencePhase.WAITING, MissingResponse.END, LATE, END),
    (AbsencePhase.WAITING, MissingResponse.FIRE, EARLY, WAIT),
    (AbsencePhase.WAITING, MissingResponse.FIRE, LATE, FIRE),
    (AbsencePhase.FIRING, MissingResponse.KEEP, EARLY, NOTHING),
    (AbsencePhase.FIRING, MissingResponse.KEEP, LATE, NOTHING),
    (AbsencePhase.FIRING, MissingResponse.END, EARLY, WAIT),
    (AbsencePhase.FIRING, MissingResponse.END, LATE, END),
    (AbsencePhase.FIRING, MissingResponse.FIRE, EARLY, WAIT),
    (AbsencePhase.FIRING, MissingResponse.FIRE, LATE, WAIT),
]


def absence(phase: AbsencePhase, since: float) -> Absence:
    return PRESENT if phase is AbsencePhase.PRESENT else Absence(phase, since)


def test_the_rows_are_all_there_are() -> None:
    assert {(phase, response, since == LATE) for phase, response, since, _ in ROWS} == STEPS.keys()


@pytest.mark.parametrize(("phase", "response", "since", "expected"), ROWS)
def test_a_row_of_the_table(
    phase: AbsencePhase, response: MissingResponse, since: float, expected: MissingStep
) -> None:
    situation = MissingSituation(POLICIES[response], absence(phase, since), since)
    found = step(situation, NOW)
    assert found.step is expected
    if expected is FIRE:
        assert found.absence == Absence(AbsencePhase.FIRING, NOW)
    elif phase is not AbsencePhase.PRESENT:
        assert found.absence == situation.absence
    elif expected is WAIT:
        assert found.absence == Absence(AbsencePhase.WAITING, since)


@pytest.mark.parametrize(
    ("is_open", "has_labels", "is_failure", "response", "since", "expected"),
    [
        # without an alert there is nothing to end
        (False, True, False, MissingResponse.END, LATE, NOTHING),
        (False, False, True, MissingResponse.END, LATE, NOTHING),
        # a missing series fires, with labels or without
        (False, True, False, MissingResponse.FIRE, LATE, FIRE),
        (False, False, False, MissingResponse.FIRE, LATE, FIRE),
        # one that is away for a day does not begin to
        (False, True, False, MissingResponse.FIRE, NOW - GIVEN_UP_AFTER, NOTHING),
        (False, False, False, MissingResponse.FIRE, NOW - GIVEN_UP_AFTER, FIRE),
        (True, True, False, MissingResponse.FIRE, NOW - GIVEN_UP_AFTER, FIRE),
        # a failing source fires once, on the alert without labels, and may end all
        (True, True, True, MissingResponse.FIRE, LATE, NOTHING),
        (False, False, True, MissingResponse.FIRE, LATE, FIRE),
        (True, False, True, MissingResponse.FIRE, LATE, FIRE),
        (True, True, True, MissingResponse.END, LATE, END),
    ],
)
def test_whom_an_absence_concerns(
    is_open: bool, has_labels: bool, is_failure: bool, response: MissingResponse, since: float, expected: MissingStep
) -> None:
    situation = MissingSituation(POLICIES[response], PRESENT, since, is_failure, is_open, has_labels)
    assert step(situation, NOW).step is expected


@pytest.mark.parametrize(
    ("fired_at", "has_labels", "expected"),
    [
        (NOW - GIVEN_UP_AFTER + 1, True, WAIT),
        (NOW - GIVEN_UP_AFTER, True, END),
        (NOW - GIVEN_UP_AFTER, False, WAIT),
    ],
)
def test_a_series_with_labels_is_given_up_after_a_day(fired_at: float, has_labels: bool, expected: MissingStep) -> None:
    situation = MissingSituation(FIRES, Absence(AbsencePhase.FIRING, fired_at), fired_at, has_labels=has_labels)
    assert step(situation, NOW).step is expected


@pytest.mark.parametrize(("since", "expected"), [(EARLY, WAIT), (LATE, FIRE)])
def test_a_worse_policy_fires_anew_when_its_own_time_has_come(since: float, expected: MissingStep) -> None:
    worse = MissingSituation(FIRES, Absence(AbsencePhase.FIRING, NOW - 5000), since, is_failure=True, is_worse=True)
    assert step(worse, NOW).step is expected


def test_a_source_that_was_well_in_between_is_waited_for_anew() -> None:
    waiting = Absence(AbsencePhase.WAITING, NOW - 1000)
    found = step(MissingSituation(FIRES, waiting, EARLY, is_failure=True), NOW)
    assert found == (WAIT, Absence(AbsencePhase.WAITING, EARLY), EARLY)
    # a series is not: it was missing all the time
    assert step(MissingSituation(FIRES, waiting, EARLY), NOW).step is FIRE


def test_a_clock_that_is_set_back_lets_the_absence_begin_now() -> None:
    waiting = Absence(AbsencePhase.WAITING, NOW + 5000)
    assert step(MissingSituation(ENDS, waiting, NOW + 5000), NOW).absence == Absence(AbsencePhase.WAITING, NOW)


@pytest.mark.parametrize(
    ("options", "no_data", "on_error"),
    [
        (None, MissingPolicy(MissingResponse.END, 900.0), KEEP),
        ({"severity": "keep"}, MissingPolicy(MissingResponse.END, 900.0), KEEP),
        ({"severity": "keep", "after": "1h"}, MissingPolicy(MissingResponse.END, 3600.0), KEEP),
        ({"severity": "ok"}, MissingPolicy(MissingResponse.END, 0.0), MissingPolicy(MissingResponse.END, 0.0)),
        (
            {"severity": "critical", "after": "5m"},
            MissingPolicy(MissingResponse.FIRE, 300.0, Severity.CRITICAL),
            MissingPolicy(MissingResponse.FIRE, 300.0, Severity.CRITICAL),
        ),
    ],
)
def test_what_the_options_ask_for(
    options: dict[str, str] | None, no_data: MissingPolicy, on_error: MissingPolicy
) -> None:
    given = MissingOptions.model_validate(options) if options is not None else None
    assert no_data_policy(given, expires_after=900.0) == no_data
    assert on_error_policy(given) == on_error
