"""Turns what a contract's case or scenario gives into an account's state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulator.loopback import KEY
from smithd.simulator.limits import LimitFamily, RateMode, of_account, use_up
from smithd.simulator.state import (
    Billing,
    Device,
    Format,
    Metric,
    ServiceState,
    SimulatedActivity,
    SimulatedNotification,
    Stream,
    Timer,
    WhenFull,
)

CONTRACT = Path(__file__).parent.parent / "contract"
NOW = 1_700_000_000.0
LEGACY_BY_ID = ("live-activity-update", "live-activity-end")

CONTENT: dict[str, dict[str, Any]] = {
    "progress": {"title": "Running", "type": "progress", "percentage": 7},
    "timer": {"title": "Running", "type": "timer", "duration_seconds": 600},
}


def contract(name: str) -> Any:
    """A file of the contract."""
    return json.loads((CONTRACT / name).read_text("utf-8"))


def statuses(endpoint: str) -> dict[str, list[str]]:
    """The statuses that an endpoint may give, each with the names of its shapes.

    The legacy update and end surely refuse some bodies and ids, though no contract lists 400 and 404 for them.
    """
    unlisted = {"400": ["BadRequest"], "404": ["NotFound"]} if endpoint in LEGACY_BY_ID else {}
    listed: dict[str, list[str]] = contract("responses.schema.json")["x-by-endpoint"][endpoint]
    return unlisted | listed


def stream(key: str, kind: str = "progress", now: float = NOW) -> Stream:
    """A stream that shows a Live Activity of this type on the phone."""
    timer = Timer(now, 600.0) if kind == "timer" else None
    activity = SimulatedActivity(key, CONTENT[kind], ("phone",), None, now, now, timer=timer)
    return Stream(key, activity)


def usual(endpoint: str, param: str | None) -> ServiceState:
    """An account in which the request of a case can succeed."""
    state = ServiceState(keys={KEY: None})
    if endpoint == "live-activity-stream-delete" and param:
        state.streams[param] = stream(param)
    if endpoint in LEGACY_BY_ID:
        state.legacy["A1"] = stream("A1")
        state.legacy["A1"].key = ""
    if endpoint == "push-notification-replace" and param:
        state.notifications[param] = SimulatedNotification(param, {"title": "before"}, ("phone",), None, NOW)
    if endpoint == "metric-value" and param:
        state.metrics[param] = Metric(param)
    return state


def set_up(  # noqa: C901 - a flat table of the words that a case may use
    state: ServiceState, given: dict[str, Any], param: str | None = None
) -> None:
    """Change the state as ``given`` says; an unknown word in it fails."""
    for name, value in given.items():
        match name.split(), value:
            case ["stream"], "absent":
                state.streams.pop(param or "", None)
            case ["stream"], "paused":
                state.streams[param or ""] = Stream(param or "", paused=True)
            case ["stream"], "known, no current activity":
                state.streams[param or ""] = Stream(param or "")
            case ["stream"], "active, timer" | "active, progress":
                state.streams[param or ""] = stream(param or "", value.split()[1])
            case ["stream", key], "paused":
                state.streams[key] = Stream(key, paused=True)
            case ["stream", key], "active":
                state.streams[key] = stream(key)
            case ((["active"] | ["active_live_activities"]), count_or_keys):
                keys = [f"other-{n}" for n in range(value)] if isinstance(value, int) else count_or_keys
                state.streams |= {key: stream(key) for key in keys}
            case ["device_limit"], int():
                state.device_limit = value
            case ["device_limit_mode"], str():
                state.when_full = WhenFull(value)
            case ["activity"], "foreign":
                state.of_other_accounts.add("OTHER")
            case ["notification"], "unknown":
                state.notifications.clear()
            case ["notification"], "not replaceable":
                state.notifications[param or ""].replaceable = False
            case ["metric"], "absent":
                state.metrics.clear()
            case ["metric_format"], str():
                state.metrics[param or ""].format = Format(value)
            case ["metrics"], dict():
                state.metrics = {key: Metric(key, Format(form)) for key, form in value.items()}
            case ["channels"], dict():
                state.channels = {slug: tuple(members) for slug, members in value.items()}
            case ["key_scope"], list():
                state.keys[KEY] = tuple(value)
            case ["billing"], str():
                state.billing = Billing(value)
            case ["device"], "disconnected":
                state.devices = [Device("phone", "owner", connected=False)]
            case ["apns"], "failing":
                state.failing = True
            case ["rate"], "live-activities exhausted":
                use_up(state.windows, of_account(LimitFamily.LIVE_ACTIVITIES, state.rate_mode), NOW)
            case ["rate_mode"], "shared-60":
                state.rate_mode = RateMode.SHARED
            case ["auth"], "missing":
                pass  # the case leaves the header out by itself
            case _:
                raise AssertionError(f"unknown: {name}: {value}")
