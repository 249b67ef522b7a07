"""The contract's cases and scenarios, against the client's own check and the requests that it builds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smithd.contract.check import faults
from smithd.contract.endpoint import Endpoint
from smithd.delivery.wire import request
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.shown import ShownPush

HERE = Path(__file__).parent
LEGACY = {"live-activity-start", "live-activity-update", "live-activity-end"}
NOW = 1_700_000_000.0


def cases() -> Iterator[Any]:
    """The cases of endpoints that a daemon uses; what a missing header does is not about the request."""
    for case in json.loads((HERE / "cases.json").read_text())["cases"]:
        if case["endpoint"] not in LEGACY and "auth" not in case.get("given", {}):
            yield pytest.param(case, id=case["id"])


def steps() -> Iterator[Any]:
    for scenario in json.loads((HERE / "scenarios.json").read_text())["scenarios"]:
        for number, step in enumerate(scenario["steps"]):
            step = step.get("step", step)
            if "/live-activity/start" not in step["path"] and step["body"] != "progress n+1":
                yield pytest.param(step, id=f"{scenario['id']}-{number}")


def asked(method: str, path: str) -> tuple[Endpoint, str]:
    """The endpoint behind a method and a path, and the name in it."""
    for endpoint in Endpoint:
        before, _, after = endpoint.path("~").partition("~")
        if endpoint.method == method and path.startswith(before) and path.endswith(after):
            return endpoint, path[len(before) : len(path) - len(after)]
    raise ValueError(path)


@pytest.mark.parametrize("case", list(cases()))
def test_the_check_says_what_the_contract_says(case: dict[str, Any]) -> None:
    found = faults(Endpoint(case["endpoint"]), case["body"], case.get("path_param", ""))
    assert (found == []) is case["client_may_send"], [str(fault) for fault in found]


@pytest.mark.parametrize("step", list(steps()))
def test_every_step_of_a_scenario_may_be_sent(step: dict[str, Any]) -> None:
    endpoint, name = asked(step["method"], step["path"])
    assert faults(endpoint, step["body"], name) == []


PUSH = PushKey(DEFAULT_ACCOUNT, "x", NOW, 1)


def message(endpoint: Endpoint, name: str, content: dict[str, Any]) -> Message:
    """The message with this content."""
    match endpoint:
        case Endpoint.SEND | Endpoint.REPLACE:
            return PushUpdate(PUSH, PushContent(**{"title": "", **content}), Priority.PUSH, NOW)
        case Endpoint.STREAM_PUT:
            return ActivityState(StreamKey(DEFAULT_ACCOUNT, name), activity(content), Priority.MEANING, NOW)
        case Endpoint.STREAM_DELETE:
            return ActivityEnd(StreamKey(DEFAULT_ACCOUNT, name), activity(content), NOW)
        case Endpoint.METRIC:
            return WidgetValue(WidgetKey(DEFAULT_ACCOUNT, name), content["value"], Priority.ROUTINE, NOW)
        case Endpoint.BADGE:
            channels = content.get("channels")
            return BadgeCount(BadgeKey(DEFAULT_ACCOUNT), content["badge"], Priority.ROUTINE, NOW, channels=channels)


def activity(content: dict[str, Any]) -> ActivityContent:
    return ActivityContent(**{"content_state": {}, **content})


@pytest.mark.parametrize("case", list(cases()))
def test_a_message_with_this_content_becomes_this_request_or_a_valid_one_or_none(case: dict[str, Any]) -> None:
    endpoint, name, body = Endpoint(case["endpoint"]), case.get("path_param", ""), case["body"]
    if not isinstance(body, dict):
        return
    # The texts of the push that carries a Live Activity are never sent: what they do is not documented.
    content = {key: part for key, part in body.items() if key not in ("target", "alert")}
    if "target" in body:
        content["channels"] = body["target"].get("channels", [])
    shown = ShownPush(PUSH, PushContent(""), NOW, name) if endpoint is Endpoint.REPLACE else None
    try:
        made = request(message(endpoint, name, content), shown, None, NOW, ZoneInfo("UTC"))
    except (ValueError, LookupError, TypeError):  # not even a message has such fields
        assert not case["client_may_send"]
        return
    assert made.endpoint is endpoint
    assert faults(made.endpoint, made.body, made.name) == []
    if not case["client_may_send"]:
        assert made.body != body
        return
    wanted = {key: part for key, part in body.items() if key != "alert"}
    if body.get("content_state", {}).get("type") == "timer" and endpoint is Endpoint.STREAM_PUT:
        wanted = {**wanted, "content_state": {"counts_down": True, "is_running": True, **body["content_state"]}}
    assert made.body == wanted
