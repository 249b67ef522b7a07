"""The endpoints that a daemon needs, and the limits that they share. No I/O."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote


class Family(StrEnum):
    """The endpoints that share a limit, by the service's own names (contract section 9.1)."""

    NOTIFICATIONS = "notifications"
    BADGES = "badges"
    LIVE_ACTIVITIES = "live-activities"
    METRICS = "metrics"


class Endpoint(StrEnum):
    """What can be asked of the service, by the name of the body's schema."""

    SEND = "push-notification-send"
    REPLACE = "push-notification-replace"
    STREAM_PUT = "live-activity-stream-put"
    STREAM_DELETE = "live-activity-stream-delete"
    METRIC = "metric-value"
    BADGE = "badge"

    @property
    def family(self) -> Family:
        """Whose limit its requests count for."""
        return _FAMILIES[self]

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return _PATHS[self].partition(" ")[0]

    def path(self, name: str) -> str:
        """Its path below the base address; ``name`` is encoded as one segment, where there is a place for it."""
        # No character is safe: the alphabet of notifications' ids is not documented, and a slash would begin a segment.
        return _PATHS[self].partition(" ")[2].format(quote(name, safe=""))


_PATHS = {
    Endpoint.SEND: "POST /push-notification",
    Endpoint.REPLACE: "PUT /push-notification/{}",
    Endpoint.STREAM_PUT: "PUT /live-activity/stream/{}",
    Endpoint.STREAM_DELETE: "DELETE /live-activity/stream/{}",
    Endpoint.METRIC: "POST /metrics/{}/value",
    Endpoint.BADGE: "POST /badge",
}
_FAMILIES = {
    Endpoint.SEND: Family.NOTIFICATIONS,
    Endpoint.REPLACE: Family.NOTIFICATIONS,
    Endpoint.STREAM_PUT: Family.LIVE_ACTIVITIES,
    Endpoint.STREAM_DELETE: Family.LIVE_ACTIVITIES,
    Endpoint.METRIC: Family.METRICS,
    Endpoint.BADGE: Family.BADGES,
}
