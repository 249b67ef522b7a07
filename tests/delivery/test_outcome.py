"""What each reply means for its message, and for those that follow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answers import Answer, no, ok, reply_to
from campaign import rounds
from smithd.contract.endpoint import Endpoint
from smithd.delivery.outcome import BlockScope, Outcome, Pace, judge
from smithd.delivery.reply import Accepted, NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.sentences import sentence
from smithd.delivery.wire import Request
from smithd.keys import DEFAULT_ACCOUNT, StreamKey
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import TimerWindow

NOW = 1_700_000_000.0
KEY = StreamKey(DEFAULT_ACCOUNT, "prod")
REFUSED, NO_ANSWER = DeliveryReason.REFUSED, DeliveryReason.NO_ANSWER
NAMES = {
    Endpoint.REPLACE: "n-1",
    Endpoint.STREAM_PUT: "prod",
    Endpoint.STREAM_DELETE: "prod",
    Endpoint.METRIC: "shop.orders",
}
BODIES: dict[Endpoint, dict[str, Any]] = {
    Endpoint.SEND: {"title": "x"},
    Endpoint.REPLACE: {"title": "x"},
    Endpoint.STREAM_PUT: {"content_state": {"title": "x", "type": "value", "value": 1}},
    Endpoint.STREAM_DELETE: {},
    Endpoint.METRIC: {"value": 1},
    Endpoint.BADGE: {"badge": 1},
}


def asked(endpoint: Endpoint, **body: Any) -> Request:
    return Request(endpoint, NAMES.get(endpoint, ""), body or BODIES[endpoint], KEY)


def meant(endpoint: Endpoint, answer: Answer | Reply, attempts: int = 0) -> Outcome:
    request = asked(endpoint)
    return judge(request, reply_to(request, answer, NOW), attempts, NOW, 0.5)


def in_seconds(outcome: Outcome) -> float:
    assert isinstance(outcome.settlement, Retry)
    return outcome.settlement.at - NOW


@pytest.mark.parametrize(
    ("status", "endpoint", "settlement"),
    [
        (200, Endpoint.SEND, Accept("n-1")),
        (200, Endpoint.STREAM_PUT, Accept()),
        (200, Endpoint.STREAM_DELETE, Accept(ended=True)),
        (404, Endpoint.STREAM_DELETE, Accept(ended=True)),
        (400, Endpoint.SEND, Retry(NOW, REFUSED, "HTTP 400, no", refused=True)),
        (403, Endpoint.SEND, Retry(NOW, DeliveryReason.FORBIDDEN, "HTTP 403, no", refused=True)),
        (409, Endpoint.SEND, Retry(NOW, REFUSED, "HTTP 409, no", refused=True)),
        (413, Endpoint.SEND, Retry(NOW, REFUSED, "HTTP 413, no", refused=True)),
        (451, Endpoint.REPLACE, Retry(NOW, REFUSED, "HTTP 451, no", refused=True)),
        (413, Endpoint.METRIC, Drop(REFUSED, "HTTP 413, no")),
        (409, Endpoint.STREAM_PUT, Drop(REFUSED, "HTTP 409, no")),
        (403, Endpoint.STREAM_PUT, Drop(DeliveryReason.FORBIDDEN, "HTTP 403, no", off=True)),
        (404, Endpoint.REPLACE, Retry(NOW, REFUSED, "HTTP 404, no", forget_id=True)),
        (409, Endpoint.REPLACE, Retry(NOW, REFUSED, "HTTP 409, no", forget_id=True)),
        (422, Endpoint.SEND, Retry(NOW + 600, DeliveryReason.NO_RECIPIENTS, "HTTP 422, no")),
        (404, Endpoint.SEND, Retry(NOW + 600, DeliveryReason.NO_RECIPIENTS, "HTTP 404, no")),
        (502, Endpoint.BADGE, Retry(NOW + 1, NO_ANSWER, "HTTP 502, no", sent=True, wait=Wait.ANSWER)),
        (408, Endpoint.SEND, Retry(NOW + 1, NO_ANSWER, "HTTP 408, no", sent=True, wait=Wait.ANSWER)),
    ],
)
def test_each_status_has_its_own_answer(status: int, endpoint: Endpoint, settlement: Settlement) -> None:
    body = json.dumps({"error": "no", "notification_id": "n-1", "activity_id": "a-1"}).encode()
    outcome = meant(endpoint, Answer(status, {}, body))
    assert outcome.settlement == settlement
    assert (outcome.blocks, outcome.pause) == (None, 0.0)


@pytest.mark.parametrize("endpoint", [Endpoint.SEND, Endpoint.REPLACE])
@pytest.mark.parametrize("status", [400, 403, 413, 451])
def test_a_push_that_is_refused_as_its_plainest_text_is_tried_hourly(status: int, endpoint: Endpoint) -> None:
    request = replace(asked(endpoint), is_plain=True)
    outcome = judge(request, reply_to(request, no(status)), 0, NOW, 0.5)
    assert in_seconds(outcome) == 3600


def test_a_metric_that_does_not_exist_is_tried_hourly_and_says_what_to_do() -> None:
    outcome = meant(Endpoint.METRIC, no(404, error="Metric not found"))
    assert in_seconds(outcome) == 3600
    reason = "the metric 'shop.orders' does not exist: create it in the app (HTTP 404, Metric not found)"
    assert isinstance(outcome.settlement, Retry)
    assert sentence(outcome.settlement.reason, outcome.settlement.detail, "shop.orders") == reason


@pytest.mark.parametrize("endpoint", Endpoint)
def test_a_refused_key_blocks_everything_and_an_unpaid_account_what_is_billed(endpoint: Endpoint) -> None:
    assert meant(endpoint, Answer(401)).blocks is BlockScope.EVERYTHING
    billed = endpoint not in (Endpoint.STREAM_DELETE, Endpoint.METRIC)
    assert meant(endpoint, no(402, error="trial_expired")).blocks is (BlockScope.BILLED if billed else None)


@pytest.mark.parametrize("operation", ["started", "updated", "rotated", "noop", "invented"])
def test_a_stream_is_shown_whatever_the_service_calls_it(operation: str) -> None:
    settlement = meant(Endpoint.STREAM_PUT, ok(operation=operation, activity_id=None)).settlement
    assert settlement == Accept(started=operation == "started", rotated=operation == "rotated")


def test_the_services_warning_that_ios_may_drop_updates_is_remembered() -> None:
    answer = ok(operation="updated", activity_id="a", warning="more than 12 updates")
    assert meant(Endpoint.STREAM_PUT, answer).settlement == Accept(warned=True)
    failed = ok(operation="updated", activity_id="a", errors=["one device failed"])
    assert meant(Endpoint.STREAM_PUT, failed).settlement == Accept()


def test_a_paused_stream_and_a_push_that_apple_did_not_take_are_probed_slowly() -> None:
    for endpoint, body in ((Endpoint.STREAM_PUT, {"operation": "paused"}), (Endpoint.SEND, {"success": False})):
        outcome = meant(endpoint, Answer(200, {}, json.dumps({"success": True, **body}).encode()))
        assert in_seconds(outcome) == 600
        assert isinstance(outcome.settlement, Retry)
        assert outcome.settlement.sent


@pytest.mark.parametrize("status", [400, 403, 409, 418, 422])
def test_an_end_is_never_dropped_but_asked_for_without_its_last_state_and_then_slowly(status: int) -> None:
    request = asked(Endpoint.STREAM_DELETE, tags=["x"])
    full = judge(request, reply_to(request, no(status)), 0, NOW, 0.5)
    assert full.settlement == Retry(NOW, REFUSED, f"HTTP {status}, no", bare_end=True)
    assert meant(Endpoint.STREAM_DELETE, no(status)).settlement == Retry(NOW + 3600, REFUSED, f"HTTP {status}, no")


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, 1),
        ({"retry-after": "999999999"}, 900),
        ({"retry-after": "soon"}, 67.5),
        ({}, 67.5),
        ({"ratelimit": '"public-api-ip:badges"; r=9; t=5, "account:badges"; r=0; t=42'}, 42),
        ({"ratelimit": '"account:metrics"; r=0; t=42'}, 67.5),
    ],
)
def test_a_limit_pauses_the_family_for_as_long_as_the_service_says(headers: dict[str, str], pause: float) -> None:
    outcome = meant(Endpoint.BADGE, no(429, headers, error="Rate limit exceeded"))
    assert (outcome.pause, in_seconds(outcome)) == (pause, 0)


def test_a_lack_of_slots_pauses_nothing() -> None:
    outcome = meant(Endpoint.STREAM_PUT, no(429, {"retry-after": "30"}, limit=5, active=5))
    assert (outcome.pause, in_seconds(outcome)) == (0, 600)


def test_trouble_is_tried_again_later_and_later_and_a_server_in_trouble_may_ask_for_more_time() -> None:
    tries = (0, 1, 5, 8, 9, 99)
    assert [in_seconds(meant(Endpoint.SEND, no(503), number)) for number in tries] == [1, 2, 32, 256, 300, 300]
    busy = meant(Endpoint.SEND, no(503, {"retry-after": "120"}))
    assert (in_seconds(busy), busy.pause) == (1, 120)
    assert meant(Endpoint.SEND, no(503, {"retry-after": "9000"})).pause == 900
    refused, cut = meant(Endpoint.SEND, NotSent("refused")), meant(Endpoint.SEND, Unknown("cut"))
    assert isinstance(refused.settlement, Retry)
    assert isinstance(cut.settlement, Retry)
    assert (refused.settlement.sent, cut.settlement.sent) == (False, True)


@pytest.mark.parametrize("answer", [Answer(200), Answer(200, {}, b"<html>"), Unknown("cut")])
def test_a_push_that_may_well_have_been_taken_is_repeated_ever_more_rarely(answer: Answer | Reply) -> None:
    tries = (0, 1, 5, 8, 9, 11, 12, 99)
    delays = [in_seconds(meant(Endpoint.SEND, answer, number)) for number in tries]
    assert delays == [1, 2, 32, 256, 512, 2048, 3600, 3600]
    assert in_seconds(meant(Endpoint.REPLACE, answer, 99)) == 300


@pytest.mark.parametrize(
    ("endpoint", "answer", "is_repeated"),
    [
        (Endpoint.SEND, Unknown("cut"), False),
        (Endpoint.SEND, Answer(200, {}, b"<html>"), False),
        (Endpoint.SEND, no(500), False),
        (Endpoint.SEND, no(504), False),
        (Endpoint.SEND, no(503), True),
        (Endpoint.SEND, NotSent("refused"), True),
        (Endpoint.SEND, no(429), True),
        (Endpoint.REPLACE, Unknown("cut"), True),
    ],
)
def test_at_most_once_repeats_only_what_was_certainly_not_accepted(
    endpoint: Endpoint, answer: Answer | Reply, *, is_repeated: bool
) -> None:
    for is_probe in (False, True):
        request = replace(asked(endpoint), is_probe=is_probe)
        outcome = judge(request, reply_to(request, answer, NOW), 0, NOW, 0.5, at_most_once=True)
        assert isinstance(outcome.settlement, Retry) is is_repeated
        if not is_repeated:
            assert isinstance(outcome.settlement, Drop)
            assert outcome.settlement.reason is DeliveryReason.NOT_REPEATED


def test_a_probe_without_an_answer_leaves_the_wait_to_the_gate() -> None:
    for answer in (NotSent("refused"), Unknown("cut"), no(503)):
        request = replace(asked(Endpoint.METRIC), is_probe=True)
        settlement = judge(request, reply_to(request, answer, NOW), 9, NOW, 0.5).settlement
        assert isinstance(settlement, Retry)
        assert (settlement.at, settlement.wait) == (NOW, Wait.PROBE)


def test_what_is_left_of_the_limit_and_the_limit_itself_are_handed_on_for_the_family_asked() -> None:
    left = '"public-api-ip:metrics"; r=599; t=60, "account:metrics"; r=3; t=60'
    rules = '"account:metrics"; q=10; w=30'
    for status in (200, 400, 500):
        found = no(status, {"ratelimit": left, "ratelimit-policy": rules})
        assert meant(Endpoint.METRIC, found).pace == Pace(3, 60, 20)
        assert meant(Endpoint.SEND, found).pace is None


TIMER = {"title": "x", "type": "timer", "counts_down": True, "is_running": True}
WINDOW = TimerWindow("w", 300, NOW, runs=True)
LOST = replace(WINDOW, lost=True)
SHORT = Request(Endpoint.STREAM_PUT, "prod", {"content_state": TIMER}, KEY, WINDOW)
LONG = Request(Endpoint.STREAM_PUT, "prod", {"content_state": {**TIMER, "duration_seconds": 300}}, KEY, WINDOW)


@pytest.mark.parametrize(
    ("request_", "answer", "settlement"),
    [
        (LONG, ok(operation="started", activity_id="a"), Accept(started=True)),
        (SHORT, ok(operation="updated", activity_id="a"), Accept()),
        (SHORT, ok(operation="noop"), Accept()),
        (SHORT, no(400), Retry(NOW, REFUSED, "HTTP 400, no", window=LOST)),
        (LONG, no(400), Drop(REFUSED, "HTTP 400, no")),
        (
            SHORT,
            ok(operation="started"),
            Retry(NOW, DeliveryReason.TIMER_RESTARTED, sent=True, window=LOST),
        ),
        (
            SHORT,
            ok(operation="rotated"),
            Retry(NOW, DeliveryReason.TIMER_RESTARTED, sent=True, window=LOST),
        ),
    ],
)
def test_a_window_that_the_service_turns_out_not_to_have_is_sent_again(
    request_: Request, answer: Answer, settlement: Settlement
) -> None:
    assert judge(request_, reply_to(request_, answer), 0, NOW, 0.5).settlement == settlement


def test_a_paused_stream_has_not_taken_up_a_window() -> None:
    for request_, window in ((LONG, LOST), (SHORT, None)):
        settlement = judge(request_, reply_to(request_, ok(operation="paused")), 0, NOW, 0.5).settlement
        assert isinstance(settlement, Retry)
        assert settlement.window == window


def test_a_state_without_effect_is_not_taken_to_be_shown_and_comes_again_slowly_with_its_window() -> None:
    for request_, window in ((LONG, LOST), (SHORT, None)):
        outcome = judge(request_, reply_to(request_, ok(operation="updated", ignored=True, message="old")), 0, NOW, 0.5)
        reason = DeliveryReason.NO_EFFECT
        assert outcome.settlement == Retry(NOW + 600, reason, "old", sent=True, window=window)
    assert meant(Endpoint.STREAM_PUT, ok(operation="noop", ignored=True)).settlement == Accept()
    assert meant(Endpoint.STREAM_DELETE, ok(operation="ended", ignored=True)).settlement == Accept(ended=True)


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
fields = st.sampled_from(
    ["success", "operation", "notification_id", "activity_id", "warning", "error", "message", "code", "limit", "active"]
)
words = st.sampled_from(["started", "updated", "rotated", "noop", "paused", "rate_limited"])
bodies = st.binary(max_size=20) | st.dictionaries(fields, json_values | words).map(
    lambda body: json.dumps(body).encode()
)
headers = st.dictionaries(st.sampled_from(["retry-after", "ratelimit"]), st.text(max_size=30))
replies: st.SearchStrategy[Answer | Reply] = (
    st.builds(Answer, st.integers(100, 999), headers, bodies)
    | st.builds(Answer, st.sampled_from([200, 401, 402, 403, 404, 409, 422, 429, 500]), headers, bodies)
    | st.builds(NotSent, st.text())
    | st.builds(Unknown, st.text())
)
requests = st.sampled_from(Endpoint).map(asked) | st.sampled_from([SHORT, LONG])


@pytest.mark.campaign
@settings(max_examples=rounds(200, 20_000), deadline=None)
@given(requests, replies, st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_whatever_comes_back_is_settled_and_a_push_is_dropped_only_where_the_contract_says_so(
    request_: Request, answer: Answer | Reply, attempts: int, chance: float
) -> None:
    outcome = judge(request_, reply_to(request_, answer, NOW), attempts, NOW, chance)
    match outcome.settlement:
        case Retry(at):
            assert NOW <= at <= NOW + 86400
        case Drop(reason):
            assert isinstance(outcome.reply, Rejected)
            assert outcome.reply.kind in (
                Refusal.BAD_REQUEST,
                Refusal.FORBIDDEN,
                Refusal.CONFLICT,
            )
            assert request_.endpoint is not Endpoint.STREAM_DELETE
            assert reason
        case Accept(name):
            assert isinstance(outcome.reply, Accepted | Rejected)
            assert name is None or name
    assert 0 <= outcome.pause <= 86400
