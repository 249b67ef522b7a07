"""Every message becomes a request that the service's contract allows, whatever its texts are, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodies import ODD, VALID, Body, allowed, targets
from campaign import rounds
from smithd.contract.check import Invalid
from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery.wire import Request, request
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.shown import Shown, ShownActivity, ShownPush, TimerWindow

NOW = 1_700_000_000.0
BERLIN = ZoneInfo("Europe/Berlin")
KINDS: list[type[Message]] = [Push, PushUpdate, ActivityState, ActivityEnd, WidgetValue, BadgeCount]
BODIES = {
    Push: VALID[Endpoint.SEND],
    PushUpdate: VALID[Endpoint.REPLACE],
    ActivityState: VALID[Endpoint.STREAM_PUT],
    ActivityEnd: VALID[Endpoint.STREAM_DELETE],
    WidgetValue: VALID[Endpoint.METRIC],
    BadgeCount: VALID[Endpoint.BADGE],
}
CPU, PROD = PushKey(DEFAULT_ACCOUNT, "cpu{host=a}", 1.0, 1), StreamKey(DEFAULT_ACCOUNT, "prod-1")

texts = st.text(st.characters(), max_size=300) | st.text(st.characters(), min_size=1, max_size=20).map(
    lambda text: text * 400
)


@st.composite
def contents(draw: st.DrawFn, kind: type[Message]) -> Body:
    """What a surface may say: a valid body, but its texts are of any kind and length."""
    body: Body = deepcopy(draw(BODIES[kind]))
    state = body.get("content_state", {})
    for holder in (body, state, *state.get("metrics", ())):
        for name in holder.keys() & {"title", "subtitle", "message", "label", "unit", "value"}:
            if isinstance(holder[name], str) and draw(st.booleans()):
                holder[name] = draw(texts)
    target = body.pop("target", {})
    return {**body, **target}


STATE = {"title": "x", "type": "value", "value": 1}
BAR = {"title": "x", "type": "progress", "value": 30, "upper_limit": 120}


def message(kind: type[Message], given: Mapping[str, Any], **others: Any) -> Message:
    """A message with what the API's words say in ``given``; other names are left out."""
    if kind is WidgetValue:
        value: Any = given.get("value")
        return WidgetValue(WidgetKey(DEFAULT_ACCOUNT, "shop.orders"), value, Priority.ROUTINE, NOW, **others)
    if kind is BadgeCount:
        channels, count = given.get("channels"), cast("Any", given.get("badge"))
        return BadgeCount(BadgeKey(DEFAULT_ACCOUNT), count, Priority.ROUTINE, NOW, channels=channels)
    if kind in (ActivityState, ActivityEnd):
        content = activity_content(given)
        state = ActivityState(PROD, content, Priority.MEANING, NOW)
        return state if kind is ActivityState else ActivityEnd(PROD, content, NOW)
    make = Push if kind is Push else PushUpdate
    return make(CPU, push_content(given), Priority.PUSH, NOW, **others)


def push_content(given: Mapping[str, Any]) -> PushContent:
    names = {field.name for field in fields(PushContent)}
    return PushContent(**{"title": "", **{name: part for name, part in given.items() if name in names}})


def activity_content(given: Mapping[str, Any]) -> ActivityContent:
    names = {field.name for field in fields(ActivityContent)}
    return ActivityContent(**{"content_state": {}, **{name: part for name, part in given.items() if name in names}})


def made(given: Message, shown: Shown | None = None, *, after: float = 1.0) -> Request:
    return request(given, shown, None, NOW + after, BERLIN)


def shown(name: str | None, **content: Any) -> ShownPush:
    return ShownPush(CPU, PushContent("x", **content), NOW, name)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=rounds(60, 10_000), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data(), st.sampled_from([None, "n-1", "..", "a/b?c#d %é", "\ud800"]), st.none() | targets)
def test_whatever_a_surface_says_becomes_a_valid_request(
    kind: type[Message], data: st.DataObject, name: str | None, default: dict[str, list[str]] | None
) -> None:
    content, after = data.draw(contents(kind)), data.draw(st.floats(0, 90000))
    before = json.dumps(content)
    account = default["channels"] if default else None
    made = request(message(kind, content, **at(kind, NOW + after)), shown(name), account, NOW + after, BERLIN)
    assert allowed(made.endpoint, json.loads(made.content))
    assert "alert" not in json.loads(made.content), "the contract has texts for it, which are never sent"
    assert json.dumps(content) == before, "the message itself was changed"


json_values = st.recursive(
    st.sampled_from(ODD) | st.floats() | st.text(st.characters(), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["title", "type", "value", "metrics", "duration_seconds"]), inner)
    ),
    max_leaves=6,
)
PARTS = ("title", "message", "tags", "metadata", "channels", "content_state", "value", "badge", "actions", "window")
any_contents = st.dictionaries(st.sampled_from(PARTS), json_values)
windows = st.builds(TimerWindow, json_values, st.floats(0, 1e9), st.just(NOW), st.booleans(), st.booleans())
names = st.none() | st.text(st.characters(), max_size=3)
any_shown: st.SearchStrategy[Shown] = st.builds(
    ShownActivity,
    st.just(PROD),
    st.none() | any_contents.map(activity_content),
    st.just(NOW),
    st.booleans(),
    st.just(""),
    st.none() | windows,
    st.booleans(),
) | st.builds(ShownPush, st.just(CPU), any_contents.map(push_content), st.just(NOW), names)


def at(kind: type[Message], time: Any) -> dict[str, Any]:
    return {"time": time} if kind is WidgetValue else {}


@pytest.mark.campaign
@settings(max_examples=rounds(200, 20_000), deadline=None)
@given(st.sampled_from(KINDS), any_contents, st.none() | any_shown, json_values)
def test_of_anything_at_all_a_valid_request_is_made_or_it_is_refused_with_a_reason(
    kind: type[Message], content: Body, before: Shown | None, time: Any
) -> None:
    with suppress(ValueError):
        made = request(message(kind, content, **at(kind, time)), before, None, NOW, BERLIN)
        assert allowed(made.endpoint, made.body)


def test_a_wrong_request_cannot_be_made() -> None:
    with pytest.raises(Invalid, match=r"^badge: expected greater than or equal to 0"):
        Request(Endpoint.BADGE, "", {"badge": -1}, BadgeKey(DEFAULT_ACCOUNT))
    with pytest.raises(Invalid, match=r"^path: 'a b' cannot be a stream key"):
        Request(Endpoint.STREAM_DELETE, "a b", {}, StreamKey(DEFAULT_ACCOUNT, "a b"))


def test_a_push_goes_to_the_channels_it_names_or_to_the_accounts_but_never_by_mistake_to_everybody() -> None:
    assert "target" not in made(message(Push, {"title": "x"})).body
    default = request(message(Push, {"title": "x"}), None, ["ops"], NOW, BERLIN)
    assert default.body["target"] == {"channels": ["ops"]}
    unsaid = request(message(Push, {"title": "x", "channels": None}), None, ["ops"], NOW, BERLIN)
    assert unsaid.body == default.body
    own = request(message(Push, {"title": "x", "channels": ["shop", "shop"]}), None, ["ops"], NOW, BERLIN)
    assert own.body["target"] == {"channels": ["shop"]}
    for kind in (Push, ActivityState):
        with pytest.raises(ValueError, match="everybody"):
            made(message(kind, {"title": "x", "content_state": {}, "channels": []}))
        with pytest.raises(Invalid, match=r"^target\.channels: "):
            made(message(kind, {"title": "x", "content_state": STATE, "channels": "ops"}))


def test_a_replacement_is_made_in_place_and_only_where_the_service_gave_a_name() -> None:
    content = {"title": "Resolved", "interruption_level": "passive", "channels": ["ops"]}
    replacing = made(message(PushUpdate, content), shown("a/b?c#d é"))
    assert (replacing.method, replacing.path) == ("PUT", "/push-notification/a%2Fb%3Fc%23d%20%C3%A9")
    assert replacing.body == {"title": "Resolved"}
    for before in (None, shown(None), shown("..")):
        assert made(message(PushUpdate, content), before).endpoint is Endpoint.SEND
    assert made(message(Push, content), shown("n-1")).endpoint is Endpoint.SEND


def test_a_late_push_says_so() -> None:
    def text(after: float, due: float = 0.0) -> str:
        push = Push(CPU, PushContent("x", "It is hot."), Priority.PUSH, NOW, due=due)
        return str(made(push, after=after).body["message"])

    assert text(119) == "It is hot."
    assert text(51 * 60) == "It is hot.\nDelivered 00:04, 51 min late."
    assert text(125 * 60) == "It is hot.\nDelivered 01:18, 2 h 5 min late."
    assert text(150, due=NOW + 100) == "It is hot."


def test_the_endpoints_are_those_of_the_contract() -> None:
    state = {"content_state": {"title": "x", "type": "value", "value": 1}}
    found = [
        made(message(Push, {"title": "x"})),
        made(message(ActivityState, state)),
        made(message(ActivityEnd, {})),
        made(message(WidgetValue, {"value": 1})),
        made(message(BadgeCount, {"badge": 1})),
    ]
    assert [(request.method, request.path, request.family) for request in found] == [
        ("POST", "/push-notification", Family.NOTIFICATIONS),
        ("PUT", "/live-activity/stream/prod-1", Family.LIVE_ACTIVITIES),
        ("DELETE", "/live-activity/stream/prod-1", Family.LIVE_ACTIVITIES),
        ("POST", "/metrics/shop.orders/value", Family.METRICS),
        ("POST", "/badge", Family.BADGES),
    ]


def test_a_value_is_sent_as_what_it_is_with_its_own_time() -> None:
    assert made(message(WidgetValue, {"value": 19.99}, time=NOW)).body == {
        "value": 19.99,
        "timestamp": "2023-11-14T22:13:20.000Z",
    }
    assert made(message(WidgetValue, {"value": " $1 "})).body == {"value": "$1"}


def test_what_no_valid_request_can_say_is_refused() -> None:
    for content in ({"value": float("nan")}, {"value": float("inf")}, {"value": None}, {}):
        with pytest.raises(ValueError, match=r"^value: "):
            made(message(WidgetValue, content))
    huge = {"content_state": {**STATE, "icon": {"symbol": "s" * 4000}}}
    with pytest.raises(ValueError, match="too large"):
        made(message(ActivityState, huge))
    with pytest.raises(ValueError, match="its time"):
        made(message(WidgetValue, {"value": 1}, time=1e300))


def test_texts_are_made_to_fit_and_nothing_else_is() -> None:
    bar = made(message(ActivityState, {"content_state": {**BAR, "value": 130, "title": " "}}))
    assert bar.body["content_state"] == {**BAR, "value": 120, "title": "smithd"}
    row = {"label": "", "value": "🔥" * 40}
    stats = made(message(ActivityState, {"content_state": {"title": "x", "type": "stats", "metrics": [row]}}))
    assert stats.body["content_state"]["metrics"] == [{"label": "–", "value": "🔥" * 31 + "…"}]
    with pytest.raises(Invalid, match=r"^content_state\.color: "):
        made(message(ActivityState, {"content_state": {**BAR, "color": "pink"}}))


FORGED = "\u202egnp\u202c \u2066a\u2069\u200f\u061c\x1b[31m\x00\x85b\tc\r\nd"
READABLE = "gnp a[31mb c\nd"


def test_no_control_and_no_change_of_direction_reaches_the_phone() -> None:
    push = made(message(Push, {"title": FORGED, "subtitle": FORGED, "message": FORGED}))
    assert push.body == {"title": READABLE, "subtitle": READABLE, "message": READABLE}
    row = {"label": FORGED, "value": FORGED}
    stats = made(message(ActivityState, {"content_state": {"title": FORGED, "type": "stats", "metrics": [row]}}))
    assert stats.body["content_state"]["title"] == READABLE
    assert stats.body["content_state"]["metrics"] == [dict.fromkeys(row, READABLE)]
    assert made(message(WidgetValue, {"value": FORGED})).body == {"value": READABLE}
    # A text of nothing else is none.
    empty = made(message(Push, {"title": "\x00\u202e", "subtitle": "\x00", "message": "\u202e"}))
    assert empty.body == {"title": "cpu"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), False, True])
@pytest.mark.parametrize("name", ["value", "upper_limit"])
def test_what_is_no_number_is_not_made_one_to_fit_a_bar(name: str, value: Any) -> None:
    with pytest.raises(Invalid, match=rf"content_state\.{name}: "):
        made(message(ActivityState, {"content_state": {**BAR, name: value}}))


def test_where_cutting_is_not_enough_an_alert_is_worth_more_than_its_buttons() -> None:
    link = {"title": "Open", "type": "open_url", "url": "https://e.example/" + "a" * 2000}
    push = made(message(Push, {"title": "x", "actions": [link] * 3, "redirection": "https://e.example"}))
    assert push.body == {"title": "x", "redirection": "https://e.example"}
    hook = {"title": "Stop", "type": "webhook", "url": "https://e.example", "body": {"a": "x" * 4000}}
    stream = made(message(ActivityState, {"content_state": BAR, "action": hook, "secondary_action": hook}))
    assert stream.body == {"content_state": BAR}


def test_what_a_stream_had_and_is_not_to_have_is_cleared() -> None:
    before = ShownActivity(PROD, ActivityContent(STATE, tags=("x",)), NOW)
    plain = message(ActivityState, {"content_state": STATE})
    assert made(plain, before).body == {"content_state": STATE, "tags": []}
    assert made(plain, replace(before, content=None)).body == {"content_state": STATE, "tags": [], "metadata": {}}
    for gone in (None, replace(before, ended=True), replace(before, content=ActivityContent(STATE))):
        assert made(plain, gone).body == {"content_state": STATE}


def test_what_a_notification_had_and_is_not_to_have_is_cleared() -> None:
    before = shown("n-1", tags=("x",), metadata={"a": 1})
    plain = {"title": "y"}
    assert made(message(PushUpdate, plain), before).body == {"title": "y", "tags": [], "metadata": {}}
    tagged = {**plain, "tags": ["y"]}
    assert made(message(PushUpdate, tagged), before).body == {"title": "y", "tags": ["y"], "metadata": {}}
    assert made(message(Push, tagged), before).body == {"title": "y", "tags": ["y"]}


def test_an_end_never_fails_for_its_last_state() -> None:
    wrong = message(ActivityEnd, {"content_state": {**STATE, "color": "pink"}, "tags": ["x"]})
    assert made(wrong).body == {}
    assert made(message(ActivityEnd, {"content_state": {**STATE, "value": float("nan")}})).body == {}
    last = message(ActivityEnd, {"content_state": {**STATE, "auto_dismiss_seconds": 0}})
    assert made(last).body == {"content_state": {**STATE, "auto_dismiss_seconds": 0}}
    refused = ShownActivity(PROD, activity_content({}), NOW, bare_end=True)
    assert made(last, refused).body == {}
    timer = {"title": "x", "type": "timer", "duration_seconds": 300, "auto_dismiss_seconds": 60}
    assert "duration_seconds" not in made(message(ActivityEnd, {"content_state": timer})).body["content_state"]


def test_everything_that_can_be_said_of_a_push_is_said() -> None:
    content = {
        "title": "x",
        "icon": "https://e.example/i.png",
        "media": "https://e.example/i.mp4",
        "redirection": "spotify:track:1",
        "interruption_level": "passive",
        "tags": ["a", "a", "b"],
        "metadata": {"n": 1},
    }
    body = content | {"tags": ["a", "b"]}
    assert made(message(Push, content)).body == body
    del body["interruption_level"]
    assert made(message(PushUpdate, content), shown("n-1")).body == body
