"""The official Node SDK, on which the official command line is built, drives the stand-in through whole lives."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from node import installed, packages
from simulator.given import NOW, contract, set_up, usual
from simulator.lives import CONTENTS
from simulator.loopback import KEY, Wire
from smithd.simulator.contract import document

NODE = Path(__file__).parent / "node"
DRIVER = "drive.cjs"
CASES = [case for case in contract("cases.json")["cases"] if case["endpoint"] != "push-notification-replace"]


class Sdk:
    """A Node process that makes one call after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, endpoint: str, param: str | None, body: Any) -> dict[str, Any]:
        """The SDK's answer: what it understood, or its error with the status and body that caused it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"endpoint": endpoint, "param": param, "body": body}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with the SDK in it, as the lock file wants it."""
    version = subprocess.run([installed("node"), "--version"], check=True, capture_output=True, text=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < 18:
        pytest.skip(f"needs Node 18 or later, this is {version.strip()}")
    with packages(NODE) as found:
        shutil.copy(NODE / DRIVER, found)
        yield found


@pytest.fixture(scope="module")
def process(folder: Path, served: Wire) -> Iterator[subprocess.Popen[str]]:
    command = [installed("node"), DRIVER, f"http://127.0.0.1:{served.connection.port}", KEY]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, text=True, **pipes) as running:  # type: ignore[call-overload] # both are pipes
        yield running
        running.stdin.close()
        running.wait(timeout=30)


@pytest.fixture
def sdk(process: subprocess.Popen[str], wire: Wire) -> Sdk:
    """The SDK against a fresh account."""
    wire.service.seen.clear()
    return Sdk(process)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_case_by_the_sdk(case: dict[str, Any], sdk: Sdk, wire: Wire) -> None:
    param = case.get("path_param")
    wire.clock.time = NOW
    wire.service.state = usual(case["endpoint"], param)
    set_up(wire.service.state, case.get("given", {}), param)
    if "headers" in case:
        wire.service.state.keys.clear()

    answer = sdk.call(case["endpoint"], param, case["body"])

    if not wire.service.seen:  # the SDK itself refused it
        assert (case["expected"], answer["status"]) == ("rejected", None)
        return
    (seen,) = wire.service.seen
    sent = json.loads(seen.call.body or "null")
    if sent != case["body"]:  # the SDK rewrote it, for better or worse
        is_valid = Draft202012Validator(document(case["endpoint"])).is_valid(sent or {})
        assert seen.answer.status == (200 if is_valid else 400)
    elif case["expected"] == "accepted":
        assert seen.answer.status == 200, (sent, seen.answer)
        assert "error" not in answer
    else:
        assert answer["status"] == seen.answer.status == case["expected_status"]


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_stream_of_each_type_lives_its_life(kind: str, sdk: Sdk) -> None:
    first, then = ({"title": "Job", "type": kind, **content} for content in CONTENTS[kind])

    def put(content: dict[str, Any], **more: Any) -> Any:
        return sdk.call("live-activity-stream-put", "job", {"content_state": content, **more})["answer"]

    answers = [
        put(first, channels=["ops"], tags=["ci"]),
        put(then, channels=["ops"]),
        put(then, channels=["ops"], tags=[]),
        sdk.call("live-activity-stream-delete", "job", None)["answer"],
        put(first),
    ]
    assert [answer["operation"] for answer in answers] == ["started", "updated", "noop", "ended", "started"]
    assert [answer.get("tags") for answer in answers] == [["ci"], ["ci"], [], None, []]
    assert len({answer["activity_id"] for answer in answers}) == 2


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_legacy_activity_of_each_type_lives_its_life(kind: str, sdk: Sdk) -> None:
    first, then = CONTENTS[kind]
    started = sdk.call("live-activity-start", None, {"content_state": {"title": "Job", "type": kind, **first}})
    named = {"activity_id": started["answer"]["activity_id"], "content_state": {"title": "Job", **then}}
    assert sdk.call("live-activity-update", None, named)["answer"]["success"]
    assert sdk.call("live-activity-end", None, named)["answer"]["success"]
    assert sdk.call("live-activity-update", None, named)["status"] == 404
