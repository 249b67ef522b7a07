"""What the outbox promises, as stories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smithd.keys import DEFAULT_ACCOUNT, PushKey, StreamKey, WidgetKey
from smithd.outbox import queue
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
from smithd.outbox.queued import Claim
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import ShownWidget
from smithd.outbox.stored import StoredOutbox
from smithd.storage.database import Database

NOW = 1_700_000_000.0


class Desk:
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
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "state.db")
    yield desk
    desk.database.close()


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
    return kind(CPU, PushContent(title), Priority.PUSH, NOW, expires=expires)


def test_messages_go_by_priority_then_age_and_a_newer_value_keeps_its_place(desk: Desk) -> None:
    for message in (widget(1, name="a"), widget(1, name="b"), stream(1), push("fired"), widget(2, name="a")):
        desk.put(message)
    assert [message.key for message in desk.ready()] == [CPU, PROD, key("a"), key("b")]
    assert desk.ready()[2] == widget(2, name="a")


def test_a_value_that_came_and_went_is_not_sent(desk: Desk) -> None:
    desk.put(widget(1))
    desk.send(Accept())
    desk.put(widget(2))
    desk.put(widget(1.2))
    assert desk.outbox.waiting() == 0


def test_a_value_that_came_and_went_while_another_was_on_its_way_is_not_sent(desk: Desk) -> None:
    desk.put(widget(1))
    claim = desk.claim()
    desk.put(widget(2))
    desk.put(widget(1))
    assert desk.outbox.waiting() == 1
    desk.outbox.settle(claim, Accept(), NOW)
    assert desk.outbox.waiting() == 0


def test_a_level_whose_request_was_cut_off_by_a_crash_is_sent_again(desk: Desk) -> None:
    desk.put(widget(1))
    desk.claim()
    desk.crash()
    desk.put(widget(1))
    assert desk.ready() == [widget(1)]


def test_a_level_that_was_refused_shows_what_it_showed_before(desk: Desk) -> None:
    desk.put(widget(1))
    desk.send(Accept())
    desk.put(widget(2))
    claim = desk.claim()
    desk.put(widget(1))
    desk.outbox.settle(claim, Retry(NOW, NO, "refused"), NOW)
    assert desk.outbox.waiting() == 0
    assert desk.outbox.standing(key("orders")).shown == ShownWidget(key("orders"), 1, NOW)


@pytest.mark.parametrize("off", [False, True])
def test_a_refused_level_is_not_tried_again_until_it_changes_or_smithd_starts(desk: Desk, off: bool) -> None:
    desk.put(widget(1))
    desk.send(Drop(NO, "refused", off=off))
    desk.put(widget(1))
    assert desk.ready() == []
    desk.put(widget(2))
    assert bool(desk.ready()) is not off
    desk.crash()
    desk.put(widget(1))
    assert desk.ready() == [widget(1)]


def test_an_urgent_level_does_not_wait_as_long_as_the_same_content_did(desk: Desk) -> None:
    desk.put(widget(1, due=NOW + 60))
    desk.put(widget(1, due=NOW + 90))
    assert desk.outbox.next_due(NOW) == NOW + 60
    desk.put(widget(1, due=NOW, priority=Priority.SEVERITY))
    assert [message.priority for message in desk.ready()] == [Priority.SEVERITY]


def test_the_end_of_a_stream_that_never_was_shown_withdraws_it(desk: Desk) -> None:
    desk.put(stream(1))
    desk.put(end())
    assert desk.outbox.waiting() == 0


def test_the_end_of_a_stream_whose_start_was_refused_is_not_sent(desk: Desk) -> None:
    desk.put(stream(1))
    claim = desk.claim()
    desk.put(end())
    desk.outbox.settle(claim, Retry(NOW, NO, "refused"), NOW)
    assert desk.outbox.waiting() == 0


def test_a_stream_holds_its_slot_until_its_end_was_accepted(desk: Desk) -> None:
    desk.put(stream(1))
    assert desk.outbox.streams_on_phone() == set()
    claim = desk.claim()
    assert desk.outbox.streams_on_phone() == {PROD}
    desk.outbox.settle(claim, Accept(), NOW)
    desk.put(end())
    claim = desk.claim()
    assert desk.outbox.streams_on_phone() == {PROD}
    desk.outbox.settle(claim, Accept(ended=True), NOW)
    assert desk.outbox.streams_on_phone() == set()


def test_a_stream_wanted_again_while_its_end_is_on_its_way_starts_afterwards(desk: Desk) -> None:
    desk.put(stream(1))
    desk.send(Accept())
    desk.put(end())
    claim = desk.claim()
    desk.put(stream(1))
    assert desk.ready() == []
    desk.outbox.settle(claim, Accept(ended=True), NOW)
    assert desk.ready() == [stream(1)]


def test_a_newer_value_waits_as_long_as_its_key_must_but_an_end_goes_at_once(desk: Desk) -> None:
    desk.put(stream(1))
    desk.send(Retry(NOW + 600, NO, "nobody to send to", sent=True))
    desk.put(stream(2))
    assert desk.ready(NOW + 599) == []
    assert desk.ready(NOW + 600) == [stream(2)]
    desk.put(end())
    assert desk.ready() == [end()]


def test_waits_for_a_slot_end_when_a_stream_of_ours_has_ended(desk: Desk) -> None:
    other = stream(1, StreamKey(DEFAULT_ACCOUNT, "other"))
    desk.put(stream(1))
    desk.send(Accept())
    desk.put(other)
    desk.send(Retry(NOW + 900, NO, "no slot", wait=Wait.SLOT))
    desk.put(end())
    desk.send(Accept(ended=True))
    assert desk.ready() == [other]


def test_waits_for_an_answer_end_with_a_sign_of_life_and_count_the_tries(desk: Desk) -> None:
    desk.put(push("fired"))
    desk.send(Retry(NOW + 1, NO, "unreachable", wait=Wait.ANSWER))
    desk.send(Retry(NOW + 300, NO, "unreachable", wait=Wait.ANSWER), NOW + 1)
    assert desk.ready(NOW + 2) == []
    desk.outbox.release(Wait.ANSWER)
    assert [queued.attempts for queued in desk.outbox.ready(NOW + 2)] == [2]


def test_a_clock_that_was_set_back_does_not_lengthen_waits(desk: Desk) -> None:
    desk.put(widget(1))
    desk.send(Retry(NOW + 10, NO, "unreachable"))
    desk.outbox.shift(-3600)
    assert desk.ready(NOW - 3600 + 10) == [widget(1)]


def test_a_push_survives_a_crash_and_the_newer_one_of_its_incident_stands_for_both(desk: Desk) -> None:
    desk.put(push("fired"))
    desk.claim()
    desk.crash()
    assert desk.ready() == [push("fired")]
    desk.claim()
    desk.put(push("resolved", in_place=True))
    assert desk.ready() == []
    desk.crash()
    assert desk.ready() == [push("resolved", in_place=True)]


def test_a_push_remembers_its_name_at_the_service_until_that_is_no_longer_good(desk: Desk) -> None:
    desk.put(push("fired"))
    desk.send(Accept("n-1"))
    desk.put(push("worse", in_place=True))
    desk.send(Accept())
    assert _notification_id(desk) == "n-1"
    desk.put(push("resolved", in_place=True))
    desk.send(Retry(NOW, NO, "conflict", forget_id=True))
    assert _notification_id(desk) is None
    assert desk.ready() == [push("resolved", in_place=True)]


def test_a_push_that_nobody_took_expires_and_says_so(desk: Desk) -> None:
    desk.put(push("fired", expires=NOW + 100))
    desk.send(Retry(NOW + 600, NO, "nobody to send to"))
    assert desk.outbox.next_due(NOW) == NOW + 100
    assert desk.outbox.expire(NOW + 99) == []
    (expired,) = desk.outbox.expire(NOW + 100)
    assert (expired.message, expired.detail) == (push("fired", expires=NOW + 100), "nobody to send to")
    desk.crash()
    assert desk.outbox.waiting() == 0


def test_only_so_many_pushes_are_remembered_and_not_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PUSHES_KEPT", 5)

    def send(number: int, now: float) -> None:
        desk.put(Push(PushKey(DEFAULT_ACCOUNT, "cpu", float(number), 1), PushContent("x"), Priority.PUSH, now))
        desk.send(Accept(str(number)), now)

    def opened() -> set[float]:
        return {key.opened for key in desk.outbox.shown() if isinstance(key, PushKey)}

    for number in range(7):
        send(number, NOW + number)
    assert opened() == {2.0, 3.0, 4.0, 5.0, 6.0}
    desk.crash()
    send(7, NOW + queue.PUSHES_KEPT_FOR + 5.5)
    for _ in range(2):
        assert opened() == {6.0, 7.0}
        desk.crash()


def test_what_was_sent_is_remembered_with_the_latest_moment_of_its_arrival(desk: Desk) -> None:
    desk.put(widget(1, name="a"))
    desk.put(widget(1, name="b"))
    desk.send(Accept(), NOW)
    desk.claim()
    desk.crash()
    (settled, unsettled) = sorted(desk.outbox.value.sent.values(), key=lambda request: request.at)
    assert (settled.account, settled.family, settled.at) == (DEFAULT_ACCOUNT, "family", NOW)
    assert unsettled.at > NOW


def test_a_level_that_nobody_wants_any_more_is_not_tried_again(desk: Desk) -> None:
    desk.put(widget(1))
    desk.put(widget(1, name="stock"))
    gone, wanted = desk.claim(), desk.claim()
    desk.outbox.want({key("stock")})
    for claim in (gone, wanted):
        desk.outbox.settle(claim, Retry(NOW, NO, "down"), NOW)
    assert [message.key.subject for message in desk.ready()] == ["widget stock"]
    desk.put(end())
    desk.put(push("cpu"))
    assert push("cpu") in desk.ready()


def test_after_a_reload_what_was_refused_or_put_off_is_tried_again_and_an_outage_is_waited_for(desk: Desk) -> None:
    desk.put(widget(1))
    desk.send(Drop(NO, "no", off=True))
    desk.put(widget(1, name="stock"))
    desk.send(Retry(NOW + 3600, NO, "no such metric"))
    desk.put(widget(1, name="sales"))
    desk.send(Retry(NOW + 300, NO, "down", wait=Wait.ANSWER))
    desk.put(widget(1))
    assert desk.ready() == []
    desk.outbox.try_again()
    desk.put(widget(1))
    assert [message.key.subject for message in desk.ready()] == ["widget stock", "widget orders"]


def _notification_id(desk: Desk) -> str | None:
    shown = desk.outbox.standing(CPU).push
    assert shown is not None
    return shown.notification_id
