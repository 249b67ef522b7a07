"""Examples of everything that the page can draw, from requests as the service accepts them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from smithd.lockscreen import content
from smithd.lockscreen.content import DrawnTimer
from smithd.lockscreen.screen import Activity, Arrangement, Notification, Screen, Widget, place
from smithd.lockscreen.view import View

DASHBOARD = {"title": "Dashboard", "type": "open_url", "url": "https://grafana.example.com"}
LOGS = {"title": "Logs", "type": "open_url", "url": "https://ci.example.com/logs"}
ROLL_BACK = {"title": "Roll back", "type": "webhook", "url": "https://ci.example.com/rollback"}
LONG = "A text that is much longer than any phone has room for, and that goes on, so that it is cut where iOS cuts it"

_COUNTRIES = ("Germany", "France", "Italy", "Spain", "Poland", "Austria", "Sweden", "Portugal")

EXAMPLES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "value",
        {
            "content_state": {
                "type": "value", "title": "Revenue today", "subtitle": "190 orders", "value": "€18,432",
                "color": "green", "icon": {"symbol": "creditcard", "color": "green"},
                "badge": {"title": "+12%", "color": "green"},
            },
            "action": DASHBOARD,
            "secondary_action": {**LOGS, "title": "Orders"},
        },
    ),
    (
        "value, a text",
        {
            "content_state": {
                "type": "value", "title": "Release", "subtitle": "on all hosts", "value": "2026.11.3, 14 changes",
                "color": "purple", "icon": {"symbol": "shippingbox", "color": "purple"},
            },
            "action": LOGS,
        },
    ),
    (
        "stats, each row coloured by its severity",
        {
            "content_state": {
                "type": "stats", "title": "Production", "subtitle": "1 firing",
                "icon": {"symbol": "server.rack", "color": "red"},
                "metrics": [
                    {"label": "Errors", "value": "9.2% !!", "color": "red"},
                    {"label": "p95", "value": "398 ms !", "color": "orange"},
                    {"label": "Up", "value": "12 of 12", "color": "green"},
                ],
            },
            "action": DASHBOARD,
        },
    ),
    (
        "stats, eight rows",
        {
            "content_state": {
                "type": "stats", "title": "Orders by country", "subtitle": "as of 14:05",
                "icon": {"symbol": "globe", "color": "blue"},
                "metrics": [
                    {"label": name, "value": number, "color": "blue"}
                    for name, number in zip(_COUNTRIES, (482, 391, 277, 164, 98, 71, 40, 12), strict=True)
                ],
            }
        },
    ),
    (
        "stats, two rows with units",
        {
            "content_state": {
                "type": "stats", "title": "Checkout", "icon": {"symbol": "cart", "color": "magenta"},
                "metrics": [
                    {"label": "Requests", "value": 1240, "unit": "per minute", "color": "magenta"},
                    {"label": "Temperature", "value": "-4.5", "unit": "°C", "color": "cyan"},
                ],
            }
        },
    ),
    (
        "metrics",
        {
            "content_state": {
                "type": "metrics", "title": "db-1", "subtitle": "primary", "color": "cyan",
                "icon": {"symbol": "cpu", "color": "cyan"},
                "metrics": [
                    {"label": "CPU", "value": 62.5, "unit": "%"},
                    {"label": "Memory", "value": 91, "unit": "%", "color": "orange"},
                ],
            },
            "action": LOGS,
        },
    ),
    (
        "segmented_progress",
        {
            "content_state": {
                "type": "segmented_progress", "title": "Deploy", "subtitle": "testing", "color": "lime",
                "icon": {"symbol": "shippingbox", "color": "lime"}, "number_of_steps": 4, "current_step": 3,
                "badge": {"title": "main", "color": "purple"},
            },
            "action": LOGS,
        },
    ),
    (
        "segmented_progress, failed: the word says so, too",
        {
            "content_state": {
                "type": "segmented_progress", "title": "Deploy", "subtitle": "failed", "number_of_steps": 4,
                "current_step": 3, "step_colors": ["green", "green", "red"], "color": "red",
                "icon": {"symbol": "exclamationmark.triangle", "color": "red"},
            },
            "action": LOGS,
            "secondary_action": ROLL_BACK,
        },
    ),
    (
        "progress",
        {
            "content_state": {
                "type": "progress", "title": "Clearing the backlog", "subtitle": "1,890 of 5,000 left",
                "percentage": 62.2, "color": "purple", "icon": {"symbol": "chart.bar", "color": "purple"},
            }
        },
    ),
    (
        "progress, beyond its limit",
        {
            "content_state": {
                "type": "progress", "title": "Quota", "subtitle": "5,210 of 5,000", "value": 5000,
                "upper_limit": 5000, "color": "orange", "icon": {"symbol": "gauge", "color": "orange"},
                "badge": {"title": "over", "color": "orange"},
            }
        },
    ),
    (
        "alert",
        {
            "content_state": {
                "type": "alert", "title": "Checkout fails", "color": "red",
                "message": "9.2 in 100 payments fail since 14:05. The payment provider answers with time-outs.",
                "icon": {"symbol": "exclamationmark.triangle", "color": "red"},
                "badge": {"title": "critical", "color": "red"},
            },
            "action": DASHBOARD,
            "secondary_action": {**ROLL_BACK, "title": "Restart"},
        },
    ),
    (
        "timer",
        {
            "content_state": {
                "type": "timer", "title": "Next backup", "subtitle": "db-1", "duration_seconds": 1500,
                "color": "orange", "icon": {"symbol": "timer", "color": "orange"},
            },
            "action": LOGS,
        },
    ),
    (
        "timer, paused",
        {
            "content_state": {
                "type": "timer", "title": "Maintenance", "subtitle": "as of 14:05", "duration_seconds": 5400,
                "is_running": False, "color": "cyan", "icon": {"symbol": "hammer", "color": "cyan"},
            }
        },
    ),
    (
        "timer, over",
        {
            "content_state": {
                "type": "timer", "title": "Drain", "subtitle": "the pool is empty", "duration_seconds": 1,
                "color": "gray", "icon": {"symbol": "hourglass", "color": "gray"},
            }
        },
    ),
    (
        "timer, counting up",
        {
            "content_state": {
                "type": "timer", "title": "Outage", "subtitle": "since 14:05", "counts_down": False, "color": "red",
                "icon": {"symbol": "flame", "color": "red"},
            }
        },
    ),
    (
        "value, stale",
        {
            "content_state": {
                "type": "value", "title": "Open orders", "subtitle": "as of 14:05", "value": 1204, "color": "blue",
                "icon": {"symbol": "cart", "color": "blue"},
            }
        },
    ),
    (
        "ended",
        {
            "content_state": {
                "type": "stats", "title": "Production", "subtitle": "all well since 14:41",
                "icon": {"symbol": "checkmark", "color": "green"},
                "metrics": [
                    {"label": "Errors", "value": "0.4%", "color": "green"},
                    {"label": "p95", "value": "180 ms", "color": "green"},
                ],
            }
        },
    ),
    (
        "texts that are too long",
        {
            "content_state": {
                "type": "segmented_progress", "title": LONG, "subtitle": LONG, "number_of_steps": 8,
                "current_step": 5, "color": "magenta", "icon": {"symbol": "waveform", "color": "magenta"},
                "badge": {"title": LONG, "color": "yellow"},
            },
            "action": {**LOGS, "title": LONG},
            "secondary_action": {**ROLL_BACK, "title": LONG},
        },
    ),
)  # fmt: skip
"""Stream requests, each with what it is an example of."""

PUSHES: tuple[dict[str, Any], ...] = (
    {
        "title": "Checkout fails", "message": "More than 8 in 100 payments fail since 14:05.",
        "interruption_level": "time-sensitive",
        "actions": [{**ROLL_BACK, "title": "Acknowledge"}, {**ROLL_BACK, "title": "Snooze for an hour"}, DASHBOARD],
    },
    {
        "title": "Orders are down 34%", "subtitle": "shop", "message": "12 orders in the last hour, 18 yesterday.",
        "media": "https://grafana.example.com/render/orders.png",
    },
    {"title": "Disk of db-1 is full in 4 hours", "message": LONG + ". " + LONG + "."},
    {"title": "Backup is late", "message": "The last one ended 26 hours ago.", "interruption_level": "passive"},
)  # fmt: skip
"""Push requests, the newest first."""

WIDGETS = (
    ("shop.revenue", "€7,855"),
    ("shop.orders", 190.0),
    ("shop.visitors", 81.0),
    ("prod.memory", "94%"),
    ("prod.status", "all well"),
    ("billing.mrr", "$48,210 ?"),
    ("prod.deploy", "release 2026.11.3 on all hosts"),
)


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples, drawn at a moment: ``screen`` has all of them, ``activities`` those of each type with captions."""

    screen: Screen
    view: View
    activities: tuple[tuple[str, Activity], ...]
    placed: tuple[Arrangement, ...]


def gallery(now: float, zone: tzinfo, view: View) -> Gallery:
    """The examples as they look at ``now``."""
    activities = tuple(
        (caption, _drawn(f"example-{number}", caption, body, now)) for number, (caption, body) in enumerate(EXAMPLES)
    )
    widgets = tuple(Widget(key, value, now) for key, value in WIDGETS)
    screen = Screen(
        now,
        zone,
        widgets,
        tuple(activity for _, activity in activities),
        tuple(_notification(number, push, now) for number, push in enumerate(PUSHES)),
        badge=4,
    )
    return Gallery(screen, view, activities, (place(widgets[:5]), place(widgets[:2]), place(widgets[4:])))


def _drawn(key: str, caption: str, body: Mapping[str, Any], now: float) -> Activity:
    began = now - 271
    frozen_at = began + 60 if body["content_state"].get("is_running") is False else None
    window = None
    if body["content_state"]["type"] == "timer":
        state = body["content_state"]
        window = DrawnTimer(began, state.get("duration_seconds"), frozen_at, state.get("counts_down", True))
    drawn = content.activity(key, body, at=now, now=now, ended=caption == "ended", window=window)
    assert drawn is not None
    return drawn


def _notification(number: int, push: Mapping[str, Any], now: float) -> Notification:
    return content.notification(f"example-{number}", push, at=now - 400 * number)
