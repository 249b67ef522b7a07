"""Why a message waits, row by row, and the place of a routine value among the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from answers import no, reply_to
from delivery.test_choice import BADGE, NOW, PLAIN, push, widget
from smithd.contract.endpoint import Family
from smithd.delivery.account import Limits
from smithd.delivery.gate import Gate
from smithd.delivery.outcome import judge
from smithd.delivery.waiting import Waiting, WaitReason, passages, place_by_worth, waiting
from smithd.keys import DEFAULT_ACCOUNT, StreamKey, WidgetKey
from smithd.outbox import queue
from smithd.outbox.message import ActivityContent, ActivityState, BadgeCount, Message, Priority, WidgetValue
from smithd.outbox.settlement import Accept, DeliveryReason, Retry
from smithd.outbox.shown import ShownActivity
from smithd.outbox.state import Outbox
from smithd.outbox.update_budget import UpdateBudget

STREAM = StreamKey(DEFAULT_ACCOUNT, "shop")


def holding(*messages: Message) -> Outbox:
    outbox = Outbox()
    for message in messages:
        outbox, _ = queue.enqueue(outbox, message)
    return outbox


def why(outbox: Outbox, message: Message, gate: Gate | None = None) -> Waiting:
    outbox, gate = queue.fill_lanes(outbox, NOW), gate or Gate(Limits())
    return waiting(outbox, outbox.waiting[message.key], passages(gate, 0.0, NOW), 12, NOW)


def sent(outbox: Outbox, message: Message, settlement: Accept | Retry | None) -> Outbox:
    """The outbox once a message's request is in flight, or has ended."""
    outbox, _, claim = queue.claim(queue.fill_lanes(outbox, NOW), outbox.waiting[message.key], "metrics", NOW)
    return outbox if settlement is None else queue.settle(outbox, claim, settlement, NOW)[0]


def test_what_may_go_goes_next() -> None:
    message = push("a")
    assert why(holding(message), message) == Waiting(WaitReason.NEXT)


def test_a_request_in_flight_and_what_waits_behind_it() -> None:
    first, second = widget("a"), replace(widget("a"), value=2)
    outbox, _ = queue.enqueue(sent(holding(first), first, None), second)
    in_flight = outbox.claimed[first.key].queued
    assert waiting(outbox, in_flight, None, 12, NOW) == Waiting(WaitReason.IN_FLIGHT)
    assert why(outbox, second) == Waiting(WaitReason.BEHIND)


def test_what_failed_is_tried_again_at_its_time() -> None:
    message = widget("a")
    outbox = sent(holding(message), message, Retry(NOW + 40, DeliveryReason.METRIC_MISSING, "HTTP 404"))
    found = why(outbox, message)
    assert (found.reason, found.until) == (WaitReason.RETRY, NOW + 40)
    assert "the metric 'a' does not exist" in str(found)


def test_what_is_not_due_waits_for_its_time() -> None:
    message = widget("a", due=NOW + 20)
    assert why(holding(message), message) == Waiting(WaitReason.NOT_DUE, NOW + 20)


@pytest.mark.parametrize(
    ("updates", "due", "priority", "reason"),
    [
        (UpdateBudget(6.0, NOW), NOW + 300, Priority.COSMETIC, WaitReason.IOS_BUDGET),
        (UpdateBudget(12.0, NOW), NOW + 300, Priority.MEANING, WaitReason.IOS_BUDGET),
        (UpdateBudget(1.0, NOW), NOW + 120, Priority.COSMETIC, WaitReason.NOT_DUE),
        (UpdateBudget(1.0, NOW, NOW + 3600), NOW + 3600, Priority.COSMETIC, WaitReason.IOS_WARNED),
    ],
)
def test_an_update_waits_for_ios(updates: UpdateBudget, due: float, priority: Priority, reason: WaitReason) -> None:
    start = ActivityState(STREAM, ActivityContent({"title": "a"}), Priority.MEANING, NOW)
    outbox = sent(holding(start), start, Accept(started=True))
    shown = outbox.shown[STREAM]
    assert isinstance(shown, ShownActivity)
    outbox = replace(outbox, shown=outbox.shown.insert(STREAM, replace(shown, updates=updates)))
    update = ActivityState(STREAM, ActivityContent({"title": "b"}), priority, NOW, due)
    outbox, _ = queue.enqueue(outbox, update)
    found = why(outbox, update)
    assert (found.reason, found.until) == (reason, due)


def test_the_gate_holds_back() -> None:
    message, badge = push("a"), BadgeCount(BADGE, 1, Priority.MEANING, NOW)
    outbox = holding(message, badge)
    asked, gate = judge(PLAIN, reply_to(PLAIN, no(429, {"retry-after": "30"})), 0, NOW, 0.5), Gate(Limits())
    gate.send(PLAIN.endpoint)
    gate.learn(PLAIN.endpoint, asked, 0.0, 0.0)
    assert why(outbox, badge, gate) == Waiting(WaitReason.PAUSED, NOW + 30)
    assert why(outbox, message, gate) == Waiting(WaitReason.NEXT)

    used_up = Gate(Limits(badges_per_minute=1))
    used_up.budget.remember(PLAIN.family, 0.0)
    found = why(outbox, badge, used_up)
    assert (found.reason, found.until is not None and found.until > NOW + 59) == (WaitReason.LIMIT, True)


def test_without_a_daemon_what_may_go_waits_for_it() -> None:
    message = push("a")
    outbox = holding(message)
    assert waiting(outbox, outbox.waiting[message.key], None, 12, NOW) == Waiting(WaitReason.NOT_RUNNING)


def test_routine_values_for_which_there_is_no_room_compete_by_their_worth() -> None:
    shown = [WidgetValue(WidgetKey(DEFAULT_ACCOUNT, name), 0, Priority.ROUTINE, NOW - 100) for name in "abc"]
    outbox = holding(*shown)
    for each in shown:
        outbox = sent(outbox, each, Accept())
    moved = [replace(each, value=value, created=NOW, tolerance=1) for each, value in zip(shown, (1, 9, 4), strict=True)]
    for each in moved:
        outbox, _ = queue.enqueue(outbox, each)
    assert [place_by_worth(outbox, each.key, NOW) for each in moved] == [(3, 3), (1, 3), (2, 3)]
    assert place_by_worth(outbox, STREAM, NOW) is None
    found = why(outbox, moved[0], Gate(Limits(metrics_per_minute=2)))
    assert (found.reason, found.until) == (WaitReason.WORTH, None)
    assert "and others may be worth more (0 of 2 went in the last minute)" in str(found)

    # Where the limit is used up they still wait for each other; one that waits alone waits for the limit.
    used_up = Gate(Limits(metrics_per_minute=2))
    for _ in range(2):
        used_up.budget.remember(Family.METRICS, 0.0)
    found = why(outbox, moved[0], used_up)
    assert (found.reason, found.until is not None and found.until > NOW + 59) == (WaitReason.WORTH, True)
    assert why(holding(moved[0]), moved[0], used_up).reason is WaitReason.LIMIT


def test_a_limit_that_is_used_up_is_said_with_the_share_of_the_account() -> None:
    message = widget("a")
    gate = Gate(Limits.model_validate({"share": "1%"}))
    for _ in range(3):
        gate.budget.remember(Family.METRICS, 0.0)
    said = str(why(holding(message), message, gate))
    assert said == "the limit of requests a minute is used up (3 of 3, which is its share of 1%)"


def test_when_a_routine_value_is_expected_to_go() -> None:
    gate = Gate(Limits(metrics_per_minute=30))
    assert passages(gate, 0.0, NOW).expected_at(27, NOW) == NOW, "there is room for 27, and three places are kept"
    assert passages(gate, 0.0, NOW).expected_at(29, NOW) == NOW + 4
    for _ in range(30):
        gate.budget.remember(Family.METRICS, -30.0)
    gate.budget.take(Family.METRICS, -1.0)
    let_go = passages(gate, 0.0, NOW)
    assert let_go.next_at - NOW == pytest.approx(60.5 / 30 - 1)
    assert let_go.expected_at(3, NOW) - let_go.next_at == 4.0
