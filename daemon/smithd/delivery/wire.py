"""The wire: a message as a request that the service's contract allows, or none. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from smithd.contract.check import Invalid, faults
from smithd.contract.endpoint import Endpoint, Family
from smithd.contract.values import clipped, encoded, is_blank
from smithd.delivery import window
from smithd.delivery.fitting import NO_VALUE, copied, fit, tidy
from smithd.outbox.message import Json, Kind, Message, Shown

LATE = 120.0
"""Seconds after which a push says that it comes late."""

BARE_END = "bare_end"
"""Aside of what is shown: its end was refused with a last state, and is asked for without one."""

_ENDPOINTS = {
    Kind.STREAM: Endpoint.STREAM_PUT,
    Kind.END: Endpoint.STREAM_DELETE,
    Kind.METRIC: Endpoint.METRIC,
    Kind.BADGE: Endpoint.BADGE,
}
_NOTIFICATION = ("subtitle", "icon", "media", "redirection", "actions", "tags", "metadata")
_STREAM = ("content_state", "action", "secondary_action", "alert", "tags", "metadata")
_KEPT: dict[str, Any] = {"tags": [], "metadata": {}}
"""What a stream or a notification keeps when it is left out, and how it is cleared (contract sections 5.3 and 7.2)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the endpoint, the variable part of its path, the JSON body, and the key of the message. There is no
    wrong one: making it raises Invalid, which names each field that the contract does not allow.

    ``aside``: what is to be remembered of it besides the message, if the service takes it.
    """

    endpoint: Endpoint
    name: str
    body: Json
    key: str
    aside: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        if found := faults(self.endpoint, self.body, self.name):
            raise Invalid(found)

    @property
    def family(self) -> Family:
        """Whose limit it counts for."""
        return self.endpoint.family

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.endpoint.method

    @property
    def path(self) -> str:
        """Its path below the base address."""
        return self.endpoint.path(self.name)

    @property
    def content(self) -> bytes:
        """Its body as it is sent."""
        return encoded(self.body)


def endpoint(message: Message, shown: Shown | None) -> Endpoint:
    """Where a message goes. ``shown``: what its key shows; a push takes the place of an older one that has a name."""
    if message.kind is not Kind.PUSH:
        return _ENDPOINTS[message.kind]
    return Endpoint.REPLACE if _replaceable(message, shown) else Endpoint.SEND


def request(message: Message, shown: Shown | None, channels: Sequence[str] | None, now: float, zone: tzinfo) -> Request:
    """The request for a message. ``channels``: who is told where the message does not say (None: everybody); ``now``
    and ``zone``: for a push that is late, and for what is left of a timer.

    Raises ValueError (Invalid among them) where no valid request can be made of it.
    """
    match message.kind:
        case Kind.PUSH:
            return _push(message, shown, channels, now, zone)
        case Kind.STREAM:
            return _stream(message, shown, channels, now)
        case Kind.END:
            return _end(message, shown)
        case Kind.METRIC:
            return Request(Endpoint.METRIC, message.name, _metric(message), message.key)
        case Kind.BADGE:
            body = _taken(message.content, ("badge",)) | _target(message.content, channels)
            return Request(Endpoint.BADGE, "", body, message.key)


def _push(message: Message, shown: Shown | None, channels: Sequence[str] | None, now: float, zone: tzinfo) -> Request:
    content, name = message.content, _replaceable(message, shown)
    body = _taken(content, _NOTIFICATION)
    for unsaid in [name for name in ("subtitle", "actions") if name in body and not body[name]]:
        del body[unsaid]
    body |= {"title": _title(message)} | _text(content.get("message"), _lateness(message, now, zone))
    if name:
        body |= {name: _KEPT[name] for name in _to_clear(content, shown)}
        return Request(Endpoint.REPLACE, name, fit(body), message.key)
    body |= _taken(content, ("interruption_level",)) | _target(content, channels)
    return Request(Endpoint.SEND, "", fit(body), message.key)


def _replaceable(message: Message, shown: Shown | None) -> str:
    """The service's name for the notification that this one takes the place of; empty: it is a new one."""
    if shown is None or shown.remote_id is None or not message.content.get("in_place"):
        return ""
    return shown.remote_id if not faults(Endpoint.REPLACE, {"title": "x"}, shown.remote_id) else ""


def _title(message: Message) -> Any:
    title = message.content.get("title", "")
    if not isinstance(title, str):
        return title
    own_name = message.name.partition("{")[0].partition("@")[0].strip()
    return copied((own_name or "smithd") if is_blank(title) else title.strip())


def _text(text: Any, lateness: str | None) -> dict[str, Any]:
    lines = [line for line in (text, lateness) if line not in (None, "")]
    if not lines:
        return {}
    return {"message": copied("\n".join(lines) if isinstance(lines[0], str) else lines[0])}


def _lateness(message: Message, now: float, zone: tzinfo) -> str | None:
    late = now - max(message.created, message.due)
    if late < LATE:
        return None
    hours, minutes = divmod(round(late / 60), 60)
    span = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"Delivered {datetime.fromtimestamp(now, zone):%H:%M}, {span} late."


def _stream(message: Message, shown: Shown | None, channels: Sequence[str] | None, now: float) -> Request:
    content = message.content
    body, aside = _taken(content, _STREAM), window.kept(shown)
    if window.is_timer(body):
        body["content_state"], placed = window.placed({**content, **body}, shown, now)
        aside = placed.aside() if placed is not None else {}
    tidy(body.get("content_state"))
    body |= {name: _KEPT[name] for name in _to_clear(content, shown)} | _target(content, channels)
    return Request(Endpoint.STREAM_PUT, message.name, fit(body), message.key, aside)


def _to_clear(content: Json, shown: Shown | None) -> Iterator[str]:
    """What is shown has, or may have, and is not to have any more."""
    if shown is None or shown.ended:
        return
    for name in _KEPT:
        if content.get(name) is None and (shown.content is None or shown.content.get(name)):
            yield name


def _end(message: Message, shown: Shown | None) -> Request:
    """The end with its last state; without one, where that cannot be sent: it must not hold its slot for ever."""
    is_bare, aside = shown is not None and shown.aside.get(BARE_END), window.kept(shown)
    try:
        body = {} if is_bare else _last(message.content)
        return Request(Endpoint.STREAM_DELETE, message.name, body, message.key, aside)
    except ValueError:
        return Request(Endpoint.STREAM_DELETE, message.name, {}, message.key, aside)


def _last(content: Json) -> dict[str, Any]:
    body = _taken(content, _STREAM)
    if window.is_timer(body):
        body["content_state"].pop("duration_seconds", None)  # it would start the window anew
    tidy(body.get("content_state"))
    return fit(body)


def _metric(message: Message) -> dict[str, Any]:
    body = _taken(message.content, ("value",))
    if isinstance(body.get("value"), str):
        body["value"] = NO_VALUE if is_blank(body["value"]) else clipped(body["value"].strip())
    if (at := message.aside.get("time")) is not None:
        body["timestamp"] = _iso(at)
    return body


def _iso(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (TypeError, OverflowError, OSError):
        raise ValueError(f"its time cannot be written: {at}") from None


def _target(content: Json, channels: Sequence[str] | None) -> dict[str, Any]:
    wanted = content.get("channels")
    if wanted is None:
        wanted = channels
    if wanted is None:
        return {}
    if not wanted:
        raise ValueError("its list of channels is empty: it would go to everybody")
    return {"target": {"channels": _each_once(wanted)}}


def _taken(content: Json, names: Sequence[str]) -> dict[str, Any]:
    """The named parts of a message's content, copied; what is None is not there."""
    taken = {name: copied(content[name]) for name in names if content.get(name) is not None}
    return taken | ({"tags": _each_once(taken["tags"])} if "tags" in taken else {})


def _each_once(items: Any) -> Any:
    is_plain = isinstance(items, list) and all(isinstance(item, str) for item in items)
    return list(dict.fromkeys(items)) if is_plain else items
