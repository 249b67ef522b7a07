"""What another key, or another address, of an account means for what waits, is in flight and is shown."""

from __future__ import annotations

from smithd.keys import DEFAULT_ACCOUNT, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox import accounts, queue
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
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Wait
from smithd.outbox.state import Outbox

NOW = 1_700_000_000.0
HERE, THERE = "https://here.example/api", "https://there.example/api"
ORDERS = WidgetKey(DEFAULT_ACCOUNT, "orders")
PROD = StreamKey(DEFAULT_ACCOUNT, "prod")
CPU, DISK = (PushKey(DEFAULT_ACCOUNT, name, NOW, 1) for name in ("cpu", "disk"))
OTHER = WidgetKey("other", "orders")


def widget(value: float, key: WidgetKey = ORDERS) -> WidgetValue:
    return WidgetValue(key, value, Priority.ROUTINE, NOW)


def push(key: PushKey) -> Push:
    return Push(key, PushContent("fired"), Priority.PUSH, NOW)


STATE = ActivityState(PROD, ActivityContent({"value": 1}), Priority.MEANING, NOW)
END = ActivityEnd(PROD, ActivityContent({}), NOW)
UPDATE = PushUpdate(CPU, PushContent("resolved"), Priority.PUSH, NOW)


def enqueued(outbox: Outbox, *messages: Message) -> Outbox:
    for message in messages:
        outbox, _ = queue.enqueue(outbox, message)
    return outbox


def claimed(outbox: Outbox, key: Key) -> tuple[Outbox, Claim]:
    outbox, _, claim = queue.claim(outbox, outbox.waiting[key], "any", NOW)
    return outbox, claim


def accepted(outbox: Outbox, *messages: Message) -> Outbox:
    for message in messages:
        outbox, claim = claimed(enqueued(outbox, message), message.key)
        outbox, _ = queue.settle(outbox, claim, Accept("n-1"), NOW)
    return outbox


def here() -> Outbox:
    """An account whose service is known, with something shown of each kind."""
    outbox, _ = accounts.moved(Outbox(), DEFAULT_ACCOUNT, HERE, "key")
    return accepted(outbox, widget(1), STATE, push(CPU), widget(1, OTHER))


def test_where_nothing_changed_nothing_changes() -> None:
    outbox = here()
    assert accounts.moved(outbox, DEFAULT_ACCOUNT, HERE, "key")[0] is outbox


def test_an_account_of_which_no_service_is_known_is_where_it_was() -> None:
    outbox, changes = accounts.moved(accepted(Outbox(), widget(1)), DEFAULT_ACCOUNT, HERE, "key")
    assert ORDERS in outbox.shown
    assert not changes.shown
    assert dict(outbox.accounts)[DEFAULT_ACCOUNT].address == HERE


def test_at_another_address_nothing_is_shown_and_what_replaces_or_ends_is_withdrawn() -> None:
    outbox = enqueued(here(), widget(2), END, UPDATE, push(DISK))
    outbox, changes = accounts.moved(outbox, DEFAULT_ACCOUNT, THERE, "key")
    assert set(outbox.shown) == {OTHER}
    assert set(outbox.waiting) == {ORDERS, DISK}
    assert dict(changes.shown) == {ORDERS: None, PROD: None, CPU: None}
    assert len(outbox.sent) == 4, "requests count all the same"
    assert queue.enqueue(outbox, widget(1, OTHER))[0] is outbox, "another account is not touched"


def test_a_request_in_flight_to_the_address_before_settles_nothing_but_its_count() -> None:
    outbox, claim = claimed(enqueued(here(), widget(2)), ORDERS)
    outbox, _ = accounts.moved(outbox, DEFAULT_ACCOUNT, THERE, "key")
    outbox = enqueued(outbox, widget(2))
    assert not outbox.claimed
    outbox, changes = queue.settle(outbox, claim, Accept(), NOW + 1)
    assert ORDERS in outbox.waiting
    assert ORDERS not in outbox.shown
    assert dict(outbox.sent)[claim.sent].at == NOW + 1
    assert not changes.messages


def test_with_another_key_levels_are_sent_once_more_and_the_names_of_notifications_are_kept() -> None:
    outbox, _ = accounts.moved(here(), DEFAULT_ACCOUNT, HERE, "another key")
    outbox = enqueued(outbox, widget(1), STATE)
    assert set(outbox.waiting) == {ORDERS, PROD}
    shown = outbox.status(CPU).push
    assert shown is not None
    assert shown.notification_id == "n-1"
    assert len(outbox.sent) == 4


def test_what_was_refused_or_put_off_with_another_key_is_tried() -> None:
    outbox, claim = claimed(enqueued(here(), widget(2)), ORDERS)
    outbox, _ = queue.settle(outbox, claim, Drop(DeliveryReason.FORBIDDEN, off=True), NOW)
    outbox, claim = claimed(enqueued(outbox, push(DISK)), DISK)
    retry = Retry(NOW + 600, DeliveryReason.NO_ANSWER, wait=Wait.ANSWER)
    outbox, _ = queue.settle(outbox, claim, retry, NOW)
    outbox, _ = accounts.moved(outbox, DEFAULT_ACCOUNT, HERE, "another key")
    assert outbox.waiting[DISK].ready_at == 0.0
    assert ORDERS in enqueued(outbox, widget(2)).waiting
