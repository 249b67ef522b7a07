"""What the outbox promises, as stories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rpds import HashTrieMap

from outbox.stored import StoredOutbox
from smithd.keys import DEFAULT_ACCOUNT, PushKey, StreamKey, WidgetKey
from smithd.outbox import queue, wall_clock
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    Message,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queued import Boot, Claim, SentRequest
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import ShownWidget
from smithd.outbox.state import NO_CHANGES
from smithd.storage.database import Database

NOW = 1_700_000_000.0


class Harness:
    """An outbox on its file, that can crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.open()

    def open(self) -> None:
        self.database = Database.open(self.path)
        self.outbox = StoredOutbox(self.database)

    def crash(self) -> None:
        self.database.close()
        self.open()

    def put(self, message: Message) -> None:
        with self.database.transaction() as connection:
            self.outbox.put(connection, message)

    def ready(self, now: float = NOW) -> list[Message]:
        return [queued.message for queued in self.outbox.ready(now)]

    def claim(self, now: float = NOW) -> Claim:
        return self.outbox.claim(next(self.outbox.ready(now)), "family", now)

    def send(self, settlement: Settlement, now: float = NOW) -> None:
        self.outbox.settle(self.claim(now), settlement, now)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    harness = Harness(tmp_path / "state.db")
    yield harness
    harness.database.close()


PROD = StreamKey(DEFAULT_ACCOUNT, "prod")
CPU = PushKey(DEFAULT_ACCOUNT, "cpu", 1.0, 1)
NO = DeliveryReason.NO_ANSWER


def key(name: str) -> WidgetKey:
    return WidgetKey(DEFAULT_ACCOUNT, name)


def widget(
    value: float, *, name: str = "orders", due: float = 0.0, priority: Priority = Priority.ROUTINE
) -> WidgetValue:
    return WidgetValue(key(name), value, priority, NOW, due=due, tolerance=0.5)


def stream(value: int, at: StreamKey = PROD) -> ActivityState:
    return ActivityState(at, ActivityContent({"value": value}), Priority.MEANING, NOW)


def end() -> ActivityEnd:
    return ActivityEnd(PROD, ActivityContent({}), NOW)


def push(title: str, *, in_place: bool = False, expires: float | None = None) -> Push | PushUpdate:
    kind = PushUpdate if in_place else Push
    return kind(CPU, PushContent(title, plain="cpu is bad: 7"), Priority.PUSH, NOW, expires=expires)


def refusal(at: float) -> Retry:
    return Retry(at, DeliveryReason.REFUSED, "no", refused=True)


def test_messages_go_by_priority_then_age_and_a_newer_value_keeps_its_place(harness: Harness) -> None:
    for message in (widget(1, name="a"), widget(1, name="b"), stream(1), push("fired"), widget(2, name="a")):
        harness.put(message)
    assert [message.key for message in harness.ready()] == [CPU, PROD, key("a"), key("b")]
    assert harness.ready()[2] == widget(2, name="a")


def test_a_value_that_came_and_went_is_not_sent(harness: Harness) -> None:
    harness.put(widget(1))
    harness.send(Accept())
    harness.put(widget(2))
    harness.put(widget(1.2))
    assert harness.outbox.waiting() == 0


def test_a_value_that_came_and_went_while_another_was_on_its_way_is_not_sent(harness: Harness) -> None:
    harness.put(widget(1))
    claim = harness.claim()
    harness.put(widget(2))
    harness.put(widget(1))
    assert harness.outbox.waiting() == 1
    harness.outbox.settle(claim, Accept(), NOW)
    assert harness.outbox.waiting() == 0


def test_a_level_whose_request_was_cut_off_by_a_crash_is_sent_again(harness: Harness) -> None:
    harness.put(widget(1))
    harness.claim()
    harness.crash()
    harness.put(widget(1))
    assert harness.ready() == [widget(1)]


def test_a_level_that_was_refused_shows_what_it_showed_before(harness: Harness) -> None:
    harness.put(widget(1))
    harness.send(Accept())
    harness.put(widget(2))
    claim = harness.claim()
    harness.put(widget(1))
    harness.outbox.settle(claim, Retry(NOW, NO, "refused"), NOW)
    assert harness.outbox.waiting() == 0
    assert harness.outbox.status(key("orders")).shown == ShownWidget(key("orders"), 1, NOW)


@pytest.mark.parametrize("off", [False, True])
def test_a_refused_level_is_not_tried_again_until_it_changes_or_smithd_starts(harness: Harness, off: bool) -> None:
    harness.put(widget(1))
    harness.send(Drop(NO, "refused", off=off))
    harness.put(widget(1))
    assert harness.ready() == []
    harness.put(widget(2))
    assert bool(harness.ready()) is not off
    harness.crash()
    harness.put(widget(1))
    assert harness.ready() == [widget(1)]


def test_an_urgent_level_does_not_wait_as_long_as_the_same_content_did(harness: Harness) -> None:
    harness.put(widget(1, due=NOW + 60))
    harness.put(widget(1, due=NOW + 90))
    assert harness.outbox.next_due(NOW) == NOW + 60
    harness.put(widget(1, due=NOW, priority=Priority.SEVERITY))
    assert [message.priority for message in harness.ready()] == [Priority.SEVERITY]


def test_the_end_of_a_stream_that_never_was_shown_withdraws_it(harness: Harness) -> None:
    harness.put(stream(1))
    harness.put(end())
    assert harness.outbox.waiting() == 0


def test_the_end_of_a_stream_whose_start_was_refused_is_not_sent(harness: Harness) -> None:
    harness.put(stream(1))
    claim = harness.claim()
    harness.put(end())
    harness.outbox.settle(claim, Retry(NOW, NO, "refused"), NOW)
    assert harness.outbox.waiting() == 0


def test_a_stream_holds_its_slot_until_its_end_was_accepted(harness: Harness) -> None:
    harness.put(stream(1))
    assert harness.outbox.streams_on_phone() == set()
    claim = harness.claim()
    assert harness.outbox.streams_on_phone() == {PROD}
    harness.outbox.settle(claim, Accept(), NOW)
    harness.put(end())
    claim = harness.claim()
    assert harness.outbox.streams_on_phone() == {PROD}
    harness.outbox.settle(claim, Accept(ended=True), NOW)
    assert harness.outbox.streams_on_phone() == set()


def test_a_stream_wanted_again_while_its_end_is_on_its_way_starts_afterwards(harness: Harness) -> None:
    harness.put(stream(1))
    harness.send(Accept())
    harness.put(end())
    claim = harness.claim()
    harness.put(stream(1))
    assert harness.ready() == []
    harness.outbox.settle(claim, Accept(ended=True), NOW)
    assert harness.ready() == [stream(1)]


def test_a_newer_value_waits_as_long_as_its_key_must_but_an_end_goes_at_once(harness: Harness) -> None:
    harness.put(stream(1))
    harness.send(Retry(NOW + 600, NO, "nobody to send to", sent=True))
    harness.put(stream(2))
    assert harness.ready(NOW + 599) == []
    assert harness.ready(NOW + 600) == [stream(2)]
    harness.put(end())
    assert harness.ready() == [end()]


def test_waits_for_an_answer_end_with_a_sign_of_life_and_count_the_tries(harness: Harness) -> None:
    harness.put(push("fired"))
    harness.send(Retry(NOW + 1, NO, "unreachable", wait=Wait.ANSWER))
    harness.send(Retry(NOW + 300, NO, "unreachable", wait=Wait.ANSWER), NOW + 1)
    assert harness.ready(NOW + 2) == []
    harness.outbox.release(Wait.ANSWER)
    assert [queued.attempts for queued in harness.outbox.ready(NOW + 2)] == [2]


@pytest.mark.parametrize("seconds", [-3600.0, 90000.0])
def test_a_clock_that_was_set_changes_no_wait(harness: Harness, seconds: float) -> None:
    harness.put(widget(1, due=NOW + 20))
    harness.put(push("fired"))
    harness.send(Retry(NOW + 10, NO, "unreachable"))
    harness.outbox.shift(seconds)
    now = NOW + seconds
    assert [len(harness.ready(now + after)) for after in (9, 10, 19, 20)] == [0, 1, 1, 2]


@pytest.mark.parametrize("seconds", [-3600.0, 90000.0])
def test_a_clock_that_was_set_changes_no_age_neither_now_nor_after_a_start(harness: Harness, seconds: float) -> None:
    harness.put(push("fired", expires=NOW + 100))
    claim = harness.claim()
    harness.put(push("resolved", in_place=True, expires=NOW + 100))
    harness.outbox.shift(seconds)
    now = NOW + seconds
    # The request that was in flight meanwhile is settled as any other.
    harness.outbox.settle(claim, Accept("n-1"), now)
    for _ in range(2):
        (waits,) = harness.ready(now)
        assert (waits.created, harness.outbox.next_due(now)) == (now, now + 100)
        assert harness.outbox.expire(now + 99) == []
        harness.crash()
    assert [queued.message for queued in harness.outbox.expire(now + 100)] == [waits]


BOOT = Boot("boot", 5000.0)


@pytest.mark.parametrize(
    ("boot", "set_by", "age"),
    [
        (BOOT, 0.0, 7.0),
        (BOOT, 90000.0, 7.0),
        (BOOT, -3600.0, 7.0),
        (Boot("another", 20.0), 90000.0, 90007.0),
        (Boot("another", 20.0), -3600.0, 0.0),
        (None, 90000.0, 90007.0),
        (None, -3600.0, 0.0),
    ],
)
def test_a_clock_that_was_set_between_two_runs(harness: Harness, boot: Boot | None, set_by: float, age: float) -> None:
    harness.outbox.go_on(NOW, BOOT)
    harness.put(push("fired", expires=NOW + 86400))
    harness.crash()
    # It was down for 7 seconds.
    now = NOW + 7 + set_by
    harness.outbox.go_on(now, replace(boot, time=boot.time + 7) if boot == BOOT and boot is not None else boot)
    (waits,) = harness.outbox.messages()
    assert isinstance(waits, Push)
    assert (now - waits.created, waits.expires) == (age, now - age + 86400)


def test_a_clock_that_was_set_once_is_not_made_up_for_twice(harness: Harness) -> None:
    harness.outbox.go_on(NOW, BOOT)
    harness.put(push("fired"))
    harness.outbox.shift(3600)
    for later in (1, 2):
        harness.crash()
        harness.outbox.go_on(NOW + 3600 + later, replace(BOOT, time=BOOT.time + later))
        assert [message.created for message in harness.outbox.messages()] == [NOW + 3600]


# A push that is refused.


def test_a_refused_push_goes_as_its_plainest_text_and_then_waits_for_its_time(harness: Harness) -> None:
    harness.put(push("fired"))
    harness.send(refusal(NOW))
    (queued,) = harness.outbox.ready(NOW)
    assert (queued.is_plain, queued.is_refused) == (True, False)
    harness.send(refusal(NOW + 3600))
    assert harness.outbox.status(CPU).refusal == "no"
    assert harness.ready(NOW + 3599) == []
    assert [queued.is_plain for queued in harness.outbox.ready(NOW + 3600)] == [True]
    harness.send(Accept("n-1"), NOW + 3600)
    shown = harness.outbox.status(CPU).push
    assert shown is not None
    assert shown.content.title == "cpu is bad: 7"


def test_another_text_of_a_refused_push_goes_at_once_as_it_is(harness: Harness) -> None:
    for _ in range(2):
        harness.put(push("fired"))
        harness.send(refusal(NOW))
    harness.put(push("worse"))
    assert [(queued.message, queued.refusals) for queued in harness.outbox.ready(NOW)] == [(push("worse"), 0)]
    claim = harness.claim()
    harness.put(push("worst"))
    harness.outbox.settle(claim, refusal(NOW + 3600), NOW)
    assert [(queued.message, queued.refusals) for queued in harness.outbox.ready(NOW)] == [(push("worst"), 0)]


@pytest.mark.parametrize("how", ["try_again", "crash"])
def test_a_refused_push_is_tried_as_it_is_after_a_reload_and_after_a_start(harness: Harness, how: str) -> None:
    harness.put(push("fired"))
    harness.send(refusal(NOW))
    harness.send(refusal(NOW + 3600))
    assert harness.ready() == []
    harness.outbox.try_again() if how == "try_again" else harness.crash()
    assert [queued.is_plain for queued in harness.outbox.ready(NOW)] == [False]


def test_a_push_survives_a_crash_and_the_newer_one_of_its_incident_stands_for_both(harness: Harness) -> None:
    harness.put(push("fired"))
    harness.claim()
    harness.crash()
    assert harness.ready() == [push("fired")]
    harness.claim()
    harness.put(push("resolved", in_place=True))
    assert harness.ready() == []
    harness.crash()
    assert harness.ready() == [push("resolved", in_place=True)]


def test_a_push_remembers_its_name_at_the_service_until_that_is_no_longer_good(harness: Harness) -> None:
    harness.put(push("fired"))
    harness.send(Accept("n-1"))
    harness.put(push("worse", in_place=True))
    harness.send(Accept())
    assert _notification_id(harness) == "n-1"
    harness.put(push("resolved", in_place=True))
    harness.send(Retry(NOW, NO, "conflict", forget_id=True))
    assert _notification_id(harness) is None
    assert harness.ready() == [push("resolved", in_place=True)]


def test_a_push_that_nobody_took_expires_and_says_so(harness: Harness) -> None:
    harness.put(push("fired", expires=NOW + 100))
    harness.send(Retry(NOW + 600, NO, "nobody to send to"))
    assert harness.outbox.next_due(NOW) == NOW + 100
    assert harness.outbox.expire(NOW + 99) == []
    (expired,) = harness.outbox.expire(NOW + 100)
    assert (expired.message, expired.detail) == (push("fired", expires=NOW + 100), "nobody to send to")
    harness.crash()
    assert harness.outbox.waiting() == 0


def test_only_so_many_pushes_are_remembered_and_not_for_ever(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PUSHES_KEPT", 5)

    def send(number: int, now: float) -> None:
        harness.put(Push(PushKey(DEFAULT_ACCOUNT, "cpu", float(number), 1), PushContent("x"), Priority.PUSH, now))
        harness.send(Accept(str(number)), now)

    def opened() -> set[float]:
        return {key.opened for key in harness.outbox.shown() if isinstance(key, PushKey)}

    for number in range(7):
        send(number, NOW + number)
    assert opened() == {2.0, 3.0, 4.0, 5.0, 6.0}
    harness.crash()
    send(7, NOW + queue.PUSHES_KEPT_FOR + 5.5)
    for _ in range(2):
        assert opened() == {6.0, 7.0}
        harness.crash()


def test_what_was_sent_is_remembered_with_the_latest_moment_of_its_arrival(harness: Harness) -> None:
    harness.put(widget(1, name="a"))
    harness.put(widget(1, name="b"))
    harness.send(Accept(), NOW)
    harness.claim()
    harness.crash()
    (settled, unsettled) = sorted(harness.outbox.value.sent.values(), key=lambda request: request.at)
    assert (settled.account, settled.family, settled.at) == (DEFAULT_ACCOUNT, "family", NOW)
    assert unsettled.at > NOW


@pytest.mark.parametrize(
    ("at", "then", "today", "age"),
    [
        # In the same boot its clock alone decides, wherever the other one was set.
        (NOW - 3600, Boot("a", 100.0), Boot("a", 110.0), 10.0),
        (NOW + 3600, Boot("a", 100.0), Boot("a", 110.0), 10.0),
        (NOW, Boot("a", 145.0), Boot("a", 110.0), -35.0),
        # In another one the younger of both counts.
        (NOW - 3600, Boot("a", 100.0), Boot("b", 20.0), 20.0),
        (NOW - 10, Boot("a", 100.0), Boot("b", 20.0), 10.0),
        (NOW + 3600, Boot("a", 100.0), Boot("b", 20.0), 0.0),
        (NOW - 3600, None, Boot("b", 20.0), 20.0),
        # Without such a clock there is only the other one.
        (NOW - 30, None, None, 30.0),
        (NOW + 35, Boot("a", 100.0), None, -35.0),
        (NOW + 3600, None, None, -60.0),
    ],
)
def test_how_old_a_request_is(at: float, then: Boot | None, today: Boot | None, age: float) -> None:
    assert SentRequest(1, DEFAULT_ACCOUNT, "family", at, then).age(NOW, today) == age


def test_what_was_sent_just_now_is_not_forgotten_where_the_clock_is_set_forward(harness: Harness) -> None:
    for number in range(80):
        now = NOW if number < 10 else NOW + 3600
        harness.put(widget(number))
        claim = harness.outbox.claim(next(harness.outbox.ready(now)), "family", now, boot=Boot("a", 100.0 + number))
        harness.outbox.settle(claim, Accept(), now, Boot("a", 100.0 + number))
    assert len(harness.outbox.value.sent) == 80


def test_a_clock_that_is_set_takes_along_what_only_it_knows_the_time_of(harness: Harness) -> None:
    harness.put(widget(1, name="a"))
    harness.send(Accept(), NOW)
    after, changes = wall_clock.shift_sent(harness.outbox.value, 3600.0)
    assert [request.at for request in after.sent.values()] == [NOW + 3600]
    assert changes.sent
    known = SentRequest(1, DEFAULT_ACCOUNT, "family", NOW, Boot("a", 5.0))
    outbox = replace(after, sent=HashTrieMap({1: known}))
    assert wall_clock.shift_sent(outbox, 3600.0) == (outbox, NO_CHANGES)


@pytest.mark.parametrize("settlement", [Accept(), Retry(NOW, NO, "cut", sent=True, wait=Wait.PROBE), Drop(NO, "no")])
@pytest.mark.parametrize("what", ["value", "past end", "end of nothing"])
def test_what_is_repeated_changes_nothing_however_its_request_ends(
    harness: Harness, settlement: Settlement, what: str
) -> None:
    harness.put(widget(1) if what == "value" else stream(1))
    harness.send(Accept())
    if what == "past end":
        harness.put(end())
        harness.send(Accept(ended=True))
    before = dict(harness.outbox.shown())
    nothing = ActivityEnd(StreamKey(DEFAULT_ACCOUNT, "nothing"), ActivityContent({}), NOW)
    message = {"value": widget(1), "past end": end(), "end of nothing": nothing}[what]
    assert isinstance(message, WidgetValue | ActivityEnd)
    claim = harness.outbox.claim(harness.outbox.repeat(message), "family", NOW + 60)
    assert claim.is_repeated
    assert harness.outbox.accepted() == before
    harness.outbox.settle(claim, settlement, NOW + 61)
    assert (harness.outbox.shown(), harness.outbox.waiting()) == (before, 0)
    harness.crash()
    assert harness.outbox.shown() == before


def test_a_level_that_nobody_wants_any_more_is_not_tried_again(harness: Harness) -> None:
    harness.put(widget(1))
    harness.put(widget(1, name="stock"))
    gone, wanted = harness.claim(), harness.claim()
    harness.outbox.want({key("stock")})
    for claim in (gone, wanted):
        harness.outbox.settle(claim, Retry(NOW, NO, "down"), NOW)
    assert [message.key.subject for message in harness.ready()] == ["widget stock"]
    harness.put(end())
    harness.put(push("cpu"))
    assert push("cpu") in harness.ready()


def test_after_a_reload_what_was_refused_or_put_off_is_tried_again_and_an_outage_is_not(
    harness: Harness,
) -> None:
    harness.put(widget(1))
    harness.send(Drop(NO, "no", off=True))
    harness.put(widget(1, name="stock"))
    harness.send(Retry(NOW + 3600, NO, "no such metric"))
    harness.put(widget(1, name="sales"))
    harness.send(Retry(NOW + 300, NO, "down", wait=Wait.ANSWER))
    harness.put(widget(1))
    assert harness.ready() == []
    harness.outbox.try_again()
    harness.put(widget(1))
    assert [message.key.subject for message in harness.ready()] == ["widget stock", "widget orders"]


def _notification_id(harness: Harness) -> str | None:
    shown = harness.outbox.status(CPU).push
    assert shown is not None
    return shown.notification_id
