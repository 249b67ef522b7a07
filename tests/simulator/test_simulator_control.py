"""The control API: what the web app, the phone and the time do to an account, and who may say so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from simulator.given import NOW
from simulator.loopback import KEY, Wire
from smithd.simulator.exchange import Call
from smithd.simulator.guard import SimulatorGuard
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState

PROGRESS = {"title": "Job", "type": "progress", "percentage": 1}
JOB = "/live-activity/stream/job"


def change(wire: Wire, **document: Any) -> Any:
    reply = wire.order("PATCH", "/account", document)
    assert reply.status == 200, reply.body
    return reply.body


def put(wire: Wire, key: str = "job", **more: Any) -> Any:
    return wire.ask("PUT", f"/live-activity/stream/{key}", {"content_state": PROGRESS} | more).body


# The account


def test_a_stream_is_paused_and_resumed_and_swiped_away(wire: Wire) -> None:
    assert put(wire)["operation"] == "started"
    change(wire, streams={"job": "paused"})
    assert (put(wire)["operation"], put(wire)["activity_id"]) == ("paused", None)
    change(wire, streams={"job": "resumed"})
    assert [put(wire)["operation"] for _ in range(2)] == ["started", "noop"]
    change(wire, streams={"job": "dismissed"})
    assert wire.service.screen(wire.clock.time)["activities"] == []
    assert put(wire)["operation"] == "started"
    change(wire, streams={"job": None})
    assert wire.ask("DELETE", JOB).status == 404


def test_a_stream_and_a_legacy_activity_can_be_there_already(wire: Wire) -> None:
    change(wire, streams={"job": PROGRESS}, activities={"A1": PROGRESS, "OTHER": "foreign"})
    assert put(wire)["operation"] == "noop"
    body = {"content_state": {"title": "Job", "percentage": 2}}
    statuses = [
        wire.ask("POST", "/live-activity/update", {"activity_id": name} | body).status for name in ("A1", "OTHER", "B")
    ]
    assert statuses == [200, 403, 404]


def test_an_id_that_was_given_is_not_given_again(wire: Wire) -> None:
    change(
        wire, activities={"la_000001": PROGRESS, "la_000003": "foreign"}, notifications={"pn_000004": {"title": "x"}}
    )
    first = put(wire)["activity_id"]
    second = wire.ask("POST", "/live-activity/start", {"content_state": PROGRESS}).body["activity_id"]
    pushed = wire.ask("POST", "/push-notification", {"title": "y"}).body["notification_id"]
    assert len({first, second, "la_000001", "la_000003"}) == 4
    assert pushed != "pn_000004"
    assert len(wire.service.screen(wire.clock.time)["notifications"]) == 2
    assert wire.order("PATCH", "/account", {"activities": {first: PROGRESS}}).status == 400


def test_an_activity_that_is_put_back_is_no_longer_an_ended_one(wire: Wire) -> None:
    for given, ignored in ((PROGRESS, None), (PROGRESS, None), (None, True)):
        change(wire, activities={"A1": PROGRESS})
        change(wire, activities={"A1": given})
        ended = wire.ask("POST", "/live-activity/end", {"activity_id": "A1", "content_state": PROGRESS})
        assert (ended.status, ended.body.get("ignored")) == (200, ignored)


def test_a_notification_can_be_there_already_and_be_fixed(wire: Wire) -> None:
    change(wire, notifications={"pn_01": {"title": "before"}})
    assert wire.ask("PUT", "/push-notification/pn_01", {"title": "x"}).status == 200
    change(wire, notifications={"pn_01": "fixed"})
    assert wire.ask("PUT", "/push-notification/pn_01", {"title": "x"}).status == 409
    change(wire, notifications={"pn_01": None})
    assert wire.ask("PUT", "/push-notification/pn_01", {"title": "x"}).status == 404


def test_metrics_are_created_and_removed(wire: Wire) -> None:
    change(wire, metrics={"a": "percent", "b": {"format": "unit", "unit": "ms", "label": "Latency", "spaced": False}})
    values = [("a", 99.9, 200), ("b", "x", 400), ("c", 1, 404)]
    for key, value, status in values:
        assert wire.ask("POST", f"/metrics/{key}/value", {"value": value}).status == status
    change(wire, metrics={"a": {"format": "number", "label": "A"}})
    assert [widget["value"] for widget in wire.service.screen(NOW)["widgets"]] == [99.9, None]
    change(wire, metrics={"a": None, "b": None}, create_metrics=True)
    assert wire.ask("POST", "/metrics/c/value", {"value": "text"}).status == 200


def test_keys_channels_and_devices(wire: Wire) -> None:
    change(
        wire,
        keys={"ask_ops": ["ops"], KEY: "all"},
        devices={"phone": None, "a": {"user": "ann"}, "b": {"user": "ben", "connected": False}},
        channels={"ops": ["ann"], "empty": []},
    )
    pushed = wire.ask("POST", "/push-notification", {"title": "x"}, {"Authorization": "Bearer ask_ops"})
    assert (pushed.body["effective_channel_slugs"], pushed.body["devices_notified"]) == (["ops"], 1)
    assert wire.ask("POST", "/push-notification", {"title": "x", "target": {"channels": ["empty"]}}).status == 422
    refused = wire.ask("POST", "/badge", {"badge": 1})
    assert (refused.status, refused.body["devices_updated"], refused.body["devices_targeted"]) == (422, 1, 2)
    assert wire.order("GET", "/screen?device=a").body["badge"] == 1
    assert wire.order("GET", "/screen?device=nobody").status == 404


def test_the_moods_of_the_service(wire: Wire) -> None:
    change(wire, billing="trial_exhausted")
    blocked = wire.ask("POST", "/badge", {"badge": 1}).body
    assert (blocked["error"], blocked["trial_period"].keys()) == ("trial_exhausted", {"started_at", "ends_at"})
    change(wire, billing=None, failing=True)
    assert wire.ask("POST", "/badge", {"badge": 1}).status == 502
    push = wire.ask("POST", "/push-notification", {"title": "x"})
    assert (push.status, push.body["success"], push.body["devices_notified"]) == (200, False, 0)
    change(wire, failing=False, null_channels=False, used_up=["notifications"])
    assert wire.ask("POST", "/push-notification", {"title": "x"}).status == 429
    assert wire.ask("POST", "/badge", {"badge": 1}).body["effective_channel_slugs"] == []
    change(wire, rate_limits="off")
    replies = [wire.ask("POST", "/badge", {"badge": n}) for n in range(70)]
    assert {(reply.status, "ratelimit" in reply.headers) for reply in replies} == {(200, False)}


def test_a_full_phone_refuses_or_evicts(wire: Wire) -> None:
    change(wire, device_limit=1, streams={"job": PROGRESS})
    assert wire.ask("POST", "/live-activity/start", {"content_state": PROGRESS}).status == 429
    change(wire, when_full="evict")
    assert put(wire, "another")["limit"] == 1
    started = wire.ask("POST", "/live-activity/start", {"content_state": PROGRESS}).body
    assert started["ended_activity_id"] != started["activity_id"]
    assert len(wire.service.screen(wire.clock.time)["activities"]) == 1


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"metric": {}}, "'metric' was unexpected"),
        ({"metrics": {"A": "number"}}, "does not match"),
        ({"metrics": {"a": {"format": "currency", "currency": "euro"}}}, "metrics.a"),
        ({"streams": {"a.b": "paused"}}, "does not match"),
        ({"streams": {"a": {"title": "x", "type": "timer"}}}, "'duration_seconds' is a required property"),
        ({"notifications": {"pn": "fixed"}}, "there is no notification pn"),
        ({"billing": "bankrupt"}, "billing: "),
        ({"device_limit": 0}, "device_limit: "),
    ],
)
def test_a_senseless_change_changes_nothing_and_says_why(wire: Wire, document: Any, reason: str) -> None:
    before = wire.order("GET", "/account").body
    reply = wire.order("PATCH", "/account", {"channels": {"ops": []}} | document)
    assert (reply.status, reason in reply.body["message"]) == (400, True), reply.body
    assert wire.order("GET", "/account").body == before


def test_the_account_is_described_without_its_keys(wire: Wire) -> None:
    put(wire, tags=["ci"], metadata={"n": 1})
    change(wire, keys={"ask_one": "all", "ask_two": ["ops"]})
    read_only = wire.order("GET", "/account").body["read_only"]
    assert read_only["streams"]["job"]["tags"] == ["ci"]
    assert [key["channels"] for key in read_only["keys"]] == ["all", "all", ["ops"]]
    assert KEY not in json.dumps(read_only)


def test_the_account_as_it_is_described_can_be_given_back(wire: Wire) -> None:
    put(wire)
    wire.ask("POST", "/badge", {"badge": 7})
    change(
        wire,
        channels={"ops": ["ann"]},
        devices={"a": {"user": "ann", "connected": False}},
        metrics={"a": "number", "b": {"format": "currency", "currency": "EUR", "label": "Revenue"}},
        billing="trial_expired",
        rate_limits="shared",
    )
    before = wire.order("GET", "/account").body
    assert change(wire, **before) == before
    wire.order("POST", "/reset")
    change(wire, **before)
    after = wire.order("GET", "/account").body
    assert {name: after[name] for name in after if name != "read_only"} == {
        name: before[name] for name in before if name != "read_only"
    }


def test_nothing_is_used_up_where_there_are_no_limits(wire: Wire) -> None:
    for given in ({"used_up": ["badges"], "rate_limits": "off"}, {"rate_limits": "off", "used_up": ["badges"]}):
        reply = wire.order("PATCH", "/account", given)
        assert (reply.status, "rate_limits are off" in reply.body["message"]) == (400, True)
    change(wire, rate_limits="off")
    change(wire, used_up=["badges"], rate_limits="shared")
    assert wire.ask("POST", "/badge", {"badge": 1}).status == 429


def test_what_a_proxy_would_say_of_the_peer_is_not_believed(wire: Wire) -> None:
    claims = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    page = wire.send("GET", "/", headers=claims)
    assert (page.status, b"https://" in page.body) == (200, False)
    replies = [wire.ask("POST", "/badge", {"badge": 1}, {"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(2)]
    assert '"public-api-ip:badges"; r=598' in replies[1].headers["ratelimit"]


def test_an_account_without_phones_reaches_nobody_and_has_a_page(wire: Wire) -> None:
    change(wire, devices={"phone": None}, metrics={"m": "number"})
    assert wire.ask("POST", "/push-notification", {"title": "x"}).status == 422
    assert [widget["key"] for widget in wire.order("GET", "/screen").body["widgets"]] == ["m"]
    assert wire.send("GET", "/").status == 200


# The clock


def test_the_clock_moves_windows_timers_and_lifetimes(wire: Wire) -> None:
    change(wire, used_up=["badges"])
    put(wire)
    assert wire.ask("POST", "/badge", {"badge": 1}).status == 429
    assert wire.order("POST", "/clock", {"advance": 61}).body["ahead"] == 61
    assert wire.ask("POST", "/badge", {"badge": 1}).status == 200
    wire.order("POST", "/clock", {"advance": 8 * 3600})
    (shown,) = wire.order("GET", "/screen").body["activities"]
    assert shown["ended"] == shown["started"] + 8 * 3600
    assert put(wire)["operation"] == "rotated"
    wire.order("POST", "/clock", {"advance": 12 * 3600})
    assert wire.order("GET", "/screen").body["activities"] == []


def test_activities_that_ios_ended_take_no_slot(wire: Wire) -> None:
    change(wire, device_limit=1, streams={"old": PROGRESS})
    wire.order("POST", "/clock", {"advance": 8 * 3600})
    assert put(wire)["operation"] == "started"


# The log


def test_every_request_is_logged_with_its_verdict_and_without_the_key(wire: Wire) -> None:
    wire.ask("POST", "/badge", {"badge": 1})
    wire.ask("POST", "/badge", {"badge": -1})
    wire.send("POST", "/api/badge", b"{", wire.headers)
    wire.order("POST", "/faults", {"drop": "after", "times": 1, "on": "live-activity-start"})
    log = wire.order("GET", "/requests").body
    assert [(one["status"], one["body"]) for one in log] == [(200, {"badge": 1}), (400, {"badge": -1}), (400, "{")]
    assert log[0]["verdict"] == "badge 1"
    assert all(one["verdict"].startswith("refused: ") for one in log[1:])
    assert KEY not in json.dumps(log)
    wire.order("DELETE", "/requests")
    assert wire.order("GET", "/requests").body == []


def test_a_reset_is_the_start_again() -> None:
    service = Service(ServiceState(keys={KEY: None}))
    service.handle(Call("POST", "/api/badge", {"Authorization": f"Bearer {KEY}"}, b'{"badge": 1}'), NOW)
    service.ahead = 60
    service.faults.order({"delay": 1})
    service.reset()
    assert (service.screen(NOW)["badge"], service.ahead, list(service.seen), service.faults.as_json()) == (0, 0, [], [])
    answer = service.handle(Call("POST", "/api/badge", {"Authorization": f"Bearer {KEY}"}, b'{"badge": 2}'), NOW)
    assert answer.status == 200


# What there is, and who may


def test_it_tells_what_there_is(wire: Wire) -> None:
    orders = wire.order("GET", "").body
    for order in orders:
        method, path = order.split()
        assert wire.send(method, path, b"{}", {"Content-Type": "application/json"}).status in (200, 400), order
    assert wire.order("GET", "/nothing").status == 404
    wrong = wire.order("PUT", "/account", {})
    assert (wrong.status, "PATCH" in wrong.headers["allow"]) == (405, True)
    assert wire.send("POST", "/control/clock", b"advance=1", {"Content-Type": "text/plain"}).status == 400


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {"host": "127.0.0.1:8788"}, 200),
        ("127.0.0.1", {"host": "localhost:8788"}, 200),
        ("::1", {"host": "[::1]:8788"}, 200),
        ("::ffff:127.0.0.1", {"host": "127.0.0.2"}, 200),
        ("127.0.0.1", {"host": "localhost:8788", "origin": "http://localhost:8788"}, 200),
        ("127.0.0.1", {"host": "localhost:8788", "origin": "http://evil.example"}, 403),
        ("127.0.0.1", {"host": "localhost:8788", "origin": "null"}, 403),
        ("127.0.0.1", {"host": "evil.example:8788"}, 403),
        ("127.0.0.1", {"host": "[::1"}, 403),
        ("127.0.0.1", {}, 403),
        ("192.0.2.7", {"host": "localhost"}, 403),
        ("192.0.2.7", {"host": "sim.example", "authorization": "Bearer wrong"}, 403),
        ("192.0.2.7", {"host": "sim.example", "authorization": "Bearer control"}, 200),
        ("192.0.2.7", {"host": "sim.example", "authorization": "Basic control"}, 403),
        ("", {"host": "localhost"}, 403),
    ],
)
def test_only_this_machine_or_the_control_key_may_order(peer: str, headers: dict[str, str], status: int) -> None:
    assert asked("control", peer, headers) == status


def test_an_empty_control_key_opens_nothing() -> None:
    assert asked("", "192.0.2.7", {"host": "sim.example", "authorization": "Bearer "}) == 403


def asked(control_key: str, peer: str, headers: dict[str, str]) -> int:
    """The status that this visitor gets; the page's policy is on it in any case."""
    sent: list[Any] = []

    async def site(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads the body")

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw, "client": (peer, 1) if peer else None}
    asyncio.run(SimulatorGuard(site, "policy", control_key)(scope, receive, send))
    assert (b"content-security-policy", b"policy") in sent[0]["headers"]
    return int(sent[0]["status"])
