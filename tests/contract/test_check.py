"""The check of requests against its authorities: the contract's schemas for clients, and the official SDK's models."""

from __future__ import annotations

from typing import Any

import pytest
from activitysmith_openapi import models as sdk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodies import NAMES, ODD, VALID, Body, allowed, nearly_valid
from campaign import rounds
from smithd.contract.check import Fault, faults
from smithd.contract.endpoint import Endpoint
from smithd.simulator import contract as simulated

SDK: dict[Endpoint, Any] = {
    Endpoint.SEND: sdk.PushNotificationRequest,
    Endpoint.REPLACE: sdk.PushNotificationReplaceRequest,
    Endpoint.STREAM_PUT: sdk.LiveActivityStreamRequest,
    Endpoint.STREAM_DELETE: sdk.LiveActivityStreamDeleteRequest,
    Endpoint.METRIC: sdk.MetricValueUpdateRequest,
    Endpoint.BADGE: sdk.AppIconBadgeCountUpdateRequest,
}


def holds(whole: Any, part: Any) -> bool:
    """Whether all of ``part`` is in ``whole``: the SDK adds defaults of its own, and makes numbers floats."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], item) for key, item in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(holds, whole, part))
    if isinstance(part, int | float) and not isinstance(part, bool):
        return float(whole) == pytest.approx(float(part))
    return bool(whole == part)


@pytest.mark.campaign
@pytest.mark.parametrize("endpoint", Endpoint)
@settings(max_examples=rounds(60, 5000), suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_may_be_sent_is_valid_for_the_schemas_and_for_the_sdk(endpoint: Endpoint, data: st.DataObject) -> None:
    body: Body = data.draw(VALID[endpoint])
    assert faults(endpoint, body, NAMES[endpoint]) == []
    assert allowed(endpoint, body)
    read = SDK[endpoint].from_dict(body)
    timestamp = body.get("timestamp")
    assert holds(read.to_dict(), {key: part for key, part in body.items() if key != "timestamp"})
    assert timestamp is None or read.timestamp is not None


@pytest.mark.campaign
@pytest.mark.parametrize("endpoint", Endpoint)
@settings(max_examples=rounds(120, 20_000), suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_is_nearly_valid_is_refused_exactly_where_the_contract_refuses_it(
    endpoint: Endpoint, data: st.DataObject
) -> None:
    body = data.draw(nearly_valid(endpoint))
    found = faults(endpoint, body, NAMES[endpoint])
    assert (found == []) is allowed(endpoint, body), [str(fault) for fault in found]


@pytest.mark.campaign
@pytest.mark.parametrize("endpoint", Endpoint)
@settings(max_examples=rounds(60, 5000), suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_the_simulator_takes_whatever_may_be_sent(endpoint: Endpoint, data: st.DataObject) -> None:
    """Two readings of one contract, made apart: the service's stand-in may be laxer, but never stricter."""
    body = data.draw(VALID[endpoint] | nearly_valid(endpoint))
    if not faults(endpoint, body, NAMES[endpoint]):
        simulated.check(endpoint, body)


json_values = st.recursive(
    st.sampled_from(ODD) | st.floats() | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "content_state"]), inner),
    max_leaves=6,
)


@pytest.mark.campaign
@settings(max_examples=rounds(200, 20_000), deadline=None)
@given(st.sampled_from(Endpoint), json_values, json_values)
def test_whatever_it_is_given_it_answers(endpoint: Endpoint, body: Any, name: Any) -> None:
    for fault in faults(endpoint, body, name):
        assert fault.what
        assert str(fault)


STATE = {"title": "Job", "type": "progress", "percentage": 10}


@pytest.mark.parametrize(
    ("endpoint", "body", "path"),
    [
        (Endpoint.STREAM_PUT, None, ()),
        (Endpoint.STREAM_PUT, [], ()),
        (Endpoint.STREAM_PUT, {}, ("content_state",)),
        (Endpoint.STREAM_PUT, {"content_state": {"title": "x"}}, ("content_state", "type")),
        (Endpoint.STREAM_PUT, {"content_state": {**STATE, "badge": {}}}, ("content_state", "badge", "title")),
        (
            Endpoint.STREAM_PUT,
            {"content_state": {"title": "x", "type": "metrics", "metrics": [{"label": "a", "value": -1}]}},
            ("content_state", "metrics", 0, "value"),
        ),
        (
            Endpoint.STREAM_PUT,
            {"content_state": {**STATE, "auto_dismiss_minutes": 1}},
            ("content_state", "auto_dismiss_minutes"),
        ),
        (Endpoint.STREAM_PUT, {"content_state": STATE, "metadata": {"a": None}}, ("metadata", "a")),
        (Endpoint.STREAM_PUT, {"content_state": STATE, "metadata": {" ": 1}}, ("metadata", " ")),
        (Endpoint.STREAM_PUT, {"content_state": {**STATE, "title": "x" * 4000}}, ()),
        (Endpoint.SEND, {"title": "x", "target": {"channels": []}}, ("target", "channels")),
        (
            Endpoint.SEND,
            {"title": "x", "actions": [{"title": "y", "type": "open_url", "url": "prefs:x"}]},
            ("actions", 0, "url"),
        ),
        (Endpoint.SEND, {"title": "x", "media": "https://e.example", "actions": [1]}, ("actions", 0)),
        (Endpoint.BADGE, {"badge": 1.5}, ("badge",)),
    ],
)
def test_a_fault_names_its_place(endpoint: Endpoint, body: Any, path: tuple[str | int, ...]) -> None:
    assert [fault.path for fault in faults(endpoint, body, NAMES[endpoint])] == [path]


@pytest.mark.parametrize(
    ("endpoint", "name", "good"),
    [
        (Endpoint.STREAM_PUT, "a" * 255, True),
        (Endpoint.STREAM_PUT, "a" * 256, False),
        (Endpoint.STREAM_PUT, "", False),
        (Endpoint.STREAM_PUT, "a\n", False),
        (Endpoint.STREAM_DELETE, "web.example", False),
        (Endpoint.METRIC, "web.example", True),
        (Endpoint.METRIC, "Web", False),
        (Endpoint.METRIC, "a\n", False),
        (Endpoint.REPLACE, "n/1 ü", True),
        (Endpoint.REPLACE, "", False),
        (Endpoint.REPLACE, "..", False),
        (Endpoint.BADGE, "x", False),
    ],
)
def test_a_name_in_the_path_is_checked_to_its_end(endpoint: Endpoint, name: str, good: bool) -> None:
    body = {
        Endpoint.STREAM_PUT: {"content_state": STATE},
        Endpoint.METRIC: {"value": 1},
        Endpoint.BADGE: {"badge": 1},
        Endpoint.REPLACE: {"title": "x"},
    }.get(endpoint)
    assert [fault.path for fault in faults(endpoint, body, name)] == ([] if good else [("path",)])


def test_lengths_are_counted_as_the_strictest_do_and_a_number_may_be_written_with_a_point() -> None:
    assert faults(Endpoint.METRIC, {"value": "🔥" * 32}, "a") == []
    assert faults(Endpoint.METRIC, {"value": "🔥" * 33}, "a") != []
    assert faults(Endpoint.BADGE, {"badge": 3.0}) == []


def test_a_byte_order_mark_is_a_blank() -> None:
    mark = "\ufeff"
    assert faults(Endpoint.SEND, {"title": f"a{mark}"}) == []
    link = {"title": "y", "type": "open_url", "url": f"https://e.example/{mark}"}
    pushes: list[Any] = [{"title": mark}, {"title": "x", "target": {"channels": [f"a{mark}"]}}]
    assert all(faults(Endpoint.SEND, body) for body in pushes)
    streams: list[Any] = [{"content_state": STATE, "action": link}, {"content_state": STATE, "metadata": {mark: 1}}]
    assert all(faults(Endpoint.STREAM_PUT, body, "a") for body in streams)


def test_what_is_no_json_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    hook = {"title": "x", "type": "webhook", "url": "https://e.example"}
    for body in (deep, {"a": float("nan")}, {"a": "\ud800"}):
        found = faults(Endpoint.STREAM_PUT, {"content_state": STATE, "action": hook | {"body": body}}, "a")
        assert [fault.path for fault in found] == [("action", "body")]
    for value in (float("inf"), float("nan"), 10**400, -(10**400)):
        assert faults(Endpoint.METRIC, {"value": value}, "a") != []


@pytest.mark.parametrize("endpoint", NAMES)
def test_half_a_letter_in_a_name_or_a_list_is_a_fault_that_can_be_written(endpoint: Endpoint) -> None:
    half = "a\ud800"
    found = faults(endpoint, {"badge": 1, "target": {"channels": [half, half]}}, half)
    assert ("path",) in [fault.path for fault in found]
    assert "".join(map(str, found)).encode()


def test_a_fault_reads_as_a_sentence() -> None:
    assert str(Fault(("content_state", "metrics", 0), "it is missing")) == "content_state.metrics.0: it is missing"
    assert [str(fault) for fault in faults(Endpoint.SEND, {"foo": 1, "title": ""})] == [
        "title: expected a text that is not blank",
        "foo: this field is not known here",
    ]
