"""The official Python SDK drives the stand-in: what it can send validly works, what it should not have sent is refused.

The SDK adds, drops and rewrites fields by itself; those traps are part of what is tested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from activitysmith import ActivitySmith
from activitysmith_openapi.exceptions import ApiException
from pydantic import ValidationError

from simulator.given import NOW, contract, set_up, usual
from simulator.lives import CONTENTS
from simulator.loopback import KEY, Wire
from smithd.simulator import account
from smithd.simulator.state import Format, Metric

ADDED = {"counts_down", "is_running", "method"}
CASES = [case for case in contract("cases.json")["cases"] if case["sdk_accepts"] is not None]
WEBHOOK = {"title": "Pause", "type": "webhook", "url": "https://ops.example.com/pause", "body": {"job": "1"}}


@pytest.fixture
def sdk(wire: Wire) -> Iterator[Any]:
    """The SDK against a fresh account. It cannot read null for the channels, so the account says an empty list."""
    wire.service.state.null_channels = False
    wire.service.seen.clear()
    client: Any = ActivitySmith(api_key=KEY)
    api = client.notifications._api.api_client
    api.configuration.host = f"http://127.0.0.1:{wire.connection.port}/api"
    # By itself it would sleep for as long as a 429 says, and try again.
    api.rest_client.pool_manager.connection_pool_kw["retries"] = False
    yield client
    api.rest_client.pool_manager.clear()


def call(client: Any, endpoint: str, param: str | None, body: Any) -> Any:
    """The SDK's own call for an endpoint of the contract."""
    calls: dict[str, Callable[[], Any]] = {
        "push-notification-send": lambda: client.notifications.send(body),
        "push-notification-replace": lambda: client.notifications.replace(param, body),
        "live-activity-stream-put": lambda: client.live_activities.stream(param, body),
        "live-activity-stream-delete": lambda: client.live_activities.end_stream(
            param, *([] if body is None else [body])
        ),
        "live-activity-start": lambda: client.live_activities.start(body),
        "live-activity-update": lambda: client.live_activities.update(body),
        "live-activity-end": lambda: client.live_activities.end(body),
        "badge": lambda: client._app_icon_badges.update_app_icon_badge_count(app_icon_badge_count_update_request=body),
        "metric-value": lambda: client.metrics.update_metric_value(param, body),
    }
    return calls[endpoint]()


def essence(sent: Any) -> Any:
    """A body without what the SDK adds to it."""
    if isinstance(sent, dict):
        return {name: essence(value) for name, value in sent.items() if name not in ADDED}
    return [essence(one) for one in sent] if isinstance(sent, list) else sent


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_case_by_the_sdk(case: dict[str, Any], sdk: Any, wire: Wire) -> None:
    param = case.get("path_param")
    wire.clock.time = NOW
    wire.service.state = usual(case["endpoint"], param)
    set_up(wire.service.state, case.get("given", {}), param)
    wire.service.state.null_channels = False
    status = None
    try:
        call(sdk, case["endpoint"], param, case["body"])
    except ApiException as error:
        status = error.status
    except ValueError:
        assert case["expected"] == "rejected"

    if not case["sdk_accepts"]:
        assert not wire.service.seen
        return
    (seen,) = wire.service.seen
    sent = json.loads(seen.call.body or "null")
    if case["expected"] == "accepted" or essence(sent) != essence(case["body"]):  # mended, or made harmless
        assert (seen.answer.status, status) == (200, None), sent
    else:
        assert seen.answer.status == status == case["expected_status"]


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_stream_of_each_type_lives_its_life(kind: str, sdk: Any) -> None:
    first, then = CONTENTS[kind]
    stream = sdk.live_activities.stream

    started = stream("job", title="Job", type=kind, **first)
    updated = stream("job", title="Job", type=kind, **then)
    again = stream("job", title="Job", type=kind, **then)
    ended = sdk.live_activities.end_stream(
        "job", {"content_state": {"title": "Done", "type": kind, "auto_dismiss_seconds": 5, **then}}
    )
    restarted = stream("job", title="Job", type=kind, **first)

    operations = [answer.operation for answer in (started, updated, again, ended, restarted)]
    assert operations == ["started", "updated", "noop", "ended", "started"]
    assert started.activity_id == updated.activity_id == again.activity_id == ended.activity_id
    assert restarted.activity_id != started.activity_id


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_legacy_activity_of_each_type_lives_its_life(kind: str, sdk: Any, wire: Wire) -> None:
    first, then = CONTENTS[kind]
    activity_id = sdk.live_activities.start(title="Job", type=kind, tags=["ci"], **first).activity_id
    updated = sdk.live_activities.update(activity_id=activity_id, title="Job", metadata={"n": 1}, **then)
    ended = sdk.live_activities.end(activity_id=activity_id, title="Done", **then)
    twice = sdk.live_activities.end(activity_id=activity_id, title="Done", **then)

    assert (updated.activity_id, updated.tags, ended.success, twice.ignored) == (activity_id, ["ci"], True, True)
    (shown,) = wire.service.screen(wire.clock.time)["activities"]
    assert shown["content_state"]["title"] == "Done"
    assert shown["dismiss_at"] == wire.clock.time + 180  # the three minutes that the SDK writes into the body


def test_streams_rotate_pause_and_fill_the_phone(sdk: Any, wire: Wire) -> None:
    stream = sdk.live_activities.stream
    first = stream("job", title="Job", type="progress", percentage=1)
    rotated = stream("job", title="Job", type="alert", message="m", action=WEBHOOK, secondary_action=WEBHOOK)
    assert (rotated.operation, rotated.previous_activity_id) == ("rotated", first.activity_id)
    moved = stream("job", title="Job", type="alert", message="m", channels="ops, devs")
    assert (moved.operation, moved.effective_channel_slugs) == ("rotated", ["ops", "devs"])
    wire.service.state.streams["job"].paused = True
    assert stream("job", title="Job", type="progress", percentage=1).operation == "paused"
    for n in range(4):
        stream(f"job-{n}", title="Job", type="progress", percentage=1)
    with pytest.raises(ApiException) as caught:
        stream("one-more", title="Job", type="progress", percentage=1)
    assert (caught.value.status, json.loads(caught.value.body)["limit"]) == (429, 5)
    assert sdk.live_activities.end_stream("job-1").operation == "ended"


def test_a_push_is_sent_replaced_and_labelled(sdk: Any, wire: Wire) -> None:
    sent = sdk.notifications.send(
        title="Down", message="m", subtitle="s", icon="https://cdn.example.com/i.png", redirection="spotify:track:1",
        interruption_level="time-sensitive", actions=[WEBHOOK], channels=["ops"], tags=["a"],
        metadata={"n": 1.5, "ok": True},
    )  # fmt: skip
    replaced = sdk.notifications.replace(sent.notification_id, {"title": "Up", "metadata": {}})

    assert (sent.effective_channel_slugs, sent.tags) == (["ops"], ["a"])
    assert (replaced.notification_id, replaced.tags) == (sent.notification_id, ["a"])
    kept = wire.service.state.notifications[sent.notification_id]
    assert (kept.content, kept.tags, kept.metadata) == ({"title": "Up"}, ["a"], {})
    with pytest.raises(ApiException) as caught:
        sdk.notifications.replace("pn_other", {"title": "Up"})
    assert caught.value.status == 404


def test_metrics_and_the_badge(sdk: Any, wire: Wire) -> None:
    wire.service.state.metrics = {"m": Metric("m", Format.PERCENT), "s": Metric("s", Format.STRING)}
    assert sdk.metrics.update("m", 99.9, "2026-01-02T03:04:05Z").success
    assert sdk.metrics.update("s", "healthy").success
    assert (sdk.badge_count(3).devices_updated, wire.service.screen(NOW)["badge"]) == (1, 3)
    for key, value, status in [("m", "99.9", 400), ("s", 1, 400), ("none", 1, 404)]:
        with pytest.raises(ApiException) as caught:
            sdk.metrics.update(key, value)
        assert caught.value.status == status


def test_what_the_sdk_cannot_read_is_what_the_service_documents(sdk: Any, wire: Wire) -> None:
    wire.service.state.null_channels = True
    with pytest.raises(ValidationError):
        sdk.badge_count(3)
    assert wire.service.screen(NOW)["badge"] == 3


def test_an_empty_list_of_channels_is_dropped_and_reaches_everybody(sdk: Any, wire: Wire) -> None:
    wire.service.state.channels = {"empty": ()}
    assert sdk.notifications.send(title="x", channels=[]).devices_notified == 1
    with pytest.raises(ApiException) as caught:
        sdk.notifications.send({"title": "x", "target": {"channels": ["empty"]}})
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"keys": {KEY: None}}, 401),
        ({"billing": "trial_exhausted"}, 402),
        ({"keys": {KEY: ["ops"]}}, 403),
        ({"used_up": ["badges"]}, 429),
    ],
)
def test_refusals_arrive_as_the_sdk_knows_them(given: dict[str, Any], status: int, sdk: Any, wire: Wire) -> None:
    wire.service.state = account.change(wire.service.state, given, wire.clock.time)
    with pytest.raises(ApiException) as caught:
        sdk.badge_count(2, channels=["marketing"])
    assert caught.value.status == status
