"""The wire: a message as a request, and what can come back. Pure.

Paths and bodies are those of the service's contract, in the narrow form on which all of its descriptions agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from smithd.outbox.message import Kind, Message, Shown

LARGEST_BODY = 3500
"""Bytes of a body, tags apart: Apple caps what reaches a phone at 4 kB (contract section 9.4)."""

LATE = 120.0
"""Seconds after which a push says that it comes late."""

LONGEST_VALUE = 64
SHORTEST_TEXT = 16
NO_VALUE = "–"


class Family(StrEnum):
    """The endpoints that share a limit, by the service's own names (contract section 9.1)."""

    NOTIFICATIONS = "notifications"
    BADGES = "badges"
    LIVE_ACTIVITIES = "live-activities"
    METRICS = "metrics"


class Endpoint(StrEnum):
    """What can be asked of the service."""

    SEND = "POST /push-notification"
    REPLACE = "PUT /push-notification/"
    STREAM_PUT = "PUT /live-activity/stream/"
    STREAM_DELETE = "DELETE /live-activity/stream/"
    METRIC = "POST /metrics/"
    BADGE = "POST /badge"

    @property
    def family(self) -> Family:
        return _FAMILIES[self]


_FAMILIES = {
    Endpoint.SEND: Family.NOTIFICATIONS,
    Endpoint.REPLACE: Family.NOTIFICATIONS,
    Endpoint.STREAM_PUT: Family.LIVE_ACTIVITIES,
    Endpoint.STREAM_DELETE: Family.LIVE_ACTIVITIES,
    Endpoint.METRIC: Family.METRICS,
    Endpoint.BADGE: Family.BADGES,
}
_ENDPOINTS = {
    Kind.STREAM: Endpoint.STREAM_PUT,
    Kind.END: Endpoint.STREAM_DELETE,
    Kind.METRIC: Endpoint.METRIC,
    Kind.BADGE: Endpoint.BADGE,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the endpoint, the path's variable part in it, the JSON body, and the key of the message."""

    endpoint: Endpoint
    name: str
    body: bytes
    key: str

    @property
    def family(self) -> Family:
        return self.endpoint.family

    @property
    def method(self) -> str:
        return self.endpoint.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path below the base address, its variable part encoded as one segment."""
        path = self.endpoint.partition(" ")[2] + quote(self.name, safe="")
        return path + "/value" if self.endpoint is Endpoint.METRIC else path


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered; the names of ``headers`` are in lower case, ``body`` is empty where it was no use."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request failed before any of it was sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was sent, in part at least, and its answer never came, or not whole."""

    reason: str


Reply = Answer | NotSent | Unknown


def endpoint(message: Message, shown: Shown | None) -> Endpoint:
    """Where a message goes. ``shown``: what its key shows; a push takes the place of an older one that has a name."""
    if message.kind is not Kind.PUSH:
        return _ENDPOINTS[message.kind]
    return Endpoint.REPLACE if _replaceable(message, shown) else Endpoint.SEND


def request(message: Message, shown: Shown | None, channels: Sequence[str] | None, now: float, zone: tzinfo) -> Request:
    """The request for a message. ``channels``: who is told where the message does not say (None: everybody); ``now``
    and ``zone``: for a push that is late.

    Raises ValueError where no valid request can be made of it.
    """
    content = message.content
    name, where = message.name, endpoint(message, shown)
    match message.kind:
        case Kind.PUSH:
            name = _replaceable(message, shown)
            body = _push(message, where, channels, now, zone)
        case Kind.STREAM:
            body = _stream(content) | _target(content, channels)
        case Kind.END:
            body = _stream(content)
        case Kind.METRIC:
            body = _metric(message)
        case Kind.BADGE:
            body = {"badge": content["badge"]} | _target(content, channels)
    return Request(where, name, _encoded(_fitting(body)), message.key)


def _replaceable(message: Message, shown: Shown | None) -> str:
    """The service's name for the notification that this one takes the place of; empty: it is a new one."""
    if shown is None or shown.remote_id is None or not message.content.get("in_place"):
        return ""
    return shown.remote_id if shown.remote_id.strip(".") else ""  # "." and ".." are no names in a path


def _push(
    message: Message, where: Endpoint, channels: Sequence[str] | None, now: float, zone: tzinfo
) -> dict[str, Any]:
    content = message.content
    body = {name: content[name] for name in ("subtitle", "redirection") if content.get(name)}
    body["title"] = content.get("title", "").strip() or message.name.partition("{")[0].partition("@")[0] or "smithd"
    lines = [content.get("message"), _lateness(now - max(message.created, message.due), now, zone)]
    if text := "\n".join(line for line in lines if line):
        body["message"] = text
    if where is Endpoint.SEND:
        if content.get("interruption_level"):
            body["interruption_level"] = content["interruption_level"]
        body |= _target(content, channels)
    return body | _tags(content)


def _lateness(late: float, now: float, zone: tzinfo) -> str | None:
    if late < LATE:
        return None
    hours, minutes = divmod(round(late / 60), 60)
    span = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"Delivered {datetime.fromtimestamp(now, zone):%H:%M}, {span} late."


def _stream(content: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: content[name] for name in ("content_state", "action") if content.get(name) is not None}
    return deepcopy(given) | _tags(content)


def _metric(message: Message) -> dict[str, Any]:
    value = message.content["value"]
    if isinstance(value, str):
        value = _clipped(value.strip()) or NO_VALUE
    at = message.aside.get("time")
    return {"value": value} | ({"timestamp": _iso(at)} if at is not None else {})


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _target(content: Mapping[str, Any], channels: Sequence[str] | None) -> dict[str, Any]:
    wanted = content.get("channels")
    if wanted is None:
        wanted = channels
    if wanted is None:
        return {}
    if not wanted:
        raise ValueError("its list of channels is empty: it would go to everybody")
    return {"target": {"channels": list(dict.fromkeys(wanted))}}


def _tags(content: Mapping[str, Any]) -> dict[str, Any]:
    tags = content.get("tags")
    return {"tags": list(dict.fromkeys(tags))} if tags else {}


def _fitting(body: dict[str, Any]) -> dict[str, Any]:
    """The body with its longest texts cut until it is small enough, and at last without its links."""
    weighed = {name: part for name, part in body.items() if name != "tags"}
    while (excess := len(_encoded(weighed)) - LARGEST_BODY) > 0:
        longest = max(_texts(weighed), key=lambda place: len(_encoded(place[0][place[1]])), default=None)
        if longest is not None:
            holder, name = longest
            # A character takes six bytes at most: this comes near the limit in a few steps, and never cuts too much.
            length = max(SHORTEST_TEXT, len(holder[name]) - 1 - excess // 6)
            holder[name] = holder[name][: length - 1].rstrip() + "…"
        elif not (weighed.pop("action", None) or weighed.pop("redirection", None)):
            raise ValueError(f"it is {excess} bytes too large")
    return weighed | {name: body[name] for name in ("tags",) if name in body}


def _texts(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a body has texts that can be cut."""
    state = body.get("content_state", {})
    for holder in (body, state, *state.get("metrics", ())):
        for name in ("title", "subtitle", "message", "label", "value", "unit"):
            if isinstance(holder.get(name), str) and len(holder[name]) > SHORTEST_TEXT:
                yield holder, name


def _clipped(value: str) -> str:
    """A metric's text in as many characters as it may have, counted in UTF-16 as the strictest do."""
    units = value.encode("utf-16-le", "replace")
    if len(units) <= 2 * LONGEST_VALUE:
        return value
    return units[: 2 * (LONGEST_VALUE - 1)].decode("utf-16-le", "ignore").rstrip() + "…"


def _encoded(value: Any) -> bytes:
    """JSON in UTF-8; raises ValueError for a number that is none. Half a surrogate pair becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
