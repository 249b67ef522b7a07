"""Which endpoint a method and a path mean. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from smithd.simulator.exchange import Refused
from smithd.simulator.limits import Family

BASE_PATH = "/api"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry of the contract; ``name`` is that of its body's schema, ``param`` that of its path parameter."""

    name: str
    method: str
    path: str
    family: Family
    param: str | None = None


ENDPOINTS = (
    Endpoint("push-notification-send", "POST", "/push-notification", Family.NOTIFICATIONS),
    Endpoint("push-notification-replace", "PUT", "/push-notification/*", Family.NOTIFICATIONS, "notification_id"),
    Endpoint("live-activity-stream-put", "PUT", "/live-activity/stream/*", Family.LIVE_ACTIVITIES, "stream_key"),
    Endpoint("live-activity-stream-delete", "DELETE", "/live-activity/stream/*", Family.LIVE_ACTIVITIES, "stream_key"),
    Endpoint("live-activity-start", "POST", "/live-activity/start", Family.LIVE_ACTIVITIES),
    Endpoint("live-activity-update", "POST", "/live-activity/update", Family.LIVE_ACTIVITIES),
    Endpoint("live-activity-end", "POST", "/live-activity/end", Family.LIVE_ACTIVITIES),
    Endpoint("badge", "POST", "/badge", Family.BADGES),
    Endpoint("metric-value", "POST", "/metrics/*/value", Family.METRICS, "key"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and its path parameter as it stood in the path ("" where it has none)."""

    endpoint: Endpoint
    segment: str = ""


def find(method: str, path: str) -> Route:
    """The endpoint that is meant; a query is not part of any. Raises Refused (404, 405)."""
    path = path.partition("?")[0]
    routes = [
        Route(endpoint, segment) for endpoint in ENDPOINTS if (segment := _match(endpoint.path, path)) is not None
    ]
    if not routes:
        raise Refused(404, "Not found", f"there is nothing at this path; all endpoints are below {BASE_PATH}/")
    for route in routes:
        if route.endpoint.method == method:
            return route
    allowed = ", ".join(route.endpoint.method for route in routes)
    refusal = Refused(405, "Method not allowed", f"this path takes {allowed}")
    refusal.headers["Allow"] = allowed
    raise refusal


def _match(pattern: str, path: str) -> str | None:
    """The segment that stands for the asterisk, or None where the path is another."""
    wanted, given = (BASE_PATH + pattern).split("/"), path.split("/")
    if len(wanted) != len(given) or any(w not in ("*", g) for w, g in zip(wanted, given, strict=True)):
        return None
    return given[wanted.index("*")] if "*" in wanted else ""
