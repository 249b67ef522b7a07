"""Every message becomes a request that the service's contract allows, whatever its texts are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from campaign import rounds
from smithd.delivery.wire import Endpoint, Family, Request, request
from smithd.outbox.message import Kind, Message, Priority, Shown

NOW = 1_700_000_000.0
BERLIN = ZoneInfo("Europe/Berlin")
CONTRACT = Path(__file__).parents[1] / "contract"
BODIES = {
    Endpoint.SEND: "push-notification-send",
    Endpoint.REPLACE: "push-notification-replace",
    Endpoint.STREAM_PUT: "live-activity-stream-put",
    Endpoint.STREAM_DELETE: "live-activity-stream-delete",
    Endpoint.METRIC: "metric-value",
    Endpoint.BADGE: "badge",
}
SCHEMAS = {
    endpoint: Draft202012Validator(json.loads((CONTRACT / f"{name}.client.schema.json").read_text()))
    for endpoint, name in BODIES.items()
}

texts = st.text(st.characters(), max_size=300) | st.text(st.characters(), min_size=1, max_size=20).map(
    lambda text: text * 400
)
named = texts.map(lambda text: text if text.strip() else "x")
numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
colors = st.sampled_from(["red", "green", "orange"])
links = st.text("abcé/?=&", max_size=2000).map("https://example.com/".__add__)
channels = st.lists(st.sampled_from(["ops", "shop", "night"]), min_size=1, max_size=4)
tags = st.lists(st.from_regex(r"[a-z0-9][a-z0-9._:-]{0,63}", fullmatch=True), max_size=20)
values = st.floats(0, 1e12) | st.integers(0, 10**12) | st.text(min_size=1, max_size=64).filter(str.strip)


def some(required: Mapping[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict(required), optional=optional)


rows = st.lists(some({"label": named, "value": values}, unit=texts, color=colors), min_size=1, max_size=8)
icons = some({"symbol": st.just("server.rack")}, color=colors)
actions = some({"title": named, "type": st.just("open_url"), "url": links})
states = some({"title": named, "type": st.just("stats"), "metrics": rows}, subtitle=texts, icon=icons)
pushes = some(
    {"title": texts, "in_place": st.booleans()},
    message=texts,
    subtitle=texts,
    interruption_level=st.sampled_from(["passive", "active", "time-sensitive"]),
    channels=channels,
    tags=tags,
    redirection=links,
)
streams = some({"content_state": states}, action=actions, channels=channels, tags=tags)
ends: st.SearchStrategy[dict[str, Any]] = st.just({}) | some(
    {
        "content_state": st.tuples(states, st.integers(0, 10**6)).map(
            lambda both: both[0] | {"auto_dismiss_seconds": both[1]}
        )
    },
    action=actions,
)
metrics = some({"value": numbers | texts})
contents = st.one_of(
    st.tuples(st.just(Kind.PUSH), pushes),
    st.tuples(st.just(Kind.STREAM), streams),
    st.tuples(st.just(Kind.END), ends),
    st.tuples(st.just(Kind.METRIC), metrics),
    st.tuples(st.just(Kind.BADGE), some({"badge": st.integers(0, 2**31 - 1)})),
)


def message(kind: Kind, content: Mapping[str, Any], key: str = "push:cpu{host=a}@1", **aside: Any) -> Message:
    return Message(key, kind, content, Priority.PUSH, NOW, aside=aside)


def made(given: Message, shown: Shown | None = None, *, after: float = 1.0) -> Request:
    return request(given, shown, None, NOW + after, BERLIN)


def shown(remote_id: str | None) -> Shown:
    return Shown("push:cpu{host=a}@1", Kind.PUSH, {}, NOW, remote_id=remote_id)


@pytest.mark.campaign
@settings(max_examples=rounds(100, 10_000))
@given(contents, st.sampled_from([None, "n-1", "..", "a/b?c#d %é"]), st.none() | channels, st.floats(0, 90000))
def test_whatever_a_surface_says_becomes_a_valid_request(
    what: tuple[Kind, dict[str, Any]], remote_id: str | None, default: list[str] | None, after: float
) -> None:
    kind, content = what
    before = json.dumps(content)
    made = request(message(kind, content, time=NOW + after), shown(remote_id), default, NOW + after, BERLIN)
    body = json.loads(made.body)
    SCHEMAS[made.endpoint].validate(body)
    body.pop("tags", None)
    assert len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) <= 3500
    assert json.dumps(content) == before, "the message itself was changed"


def test_a_push_goes_to_the_channels_it_names_or_to_the_accounts_but_never_by_mistake_to_everybody() -> None:
    assert "target" not in json.loads(made(message(Kind.PUSH, {"title": "x"})).body)
    default = request(message(Kind.PUSH, {"title": "x"}), None, ["ops"], NOW, BERLIN)
    assert json.loads(default.body)["target"] == {"channels": ["ops"]}
    unsaid = request(message(Kind.PUSH, {"title": "x", "channels": None}), None, ["ops"], NOW, BERLIN)
    assert unsaid.body == default.body
    own = request(message(Kind.PUSH, {"title": "x", "channels": ["shop", "shop"]}), None, ["ops"], NOW, BERLIN)
    assert json.loads(own.body)["target"] == {"channels": ["shop"]}
    for kind in (Kind.PUSH, Kind.STREAM):
        with pytest.raises(ValueError, match="everybody"):
            made(message(kind, {"title": "x", "content_state": {}, "channels": []}))


def test_a_replacement_is_made_in_place_and_only_where_the_service_gave_a_name() -> None:
    content = {"title": "Resolved", "in_place": True, "interruption_level": "passive", "channels": ["ops"]}
    replacing = made(message(Kind.PUSH, content), shown("a/b?c#d é"))
    assert (replacing.method, replacing.path) == ("PUT", "/push-notification/a%2Fb%3Fc%23d%20%C3%A9")
    assert json.loads(replacing.body) == {"title": "Resolved"}
    for standing in (None, shown(None), shown("..")):
        assert made(message(Kind.PUSH, content), standing).endpoint is Endpoint.SEND
    assert made(message(Kind.PUSH, {**content, "in_place": False}), shown("n-1")).endpoint is Endpoint.SEND


def test_a_late_push_says_so() -> None:
    def text(after: float, due: float = 0.0) -> str:
        push = Message("push:x", Kind.PUSH, {"title": "x", "message": "It is hot."}, Priority.PUSH, NOW, due=due)
        return str(json.loads(made(push, after=after).body)["message"])

    assert text(119) == "It is hot."
    assert text(51 * 60) == "It is hot.\nDelivered 00:04, 51 min late."
    assert text(125 * 60) == "It is hot.\nDelivered 01:18, 2 h 5 min late."
    assert text(150, due=NOW + 100) == "It is hot."


def test_the_endpoints_are_those_of_the_contract() -> None:
    state = {"content_state": {"title": "x", "type": "stats", "metrics": []}}
    found = [
        made(message(Kind.PUSH, {"title": "x"})),
        made(message(Kind.STREAM, state, "stream:prod-1")),
        made(message(Kind.END, {}, "stream:prod-1")),
        made(message(Kind.METRIC, {"value": 1}, "metric:shop.orders")),
        made(message(Kind.BADGE, {"badge": 1}, "badge")),
    ]
    assert [(request.method, request.path, request.family) for request in found] == [
        ("POST", "/push-notification", Family.NOTIFICATIONS),
        ("PUT", "/live-activity/stream/prod-1", Family.LIVE_ACTIVITIES),
        ("DELETE", "/live-activity/stream/prod-1", Family.LIVE_ACTIVITIES),
        ("POST", "/metrics/shop.orders/value", Family.METRICS),
        ("POST", "/badge", Family.BADGES),
    ]


def test_a_value_is_sent_as_what_it_is_with_its_own_time() -> None:
    assert json.loads(made(message(Kind.METRIC, {"value": 19.99}, "metric:a", time=NOW)).body) == {
        "value": 19.99,
        "timestamp": "2023-11-14T22:13:20.000Z",
    }
    assert json.loads(made(message(Kind.METRIC, {"value": " $1 "}, "metric:a")).body) == {"value": "$1"}


def test_what_no_valid_request_can_say_is_refused() -> None:
    for content in ({"value": float("nan")}, {"value": float("inf")}):
        with pytest.raises(ValueError, match="JSON"):
            made(message(Kind.METRIC, content, "metric:a"))
    huge = {"content_state": {"title": "x", "icon": {"symbol": "s" * 4000}}}
    with pytest.raises(ValueError, match="too large"):
        made(message(Kind.STREAM, huge, "stream:a"))
