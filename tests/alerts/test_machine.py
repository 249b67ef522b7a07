"""The state machine of one severity: every pair of phase and verdict, and what time makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.alerts.condition import Verdict
from smithd.alerts.machine import NEXT, Hold, Phase, Timing, after_gap, step
from smithd.alerts.severity import Severity

SLOW = Timing(hold=60.0, keep_firing_for=60.0)
INACTIVE, PENDING, FIRING, RECOVERING = Phase
BREACH, BETWEEN, CLEAR, UNKNOWN = Verdict

NEXT_PHASES = [
    (INACTIVE, BREACH, PENDING),
    (INACTIVE, BETWEEN, INACTIVE),
    (INACTIVE, CLEAR, INACTIVE),
    (INACTIVE, UNKNOWN, INACTIVE),
    (PENDING, BREACH, PENDING),
    (PENDING, BETWEEN, INACTIVE),
    (PENDING, CLEAR, INACTIVE),
    (PENDING, UNKNOWN, PENDING),
    (FIRING, BREACH, FIRING),
    (FIRING, BETWEEN, FIRING),
    (FIRING, CLEAR, RECOVERING),
    (FIRING, UNKNOWN, FIRING),
    (RECOVERING, BREACH, FIRING),
    (RECOVERING, BETWEEN, FIRING),
    (RECOVERING, CLEAR, RECOVERING),
    (RECOVERING, UNKNOWN, RECOVERING),
]


def hold(phase: Phase, since: float = 100.0, began: float | None = None) -> Hold:
    if phase is Phase.INACTIVE:
        return Hold(Severity.WARNING)
    return Hold(Severity.WARNING, phase, since, since if began is None else began)


def test_the_table_has_every_pair() -> None:
    assert {(phase, verdict) for phase, verdict, _ in NEXT_PHASES} == NEXT.keys()


@pytest.mark.parametrize(("phase", "verdict", "expected"), NEXT_PHASES)
def test_a_verdict_chooses_the_next_phase(phase: Phase, verdict: Verdict, expected: Phase) -> None:
    after = step(hold(phase), verdict, SLOW, 110.0)
    assert after.phase is expected
    if expected is phase:
        assert after == hold(phase)
    elif expected is not Phase.INACTIVE:
        assert after.since == 110.0


@pytest.mark.parametrize(
    ("phase", "verdict", "expected"),
    [
        (INACTIVE, BREACH, FIRING),
        (PENDING, BREACH, FIRING),
        (FIRING, CLEAR, INACTIVE),
        (RECOVERING, CLEAR, INACTIVE),
        (PENDING, UNKNOWN, PENDING),
        (RECOVERING, UNKNOWN, RECOVERING),
    ],
)
def test_without_for_and_keep_firing_for_time_has_come_at_once_but_not_by_an_unknown_value(
    phase: Phase, verdict: Verdict, expected: Phase
) -> None:
    assert step(hold(phase), verdict, Timing(), 110.0).phase is expected


@pytest.mark.parametrize(
    ("phase", "verdict", "now", "expected"),
    [
        (PENDING, BREACH, 159.9, PENDING),
        (PENDING, BREACH, 160.0, FIRING),
        (RECOVERING, CLEAR, 159.9, RECOVERING),
        (RECOVERING, CLEAR, 160.0, INACTIVE),
    ],
)
def test_time_is_full_to_the_second(phase: Phase, verdict: Verdict, now: float, expected: Phase) -> None:
    assert step(hold(phase), verdict, SLOW, now).phase is expected


@pytest.mark.parametrize("phase", Phase)
def test_a_gap_ends_what_is_pending_and_nothing_else(phase: Phase) -> None:
    hold = Hold(Severity.WARNING, phase, 100.0, 90.0)
    assert after_gap(hold) == (Hold(Severity.WARNING) if phase is Phase.PENDING else hold)


def test_each_severity_remembers_when_its_breach_began() -> None:
    began = step(hold(INACTIVE), BREACH, SLOW, 100.0)
    fired = step(began, BREACH, SLOW, 160.0)
    recovering = step(fired, CLEAR, SLOW, 170.0)
    relapsed = step(recovering, BREACH, SLOW, 180.0)
    assert [each.began for each in (began, fired, recovering, relapsed)] == [100.0] * 4
    assert [each.since for each in (began, fired, recovering, relapsed)] == [100.0, 160.0, 170.0, 180.0]
    assert step(step(relapsed, CLEAR, SLOW, 190.0), CLEAR, SLOW, 250.0) == hold(INACTIVE)


def test_a_clock_that_is_set_back_leaves_no_phase_in_the_future() -> None:
    assert step(hold(PENDING, since=10_000.0), BREACH, SLOW, 100.0) == hold(PENDING, since=100.0)
    assert step(hold(RECOVERING, since=10_000.0), UNKNOWN, SLOW, 100.0) == hold(RECOVERING, since=100.0)


@given(
    st.sampled_from(Phase),
    st.sampled_from(Verdict),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1000),
    st.floats(0, 1000),
)
def test_nothing_waits_longer_than_its_time(
    phase: Phase, verdict: Verdict, since: float, now: float, for_: float, keep: float
) -> None:
    timing = Timing(for_, keep)
    after = step(hold(phase, since), verdict, timing, now)
    due = after.due(timing)
    if verdict is not Verdict.UNKNOWN and due is not None:
        assert due > now
    assert after.since <= now
    assert after.began <= now
