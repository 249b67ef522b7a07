"""The wire: a message as a request that the service's contract allows, or none. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from smithd.contract.check import Invalid, faults
from smithd.contract.endpoint import Endpoint, Family
from smithd.contract.values import clipped, encoded, is_blank
from smithd.delivery import window
from smithd.delivery.fitting import NO_VALUE, copied, fit, shown_text, tidy
from smithd.formatting import zoned
from smithd.keys import Key
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    EdgeMessage,
    Json,
    Message,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.shown import Shown, ShownActivity, ShownPush, TimerWindow

LATE = 120.0
"""Seconds after which a push says that it comes late."""

_NOTIFICATION = ("subtitle", "icon", "media", "redirection", "actions", "tags", "metadata")
_STREAM = ("content_state", "action", "secondary_action", "tags", "metadata")
"""Not ``alert``: what it does is not documented, and notifications are pushes (contract section 4.7)."""
_KEPT: dict[str, Any] = {"tags": [], "metadata": {}}
"""What a stream or a notification keeps when it is left out, and how it is cleared (contract sections 5.3 and 7.2)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the endpoint, the variable part of its path, the JSON body, and the key of the message. There is no
    wrong one: making it raises Invalid, which names each field that the contract does not allow.

    ``window``: that of the timer which the phone shows if the service accepts it; ``is_plain``: it is a push in its
    plainest text; ``is_probe``: it is to find out soon, and on a new connection, whether the service answers;
    ``is_late``: it has waited for too long.
    """

    endpoint: Endpoint
    name: str
    body: Json
    key: Key
    window: TimerWindow | None = None
    is_plain: bool = False
    is_probe: bool = False
    is_late: bool = False

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

    @property
    def sets_window(self) -> bool:
        """Whether it starts a timer's window."""
        return self.window is not None and "duration_seconds" in self.body["content_state"]

    @property
    def leaves_out_window(self) -> bool:
        """Whether it leaves out the window of a timer that the phone is taken to have."""
        is_timer = window.is_timer(self.body.get("content_state"))
        return self.window is not None and is_timer and not self.sets_window


def endpoint(message: Message, shown: Shown | None) -> Endpoint:
    """Where a message goes. ``shown``: what its key shows; an update replaces an older push that has a name."""
    match message:
        case WidgetValue():
            return Endpoint.METRIC
        case ActivityState():
            return Endpoint.STREAM_PUT
        case ActivityEnd():
            return Endpoint.STREAM_DELETE
        case BadgeCount():
            return Endpoint.BADGE
    return Endpoint.REPLACE if _replaceable(message, shown) else Endpoint.SEND


def request(
    message: Message,
    shown: Shown | None,
    channels: Sequence[str] | None,
    now: float,
    zone: tzinfo,
    *,
    is_plain: bool = False,
) -> Request:
    """The request for a message. ``channels``: who gets it where the message does not say (None: everybody); ``now``
    and ``zone``: for a push that is late, and for what is left of a timer; ``is_plain``: of a push, its plainest text.

    Raises ValueError (Invalid among them) where no valid request can be made of it.
    """
    activity = shown if isinstance(shown, ShownActivity) else None
    match message:
        case ActivityState():
            return _state(message, activity, channels, now)
        case ActivityEnd():
            return _end(message, activity)
        case WidgetValue():
            return Request(Endpoint.METRIC, message.key.name, _value(message), message.key)
        case BadgeCount():
            body = {"badge": copied(message.count)} | _target(message.channels, channels)
            return Request(Endpoint.BADGE, "", body, message.key)
    return _push(message, shown, channels, now, zone, is_plain=is_plain)


def _push(
    message: EdgeMessage,
    shown: Shown | None,
    channels: Sequence[str] | None,
    now: float,
    zone: tzinfo,
    *,
    is_plain: bool,
) -> Request:
    content, name = message.content.plainest if is_plain else message.content, _replaceable(message, shown)
    body = _taken(content, _NOTIFICATION)
    if "subtitle" in body:
        body["subtitle"] = shown_text(content.subtitle)
    # Empty, these two mean the same as left out; an empty list of actions would be refused.
    for empty in [part for part in ("subtitle", "actions") if part in body and not body[part]]:
        del body[empty]
    title = body["title"] = shown_text(content.title)
    if isinstance(title, str):
        # A notification must have a title: its group's name stands in for a blank one.
        own_name = message.key.group.partition("{")[0].strip() or "smithd"
        body["title"] = own_name if is_blank(title) else title.strip()
    text = shown_text(content.message)
    lines = [] if text in (None, "") else [text]
    late = now - max(message.created, message.due)
    if late >= LATE:
        hours, minutes = divmod(round(late / 60), 60)
        span = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        lines.append(f"Delivered {zoned(now, zone, '%H:%M')}, {span} late.")
    if lines:
        # What is no text is left as it is, for the contract's check to refuse.
        body["message"] = "\n".join(map(str, lines)) if isinstance(lines[0], str) else lines[0]
    if name:
        before = shown.content if isinstance(shown, ShownPush) else None
        # The plainest text asks for nothing that could be refused.
        if not is_plain:
            body |= {name: _KEPT[name] for name in _to_clear(content, before)}
        return Request(Endpoint.REPLACE, name, fit(body), message.key, is_plain=is_plain)
    body |= _taken(content, ("interruption_level",)) | _target(content.channels, channels)
    return Request(Endpoint.SEND, "", fit(body), message.key, is_plain=is_plain)


def _replaceable(message: EdgeMessage, shown: Shown | None) -> str:
    """The service's name for the notification that this one replaces; empty: it is a new one."""
    if not isinstance(message, PushUpdate) or not isinstance(shown, ShownPush) or shown.notification_id is None:
        return ""
    return shown.notification_id if not faults(Endpoint.REPLACE, {"title": "x"}, shown.notification_id) else ""


def _state(message: ActivityState, shown: ShownActivity | None, channels: Sequence[str] | None, now: float) -> Request:
    content = message.content
    body, having = _taken(content, _STREAM), window.known(shown)
    if window.is_timer(body.get("content_state")):
        body["content_state"], having = window.placed(content, body["content_state"], shown, now)
    tidy(body.get("content_state"))
    if shown is not None and not shown.ended:
        body |= {name: _KEPT[name] for name in _to_clear(content, shown.content)}
    body |= _target(content.channels, channels)
    return Request(Endpoint.STREAM_PUT, message.key.name, fit(body), message.key, having)


def _to_clear(content: ActivityContent | PushContent, before: ActivityContent | PushContent | None) -> Iterator[str]:
    """What is shown has, or may have, and is not to have any more."""
    for name in _KEPT:
        if getattr(content, name) is None and (before is None or getattr(before, name)):
            yield name


def _end(message: ActivityEnd, shown: ShownActivity | None) -> Request:
    """The end with its final state; without one, where that cannot be sent: it must not hold its slot for ever."""
    having, bare = window.known(shown), shown is not None and shown.bare_end
    try:
        body = {} if bare else _taken(message.content, _STREAM)
        if not message.content.content_state:
            body.pop("content_state", None)
        if window.is_timer(body.get("content_state")):
            # With a duration, the end would start the timer's window anew.
            body["content_state"].pop("duration_seconds", None)
        tidy(body.get("content_state"))
        return Request(Endpoint.STREAM_DELETE, message.key.name, fit(body), message.key, having)
    except ValueError:
        return Request(Endpoint.STREAM_DELETE, message.key.name, {}, message.key, having)


def _value(message: WidgetValue) -> dict[str, Any]:
    value = shown_text(message.value)
    if isinstance(value, str):
        value = NO_VALUE if is_blank(value) else clipped(value.strip())
    if message.time is None:
        return {"value": value}
    try:
        time = datetime.fromtimestamp(message.time, UTC).isoformat(timespec="milliseconds")
    except (TypeError, OverflowError, OSError):
        raise ValueError(f"its time cannot be written: {message.time}") from None
    return {"value": value, "timestamp": time.replace("+00:00", "Z")}


def _target(own: Sequence[str] | None, channels: Sequence[str] | None) -> dict[str, Any]:
    wanted = channels if own is None else own
    if wanted is None:
        return {}
    if not wanted:
        raise ValueError("its list of channels is empty: it would go to everybody")
    return {"target": {"channels": _each_once(wanted)}}


def _taken(content: ActivityContent | PushContent, names: Sequence[str]) -> dict[str, Any]:
    """The named parts of a message's content, copied; what is None is not there."""
    taken = {name: copied(part) for name in names if (part := getattr(content, name)) is not None}
    return taken | ({"tags": _each_once(taken["tags"])} if "tags" in taken else {})


def _each_once(items: Any) -> Any:
    is_plain = isinstance(items, list | tuple) and all(isinstance(item, str) for item in items)
    return list(dict.fromkeys(items)) if is_plain else items
