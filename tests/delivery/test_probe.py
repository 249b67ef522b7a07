"""What is sent to find out whether the service can be reached again: one line a rung of the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from answers import no, reply_to
from delivery.test_sender import end, push, stream, update, widget
from smithd.contract.endpoint import Endpoint
from smithd.delivery.account import Limits
from smithd.delivery.choice import Addressee, Chosen
from smithd.delivery.gate import Gate
from smithd.delivery.outcome import Outcome, judge
from smithd.delivery.probe import NO_STREAM, ProbeReason, choose_probe, probes
from smithd.delivery.reachability import PROBE_EVERY, SILENCE, Reachability
from smithd.delivery.reply import NotSent, Reply
from smithd.delivery.wire import Request
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, StreamKey
from smithd.outbox import queue
from smithd.outbox.message import ActivityContent, ActivityState, BadgeCount, Message, Priority
from smithd.outbox.settlement import Accept, DeliveryReason, Retry
from smithd.outbox.state import Outbox

NOW = 1_700_000_000.0
ADDRESSEE = Addressee(DEFAULT_ACCOUNT, None, ZoneInfo("UTC"))
BADGE = BadgeCount(BadgeKey(DEFAULT_ACCOUNT), 1, Priority.ROUTINE, NOW)
TIMER = ActivityState(
    StreamKey(DEFAULT_ACCOUNT, "timer"),
    ActivityContent({"title": "x", "type": "timer", "duration_seconds": 60}),
    Priority.MEANING,
    NOW,
)
CRITICAL = push("critical", priority=Priority.CRITICAL_PUSH)
ONCE = replace(CRITICAL, at_most_once=True)
SHOWN_ONCE = [stream("a"), end("a")]


def outbox_of(waiting: Sequence[Message], shown: Sequence[Message] = ()) -> Outbox:
    """An outbox where ``shown`` was accepted a message an hour, and the others wait."""
    outbox = Outbox()
    for hours, message in enumerate(shown):
        outbox, _ = queue.enqueue(outbox, message)
        outbox, _, claim = queue.claim(outbox, outbox.waiting[message.key], "any", NOW)
        accepted = Accept("n-1", ended=message == end("a"))
        outbox, _ = queue.settle(outbox, claim, accepted, NOW + 3600 * hours)
    for message in waiting:
        outbox, _ = queue.enqueue(outbox, message)
    return queue.fill_lanes(outbox, NOW)


R = ProbeReason


@pytest.mark.parametrize(
    ("waiting", "shown", "reason", "subject"),
    [
        ([], [widget("w")], None, ""),
        ([CRITICAL, widget("w")], [], R.WAITING_LEVEL, "widget w"),
        ([CRITICAL, stream("b"), widget("w")], [], R.WAITING_LEVEL, "Live Activity b"),
        ([CRITICAL, BADGE], [], R.WAITING_LEVEL, "badge"),
        ([TIMER, widget("w")], [], R.WAITING_LEVEL, "widget w"),
        ([CRITICAL], [widget("w"), widget("v")], R.LAST_VALUE, "widget v"),
        ([CRITICAL, TIMER], [widget("w")], R.LAST_VALUE, "widget w"),
        ([end("b")], [stream("b"), widget("w")], R.LAST_VALUE, "widget w"),
        ([CRITICAL, end("b")], [stream("b")], R.WAITING_END, "Live Activity b"),
        ([CRITICAL, end("b")], [*SHOWN_ONCE, stream("b")], R.WAITING_END, "Live Activity b"),
        ([CRITICAL], SHOWN_ONCE, R.PAST_END, "Live Activity a"),
        ([CRITICAL, update("cpu", title="more")], [push("cpu")], R.UPDATE_IN_PLACE, "push cpu"),
        ([CRITICAL, update("cpu", title="more")], [], R.PUSH, "push critical"),
        ([update("cpu", only_in_place=True), CRITICAL], [], R.PUSH, "push critical"),
        ([update("cpu", only_in_place=True)], [], None, ""),
        ([push("warning"), CRITICAL], [], R.PUSH, "push critical"),
        ([ONCE, push("warning")], [], R.PUSH, "push warning"),
        ([ONCE, TIMER], [], R.PUSH_AT_MOST_ONCE, "push critical"),
        ([TIMER], [], R.TIMER_START, "Live Activity timer"),
    ],
)
def test_the_ladder(
    waiting: Sequence[Message], shown: Sequence[Message], reason: ProbeReason | None, subject: str
) -> None:
    found = probes(outbox_of(waiting, shown), ADDRESSEE, {}, NOW)
    first = found[0] if found else None
    assert (first and first.reason, first.message.key.subject if first else "") == (reason, subject)


def test_a_push_that_may_have_been_accepted_is_the_last_rung_and_never_before_its_time() -> None:
    outbox = outbox_of([CRITICAL, push("warning")])
    ids = {queued.message.key: queued.id for queued in outbox.waiting.values()}
    both = {ids[CRITICAL.key]: 5000.0, ids[push("warning").key]: 4000.0}
    found = probes(outbox, ADDRESSEE, both, NOW)
    assert [(each.reason, each.not_before) for each in found] == [
        (R.END_OF_NOTHING, 0.0),
        (R.PUSH_OF_UNKNOWN_OUTCOME, 5000.0),
        (R.PUSH_OF_UNKNOWN_OUTCOME, 4000.0),
    ]
    assert found[0].message.key == StreamKey(DEFAULT_ACCOUNT, NO_STREAM)
    assert probes(outbox, ADDRESSEE, {ids[CRITICAL.key]: 5000.0}, NOW)[0].message == push("warning")

    # Where no end may go either, each waits for its own time.
    gate = out_of_reach()
    gate.learn(Endpoint.STREAM_DELETE, meant(Endpoint.STREAM_DELETE, no(429, {"retry-after": "900"})), 99.0, 99.0)
    gate.reachability = Reachability(is_reachable=False, since=100.0, probe_at=100.0)
    later = {ids[CRITICAL.key]: 120.0, ids[push("warning").key]: 110.0}
    early = choose_probe(outbox, ADDRESSEE, gate, later, NOW, 100.0)
    assert (requests(early), early.look_again) == ([], 10.0)
    assert requests(choose_probe(outbox, ADDRESSEE, gate, later, NOW, 110.0)) == ["push warning"]
    assert requests(choose_probe(outbox, ADDRESSEE, gate, later, NOW, 120.0)) == ["push critical"]


def test_the_last_value_is_sent_with_the_time_when_it_was_true_and_not_where_it_is_configured_no_more() -> None:
    value = replace(widget("w", 3), time=NOW - 60)
    outbox = outbox_of([CRITICAL], [value])
    (first, *_) = probes(outbox, ADDRESSEE, {}, NOW)
    assert first.request.body == {"value": 3, "timestamp": "2023-11-14T22:12:20.000Z"}
    found = probes(queue.want(outbox, []), ADDRESSEE, {}, NOW)
    assert found[0].reason is R.PUSH


def test_a_push_that_was_refused_is_a_probe_as_its_plainest_text() -> None:
    outbox = outbox_of([push("a", plain="the least")])
    (queued,) = outbox.waiting.values()
    outbox, _ = queue.put_off(outbox, queued, Retry(NOW, DeliveryReason.REFUSED, "no", refused=True))
    ((_, request),) = choose_probe(outbox, ADDRESSEE, out_of_reach(), {}, NOW, 100.0).requests
    assert (request.body["title"], request.is_plain) == ("the least", True)


def test_what_the_gate_holds_back_is_no_probe() -> None:
    gate = out_of_reach(metrics_per_minute=1)
    gate.send(Endpoint.METRIC)
    outbox = outbox_of([push("a"), widget("w")])
    assert requests(choose_probe(outbox, ADDRESSEE, gate, {}, NOW, 100.0)) == ["push a"]


def test_one_probe_at_a_time_every_twelve_seconds_and_nothing_else() -> None:
    gate, outbox = out_of_reach(), outbox_of([CRITICAL, widget("w")])
    first = choose_probe(outbox, ADDRESSEE, gate, {}, NOW, 100.0)
    assert requests(first) == ["widget w"]
    assert first.requests[0][1].is_probe
    gate.send(Endpoint.METRIC, is_probe=True)
    assert requests(choose_probe(outbox, ADDRESSEE, gate, {}, NOW, 105.0)) == []
    gate.learn(Endpoint.METRIC, meant(Endpoint.METRIC, NotSent("refused")), 100.0, 105.0, is_probe=True)
    waits = choose_probe(outbox, ADDRESSEE, gate, {}, NOW, 105.0)
    assert (requests(waits), waits.look_again) == ([], PROBE_EVERY - 5)
    assert requests(choose_probe(outbox, ADDRESSEE, gate, {}, NOW, 112.0)) == ["widget w"]


def requests(choice: Chosen) -> list[str]:
    return [request.key.subject for _, request in [*choice.requests, *choice.repeated]]


def out_of_reach(**limits: int) -> Gate:
    gate = Gate(Limits(**limits))
    for _ in range(SILENCE):
        gate.send(Endpoint.BADGE)
        gate.learn(Endpoint.BADGE, meant(Endpoint.BADGE, NotSent("refused")), 100.0, 100.0)
    return gate


def meant(endpoint: Endpoint, answer: Reply | object) -> Outcome:
    name = {Endpoint.METRIC: "w", Endpoint.STREAM_DELETE: "a"}.get(endpoint, "")
    body = {Endpoint.METRIC: {"value": 1}, Endpoint.STREAM_DELETE: {}}.get(endpoint, {"badge": 1})
    request = Request(endpoint, name, body, BADGE.key)
    return judge(request, reply_to(request, answer, NOW), 0, NOW, 0.5)  # type: ignore[arg-type]
