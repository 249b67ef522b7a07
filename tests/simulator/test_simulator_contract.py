"""The stand-in against the written contract: every case and every scenario, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from simulator.given import NOW, contract, set_up, statuses, usual
from simulator.loopback import Reply, Wire
from smithd.simulator.router import find

CASES = contract("cases.json")["cases"]
SCENARIOS = contract("scenarios.json")["scenarios"]
RESPONSES = contract("responses.schema.json")


def assert_documented(endpoint: str, reply: Reply) -> None:
    """The status is one that this endpoint may give, and the body has one of the shapes of that status."""
    names = statuses(endpoint)[str(reply.status)]
    shapes = [RESPONSES["$defs"][name] for name in names]
    assert any(Draft202012Validator(shape).is_valid(reply.body) for shape in shapes), (names, reply)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_case_gets_its_documented_verdict(case: dict[str, Any], wire: Wire) -> None:
    param = case.get("path_param")
    wire.clock.time = NOW
    wire.service.state = usual(case["endpoint"], param)
    set_up(wire.service.state, case.get("given", {}), param)

    reply = wire.ask(case["method"], case["path"], case["body"], case.get("headers"))

    assert reply.status == case["expected_status"], reply.body
    assert_documented(case["endpoint"], reply)
    for name, value in case.get("expected_error", {}).items():
        assert reply.body[name] == value
    if "expected_operation" in case:
        assert reply.body["operation"] == case["expected_operation"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["id"])
def test_every_scenario_goes_as_documented(scenario: dict[str, Any], wire: Wire) -> None:
    wire.clock.time = NOW
    set_up(wire.service.state, scenario["given"])
    replies: list[Reply] = []
    for step in scenario["steps"]:
        for number in range(step.get("repeat", 1)):
            wire.clock.time += step.get("every_seconds", 1)
            request = step.get("step", step)
            body = request["body"]
            if body == "progress n+1":
                body = {"content_state": {"title": "Job", "type": "progress", "percentage": number + 2}}
            window = timer_window(wire)
            replies.append(wire.ask(request["method"], request["path"], body))
            assert_documented(find(request["method"], f"/api{request['path']}").endpoint.name, replies[-1])
            assert_expected(request["expect"], replies, window, timer_window(wire))


def timer_window(wire: Wire) -> Any:
    """The window of the only stream's timer, if there is one."""
    streams = list(wire.service.state.streams.values())
    return streams[0].activity.timer if len(streams) == 1 and streams[0].activity else None


def assert_expected(  # noqa: C901 - a flat table of the words that a scenario may use
    expect: dict[str, Any], replies: list[Reply], before: Any, after: Any
) -> None:
    """Hold the newest reply against what its step expects; ``before`` and ``after`` are the timer's windows."""
    reply = replies[-1]
    body = reply.body
    for name, value in expect.items():
        match name, value:
            case "status", _:
                assert reply.status == value, body
            case "status_any", _:
                assert reply.status in value
            case "if_200", _:
                assert reply.status != 200 or value.items() <= body.items()
            case (("activity_id" | "ended_activity_id" | "notification_id" | "warning"), "string"):
                assert isinstance(body[name], str)
            case "notification_id", "different":
                assert body[name] not in [earlier.body[name] for earlier in replies[:-1]]
            case "same_activity_as_step", step:
                assert body["activity_id"] == replies[step].body["activity_id"]
            case "previous_activity_id_of_step", step:
                assert body["previous_activity_id"] == replies[step].body["activity_id"]
            case "new_activity", True:
                assert body["activity_id"] not in [earlier.body["activity_id"] for earlier in replies[:-1]]
            case "retry_after", None:
                assert "retry-after" not in reply.headers
            case "timer_window", "unchanged":
                assert before == after
            case "timer_window", "reset":
                assert before != after
            case "has", _:
                assert value in body
            case _:
                assert body.get(name) == value
