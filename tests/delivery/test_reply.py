"""Whatever the service answers is read as one of four kinds, with all that it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answers import Answer, no, ok
from campaign import rounds
from smithd.contract.endpoint import Endpoint
from smithd.delivery import reply
from smithd.delivery.reply import Accepted, Limit, Refusal, Rejected, Reply, Unknown
from smithd.redactor import Redactor

NOW = 1_700_000_000.0
RESPONSES = json.loads((Path(__file__).parents[1] / "contract" / "responses.schema.json").read_text())["x-by-endpoint"]


def read(endpoint: Endpoint, answer: Answer) -> Reply:
    return reply.read(endpoint, answer.status, answer.headers, answer.body, NOW)


def refused(endpoint: Endpoint, answer: Answer) -> Rejected:
    found = read(endpoint, answer)
    assert isinstance(found, Rejected)
    return found


def test_an_accepted_stream_says_everything_that_there_is_to_know() -> None:
    answer = ok(
        operation="rotated",
        stream_key="prod",
        activity_id="a-2",
        previous_activity_id="a-1",
        devices_notified=2,
        devices_queued=1,
        users_notified=1,
        effective_channel_slugs=["ops"],
        warning="too many\nupdates",
        errors=["one device failed", None, 3],
        ignored=False,
        timestamp="2026-01-01T00:00:00Z",
    )
    assert read(Endpoint.STREAM_PUT, answer) == Accepted(
        "rotated",
        devices=2,
        warnings=("too many updates", "one device failed"),
        warned=True,
    )


def test_the_badges_counts_are_read_under_their_new_names_and_their_old_ones() -> None:
    new = ok(badge=1, devices_updated=2, users_updated=1, devices_notified=9, devices_targeted=3, devices_deactivated=0)
    assert read(Endpoint.BADGE, new) == Accepted("set", devices=2)
    old = ok(badge=1, devices_notified=2, users_notified=1)
    assert read(Endpoint.BADGE, old) == Accepted("set", devices=2)


@pytest.mark.parametrize("nothing", [None, 3, "x", {}, [], [None], True, -1.5])
def test_null_or_nonsense_where_something_was_promised_is_no_trouble(nothing: Any) -> None:
    names = ["operation", "notification_id", "activity_id", "warning", "errors", "effective_channel_slugs", "tags"]
    for endpoint in Endpoint:
        found = read(endpoint, ok(**dict.fromkeys([*names, "devices_notified", "message"], nothing)))
        assert isinstance(found, Accepted)
        assert found.is_confirmed


@pytest.mark.parametrize("endpoint", Endpoint)
def test_an_unknown_operation_and_unknown_fields_are_accepted(endpoint: Endpoint) -> None:
    found = read(endpoint, ok(operation="teleported", more={"a": [1]}))
    assert isinstance(found, Accepted)
    assert (found.operation == "teleported") is (endpoint is Endpoint.STREAM_PUT)


def test_what_is_not_confirmed_or_had_no_effect_says_so() -> None:
    unconfirmed: list[Any] = [False, None, 0, "no", []]
    for success in unconfirmed:
        found = read(Endpoint.SEND, Answer(200, {}, json.dumps({"success": success, "message": "Apple?"}).encode()))
        assert isinstance(found, Accepted)
        assert (found.is_confirmed, found.said) == (False, "Apple?")
    again = read(Endpoint.STREAM_DELETE, ok(operation="ended", ignored=True))
    assert isinstance(again, Accepted)
    assert again.is_ignored


EXPECTED = {
    "401": {Refusal.UNAUTHORIZED},
    "400": {Refusal.BAD_REQUEST},
    "402": {Refusal.BILLING},
    "403": {Refusal.FORBIDDEN},
    "404": {Refusal.NOT_FOUND},
    "409": {Refusal.CONFLICT},
    "422": {Refusal.NO_RECIPIENTS},
    "429": {Refusal.RATE_LIMITED},
}


def test_every_answer_of_the_contract_has_a_kind_of_its_own() -> None:
    for endpoint in Endpoint:
        for status in RESPONSES[endpoint].keys() - {"200", "502"}:
            assert refused(endpoint, no(int(status))).kind in EXPECTED[status], (endpoint, status)
        assert refused(endpoint, Answer(401)).kind is Refusal.UNAUTHORIZED
    assert isinstance(read(Endpoint.BADGE, no(502, code="badge_update_failed")), Unknown)


@pytest.mark.parametrize("endpoint", [Endpoint.SEND, Endpoint.STREAM_PUT, Endpoint.BADGE])
def test_nobody_to_send_to_was_404_once(endpoint: Endpoint) -> None:
    assert refused(endpoint, no(404, error="No recipients found")).kind is Refusal.NO_RECIPIENTS


def test_a_refusal_hands_on_its_code_its_words_and_its_delay() -> None:
    assert refused(Endpoint.SEND, no(400, error="Invalid\n tags", message="x" * 999, code="invalid_tags")) == Rejected(
        Refusal.BAD_REQUEST, 400, ("HTTP 400, Invalid tags: " + "x" * 999)[:309] + "…"
    )


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("before", ["x", "x" * 60 + " ", " ", "x  "])
def test_a_key_that_the_service_repeats_is_taken_out_wherever_its_words_are_cut(status: int, before: str) -> None:
    key = "ask_topsecretkey_12345"
    redactor = Redactor()
    redactor.add(key)
    for length in range(reply.LONGEST_SAID - 60, 4 * reply.LONGEST_SAID + 10):
        text = (before * length)[:length] + key + "x" * 1000
        found = read(Endpoint.STREAM_PUT, Answer(status, {}, json.dumps({"error": "no", "warning": text}).encode()))
        if status != 200:
            found = read(Endpoint.STREAM_PUT, Answer(status, {}, json.dumps({"error": "no", "message": text}).encode()))
        assert key[:4] not in redactor.clean(repr(found)), length


def test_what_an_answer_says_is_text_on_a_line_of_its_own() -> None:
    odd = "a\ud800\x1b[2J\nb\u2028c"
    found = read(Endpoint.STREAM_PUT, ok(operation=odd, activity_id=odd, warning=odd, errors=[odd], message=odd))
    assert isinstance(found, Accepted)
    for text in (found.operation, *found.warnings, found.said):
        assert text == "a? [2J b c"
    assert refused(Endpoint.SEND, no(400, error=odd)).said == "HTTP 400, a? [2J b c"


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ("7", 7),
        ("0", 0),
        (" 1.5 ", 1.5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("Tue, 14 Nov 0001 22:00:00 +2359", 0),
        ("soon", None),
        ("-5", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(given: str, wait: float | None) -> None:
    assert refused(Endpoint.SEND, no(429, {"retry-after": given})).retry_after == wait
    found = read(Endpoint.SEND, no(503, {"retry-after": given}))
    assert isinstance(found, Unknown)
    assert found.retry_after == wait


def test_slots_are_distinguished_from_rates_by_the_body_and_only_for_streams() -> None:
    body: dict[str, Any] = {"error": "Live Activity limit reached", "limit": 5, "active": 5}
    assert refused(Endpoint.STREAM_PUT, no(429, **body)).kind is Refusal.SLOTS_FULL
    assert refused(Endpoint.STREAM_PUT, no(429, active=None)).kind is Refusal.SLOTS_FULL
    assert refused(Endpoint.STREAM_PUT, no(429, **body, code="rate_limited")).kind is Refusal.RATE_LIMITED
    assert refused(Endpoint.SEND, no(429, **body)).kind is Refusal.RATE_LIMITED


@pytest.mark.parametrize(
    ("left", "rules", "limits"),
    [
        (
            '"public-api-ip:badges"; r=599; t=60, "account:badges"; r=59; t=42',
            '"public-api-ip:badges"; q=600; w=60, "account:badges"; q=60; w=60',
            (Limit("public-api-ip:badges", 599, 60, 600, 60), Limit("account:badges", 59, 42, 60, 60)),
        ),
        ("default;r=50;t=30", "", (Limit("default", 50, 30),)),
        ('"a, b"; t=3;r=2', '"c"; q=1', (Limit("a, b", 2, 3), Limit("c", quota=1))),
        ('"x"; r=-1; t=many, ;;,"', "", (Limit("x"),)),
        ('"x"; r=' + "9" * 4000, "", (Limit("x"),)),
    ],
)
def test_what_the_headers_say_of_limits_is_read_from_any_answer(
    left: str, rules: str, limits: tuple[Limit, ...]
) -> None:
    headers = {"ratelimit": left, "ratelimit-policy": rules}
    for status in (200, 400, 500, 302):
        found = read(Endpoint.BADGE, Answer(status, headers, b'{"success": true}'))
        assert isinstance(found, Accepted | Rejected | Unknown)
        assert found.limits == limits


NOT_ITS_OWN = [
    b"",
    b"<html>",
    b'{"succ',
    b"null",
    b"[]",
    b'"ok"',
    b"3",
    b"\xff\xfe",
    b"[" * 100_000,
    b"9" * 5000,
    b"NaN",
]
GATEWAYS = [b"{}", b'{"message": "no Route matched with those values"}', b'{"detail": "Not Found"}']


@pytest.mark.parametrize("status", [200, 201, 299, 400, 403, 404, 409, 418, 422])
@pytest.mark.parametrize("body", NOT_ITS_OWN)
def test_a_verdict_without_the_services_own_body_is_not_believed(status: int, body: bytes) -> None:
    """It may be a portal's, or a proxy's: a push must not be given up for that, nor a stream be taken to have ended."""
    for endpoint in Endpoint:
        found = read(endpoint, Answer(status, {}, body))
        assert isinstance(found, Unknown)
        assert found.status == status


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 422])
@pytest.mark.parametrize("body", GATEWAYS)
def test_a_refusal_without_an_error_is_some_gateways(status: int, body: bytes) -> None:
    for endpoint in Endpoint:
        assert isinstance(read(endpoint, Answer(status, {}, body)), Unknown)


@pytest.mark.parametrize("status", [204, 205])
def test_an_answer_that_may_have_no_body_needs_none(status: int) -> None:
    assert isinstance(read(Endpoint.METRIC, Answer(status)), Accepted)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    [
        *("success", "operation", "notification_id", "activity_id", "warning", "error", "message", "code", "limit"),
        *("active", "errors", "devices_notified", "effective_channel_slugs"),
    ]
)
bodies = st.binary(max_size=20) | st.dictionaries(fields, json_values).map(lambda body: json.dumps(body).encode())
headers = st.dictionaries(st.sampled_from(["retry-after", "ratelimit", "ratelimit-policy"]), st.text(max_size=30))


@pytest.mark.campaign
@settings(max_examples=rounds(200, 20_000), deadline=None)
@given(st.sampled_from(Endpoint), st.builds(Answer, st.integers(0, 9999), headers, bodies))
def test_any_status_and_any_body_land_in_one_kind(endpoint: Endpoint, answer: Answer) -> None:
    match read(endpoint, answer):
        case Accepted(operation):
            assert 200 <= answer.status < 300
            assert operation
        case Rejected(kind, status, said):
            assert 400 <= status == answer.status < 500
            assert isinstance(kind, Refusal)
            assert said
        case Unknown(reason, status):
            assert status == answer.status
            assert reason
        case other:
            raise AssertionError(other)
