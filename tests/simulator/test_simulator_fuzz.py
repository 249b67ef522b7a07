"""Whatever is sent: the stand-in answers as its contract says, and takes nothing that its schemas refuse."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simulator.given import NOW, contract, statuses, stream, usual
from simulator.loopback import KEY
from smithd.simulator.contract import document
from smithd.simulator.exchange import Answer, Call
from smithd.simulator.router import ENDPOINTS
from smithd.simulator.service import Service
from smithd.simulator.state import State

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
    service = Service(State(keys={KEY: None}, creates_metrics=True, streams={"job": stream("job")}))

    answer = service.handle(Call(method, path, headers, body), NOW)

    assert answer.status < 500
    json.dumps(answer.body, allow_nan=False)
    service.screen(NOW)
