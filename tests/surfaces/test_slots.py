"""Which streams may be on the phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.alerts.severity import Severity
from smithd.keys import StreamKey
from smithd.surfaces.slots import settled
from smithd.surfaces.slots.allocate import allocate
from smithd.surfaces.slots.decision import Allocation, SlotDecision
from smithd.surfaces.slots.demand import FOLD_EVERY, FOLD_KEY, Readiness, SlotDemand, SlotLimits, SlotOptions
from smithd.surfaces.slots.memory import LoweredLimit, Slots, Start, StreamRecord, set_clock
from surfaces.views import stream

NAMES = "abcdefgh"
COOL_DOWN = 60.0
NOW = 100_000.0
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def limits(at_once: int, names: str = NAMES, /, **options: SlotOptions) -> SlotLimits:
    return SlotLimits(at_once, {stream(name): options.get(name, SlotOptions()) for name in names})


def folding(at_once: int, names: str = NAMES) -> SlotLimits:
    return limits(at_once, names, **{name: SlotOptions(fold=True) for name in names})


def keys(names: str) -> set[StreamKey]:
    return {stream("removed") if name == "?" else stream(name) for name in names}


def wanted(names: str) -> dict[StreamKey, Severity | None]:
    """Streams by their letters; ``!`` after one is a warning's incident, ``!!`` a critical's."""
    found: dict[StreamKey, Severity | None] = {}
    for letter in names:
        if letter == "!":
            key = list(found)[-1]
            found[key] = WARNING if found[key] is None else CRITICAL
        else:
            found[stream(letter)] = None
    return found


def held(names: str, since: float = 0.0) -> Slots:
    """These streams have had their slots since then."""
    return Slots(tuple(StreamRecord(stream(name), since, None, since, since) for name in names))


def unwanted(**since: float) -> Slots:
    """Slots whose holders are unwanted since then."""
    return Slots(tuple(StreamRecord(stream(name), None, at, 0.0, 0.0) for name, at in since.items()))


def decided(allocation: Allocation) -> dict[str, str]:
    return {key.name: each.decision.value for key, each in allocation.decided.items()}


@pytest.mark.parametrize(
    ("names", "on_phone", "slots", "expected"),
    [
        ("", "", Slots(), {}),
        ("cab", "", Slots(), {"a": "started", "b": "started", "c": "no_slot"}),
        ("abc", "c", Slots(), {"a": "started", "b": "no_slot", "c": "shown"}),
        ("abc", "bc", Slots(), {"a": "no_slot", "b": "shown", "c": "shown"}),
        ("ab", "?", Slots(), {"a": "started", "b": "next"}),
        ("a", "bc", Slots(), {"a": "no_slot", "b": "cooling_down", "c": "cooling_down"}),
        ("a", "bc", unwanted(b=NOW - 59, c=NOW - 60), {"a": "next", "b": "cooling_down", "c": "ended"}),
        ("ab", "bc", unwanted(b=0, c=0), {"a": "next", "b": "shown", "c": "ended"}),
        ("abcd", "bcd", held("bcd"), {"a": "no_slot", "b": "shown", "c": "shown", "d": "over_limit"}),
        ("ab!c", "abc", held("abc"), {"a": "shown", "b": "shown", "c": "over_limit"}),
        ("abc!", "abc", held("abc"), {"a": "shown", "b": "over_limit", "c": "shown"}),
        # An incident takes the slot of the lowest holder that shows no worse one.
        ("abc!!", "ab", held("ab"), {"a": "shown", "b": "preempted", "c": "next"}),
        ("ab!c!!", "ab", held("ab"), {"a": "preempted", "b": "shown", "c": "next"}),
        ("a!b!c!!", "ab", held("ab"), {"a": "shown", "b": "preempted", "c": "next"}),
        ("a!b!c!", "ab", held("ab"), {"a": "shown", "b": "shown", "c": "no_slot"}),
        ("a!!b!!c!", "ab", held("ab"), {"a": "shown", "b": "shown", "c": "no_slot"}),
        ("abc!!d!", "ab", held("ab"), {"a": "preempted", "b": "preempted", "c": "next", "d": "next"}),
        # What cools down makes room for an incident before all others, and for nothing else.
        ("bc!", "ab", replace(held("ab"), records=(*unwanted(a=NOW - 5).records, *held("b").records)),
         {"a": "preempted", "b": "shown", "c": "next"}),
        # A start that has just been made is protected, for two minutes against a higher severity.
        ("abc!!", "ab", held("ab", NOW - 119), {"a": "shown", "b": "shown", "c": "no_slot"}),
        ("abc!!", "ab", held("ab", NOW - 120), {"a": "shown", "b": "preempted", "c": "next"}),
    ],
)  # fmt: skip
def test_the_decision_for_each_stream_where_two_fit(
    names: str, on_phone: str, slots: Slots, expected: dict[str, str]
) -> None:
    assert decided(allocate(SlotDemand(wanted(names), keys(on_phone)), slots, limits(2), NOW)) == expected


@pytest.mark.parametrize(
    ("since", "min_hold", "expected"),
    [
        (NOW - 600, 600.0, "preempted"),
        (NOW - 599, 600.0, "shown"),
        (NOW - 599, 60.0, "preempted"),
    ],
)
def test_a_higher_priority_takes_a_slot_after_min_hold(since: float, min_hold: float, expected: str) -> None:
    options = limits(1, "ab", a=SlotOptions(4, min_hold), b=SlotOptions(6))
    assert decided(allocate(SlotDemand(wanted("ab"), keys("a")), held("a", since), options, NOW))["a"] == expected
    equal = limits(1, "ab", a=SlotOptions(4, min_hold), b=SlotOptions(4))
    assert decided(allocate(SlotDemand(wanted("ab"), keys("a")), held("a", since), equal, NOW))["a"] == "shown"
    low = limits(1, "ab", a=SlotOptions(10, min_hold), b=SlotOptions(1))
    incident = allocate(SlotDemand(wanted("ab!"), keys("a")), held("a", since), low, NOW)
    assert decided(incident)["a"] == "preempted", "severity comes first"


def test_when_a_protected_slot_may_be_taken_is_known() -> None:
    allocation = allocate(SlotDemand(wanted("abc!!"), keys("ab")), held("ab", NOW - 20), limits(2), NOW)
    assert allocation.decided[stream("c")].until == NOW + 100
    assert allocation.slots.look_again == NOW + 100


def test_a_stream_cools_down_before_it_ends_and_comes_back_without_an_end() -> None:
    phone = Phone(limits(4))
    phone.at(0.0, "a", {"a": "started"})
    phone.at(10.0, "", {"a": "cooling_down"})
    phone.at(20.0, "a", {"a": "shown"})
    phone.at(30.0, "", {"a": "cooling_down"})
    assert phone.slots.look_again == 90.0
    phone.at(89.9, "", {"a": "cooling_down"})
    phone.at(90.0, "", {"a": "ended"})
    phone.at(90.0, "", {})


def test_an_end_that_was_sent_is_waited_for_whatever_is_wanted_by_then() -> None:
    slots = unwanted(a=0.0)
    leaving = allocate(SlotDemand({}, keys("a")), slots, limits(1), NOW)
    assert decided(leaving) == {"a": "ended"}
    sent = allocate(SlotDemand(wanted("a"), keys("a"), ending=keys("a")), leaving.slots, limits(1), NOW + 1)
    assert decided(sent) == {"a": "ended"}
    gone = settled.left(sent.slots, stream("a"), NOW + 2)
    again = allocate(SlotDemand(wanted("a")), gone, limits(1), NOW + 2)
    assert decided(again) == {"a": "resting"}
    assert again.slots.look_again == NOW + 2 + 600


def test_a_routine_start_keeps_away_from_its_own_last_end_and_an_incident_does_not() -> None:
    slots = settled.left(held("a"), stream("a"), NOW)
    assert decided(allocate(SlotDemand(wanted("a")), slots, limits(1), NOW + 599.9)) == {"a": "resting"}
    assert decided(allocate(SlotDemand(wanted("a!")), slots, limits(1), NOW + 1)) == {"a": "started"}
    assert decided(allocate(SlotDemand(wanted("a")), slots, limits(1), NOW + 600)) == {"a": "started"}


class Phone:
    """Starts and ends are accepted at once."""

    def __init__(self, limits: SlotLimits) -> None:
        self.limits, self.slots, self.on_phone = limits, Slots(), set[StreamKey]()

    def at(self, now: float, names: str, expected: Mapping[str, str]) -> None:
        allocation = allocate(SlotDemand(wanted(names), frozenset(self.on_phone)), self.slots, self.limits, now)
        assert decided(allocation) == expected
        self.slots = allocation.slots
        for key, each in allocation.decided.items():
            if each.decision is SlotDecision.STARTED:
                self.on_phone.add(key)
                self.slots = settled.started(self.slots, key, now)
            if each.decision.leaves:
                self.on_phone.discard(key)
                self.slots = settled.left(self.slots, key, now)


def test_what_was_preempted_returns_when_its_slot_has_been_free_for_a_while() -> None:
    phone = Phone(limits(2, "abcd"))
    phone.at(0, "abd", {"a": "started", "b": "started", "d": "no_slot"})
    phone.at(1000, "abc!!d", {"a": "shown", "b": "preempted", "c": "next", "d": "no_slot"})
    phone.at(1000, "abc!!d", {"a": "shown", "b": "no_slot", "c": "started", "d": "no_slot"})
    phone.at(1700, "abd", {"a": "shown", "b": "no_slot", "c": "cooling_down", "d": "no_slot"})
    phone.at(1760, "abd", {"a": "shown", "b": "next", "c": "ended", "d": "no_slot"})
    # The slot is kept for the one that had it.
    phone.at(1760, "abd", {"a": "shown", "b": "returning", "d": "no_slot"})
    assert phone.slots.look_again == 2060
    phone.at(2059, "abd", {"a": "shown", "b": "returning", "d": "no_slot"})
    # An incident need not wait for it.
    incident = allocate(SlotDemand(wanted("abd!"), keys("a")), phone.slots, phone.limits, 2059)
    assert decided(incident) == {"a": "shown", "b": "no_slot", "d": "started"}
    phone.at(2060, "abd", {"a": "shown", "b": "started", "d": "no_slot"})


def test_a_slot_is_given_to_another_only_when_the_end_was_accepted() -> None:
    leaving = allocate(SlotDemand(wanted("b"), keys("a")), unwanted(a=0.0), limits(1), NOW)
    assert decided(leaving) == {"a": "ended", "b": "next"}
    gone = settled.left(leaving.slots, stream("a"), NOW + 1)
    assert decided(allocate(SlotDemand(wanted("b")), gone, limits(1), NOW + 1)) == {"b": "started"}


def test_a_start_that_was_not_sent_makes_room_at_once() -> None:
    first = allocate(SlotDemand(wanted("ab")), Slots(), limits(2), NOW)
    here = SlotDemand(wanted("abc!!"), keys("ab"), enqueued=keys("ab"))
    second = allocate(here, first.slots, limits(2), NOW + 1)
    assert decided(second) == {"a": "shown", "b": "preempted", "c": "started"}
    assert [record.preempted for record in second.slots.records] == [False] * 3, "it was never there"


def test_nothing_is_preempted_for_a_stream_that_cannot_start() -> None:
    def found(demand: SlotDemand, slots: Slots) -> tuple[str, str]:
        ours = decided(allocate(demand, slots, limits(1, "ab"), NOW))
        return ours["a"], ours["b"]

    demand, slots = SlotDemand(wanted("ab!!"), keys("a")), held("a")
    assert found(demand, slots) == ("preempted", "next")
    for readiness in (Readiness.EXPECTED, Readiness.UNABLE):
        unready = replace(demand, readiness=lambda _, readiness=readiness: readiness)  # type: ignore[misc] # bound now
        assert found(unready, slots) == ("shown", "not_ready")
    assert found(demand, replace(slots, unpaid=True)) == ("shown", "no_slot")
    assert found(demand, settled.refused(slots, stream("b"), NOW + 5)) == ("shown", "refused")
    used_up = replace(slots, started=tuple(Start(NOW - 100, critical=True) for _ in range(10)))
    assert found(demand, used_up) == ("shown", "no_starts")


def test_where_the_start_is_refused_what_made_room_returns_at_once() -> None:
    first = allocate(SlotDemand(wanted("abc!!"), keys("ab")), held("ab"), limits(2), NOW)
    gone = settled.left(first.slots, stream("b"), NOW + 1)
    second = allocate(SlotDemand(wanted("abc!!"), keys("a")), gone, limits(2), NOW + 1)
    assert decided(second) == {"a": "shown", "b": "no_slot", "c": "started"}
    no = settled.refused(second.slots, stream("c"), NOW + 600)
    third = allocate(SlotDemand(wanted("abc!!"), keys("a")), no, limits(2), NOW + 2)
    assert decided(third) == {"a": "shown", "b": "started", "c": "refused"}
    assert not any(record.recalled for record in third.slots.records)


def test_without_a_slot_for_the_winner_there_are_fewer_for_a_while() -> None:
    """Another program has one of the phone's slots."""
    slots = settled.no_slot(held("ab"), stream("c"), 2, NOW + 600)
    assert slots.lowered == LoweredLimit(2, NOW + 600)
    # It took no slot of ours, so it may take one now.
    taken = allocate(SlotDemand(wanted("abc!!"), keys("ab")), slots, limits(4), NOW)
    assert decided(taken) == {"a": "shown", "b": "preempted", "c": "next"}
    assert taken.slots.look_again == NOW + 600
    gone = settled.left(taken.slots, stream("b"), NOW)
    started = allocate(SlotDemand(wanted("abc!!"), keys("a")), gone, limits(4), NOW)
    assert decided(started) == {"a": "shown", "b": "no_slot", "c": "started"}
    # Refused all the same, it gives that slot back.
    back = settled.no_slot(started.slots, stream("c"), 1, NOW + 600)
    assert back.lowered == LoweredLimit(2, NOW + 600)
    again = allocate(SlotDemand(wanted("abc!!"), keys("a")), back, limits(4), NOW)
    assert decided(again) == {"a": "shown", "b": "started", "c": "refused"}


def test_a_lower_limit_of_the_service_keeps_others_from_starting_and_ends_nothing() -> None:
    slots = replace(held("bc"), lowered=LoweredLimit(1, NOW + 600))
    lowered = allocate(SlotDemand(wanted("abc"), keys("bc")), slots, limits(4), NOW)
    assert decided(lowered) == {"a": "no_slot", "b": "shown", "c": "shown"}
    over = allocate(SlotDemand(wanted("abc"), keys("bc")), lowered.slots, limits(4), NOW + 600)
    assert decided(over) == {"a": "started", "b": "shown", "c": "shown"}
    assert over.slots.lowered is None


@pytest.mark.parametrize(
    ("criticals", "others", "expected"),
    [
        (0, 3, {"a": "started", "b": "started", "c": "started"}),
        (0, 4, {"a": "no_starts", "b": "no_starts", "c": "started"}),
        (2, 3, {"a": "no_starts", "b": "started", "c": "started"}),
        (2, 4, {"a": "no_starts", "b": "no_starts", "c": "started"}),
        (5, 0, {"a": "no_starts", "b": "no_starts", "c": "started"}),
        (9, 0, {"a": "no_starts", "b": "no_starts", "c": "started"}),
        (10, 0, {"a": "no_starts", "b": "no_starts", "c": "no_starts"}),
    ],
)
def test_the_starts_of_an_hour(criticals: int, others: int, expected: dict[str, str]) -> None:
    """``a`` is routine, ``b`` a warning's incident and ``c`` a critical's, which comes first."""
    started = [*[Start(NOW - 1000, critical=True)] * criticals, *[Start(NOW - 900, critical=False)] * others]
    found = {}
    for name, letter in {"a": "a", "b": "b!", "c": "c!!"}.items():
        # One of them at a time, with all slots free.
        found[name] = decided(allocate(SlotDemand(wanted(letter)), Slots(started=tuple(started)), limits(4), NOW))[name]
    if (criticals, others) == (2, 3):
        expected = {**expected, "a": "started"}
    if criticals == 5:
        expected = {**expected, "a": "started", "b": "started"}
    assert found == expected


def test_when_a_start_is_possible_again_is_known() -> None:
    started = tuple(Start(NOW - 1000 + number, critical=False) for number in range(4))
    allocation = allocate(SlotDemand(wanted("a")), Slots(started=started), limits(4), NOW)
    assert allocation.decided[stream("a")] == (SlotDecision.NO_STARTS, NOW - 1000 + 3601)


def test_a_start_counts_from_when_it_was_accepted() -> None:
    granted = allocate(SlotDemand(wanted("a")), Slots(), limits(4), NOW).slots
    assert granted.started == ()
    assert settled.started(granted, stream("a"), NOW + 5).started == (Start(NOW + 5, critical=False),)
    # Of one that is on its way, nobody knows yet.
    waiting = {stream(name): None for name in "bcdef"}
    four = allocate(SlotDemand(dict(list(waiting.items())[:3])), granted, limits(4), NOW)
    assert decided(four) == {"b": "started", "c": "started", "d": "started"}


def test_folded_streams_share_the_slot_of_the_lowest_that_may_be_folded() -> None:
    phone = Phone(folding(2, "abcd"))
    phone.at(0, "abcd", {"a": "started", "b": "folded", "c": "folded", "d": "folded", FOLD_KEY: "started"})
    assert set(phone.slots.folded) == keys("bcd")
    phone.at(60, "abcd", {"a": "shown", "b": "folded", "c": "folded", "d": "folded", FOLD_KEY: "shown"})
    # One that may not be folded waits.
    phone = Phone(limits(2, "abcd", b=SlotOptions(fold=True), c=SlotOptions(fold=True)))
    phone.at(0, "abcd", {"a": "started", "b": "folded", "c": "folded", "d": "no_slot", FOLD_KEY: "started"})
    # Without a holder that may be folded, all wait.
    phone = Phone(limits(2, "abcd", c=SlotOptions(fold=True), d=SlotOptions(fold=True)))
    phone.at(0, "abcd", {"a": "started", "b": "started", "c": "no_slot", "d": "no_slot"})


def test_a_holder_is_folded_when_it_is_not_protected_any_more() -> None:
    phone = Phone(folding(2, "abcd"))
    phone.at(0, "ab", {"a": "started", "b": "started"})
    phone.at(100, "abc", {"a": "shown", "b": "shown", "c": "no_slot"})
    assert phone.slots.look_again == 600
    phone.at(600, "abc", {"a": "shown", "b": "folding", "c": "folded", FOLD_KEY: "next"})
    phone.at(600, "abc", {"a": "shown", "b": "folded", "c": "folded", FOLD_KEY: "started"})
    phone.at(610, "abcd", {"a": "shown", "b": "folded", "c": "folded", "d": "no_slot", FOLD_KEY: "shown"})
    assert phone.slots.look_again == 720, "the rows are others every two minutes at most"
    phone.at(720, "abcd", {"a": "shown", "b": "folded", "c": "folded", "d": "folded", FOLD_KEY: "shown"})


def test_an_incident_leaves_the_common_stream_and_is_shown_alone() -> None:
    phone = Phone(folding(2, "abcd"))
    phone.at(0, "abcd", {"a": "started", "b": "folded", "c": "folded", "d": "folded", FOLD_KEY: "started"})
    # Among equals the common stream is the last to make room.
    phone.at(200, "abcd!!", {"a": "preempted", "b": "folded", "c": "folded", "d": "next", FOLD_KEY: "shown"})
    phone.at(200, "abcd!!", {"a": "no_slot", "b": "folded", "c": "folded", "d": "started", FOLD_KEY: "shown"})
    phone.at(320, "abcd!!", {"a": "folded", "b": "folded", "c": "folded", "d": "shown", FOLD_KEY: "shown"})


def test_the_common_stream_ends_when_there_is_room_for_its_rows() -> None:
    phone = Phone(folding(2, "abc"))
    phone.at(0, "abc", {"a": "started", "b": "folded", "c": "folded", FOLD_KEY: "started"})
    phone.at(1000, "ab", {"a": "shown", "b": "folded", FOLD_KEY: "cooling_down"})
    phone.at(1000 + FOLD_EVERY, "ab", {"a": "shown", "b": "next", FOLD_KEY: "ended"})
    phone.at(1000 + FOLD_EVERY, "ab", {"a": "shown", "b": "started"})


def test_a_common_stream_that_was_to_come_waits_where_its_slot_is_gone() -> None:
    held_since = (StreamRecord(stream("a"), 0.0, None, NOW - 100, NOW - 100), *held("b").records)
    options = replace(folding(2, "abc"), streams={**folding(2, "abc").streams, stream("a"): SlotOptions(9, fold=True)})
    folding_b = allocate(SlotDemand(wanted("abc"), keys("ab")), Slots(held_since), options, NOW)
    assert decided(folding_b) == {"a": "shown", "b": "folding", "c": "folded", FOLD_KEY: "next"}
    # Meanwhile the service has refused the start of another: there is one slot, and its holder is protected.
    gone = replace(settled.left(folding_b.slots, stream("b"), NOW), lowered=LoweredLimit(1, NOW + 900))
    without = allocate(SlotDemand(wanted("abc"), keys("a")), gone, options, NOW)
    assert decided(without) == {"a": "shown", "b": "no_slot", "c": "no_slot"}
    assert without.slots.look_again == NOW + 500, "when it may take the slot of that holder"


def test_a_slot_that_becomes_free_is_for_what_is_shown_nowhere_before_it_is_for_a_row() -> None:
    """``a`` may not be folded, and is of a lower priority than the rows."""
    options = limits(3, "abcde", a=SlotOptions(1), **{name: SlotOptions(fold=True) for name in "bcd"})
    phone = Phone(options)
    phone.at(0, "bcde!!", {"b": "started", "c": "folded", "d": "folded", "e": "started", FOLD_KEY: "started"})
    phone.at(
        1000, "abcde!!", {"a": "no_slot", "b": "shown", "c": "folded", "d": "folded", "e": "shown", FOLD_KEY: "shown"}
    )
    gone = {"a": "next", "b": "shown", "c": "folded", "d": "folded", "e": "ended", FOLD_KEY: "shown"}
    phone.at(1010, "abcd", {**gone, "a": "no_slot", "e": "cooling_down"})
    phone.at(1070, "abcd", gone)
    phone.at(1070, "abcd", {"a": "started", "b": "shown", "c": "folded", "d": "folded", FOLD_KEY: "shown"})


def test_a_slot_that_was_kept_for_a_stream_that_becomes_a_row_is_soon_for_another() -> None:
    """``b`` had to make room, and rests; ``a`` may not be folded, and is of a lower priority."""
    phone = Phone(limits(2, "abcd", a=SlotOptions(1), **dict.fromkeys("bcd", SlotOptions(fold=True))))
    common = StreamRecord(stream(FOLD_KEY), None, None, NOW - 200, NOW - 200)
    rests = StreamRecord(stream("b"), 0.0, left_at=NOW - 100, preempted=True)
    phone.slots = Slots((rests, common), folded=(stream("c"), stream("d")), folded_at=NOW - 119)
    phone.on_phone = {stream(FOLD_KEY)}
    resting = {"a": "no_slot", "b": "resting", "c": "folded", "d": "folded", FOLD_KEY: "shown"}
    phone.at(NOW, "abcd", resting)
    assert phone.slots.look_again == NOW + 1
    phone.at(NOW + 1, "abcd", {**resting, "b": "folded"})
    assert phone.slots.look_again == NOW + 2
    phone.at(NOW + 2, "abcd", {**resting, "a": "started", "b": "folded"})


def test_a_common_stream_that_may_not_start_yet_is_looked_at_again() -> None:
    """The starts of the hour are used up."""
    started = tuple(Start(NOW - 1000, critical=False) for _ in range(4))
    slots = replace(held("ab"), started=started)
    allocation = allocate(SlotDemand(wanted("abc"), keys("ab")), slots, folding(2, "abc"), NOW)
    assert decided(allocation) == {"a": "shown", "b": "shown", "c": "no_slot"}
    assert allocation.decided[stream("c")].until == allocation.slots.look_again == NOW - 1000 + 3601


def test_after_the_clock_was_set_back_nothing_began_in_the_future() -> None:
    slots = Slots(
        (StreamRecord(stream("a"), 500.0, 600.0, 500.0, 500.0, 550.0), StreamRecord(stream("b"), 50.0)),
        (Start(50.0, critical=False), Start(500.0, critical=True)),
        LoweredLimit(3, 900.0),
    )
    assert set_clock(slots, 100.0) == Slots(
        (StreamRecord(stream("a"), 100.0, 100.0, 100.0, 100.0, 100.0), StreamRecord(stream("b"), 50.0)),
        (Start(50.0, critical=False), Start(100.0, critical=True)),
    )


STREAMS = [stream(name) for name in NAMES]
severities = st.sampled_from([None, None, None, WARNING, CRITICAL])
demands = st.dictionaries(st.sampled_from(STREAMS), severities)
options = st.builds(
    SlotOptions, st.integers(1, 10), st.sampled_from([0.0, 60.0, 600.0]), st.sampled_from([0.0, 60.0]), st.booleans()
)


@given(
    demands,
    st.sets(st.sampled_from([*STREAMS, stream("removed")]), max_size=6),
    st.dictionaries(st.sampled_from(STREAMS), st.floats(NOW - 900, NOW)),
    st.fixed_dictionaries(dict.fromkeys(STREAMS, options)),
    st.integers(1, 4),
)
def test_the_laws_of_one_allocation(
    wants: dict[StreamKey, Severity | None],
    on_phone: set[StreamKey],
    since: dict[StreamKey, float],
    each: dict[StreamKey, SlotOptions],
    at_once: int,
) -> None:
    limits = SlotLimits(at_once, each)
    slots = Slots(tuple(StreamRecord(key, at, None, at, at) for key, at in since.items() if key in on_phone))
    allocation = allocate(SlotDemand(wants, on_phone), slots, limits, NOW)
    decisions = {key: found.decision for key, found in allocation.decided.items()}
    started = {key for key, decision in decisions.items() if decision is SlotDecision.STARTED}
    assert len(on_phone | started) <= max(at_once, len(on_phone)), "never more than the limit"
    assert sum(decision.has_slot for decision in decisions.values()) <= at_once
    assert not started & on_phone

    def rank(key: StreamKey) -> tuple[int, int]:
        severity = wants.get(key)
        return (0 if severity is None else severity.rank, each[key].priority)

    taking = [key for key, decision in decisions.items() if decision is SlotDecision.NEXT and key.name != FOLD_KEY]
    for key, decision in decisions.items():
        if decision is SlotDecision.PREEMPTED and key in wants:
            assert any(rank(other) > rank(key) for other in taking), "only a higher rank preempts"
        if decision is SlotDecision.ENDED:
            assert key not in wants
    again = allocate(SlotDemand(wants, on_phone | started), allocation.slots, limits, NOW)
    assert {key: found.decision.has_slot for key, found in again.decided.items()} == {
        key: decision.has_slot for key, decision in decisions.items()
    }, "the same again"
