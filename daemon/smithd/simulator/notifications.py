"""Push notifications: sent, and replaced in place. No I/O."""

from __future__ import annotations

import dataclasses

from smithd.simulator import contract
from smithd.simulator.audience import Audience, check_scope, holding, not_empty, targeted
from smithd.simulator.exchange import Answer, Json, Refused, accepted, iso
from smithd.simulator.request import ServiceRequest, check_billing
from smithd.simulator.state import ServiceState, SimulatedNotification

_SHOWN = ("title", "subtitle", "message", "icon", "media", "redirection", "actions", "payload")


def send(state: ServiceState, request: ServiceRequest) -> Answer:
    """``POST /push-notification``: a new notification, however often the same is sent."""
    body = request.needed_body()
    contract.check("push-notification-send", body)
    check_billing(state, request.now)
    audience = targeted(state, request.scope, body)
    notification = made(state.new_id("pn"), body, audience, request.now)
    details = audience.counts | audience.effective | {"devices_targeted": len(audience.devices)}
    # 200 without success: the service took it, and Apple did for no phone. It is not remembered, so that it can neither
    # be seen nor replaced.
    if state.failing:
        why = "Apple took it for no phone"
        undelivered = {"success": False, "devices_notified": 0, "users_notified": 0, "message": why}
        answer = _answer(notification, details, request.now, why)
        return dataclasses.replace(answer, body=answer.body | undelivered)
    state.remember(notification)
    return _answer(notification, details, request.now, f"push {notification.id}")


def replace(state: ServiceState, request: ServiceRequest) -> Answer:
    """``PUT /push-notification/{id}``: other content in its place, silently, for the same people."""
    body = request.needed_body()
    contract.check("push-notification-replace", body)
    check_billing(state, request.now)
    notification = state.notifications.get(request.param)
    if notification is None:
        raise Refused(404, "Notification not found", f"there is no notification {request.param}")
    check_scope(request.scope, notification.channels)
    audience = not_empty(holding(state, notification.devices, notification.channels))
    if not notification.replaceable:
        raise Refused(409, "Notification not replaceable", f"{request.param} can no longer be replaced")
    notification.content = _shown(body)
    notification.replaced = request.now
    notification.tags = list(dict.fromkeys(body.get("tags", notification.tags)))
    notification.metadata = body.get("metadata", notification.metadata)
    return _answer(notification, audience.counts | audience.effective, request.now, f"replaced {notification.id}")


def made(id: str, body: Json, audience: Audience, now: float) -> SimulatedNotification:  # noqa: A002 - the service's word
    """The notification that this body makes for this audience."""
    return SimulatedNotification(
        id=id,
        content=_shown(body),
        devices=audience.names,
        channels=audience.slugs,
        sent=now,
        interruption_level=body.get("interruption_level", "active"),
        tags=list(dict.fromkeys(body.get("tags", ()))),
        metadata=body.get("metadata", {}),
    )


def _shown(body: Json) -> Json:
    return {name: body[name] for name in _SHOWN if name in body}


def _answer(notification: SimulatedNotification, details: Json, now: float, done: str) -> Answer:
    fields = {"notification_id": notification.id, "tags": notification.tags, "timestamp": iso(now)}
    return accepted(fields | details, f"{done}: {notification.content['title']}")
