"""The contract's rules at their edges, one by one: what is just taken, and what is just not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.given import statuses, usual
from simulator.loopback import Wire

OPEN = {"title": "Open", "type": "open_url", "url": "https://e.example"}
HOOK = {"title": "Run", "type": "webhook", "url": "https://e.example/x"}
CPU = {"label": "CPU", "value": 9}
BLOCKED = ("about", "activitysmith", "app-prefs", "blob", "data", "file", "itms-services", "javascript", "prefs")
LONG = "https://e.example/"

ENDPOINTS: dict[str, tuple[str, str, str | None]] = {
    "push-notification-send": ("POST", "/push-notification", None),
    "push-notification-replace": ("PUT", "/push-notification/pn_01", "pn_01"),
    "live-activity-stream-put": ("PUT", "/live-activity/stream/job", "job"),
    "live-activity-stream-delete": ("DELETE", "/live-activity/stream/job", "job"),
    "live-activity-start": ("POST", "/live-activity/start", None),
    "live-activity-update": ("POST", "/live-activity/update", None),
    "live-activity-end": ("POST", "/live-activity/end", None),
    "badge": ("POST", "/badge", None),
    "metric-value": ("POST", "/metrics/m/value", "m"),
}


def check(wire: Wire, endpoint: str, body: Any, status: int) -> None:
    method, path, param = ENDPOINTS[endpoint]
    wire.service.state = usual(endpoint, param)
    reply = wire.ask(method, path, body)
    assert reply.status == status, (endpoint, body, reply.body)
    assert str(status) in statuses(endpoint)


def metadata(size: int) -> dict[str, str]:
    """Metadata of exactly so many bytes of compact JSON."""
    made = {f"k{n}": "x" * 4000 for n in range(4)} | {"z": ""}
    return made | {"z": "x" * (size - len(json.dumps(made, separators=(",", ":"))))}


PUSH_TAKEN: list[dict[str, Any]] = [
    {"message": "", "subtitle": ""},
    {"redirection": LONG + "a" * (2048 - len(LONG))},
    *(
        {"redirection": url}
        for url in ("claude://code", "x-safari-https://e.example", "spotify://", "http://e.example")
    ),
    {"actions": [OPEN, HOOK, OPEN | {"url": "spotify://"}, HOOK | {"method": "GET", "body": {"a": [None]}}]},
    {"actions": [OPEN | {"method": "GET"}]},
    {"media": "https://e.example/a.mp3", "actions": []},
    {"tags": [f"t{n}" for n in range(20)] * 2},
    {"metadata": {f"k{n}": n for n in range(50)}},
    {"metadata": {"k" * 100: "", "ü": -1.5, "b": False}},
    {"metadata": metadata(16384)},
    {"metadata": {"\N{ROCKET}" * 50: "\N{ROCKET}" * 2000}},
    {"payload": {}, "badge": -1},
    {"actions": [HOOK | {"url": LONG + "a" * (2049 - len(LONG))}]},
]
PUSH_REFUSED: list[dict[str, Any]] = [
    {"title": " "},
    {"title": ["x"]},
    {"message": None},
    {"subtitle": 1},
    {"icon": "https://"},
    {"icon": "https:/e.example/i.png"},
    {"icon": "https://e.example/a b.png"},
    {"media": "data:image/png;base64,x"},
    {"redirection": LONG + "a" * (2049 - len(LONG))},
    *({"redirection": f"{scheme}:x"} for scheme in BLOCKED),
    *({"actions": [OPEN | {"url": f"{scheme.title()}://x"}]} for scheme in BLOCKED),
    {"redirection": "spotify:a\nb"},
    {"redirection": "spotify:a b"},
    {"redirection": ""},
    {"actions": [OPEN] * 5},
    {"actions": OPEN},
    {"actions": [{"title": "x", "type": "webhook"}]},
    {"actions": [OPEN | {"body": {}}]},
    {"actions": [OPEN | {"color": "red"}]},
    {"actions": [HOOK | {"url": "http://e.example"}]},
    {"actions": [HOOK | {"body": "x"}]},
    {"actions": [HOOK | {"method": "get"}]},
    {"tags": [f"t{n}" for n in range(21)]},
    {"tags": "a"},
    {"tags": [1]},
    {"tags": ["ü"]},
    {"metadata": {f"k{n}": n for n in range(51)}},
    {"metadata": metadata(16385)},
    {"metadata": {"k": "\N{ROCKET}" * 2000 + "x"}},
    {"metadata": {"\N{ROCKET}" * 50 + "x": 1}},
    {"metadata": {"a": None}},
    {"metadata": []},
    {"metadata": {"": 1}},
    {"channels": ["ops"]},
    {"target": {"channels": [1]}},
    {"target": {"channels": ["ops"], "users": []}},
    {"target": ["ops"]},
    {"payload": []},
    {"badge": 1.5},
    {"message": "x" * 3500},
]


@pytest.mark.parametrize("body", PUSH_TAKEN, ids=lambda body: repr(body)[:50])
def test_pushes_that_are_taken(body: dict[str, Any], wire: Wire) -> None:
    check(wire, "push-notification-send", {"title": "x"} | body, 200)
    check(wire, "push-notification-replace", {"title": "x"} | body, 200)


@pytest.mark.parametrize("body", PUSH_REFUSED, ids=lambda body: repr(body)[:50])
def test_pushes_that_are_refused(body: dict[str, Any], wire: Wire) -> None:
    check(wire, "push-notification-send", {"title": "x"} | body, 400)
    check(wire, "push-notification-replace", {"title": "x"} | body, 400)


TYPES: dict[str, dict[str, Any]] = {
    "value": {"value": 17},
    "stats": {"metrics": [CPU]},
    "metrics": {"metrics": [CPU]},
    "segmented_progress": {"number_of_steps": 3, "current_step": 1},
    "progress": {"percentage": 42},
    "alert": {"message": "m"},
    "timer": {"duration_seconds": 5},
}
FIELDS: dict[str, tuple[Any, str]] = {
    "subtitle": ("s", "value stats metrics segmented_progress progress timer"),
    "color": ("gray", "value metrics segmented_progress progress alert timer"),
    "icon": ({"symbol": "bolt"}, " ".join(TYPES)),
    "badge": ({"title": "b", "color": "lime"}, "value segmented_progress progress alert"),
    "step_color": ("red", "segmented_progress"),
    "step_colors": (["red"], "segmented_progress"),
    "message": ("m", "alert"),
    "percentage": (1, "progress"),
    "value": (1, "value"),
    "metrics": ([CPU], "stats metrics"),
    "number_of_steps": (3, "segmented_progress"),
    "current_step": (1, "segmented_progress"),
    "duration_seconds": (0.5, "timer"),
    "counts_down": (False, "timer"),
    "is_running": (False, "timer"),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("field", FIELDS)
def test_which_field_goes_with_which_type(kind: str, field: str, wire: Wire) -> None:
    value, kinds = FIELDS[field]
    content = {"title": "T", "type": kind, field: value, **{k: v for k, v in TYPES[kind].items() if k != field}}
    for endpoint in ("live-activity-stream-put", "live-activity-start"):
        check(wire, endpoint, {"content_state": content}, 200 if kind in kinds.split() else 400)
    for always in ("counts_down", "is_running"):  # the Python SDK says so of every type
        check(
            wire,
            "live-activity-start",
            {"content_state": {"title": "T", "type": kind, **TYPES[kind], always: True}},
            200,
        )


@pytest.mark.parametrize("kind", TYPES)
def test_what_each_type_cannot_do_without(kind: str, wire: Wire) -> None:
    for endpoint in ("live-activity-stream-put", "live-activity-start"):
        for missing in TYPES[kind]:
            content = {name: value for name, value in TYPES[kind].items() if name != missing}
            check(wire, endpoint, {"content_state": {"title": "T", "type": kind, **content}}, 400)
        check(wire, endpoint, {"content_state": {"type": kind, **TYPES[kind]}}, 400)


@pytest.mark.parametrize("kind", TYPES)
def test_buttons(kind: str, wire: Wire) -> None:
    body = {"content_state": {"title": "T", "type": kind, **TYPES[kind]}}
    two = 200 if kind in ("value", "segmented_progress", "progress", "alert") else 400
    for endpoint in ("live-activity-stream-put", "live-activity-start", "live-activity-stream-delete"):
        check(wire, endpoint, body | {"action": OPEN}, 200)
        check(wire, endpoint, body | {"action": OPEN, "secondary_action": HOOK}, two)
        check(wire, endpoint, body | {"secondary_action": HOOK}, 400)


CONTENT_TAKEN: list[dict[str, Any]] = [
    {"type": "value", "value": "x" * 64},
    {"type": "value", "value": -1e300},
    {"type": "stats", "metrics": [CPU | {"unit": "", "color": "gray", "value": "x" * 64}] * 8},
    {"type": "metrics", "metrics": [CPU, CPU | {"value": 0.5, "unit": "%"}]},
    {"type": "progress", "percentage": 100.0, "value": 500, "upper_limit": 1},
    {"type": "progress", "value": 0, "upper_limit": 0.1},
    {"type": "segmented_progress", "number_of_steps": 1.0, "current_step": 1},
    {"type": "timer", "counts_down": False},
    {"type": "timer", "duration_seconds": 0.1, "is_running": False},
]
CONTENT_REFUSED: list[dict[str, Any]] = [
    {"type": "value", "value": [1]},
    {"type": "value", "value": " "},
    {"type": "value", "value": "\N{ROCKET}" * 33},
    {"type": "stats", "metrics": []},
    {"type": "stats", "metrics": CPU},
    {"type": "stats", "metrics": [CPU | {"value": "x" * 65}]},
    {"type": "stats", "metrics": [CPU | {"value": None}]},
    {"type": "stats", "metrics": [CPU | {"label": " "}]},
    {"type": "stats", "metrics": [CPU | {"icon": "bolt"}]},
    {"type": "stats", "metrics": [CPU | {"unit": 1}]},
    {"type": "metrics", "metrics": [CPU | {"value": -0.1}]},
    {"type": "progress", "value": 1},
    {"type": "progress", "upper_limit": 1},
    {"type": "progress", "percentage": 1, "upper_limit": 1},
    {"type": "progress", "percentage": 1, "value": 1},
    {"type": "progress", "value": -1, "upper_limit": 1},
    {"type": "progress", "percentage": 1, "icon": "bolt"},
    {"type": "progress", "percentage": 1, "icon": {"symbol": " "}},
    {"type": "progress", "percentage": 1, "icon": {"symbol": "bolt", "size": 1}},
    {"type": "progress", "percentage": 1, "badge": "b"},
    {"type": "progress", "percentage": 1, "badge": {"title": ""}},
    {"type": "progress", "percentage": True},
    {"type": "segmented_progress", "number_of_steps": 3, "current_step": -1},
    {"type": "segmented_progress", "number_of_steps": "3", "current_step": 1},
    {"type": "alert", "message": " "},
    {"type": "timer", "duration_seconds": 0},
    {"type": "timer", "duration_seconds": "5"},
    {"type": "timer", "duration_seconds": 5, "counts_down": 1},
    {"type": "timer", "counts_down": True},
    {"type": "Timer", "duration_seconds": 5},
    {"type": None},
    {"type": "alert", "message": "m", "title": "\u00a0"},
]


@pytest.mark.parametrize("content", CONTENT_TAKEN, ids=lambda content: repr(content)[:60])
def test_contents_that_are_taken(content: dict[str, Any], wire: Wire) -> None:
    for endpoint in ("live-activity-stream-put", "live-activity-start", "live-activity-stream-delete"):
        check(wire, endpoint, {"content_state": {"title": "T", **content}}, 200)


@pytest.mark.parametrize("content", CONTENT_REFUSED, ids=lambda content: repr(content)[:60])
def test_contents_that_are_refused(content: dict[str, Any], wire: Wire) -> None:
    for endpoint in ("live-activity-stream-put", "live-activity-start"):
        check(wire, endpoint, {"content_state": {"title": "T", **content}}, 400)


STATE = {"title": "T", "type": "progress", "percentage": 42}
PUT = {"content_state": STATE}
NAMED = {"activity_id": "A1", "content_state": STATE}


@pytest.mark.parametrize(
    ("endpoint", "body", "status"),
    [
        ("live-activity-stream-put", {}, 400),
        ("live-activity-stream-put", {"content_state": None}, 400),
        ("live-activity-stream-put", {"content_state": STATE | {"auto_dismiss_minutes": 0}}, 200),
        ("live-activity-stream-put", PUT | {"channels": ["a", "b"], "target": {"channels": ["b", "a"]}}, 200),
        ("live-activity-stream-put", PUT | {"channels": "ops"}, 400),
        ("live-activity-stream-put", PUT | {"target": None}, 400),
        ("live-activity-stream-put", PUT | {"alert": {}}, 200),
        ("live-activity-stream-put", PUT | {"alert": {"message": "m"}}, 400),
        ("live-activity-stream-put", PUT | {"alert": {"body": 1}}, 400),
        ("live-activity-stream-put", PUT | {"activity_id": "A1"}, 400),
        *(
            ("live-activity-stream-put", PUT | {"action": OPEN | {"url": url}}, status)
            for url, status in [
                ("http://e.example", 200),
                ("https://e.example?x#y", 200),
                ("shortcuts://run-shortcut?name=A%20B", 200),
                ("shortcuts://run-shortcut?name=", 400),
                ("shortcuts://open-shortcut?name=A", 400),
                ("spotify:track:1", 400),
                ("https://u:p@e.example", 400),
                ("https://e.example/ x", 400),
                ("HTTPS://e.example", 400),
                ("//e.example", 400),
                (LONG + "a" * (2048 - len(LONG)), 200),
                (LONG + "a" * (2049 - len(LONG)), 400),
            ]
        ),
        ("live-activity-stream-put", PUT | {"action": HOOK | {"url": LONG + "a" * (2049 - len(LONG))}}, 200),
        ("live-activity-stream-put", PUT | {"action": HOOK | {"url": "shortcuts://run-shortcut?name=A"}}, 400),
        ("live-activity-stream-put", PUT | {"action": HOOK | {"title": ""}}, 400),
        ("live-activity-stream-put", PUT | {"action": None}, 400),
        ("live-activity-stream-delete", None, 200),
        ("live-activity-stream-delete", {"content_state": {"type": "progress", "percentage": 1}}, 400),
        ("live-activity-stream-delete", {"content_state": {"title": "T", "percentage": 1}}, 200),
        ("live-activity-stream-delete", {"content_state": {"title": "T"}}, 400),
        ("live-activity-stream-delete", {"content_state": STATE | {"auto_dismiss_seconds": 10**9}}, 200),
        ("live-activity-stream-delete", {"alert": {"title": "Done", "body": "b"}, "action": OPEN}, 200),
        ("live-activity-stream-delete", {"tags": [], "metadata": {}}, 200),
        ("live-activity-stream-delete", {"channels": ["ops"]}, 400),
        ("live-activity-start", {"content_state": {"title": "T", "percentage": 1}}, 400),
        ("live-activity-start", PUT | {"target": {"channels": ["ops"]}, "alert": {"title": "t"}}, 200),
        ("live-activity-start", {"content_state": STATE | {"auto_dismiss_seconds": 1}}, 400),
        ("live-activity-start", NAMED, 400),
        ("live-activity-update", {"content_state": STATE}, 400),
        ("live-activity-update", NAMED | {"activity_id": 1}, 400),
        ("live-activity-update", NAMED | {"activity_id": "none"}, 404),
        ("live-activity-update", NAMED | {"tags": ["a"] * 21}, 400),
        ("live-activity-update", NAMED | {"content_state": STATE | {"auto_dismiss_minutes": 1}}, 400),
        ("live-activity-update", NAMED | {"action": OPEN, "secondary_action": HOOK, "metadata": {"n": 1}}, 200),
        ("live-activity-update", NAMED | {"content_state": STATE | {"percentage": 101}}, 400),
        ("live-activity-end", NAMED | {"content_state": STATE | {"auto_dismiss_seconds": 1}}, 400),
        ("live-activity-end", NAMED | {"content_state": STATE | {"auto_dismiss_minutes": 0}}, 200),
        ("live-activity-end", NAMED | {"alert": {}}, 400),
        ("live-activity-end", NAMED | {"activity_id": "none"}, 404),
        ("push-notification-send", {}, 400),
        ("push-notification-send", None, 400),
        ("push-notification-send", {"title": "x", "sound": 1}, 400),
        ("push-notification-send", {"title": "x", "interruption_level": "Passive"}, 400),
        ("push-notification-replace", {"message": "m"}, 400),
        ("push-notification-replace", {"title": "x", "interruption_level": "active"}, 400),
        ("badge", {"badge": 3.0}, 200),
        ("badge", {"badge": 2.5}, 400),
        ("badge", {"badge": "3"}, 400),
        ("badge", {}, 400),
        ("badge", {"badge": 1, "target": {"channels": []}}, 400),
        ("badge", {"badge": 1, "tags": ["a"]}, 400),
        ("metric-value", {"value": 1e308}, 200),
        ("metric-value", {"value": True}, 400),
        ("metric-value", {"value": [1]}, 400),
        ("metric-value", {"value": "\N{ROCKET}" * 33}, 400),
        ("metric-value", {"value": 1, "target": {"channels": ["ops"]}}, 400),
        *(
            ("metric-value", {"value": 1, "timestamp": timestamp}, status)
            for timestamp, status in [
                ("2026-01-02T03:04:05Z", 200),
                ("2026-01-02T03:04:05.678901+05:30", 200),
                ("2026-01-02t03:04:05z", 200),
                ("2016-12-31T23:59:60Z", 200),
                ("2016-12-31T15:59:60.5-08:00", 200),
                ("2016-12-31T22:59:60Z", 400),
                ("2016-12-31T23:59:60-08:00", 400),
                ("2016-12-31T23:59:61Z", 400),
                ("0001-01-01T00:59:60+01:00", 400),
                ("2026-01-02 03:04:05Z", 400),
                ("2026-01-02T03:04:05+05:60", 400),
                ("2026-01-02T03:04:05", 400),
                ("2026-13-02T03:04:05Z", 400),
                ("2026-01-02T25:04:05Z", 400),
                ("2026-01-02", 400),
                ("", 400),
                (None, 400),
            ]
        ),
    ],
    ids=lambda value: repr(value)[:70],
)  # fmt: skip
def test_the_edges_of_each_endpoint(endpoint: str, body: Any, status: int, wire: Wire) -> None:
    check(wire, endpoint, body, status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/live-activity/stream/" + "a" * 255, 200),
        ("PUT", "/live-activity/stream/-_A9", 200),
        ("PUT", "/live-activity/stream/%61", 200),
        ("PUT", "/live-activity/stream/a%20b", 400),
        ("PUT", "/live-activity/stream/a/b", 404),
        ("PUT", "/live-activity/stream/a/", 404),
        ("PUT", "/Live-Activity/stream/a", 404),
        ("PUT", "/live-activity/start", 405),
        ("POST", "/live-activity/stream/a", 405),
        ("GET", "/live-activity/stream/a", 405),
        ("PUT", "/push-notification", 405),
        ("DELETE", "/push-notification/pn_01", 405),
        ("POST", "/metrics/M/value", 400),
        ("POST", "/metrics/-a/value", 400),
        ("POST", "/metrics/a%2Fb/value", 400),
        ("POST", "/metrics//value", 400),
        ("POST", "/metrics/a", 404),
        ("PUT", "/metrics/a/value", 405),
        ("POST", "/badge/", 404),
        ("GET", "/health", 404),
    ],
)
def test_paths_and_methods(method: str, path: str, status: int, wire: Wire) -> None:
    wire.service.state.creates_metrics = True
    body = {"value": 1} if "metrics" in path else {"content_state": STATE}
    reply = wire.ask(method, path, body)
    assert reply.status == status, reply.body
    assert ("allow" in reply.headers) == (status == 405)
