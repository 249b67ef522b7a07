"""Which streams may be on the phone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.keys import StreamKey
from smithd.surfaces.slots import (
    Allocation,
    Holder,
    LoweredLimit,
    SlotDecision,
    SlotLimits,
    Slots,
    allocate,
    set_clock,
    timers,
)
from surfaces.views import stream

NAMES = "abcdefgh"
STREAMS = [stream(name) for name in NAMES]
REMOVED = stream("removed")
COOL_DOWN = 60.0


def limits(at_once: int, names: str = NAMES) -> SlotLimits:
    return SlotLimits(at_once, {stream(name): COOL_DOWN for name in names})


def keys(names: str) -> set[StreamKey]:
    return {REMOVED if name == "?" else stream(name) for name in names}


def unwanted(**since: float) -> Slots:
    """Slots whose holders are unwanted since then; "now" is 1000."""
    return Slots(tuple(Holder(stream(name), 0.0, at) for name, at in since.items()))


def decided(allocation: Allocation) -> dict[str, str]:
    return {key.name: decision.value for key, decision in allocation.decisions.items()}


@pytest.mark.parametrize(
    ("wanted", "on_phone", "slots", "expected"),
    [
        ("", "", Slots(), {}),
        ("cab", "", Slots(), {"a": "started", "b": "started", "c": "waiting"}),
        ("abc", "c", Slots(), {"a": "started", "b": "waiting", "c": "shown"}),
        ("abc", "bc", Slots(), {"a": "waiting", "b": "shown", "c": "shown"}),
        ("ab", "??", Slots(), {"a": "started", "b": "waiting"}),
        ("a", "bc", Slots(), {"a": "waiting", "b": "cooling_down", "c": "cooling_down"}),
        ("a", "bc", unwanted(b=941, c=940), {"a": "waiting", "b": "cooling_down", "c": "ended"}),
        ("ab", "bc", unwanted(b=0, c=0), {"a": "waiting", "b": "shown", "c": "ended"}),
        ("abcd", "bcd", Slots(), {"a": "waiting", "b": "shown", "c": "shown", "d": "over_limit"}),
        ("abc", "abc", unwanted(a=0), {"a": "shown", "b": "shown", "c": "over_limit"}),
        ("bc", "abc", unwanted(a=0), {"a": "ended", "b": "shown", "c": "shown"}),
    ],
)
def test_the_decision_for_each_stream_where_two_fit(
    wanted: str, on_phone: str, slots: Slots, expected: dict[str, str]
) -> None:
    assert decided(allocate(keys(wanted), keys(on_phone), slots, limits(2), 1000.0)) == expected


def test_a_stream_cools_down_before_it_ends_and_comes_back_without_an_end() -> None:
    a, at_once = keys("a"), limits(4)
    slots = allocate(a, set(), Slots(), at_once, 0.0).slots
    assert slots == Slots((Holder(stream("a"), 0.0),), (0.0,))
    for now, wanted, decision in [
        (10.0, False, SlotDecision.COOLING_DOWN),
        (20.0, True, SlotDecision.SHOWN),
        (30.0, False, SlotDecision.COOLING_DOWN),
        (89.9, False, SlotDecision.COOLING_DOWN),
        (90.0, False, SlotDecision.ENDED),
        (95.0, False, SlotDecision.ENDED),  # its end was not accepted yet
    ]:
        allocation = allocate(a if wanted else set(), a, slots, at_once, now)
        assert allocation.decisions == {stream("a"): decision}
        slots = allocation.slots
    assert timers(replace(slots, holders=(Holder(stream("a"), 0.0, 30.0),)), at_once, 50.0) == [(90.0, stream("a"))]
    assert allocate(set(), set(), slots, at_once, 96.0).slots.holders == ()


def test_a_slot_is_given_to_another_only_when_the_end_was_accepted() -> None:
    slots = unwanted(a=0.0)
    leaving = allocate(keys("b"), keys("a"), slots, limits(1), 1000.0)
    assert decided(leaving) == {"a": "ended", "b": "waiting"}
    assert decided(allocate(keys("b"), set(), leaving.slots, limits(1), 1001.0)) == {"b": "started"}


def test_a_lower_limit_of_the_service_keeps_others_from_starting_and_ends_nothing() -> None:
    slots = Slots(lowered=LoweredLimit(1, 600.0))
    lowered = allocate(keys("abc"), keys("bc"), slots, limits(4), 0.0)
    assert decided(lowered) == {"a": "waiting", "b": "shown", "c": "shown"}
    assert timers(lowered.slots, limits(4), 0.0) == [(600.0, stream("a"))]
    over = allocate(keys("abc"), keys("bc"), lowered.slots, limits(4), 600.0)
    assert decided(over) == {"a": "started", "b": "shown", "c": "shown"}
    assert over.slots.lowered is None


def test_starts_are_remembered_for_an_hour() -> None:
    slots = Slots(started=(0.0, 4000.0))
    assert allocate(keys("a"), set(), slots, limits(4), 5000.0).slots.started == (4000.0, 5000.0)
    assert allocate(set(), set(), slots, limits(4), 5000.0).slots.started == (0.0, 4000.0)


def test_after_the_clock_was_set_back_nothing_began_in_the_future() -> None:
    slots = Slots((Holder(stream("a"), 500.0, 600.0), Holder(stream("b"), 50.0)), (50.0, 500.0))
    assert set_clock(slots, 100.0) == Slots(
        (Holder(stream("a"), 100.0, 100.0), Holder(stream("b"), 50.0)), (50.0, 100.0)
    )


streams = st.sets(st.sampled_from(STREAMS))
occupied = st.sets(st.sampled_from([*STREAMS, REMOVED]), max_size=6)
remembered = st.builds(
    Slots,
    st.lists(
        st.builds(Holder, st.sampled_from(STREAMS), st.floats(0, 100), st.none() | st.floats(0, 100, allow_nan=False)),
        unique_by=lambda holder: holder.key,
    ).map(tuple),
    st.lists(st.floats(0, 100)).map(lambda times: tuple(sorted(times))),
    st.none() | st.builds(LoweredLimit, st.integers(0, 4), st.floats(0, 200)),
)


@given(streams, occupied, remembered, st.integers(1, 4), st.floats(100, 200))
def test_the_laws_of_slots(
    wanted: set[StreamKey], on_phone: set[StreamKey], slots: Slots, at_once: int, now: float
) -> None:
    allocation = allocate(wanted, on_phone, slots, limits(at_once), now)
    started = {key for key, decision in allocation.decisions.items() if decision is SlotDecision.STARTED}
    after = on_phone | started
    assert len(after) <= max(at_once, len(on_phone)), "never more than the limit"
    assert sum(decision.has_slot for decision in allocation.decisions.values()) <= at_once
    assert not started & on_phone
    for key in on_phone - {REMOVED}:  # a holder is never dropped without a reason
        decision = allocation.decisions[key]
        holder = allocation.slots.holder(key)
        assert holder is not None
        assert (holder.unwanted_since is None) is (key in wanted)
        if decision is SlotDecision.ENDED:
            assert key not in wanted
        if decision is SlotDecision.OVER_LIMIT:
            assert len(on_phone) > at_once
    for key in wanted - on_phone:  # in the file's order
        if allocation.decisions[key] is SlotDecision.WAITING:
            later = STREAMS[STREAMS.index(key) + 1 :]
            assert not started.intersection(later)
    assert allocate(wanted, on_phone, allocation.slots, limits(at_once), now) == allocation, "the same again"


@given(st.lists(st.tuples(streams, st.booleans(), st.floats(0, 100)), max_size=20), st.integers(1, 4))
def test_over_time_the_phone_never_has_more_than_the_limit(
    steps: list[tuple[set[StreamKey], bool, float]], at_once: int
) -> None:
    """Starts are on the phone at once; ends are accepted sooner or later."""
    on_phone: set[StreamKey] = set()
    leaving: set[StreamKey] = set()
    slots, now = Slots(), 0.0
    for wanted, ends_are_accepted, pause in steps:
        now += pause
        if ends_are_accepted:
            on_phone -= leaving
        allocation = allocate(wanted, on_phone, slots, limits(at_once), now)
        slots = allocation.slots
        leaving = {key for key, decision in allocation.decisions.items() if decision.leaves}
        on_phone |= {key for key, decision in allocation.decisions.items() if decision is SlotDecision.STARTED}
        assert len(on_phone) <= at_once
