"""Whatever is sent: the stand-in answers as its contract says, and takes nothing that its schemas refuse."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from campaign import rounds
from simulator.given import CONTENT, NOW, contract, statuses, stream, usual
from simulator.loopback import KEY, Reply, Wire
from smithd.simulator.contract import document
from smithd.simulator.control import ORDERS
from smithd.simulator.exchange import Answer, Call
from smithd.simulator.limits import RateMode
from smithd.simulator.router import ENDPOINTS
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState

HEADERS = {"Authorization": f"Bearer {KEY}"}
NAMES = [endpoint.name for endpoint in ENDPOINTS]
CASES = [
    case for case in contract("cases.json")["cases"] if case["endpoint"] in NAMES and case["expected"] == "accepted"
]
SCHEMAS = {name: Draft202012Validator(document(name)) for name in NAMES}
RESPONSES = contract("responses.schema.json")
SHAPES = {name: Draft202012Validator(shape) for name, shape in RESPONSES["$defs"].items()}

WORDS = sorted({name for endpoint in NAMES for name in document(endpoint)["properties"]} | {"type", "x", ""})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["a\n", "timer", "stats", "value", "ops", "https://e.example", "2026-01-01T00:00:00Z"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from([f"/api{endpoint.path}" for endpoint in ENDPOINTS]).map(lambda path: path.replace("*", "job"))


def places(body: Any) -> list[tuple[Any, Any]]:
    """Every container in a body with each of its keys."""
    inner = list(body.items()) if isinstance(body, dict) else list(enumerate(body)) if isinstance(body, list) else []
    return [(body, key) for key, _ in inner] + [place for _, child in inner for place in places(child)]


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """A case that is accepted, and its body with one to three places taken out, put in or overwritten."""
    case = draw(st.sampled_from(CASES))
    body = copy.deepcopy(case["body"]) or {}
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from([(body, draw(st.sampled_from(WORDS))), *places(body)]))
        if isinstance(holder, dict) and draw(st.booleans()):
            holder.pop(key, None)
        else:
            holder[key] = draw(JSON)
    return case, body


def assert_documented(endpoint: str, answer: Answer) -> None:
    shapes = statuses(endpoint)[str(answer.status)]
    body = json.loads(json.dumps(answer.body, allow_nan=False))
    assert any(SHAPES[name].is_valid(body) for name in shapes), answer


@settings(max_examples=400, deadline=None)
@given(spoiled(), st.sampled_from(["absent", "timer", "progress"]))
def test_nothing_that_a_schema_refuses_is_taken(case_and_body: tuple[dict[str, Any], Any], running: str) -> None:
    case, body = case_and_body
    state = usual(case["endpoint"], case.get("path_param"))
    if case["endpoint"] == "live-activity-stream-put" and running != "absent":
        state.streams[case["path_param"]] = stream(case["path_param"], running)

    answer = Service(state).handle(Call(case["method"], f"/api{case['path']}", HEADERS, json.dumps(body).encode()), NOW)

    assert_documented(case["endpoint"], answer)
    if answer.status == 200:
        assert SCHEMAS[case["endpoint"]].is_valid(body)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", ""]),
    st.lists(PATHS | st.text(max_size=20), max_size=2).map("".join),
    st.dictionaries(st.sampled_from(["Authorization", "content-type"]), st.text(max_size=10)) | st.just(HEADERS),
    st.binary(max_size=60) | JSON.map(lambda document: json.dumps(document).encode()),
)
def test_no_request_makes_it_fail(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    service = Service(ServiceState(keys={KEY: None}, creates_metrics=True, streams={"job": stream("job")}))

    answer = service.handle(Call(method, path, headers, body), NOW)

    assert answer.status < 500
    json.dumps(answer.body, allow_nan=False)
    service.screen(NOW)


# Over HTTP, the page and the control API included

CONTROLS = st.sampled_from([(order.method, order.path) for order in ORDERS if order.path != "/control/faults"])
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
TEXTS = st.text(max_size=10)
ENTRIES = st.dictionaries(
    st.sampled_from(["a", "phone", "ops", KEY, "A B", ""]),
    st.sampled_from(["all", "number", "string", "paused", "resumed", "dismissed", "foreign", "fixed", None])
    | st.sampled_from([["owner"], [], {"user": "ann", "connected": False}, {"format": "unit", "unit": "ms"}])
    | st.sampled_from([{"title": "x"}, *CONTENT.values()])
    | JSON,
    max_size=2,
)
ACCOUNTS = st.dictionaries(
    st.sampled_from(["keys", "devices", "channels", "metrics", "streams", "activities", "notifications"]), ENTRIES
) | st.dictionaries(st.sampled_from(sorted(document("account")["properties"])), JSON | st.booleans())
FAULTS = st.fixed_dictionaries(
    {},
    optional={
        "on": st.sampled_from(["badge", ["badge"], "x"]),
        "times": st.sampled_from([1, 1.0, None, 0]),
        "skip": st.integers(-1, 1) | st.just(1.0),
        "delay": st.floats(-1, 4000),
        "drop": st.sampled_from(["before", "after"]),
        "status": st.integers(199, 600) | st.just(503.0),
        "headers": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=1),
        "body": JSON,
        "text": st.text(max_size=5),
        "takes_effect": st.booleans(),
        "pace": st.floats(0, 100),
        "cut": st.integers(-1, 300) | st.just(10.0),
        "garbage": st.just(True),
    },
)


def send(wire: Wire, method: str, path: str, body: Any) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.send(method, path, content, {**HEADERS, "Content-Type": "application/json"})


@pytest.mark.campaign
@settings(max_examples=rounds(60, 5_000))
@given(data=st.data())
def test_over_http_too(served: Wire, data: st.DataObject) -> None:
    service = served.service
    service.state = ServiceState(keys={KEY: None}, creates_metrics=True, streams={"job": stream("job")})
    service.faults.clear()
    service.seen.clear()
    service.ahead = 0.0
    for _ in range(data.draw(st.integers(1, 4))):
        case, body = data.draw(spoiled())
        if data.draw(st.booleans()):
            path = f"/api{case['path']}"
            reply = send(served, case["method"], path, body)
            assert reply.status == 200 or str(reply.status) in statuses(case["endpoint"])
            if reply.status == 200:
                assert SCHEMAS[case["endpoint"]].is_valid(body)
        else:
            method, path = data.draw(CONTROLS | st.tuples(METHODS, PATHS | TEXTS.map(lambda text: quote(f"/{text}"))))
            document = data.draw(ACCOUNTS | JSON | st.binary(max_size=40) | st.just({"advance": 1e5}))
            assert send(served, method, path, document).status < 500
    assert served.send("GET", "/").status == served.order("GET", "/requests").status == 200


@pytest.mark.campaign
@settings(max_examples=rounds(100, 5_000))
@given(document=FAULTS | JSON)
def test_whatever_is_ordered_the_next_request_is_well(served: Wire, document: Any) -> None:
    served.service.state = ServiceState(keys={KEY: None}, rate_mode=RateMode.OFF)
    served.clock.time = NOW
    served.service.faults.clear()
    if served.order("POST", "/faults", document).status == 200:
        with suppress(HTTPException):
            send(served, "POST", "/api/badge", {"badge": 1})
    served.service.faults.clear()
    assert send(served, "POST", "/api/badge", {"badge": 1}).status == 200
    assert served.send("GET", "/screen").status == 200
