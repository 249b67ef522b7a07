"""Which endpoint a method and a path mean. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from smithd.simulator.exchange import Refused
from smithd.simulator.limits import LimitFamily

BASE_PATH = "/api"


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """One entry of the contract; ``name`` is that of its body's schema, ``param`` that of its path parameter."""

    name: str
    method: str
    path: str
    family: LimitFamily
    param: str | None = None


ENDPOINTS = (
    ServiceEndpoint("push-notification-send", "POST", "/push-notification", LimitFamily.NOTIFICATIONS),
    ServiceEndpoint(
        "push-notification-replace", "PUT", "/push-notification/*", LimitFamily.NOTIFICATIONS, "notification_id"
    ),
    ServiceEndpoint(
        "live-activity-stream-put", "PUT", "/live-activity/stream/*", LimitFamily.LIVE_ACTIVITIES, "stream_key"
    ),
    ServiceEndpoint(
        "live-activity-stream-delete", "DELETE", "/live-activity/stream/*", LimitFamily.LIVE_ACTIVITIES, "stream_key"
    ),
    ServiceEndpoint("live-activity-start", "POST", "/live-activity/start", LimitFamily.LIVE_ACTIVITIES),
    ServiceEndpoint("live-activity-update", "POST", "/live-activity/update", LimitFamily.LIVE_ACTIVITIES),
    ServiceEndpoint("live-activity-end", "POST", "/live-activity/end", LimitFamily.LIVE_ACTIVITIES),
    ServiceEndpoint("badge", "POST", "/badge", LimitFamily.BADGES),
    ServiceEndpoint("metric-value", "POST", "/metrics/*/value", LimitFamily.METRICS, "key"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and its path parameter as it stood in the path ("" where it has none)."""

    endpoint: ServiceEndpoint
    segment: str = ""


def find(method: str, path: str) -> Route:
    """The endpoint that is meant; a query is not part of any. Raises Refused (404, 405)."""
    given = path.partition("?")[0].split("/")
    routes = []
    for endpoint in ENDPOINTS:
        wanted = (BASE_PATH + endpoint.path).split("/")
        if len(wanted) == len(given) and all(part in ("*", other) for part, other in zip(wanted, given, strict=True)):
            routes.append(Route(endpoint, given[wanted.index("*")] if "*" in wanted else ""))

    if not routes:
        raise Refused(404, "Not found", f"there is nothing at this path; all endpoints are below {BASE_PATH}/")
    for route in routes:
        if route.endpoint.method == method:
            return route
    allowed = ", ".join(route.endpoint.method for route in routes)
    refusal = Refused(405, "Method not allowed", f"this path takes {allowed}")
    refusal.headers["Allow"] = allowed
    raise refusal
