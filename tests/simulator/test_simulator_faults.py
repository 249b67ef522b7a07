"""Faults to order: what a client then meets on its connection, and whether its request took effect."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from simulator.loopback import Wire
from smithd.simulator.contract import document
from smithd.simulator.router import ENDPOINTS

BADGE = {"badge": 7}


def order(wire: Wire, **fault: Any) -> None:
    reply = wire.order("POST", "/faults", fault)
    assert reply.status == 200, reply.body


def badge(wire: Wire) -> int:
    return wire.service.screen(0)["badge"]


def test_any_status_and_body_without_an_effect(wire: Wire) -> None:
    order(wire, on="badge", status=503, body={"error": ["odd"]}, headers={"Retry-After": "7"})
    reply = wire.ask("POST", "/badge", BADGE)
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (503, {"error": ["odd"]}, "7")
    assert badge(wire) == 0
    assert wire.ask("POST", "/badge", BADGE).status == 200


@pytest.mark.parametrize("text", ["", "<html>Bad gateway", '{"success": tr', "\u2028 ü"])
def test_any_text_in_the_place_of_json(wire: Wire, text: str) -> None:
    order(wire, status=502, text=text, headers={"Content-Type": "text/html"})
    reply = wire.send("POST", "/api/badge", json.dumps(BADGE).encode(), wire.headers)
    assert (reply.status, reply.body.decode(), reply.headers["content-type"]) == (502, text, "text/html")


@pytest.mark.parametrize("status", [200, 204, 205, 299, 304, 404, 429, 500, 599])
def test_a_status_alone_keeps_the_connection_usable(wire: Wire, status: int) -> None:
    order(wire, status=status)
    assert wire.send("POST", "/api/badge", json.dumps(BADGE).encode(), wire.headers).status == status
    assert wire.ask("POST", "/badge", BADGE).status == 200


def test_a_request_may_take_effect_though_its_answer_says_otherwise(wire: Wire) -> None:
    order(wire, status=500, takes_effect=True)
    assert wire.ask("POST", "/badge", BADGE).status == 500
    assert badge(wire) == 7


@pytest.mark.parametrize(("drop", "shown"), [("before", 0), ("after", 7)])
def test_a_dropped_connection_before_and_after_the_effect(wire: Wire, drop: str, shown: int) -> None:
    order(wire, drop=drop)
    with pytest.raises(http.client.RemoteDisconnected):
        wire.ask("POST", "/badge", BADGE)
    assert badge(wire) == shown


def test_garbage_is_no_http(wire: Wire) -> None:
    order(wire, garbage=True)
    with pytest.raises(http.client.BadStatusLine):
        wire.ask("POST", "/badge", BADGE)
    assert badge(wire) == 7


def test_a_body_that_is_cut_short(wire: Wire) -> None:
    order(wire, cut=10)
    with pytest.raises(http.client.IncompleteRead) as caught:
        wire.ask("POST", "/badge", BADGE)
    assert caught.value.partial == b'{"success"'


def test_a_delay_and_a_slow_body_take_their_time(wire: Wire) -> None:
    start = wire.clock.time
    order(wire, delay=2.5)
    assert wire.ask("POST", "/badge", BADGE).status == 200
    assert wire.clock.time == start + 2.5
    order(wire, pace=50, status=200, text="x" * 100)
    assert wire.send("POST", "/api/badge", json.dumps(BADGE).encode(), wire.headers).body == b"x" * 100
    assert wire.clock.time == pytest.approx(start + 2.5 + 2)


def test_orders_say_where_how_often_and_after_how_many(wire: Wire) -> None:
    order(wire, on=["badge", "push-notification-send"], status=500, times=2, skip=1)
    asked: list[tuple[str, Any]] = [("/badge", BADGE), ("/live-activity/start", {}), ("/badge", BADGE)]
    asked += [("/push-notification", {"title": "x"}), ("/badge", BADGE)]
    assert [wire.ask("POST", path, body).status for path, body in asked] == [200, 400, 500, 500, 200]
    assert wire.order("GET", "/faults").body == []


def test_an_order_without_an_end_stands_until_it_is_removed(wire: Wire) -> None:
    order(wire, status=500, times=None)
    assert [wire.ask("POST", "/badge", BADGE).status for _ in range(3)] == [500] * 3
    assert wire.order("DELETE", "/faults").status == 200
    assert wire.ask("POST", "/badge", BADGE).status == 200


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({}, "order one of: delay"),
        ({"on": "badge"}, "order one of: delay"),
        ({"on": "bagde", "delay": 1}, "'bagde' is not one of"),
        ({"delay": -1}, "delay: "),
        ({"status": 100}, "status: "),
        ({"status": 200, "headers": {"Content-Length": "1"}}, "Content-Length is set by the simulator itself"),
        ({"status": 200, "headers": {"X": "a\r\nb: c"}}, "headers.X: "),
        ({"status": 200, "body": 1, "text": ""}, "text does not go with body"),
        ({"drop": "before", "status": 200}, "drop does not go with status"),
        ({"delay": 1, "takes_effect": False}, "takes_effect goes with status or garbage"),
        ({"text": "x"}, "'status' is a dependency of 'text'"),
        ({"dealy": 1}, "'dealy' was unexpected"),
    ],
)
def test_a_senseless_order_is_refused_with_a_reason(wire: Wire, fault: Any, reason: str) -> None:
    reply = wire.order("POST", "/faults", fault)
    assert (reply.status, reason in reply.body["message"]) == (400, True), reply.body
    assert wire.order("GET", "/faults").body == []


def test_every_endpoint_can_be_named(wire: Wire) -> None:
    names = [endpoint.name for endpoint in ENDPOINTS]
    assert document("fault")["$defs"]["endpoint"]["enum"] == names
    order(wire, on=names, delay=1)
