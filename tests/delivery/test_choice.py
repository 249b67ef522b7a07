"""What may go now, and when to look again."""

from __future__ import annotations

from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from answers import no, reply_to
from smithd.contract.endpoint import Endpoint
from smithd.delivery.account import Limits
from smithd.delivery.choice import AT_ONCE, LONGEST_REST, Addressee, Chosen, choose
from smithd.delivery.gate import Gate
from smithd.delivery.outcome import judge
from smithd.delivery.wire import Request
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, PushKey, WidgetKey
from smithd.outbox import queue
from smithd.outbox.message import BadgeCount, Message, Priority, Push, PushContent, PushUpdate, WidgetValue
from smithd.outbox.state import Outbox

NOW = 1_700_000_000.0
ADDRESSEE = Addressee(DEFAULT_ACCOUNT, None, ZoneInfo("UTC"))
BADGE = BadgeKey(DEFAULT_ACCOUNT)
PLAIN = Request(Endpoint.BADGE, "", {"badge": 1}, BADGE)


def widget(name: str, *, due: float = 0.0, account: str = DEFAULT_ACCOUNT) -> WidgetValue:
    return WidgetValue(WidgetKey(account, name), 1, Priority.ROUTINE, NOW, due=due)


def push(name: str, priority: Priority = Priority.PUSH) -> Push:
    return Push(PushKey(DEFAULT_ACCOUNT, name, NOW, 1), PushContent(name), priority, NOW)


def chosen(*messages: Message, gate: Gate | None = None, places: int = AT_ONCE, after: float = 0.0) -> Chosen:
    outbox = Outbox()
    for message in messages:
        outbox, _ = queue.enqueue(outbox, message)
    return choose(outbox, ADDRESSEE, gate or Gate(Limits()), NOW + after, after, places)


def names(choice: Chosen) -> list[str]:
    return [queued.message.key.subject for queued, _ in choice.requests]


def test_the_most_urgent_goes_first_then_the_oldest_of_all_families() -> None:
    choice = chosen(
        widget("a"), BadgeCount(BADGE, 1, Priority.ROUTINE, NOW), push("b"), push("c", Priority.CRITICAL_PUSH)
    )
    assert names(choice) == ["push c", "push b", "widget a"]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (0, []),
        (1, ["push c"]),
        (2, ["push c"]),
        (3, ["push c", "push b"]),
        (4, ["push c", "push b"]),
        (5, ["push c", "push b", "widget a"]),
        (6, ["push c", "push b", "widget a", "widget d"]),
    ],
)
def test_a_place_is_kept_for_pushes_and_one_for_criticals(places: int, expected: list[str]) -> None:
    waiting: list[Message] = [widget("a"), push("b"), push("c", Priority.CRITICAL_PUSH), widget("d"), widget("e")]
    assert names(chosen(*waiting, places=places)) == expected


def test_what_is_not_due_waits_for_its_time() -> None:
    choice = chosen(widget("a", due=NOW + 20))
    assert (names(choice), choice.look_again) == ([], 20)
    assert names(chosen(widget("a", due=NOW + 20), after=20)) == ["widget a"]
    assert chosen(widget("a", due=NOW + 500)).look_again == LONGEST_REST
    assert chosen().look_again == float("inf")


def test_messages_of_another_account_are_left_alone() -> None:
    assert names(chosen(widget("a", account="other"))) == []


def test_those_chosen_count_for_the_limit_and_the_gate_is_not_changed() -> None:
    gate = Gate(Limits(metrics_per_minute=2))
    for _ in range(2):
        assert names(chosen(widget("a"), widget("b"), widget("c"), gate=gate)) == ["widget a", "widget b"]


def test_one_request_probes_a_scope_that_was_blocked() -> None:
    gate = Gate(Limits())
    gate.send(PLAIN.endpoint)
    gate.learn(PLAIN.endpoint, judge(PLAIN, reply_to(PLAIN, no(401)), 0, NOW, 0.5), 0.0, 0.0)
    blocked = chosen(widget("a"), push("b"), gate=gate, after=1)
    assert names(blocked) == []
    assert names(chosen(widget("a"), push("b"), gate=gate, after=600)) == ["push b"]


def test_what_no_request_can_be_made_of_and_what_is_obsolete_make_room_for_the_next() -> None:
    bad = Push(PushKey(DEFAULT_ACCOUNT, "bad", NOW, 1), PushContent("x", channels=()), Priority.PUSH, NOW)
    past = PushKey(DEFAULT_ACCOUNT, "past", NOW, 1)
    update = PushUpdate(past, PushContent("x"), Priority.PUSH, NOW, only_in_place=True)
    choice = chosen(bad, update, push("good"))
    assert names(choice) == ["push good"]
    assert [queued.message for queued, _ in choice.dropped] == [bad]
    assert [queued.message for queued in choice.obsolete] == [update]


def test_thousands_that_wait_do_not_make_it_slow() -> None:
    outbox = Outbox()
    for number in range(5000):
        outbox, _ = queue.enqueue(outbox, widget(str(number)))
    outbox = queue.fill_lanes(outbox, NOW)
    gate = Gate(Limits(metrics_per_minute=1))
    gate.send(Endpoint.METRIC)
    began = perf_counter()
    for _ in range(20):
        assert choose(outbox, ADDRESSEE, gate, NOW, 0.0, AT_ONCE).requests == []
    assert perf_counter() - began < 0.2, "it walked through all of them"
