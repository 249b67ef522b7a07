"""What each answer of the service means; anything at all that can come back has a meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign import rounds
from smithd.delivery.outcome import Name, Outcome, Pace, Scope, read
from smithd.delivery.wire import Answer, Endpoint, NotSent, Reply, Request, Unknown
from smithd.outbox.message import Again, Delivered, GivenUp, Settlement, Wait

NOW = 1_700_000_000.0
CONTRACT = Path(__file__).parents[1] / "contract"
RESPONSES = json.loads((CONTRACT / "responses.schema.json").read_text())["x-by-endpoint"]
ENDPOINTS = {
    "push-notification-send": Endpoint.SEND,
    "push-notification-replace": Endpoint.REPLACE,
    "live-activity-stream-put": Endpoint.STREAM_PUT,
    "live-activity-stream-delete": Endpoint.STREAM_DELETE,
    "metric-value": Endpoint.METRIC,
    "badge": Endpoint.BADGE,
}
DROPPED = {400, 403}


def meant(endpoint: Endpoint, reply: Reply, attempts: int = 0) -> Outcome:
    return read(Request(endpoint, "name", b"{}", "key"), reply, attempts, NOW, 0.5)


def answer(status: int, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
    return Answer(status, headers or {}, json.dumps(body).encode())


def in_seconds(outcome: Outcome) -> float:
    assert isinstance(outcome.settlement, Again)
    return outcome.settlement.at - NOW


@pytest.mark.parametrize(
    ("status", "endpoint", "name", "settlement"),
    [
        (200, Endpoint.SEND, Name.ACCEPTED, Delivered("n-1")),
        (200, Endpoint.STREAM_DELETE, Name.ENDED, Delivered(ended=True)),
        (404, Endpoint.STREAM_DELETE, Name.ENDED, Delivered(ended=True)),
        (400, Endpoint.SEND, Name.REFUSED, GivenUp("HTTP 400, no")),
        (413, Endpoint.METRIC, Name.REFUSED, GivenUp("HTTP 413, no")),
        (409, Endpoint.STREAM_PUT, Name.REFUSED, GivenUp("HTTP 409, no")),
        (403, Endpoint.STREAM_PUT, Name.FORBIDDEN, GivenUp("the key may not do this (HTTP 403, no)", off=True)),
        (404, Endpoint.REPLACE, Name.NOT_REPLACEABLE, GivenUp("HTTP 404, no", forget=True)),
        (409, Endpoint.REPLACE, Name.NOT_REPLACEABLE, Again(NOW, "HTTP 409, no", forget=True)),
        (422, Endpoint.SEND, Name.NO_RECIPIENTS, Again(NOW + 600, "nobody to send to (HTTP 422, no)")),
        (404, Endpoint.SEND, Name.NO_RECIPIENTS, Again(NOW + 600, "nobody to send to (HTTP 404, no)")),
        (502, Endpoint.BADGE, Name.SERVER_FAULT, Again(NOW + 1, "HTTP 502, no", sent=True, wait=Wait.ANSWER)),
        (408, Endpoint.SEND, Name.SERVER_FAULT, Again(NOW + 1, "HTTP 408, no", sent=True, wait=Wait.ANSWER)),
    ],
)
def test_each_status_has_its_own_answer(status: int, endpoint: Endpoint, name: Name, settlement: Settlement) -> None:
    outcome = meant(endpoint, answer(status, error="no", notification_id="n-1"))
    assert (outcome.name, outcome.settlement) == (name, settlement)
    assert (outcome.blocks, outcome.pause) == (None, 0.0)


def test_a_metric_that_does_not_exist_is_tried_hourly_and_says_what_to_do() -> None:
    outcome = meant(Endpoint.METRIC, answer(404, error="Metric not found"))
    assert (outcome.name, in_seconds(outcome)) == (Name.NO_METRIC, 3600)
    assert outcome.detail == "the metric 'name' does not exist: create it in the app (HTTP 404, Metric not found)"


@pytest.mark.parametrize("endpoint", Endpoint)
def test_a_refused_key_closes_everything_and_an_unpaid_account_what_is_billed(endpoint: Endpoint) -> None:
    assert meant(endpoint, answer(401)).blocks is Scope.EVERYTHING
    billed = endpoint not in (Endpoint.STREAM_DELETE, Endpoint.METRIC)
    assert meant(endpoint, answer(402, error="trial_expired")).blocks is (Scope.BILLED if billed else None)


@pytest.mark.parametrize("operation", ["started", "updated", "rotated", "noop", "invented"])
def test_a_stream_is_shown_whatever_the_service_calls_it(operation: str) -> None:
    outcome = meant(Endpoint.STREAM_PUT, answer(200, success=True, operation=operation, activity_id=None))
    assert (outcome.name, outcome.operation) == (Name.ACCEPTED, operation)


def test_a_paused_stream_and_a_push_that_apple_did_not_take_are_probed_slowly() -> None:
    for endpoint, body in ((Endpoint.STREAM_PUT, {"operation": "paused"}), (Endpoint.SEND, {"success": False})):
        outcome = meant(endpoint, Answer(200, {}, json.dumps({"success": True, **body}).encode()))
        assert in_seconds(outcome) == 600
        assert isinstance(outcome.settlement, Again)
        assert outcome.settlement.sent


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, 1),
        ({"retry-after": "99999999"}, 86400),
        ({"retry-after": "soon"}, 67.5),
        ({"retry-after": "-5"}, 67.5),
        ({}, 67.5),
        ({"ratelimit": '"public-api-ip:badges"; r=9; t=5, "account:badges"; r=0; t=42'}, 42),
        ({"ratelimit": '"account:metrics"; r=0; t=42'}, 67.5),
    ],
)
def test_a_limit_pauses_the_family_for_as_long_as_the_service_says(headers: dict[str, str], pause: float) -> None:
    outcome = meant(Endpoint.BADGE, answer(429, headers, error="Rate limit exceeded"))
    assert (outcome.name, outcome.pause) == (Name.RATE_LIMITED, pause)
    assert in_seconds(outcome) == 0


def test_a_limit_that_speaks_of_slots_is_about_slots_and_only_for_streams() -> None:
    body: dict[str, Any] = {"error": "Live Activity limit reached", "limit": 5, "active": 5}
    outcome = meant(Endpoint.STREAM_PUT, answer(429, {"retry-after": "30"}, **body))
    assert (outcome.name, outcome.pause, in_seconds(outcome)) == (Name.NO_SLOT, 0, 900)
    assert isinstance(outcome.settlement, Again)
    assert outcome.settlement.wait is Wait.SLOT
    assert meant(Endpoint.STREAM_PUT, answer(429, **body, code="rate_limited")).name is Name.RATE_LIMITED
    assert meant(Endpoint.SEND, answer(429, **body)).name is Name.RATE_LIMITED


def test_trouble_is_tried_again_later_and_later_and_a_server_in_trouble_may_ask_for_more_time() -> None:
    assert [in_seconds(meant(Endpoint.SEND, answer(503), tries)) for tries in (0, 1, 5, 8, 9, 99)] == [
        1,
        2,
        32,
        256,
        300,
        300,
    ]
    assert in_seconds(meant(Endpoint.SEND, answer(503, {"retry-after": "120"}))) == 120
    refused, cut = meant(Endpoint.SEND, NotSent("refused")), meant(Endpoint.SEND, Unknown("cut"))
    assert isinstance(refused.settlement, Again)
    assert isinstance(cut.settlement, Again)
    assert (refused.settlement.sent, cut.settlement.sent) == (False, True)


def test_what_is_left_of_the_limit_is_read_from_any_answer() -> None:
    header = '"public-api-ip:metrics"; r=599; t=60, "account:metrics"; r=3; t=60'
    for status in (200, 400, 500):
        assert meant(Endpoint.METRIC, answer(status, {"ratelimit": header})).pace == Pace(3, 60)
        assert meant(Endpoint.SEND, answer(status, {"ratelimit": header})).pace is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"succ', b"null", b"[]", b'"ok"', b"3", b"\xff\xfe", b"[" * 100_000]
)
def test_a_good_status_without_the_services_own_body_is_not_taken_for_accepted(body: bytes) -> None:
    outcome = meant(Endpoint.SEND, Answer(200, {}, body))
    assert outcome.name is Name.UNREADABLE
    assert isinstance(outcome.settlement, Again)
    assert outcome.settlement.sent


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    ["success", "operation", "notification_id", "activity_id", "warning", "error", "message", "code", "limit", "active"]
)
bodies = st.binary(max_size=20) | st.dictionaries(fields, json_values).map(lambda body: json.dumps(body).encode())
headers = st.dictionaries(st.sampled_from(["retry-after", "ratelimit"]), st.text(max_size=30))
replies = (
    st.builds(Answer, st.integers(100, 999), headers, bodies)
    | st.builds(Answer, st.sampled_from([200, 401, 402, 403, 404, 409, 422, 429, 500]), headers, bodies)
    | st.builds(NotSent, st.text())
    | st.builds(Unknown, st.text())
)


@pytest.mark.campaign
@settings(max_examples=rounds(100, 10_000))
@given(st.sampled_from(Endpoint), replies, st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_whatever_comes_back_is_settled_and_a_push_is_given_up_only_where_the_contract_says_so(
    endpoint: Endpoint, reply: Reply, attempts: int, chance: float
) -> None:
    outcome = read(Request(endpoint, "name", b"{}", "key"), reply, attempts, NOW, chance)
    match outcome.settlement:
        case Again(at):
            assert NOW <= at <= NOW + 86400
        case GivenUp(reason):
            assert isinstance(reply, Answer)
            assert 400 <= reply.status < 500
            assert reply.status not in (401, 402, 408, 422, 429)
            assert reason
        case Delivered(remote_id):
            assert isinstance(reply, Answer)
            assert 200 <= reply.status < 300 or reply.status == 404
            assert remote_id is None or remote_id
    assert 0 <= outcome.pause <= 86400


def test_every_answer_of_the_contract_has_a_meaning_of_its_own() -> None:
    expected = {
        400: {Name.REFUSED},
        401: {Name.UNAUTHORIZED},
        402: {Name.BILLING},
        403: {Name.FORBIDDEN},
        404: {Name.ENDED, Name.NO_METRIC, Name.NOT_REPLACEABLE},
        409: {Name.NOT_REPLACEABLE},
        422: {Name.NO_RECIPIENTS},
        429: {Name.RATE_LIMITED},
        502: {Name.SERVER_FAULT},
    }
    for body, endpoint in ENDPOINTS.items():
        for status in RESPONSES[body].keys() - {"200"}:
            assert meant(endpoint, answer(int(status), error="no")).name in expected[int(status)], (body, status)
