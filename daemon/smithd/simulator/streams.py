"""Live Activities as streams: what a PUT and a DELETE do to one. Pure.

A stream's content is replaced as a whole: no source says that a field which is left out stays. Two things are known
to stay, the type and (of segmented progress) the number of steps.
"""

from __future__ import annotations

from smithd.simulator import contract, slots, timer
from smithd.simulator.audience import Audience, targeted
from smithd.simulator.exchange import Answer, Json, Refused, accepted, iso
from smithd.simulator.request import Request, check_billing
from smithd.simulator.state import Activity, State, Stream

DISMISS_AFTER = 120
LONGEST_AFTER_END = 4 * 3600
MANY_UPDATES = 12
CALM_INTERVAL = 120

_STAYS = ("type", "number_of_steps")


def put(state: State, request: Request) -> Answer:
    """``PUT /live-activity/stream/{key}``: started, updated, rotated, noop or paused."""
    stream = state.streams.get(request.param) or Stream(request.param)
    body = _completed(request.needed_body(), stream)
    contract.check("live-activity-stream-put", body)
    check_billing(state)
    audience = targeted(state, request.scope, body)
    if stream.paused:
        return _answer(stream, "paused", None, audience, request.now)
    current = stream.activity
    if current is not None and not _rotates(current, body, audience):
        return _update(stream, current, body, audience, request.now)
    _check_start(body["content_state"])
    slots.check(state, audience, leaving=current)
    return _start(state, stream, body, audience, request.now)


def delete(state: State, request: Request) -> Answer:
    """``DELETE /live-activity/stream/{key}``: ended and forgotten; unknown ones are 404."""
    stream = state.streams.get(request.param)
    body = _completed(request.body or {}, stream)
    contract.check("live-activity-stream-delete", body)
    if stream is None:
        raise Refused(404, "Live Activity stream not found", f"there is no stream {request.param}, or it ended")
    del state.streams[stream.key]
    activity, now = stream.activity, request.now
    facts: Json = {"operation": "ended", "stream_key": stream.key, "activity_id": None, "timestamp": iso(now)}
    if activity is not None:
        _end(state, activity, body, now)
        facts |= {"activity_id": activity.id, "devices_notified": len(activity.devices), "devices_queued": 0}
    title = activity.content["title"] if activity else "nothing was shown"
    return accepted(facts, f"ended: {title}")


def _completed(body: Json, stream: Stream | None) -> Json:
    """The body with what the service knows of the running activity and the request leaves out."""
    content = body.get("content_state")
    if stream is None or stream.activity is None or not isinstance(content, dict):
        return body
    before = stream.activity.content
    if content.get("type", before["type"]) != before["type"]:
        return body
    known = {name: before[name] for name in _STAYS if name in before}
    return body | {"content_state": known | content}


def _rotates(current: Activity, body: Json, audience: Audience) -> bool:
    return body["content_state"]["type"] != current.content["type"] or _channels(audience) != current.channels


def _channels(audience: Audience) -> frozenset[str] | None:
    return None if audience.slugs is None else frozenset(audience.slugs)


def _check_start(content: Json) -> None:
    """What only a start needs; afterwards the service knows it."""
    missing = None
    match content.get("type"):
        case None:
            missing = "type"
        case "segmented_progress" if "number_of_steps" not in content:
            missing = "number_of_steps"
        case "timer" if "duration_seconds" not in content and content.get("counts_down", True):
            missing = "duration_seconds"
    if missing:
        raise Refused(400, "Invalid content_state", f"content_state.{missing} is required to start a Live Activity")


def _start(state: State, stream: Stream, body: Json, audience: Audience, now: float) -> Answer:
    old = stream.activity
    stream.activity = Activity(
        id=state.new_id("la"),
        content=body["content_state"],
        devices=audience.names,
        channels=_channels(audience),
        started=now,
        changed=now,
        action=body.get("action"),
        secondary_action=body.get("secondary_action"),
        alert=body.get("alert"),
        timer=timer.moved(None, body["content_state"], now),
    )
    state.streams[stream.key] = stream
    _label(stream, body)
    more: Json = audience.counts | {"devices_queued": 0}
    if old is not None:
        more["previous_activity_id"] = old.id
    return _answer(stream, "rotated" if old else "started", stream.activity, audience, now, more)


def _update(stream: Stream, activity: Activity, body: Json, audience: Audience, now: float) -> Answer:
    _label(stream, body)
    if _is_equal(activity, body):
        return _answer(stream, "noop", activity, audience, now)
    activity.content = body["content_state"]
    activity.action, activity.secondary_action = body.get("action"), body.get("secondary_action")
    activity.alert = body.get("alert")
    activity.timer = timer.moved(activity.timer, activity.content, now)
    activity.updates += 1
    activity.changed = now
    more: Json = audience.counts | {"devices_queued": 0}
    if activity.updates > MANY_UPDATES and activity.updates * CALM_INTERVAL > now - activity.started:
        more["warning"] = (
            f"{activity.updates} updates in {now - activity.started:.0f} s: iOS may show fewer of them; "
            f"for long, send at most one in {CALM_INTERVAL} s"
        )
    return _answer(stream, "updated", activity, audience, now, more)


def _is_equal(activity: Activity, body: Json) -> bool:
    """Whether nothing would change. A duration restarts its window, so it always changes something."""
    if "duration_seconds" in body["content_state"]:
        return False
    if body.get("alert") not in (None, activity.alert):
        return False
    shown = (activity.content, activity.action, activity.secondary_action)
    return shown == (body["content_state"], body.get("action"), body.get("secondary_action"))


def _end(state: State, activity: Activity, body: Json, now: float) -> None:
    """The phone keeps the last state until it is dismissed; what the end leaves out stays as it was."""
    activity.timer = timer.ended(activity.timer, body.get("content_state", {}), now)
    activity.content = body.get("content_state", activity.content)
    activity.action = body.get("action", activity.action)
    activity.secondary_action = body.get("secondary_action", activity.secondary_action)
    activity.ended = activity.changed = now
    activity.dismiss_at = now + min(_dismissed_after(activity.content), LONGEST_AFTER_END)
    state.ended = [past for past in state.ended if past.dismiss_at is None or past.dismiss_at > now] + [activity]


def _dismissed_after(content: Json) -> float:
    """Seconds from the end to the dismissal; seconds win over minutes."""
    if "auto_dismiss_seconds" in content:
        return float(content["auto_dismiss_seconds"])
    return float(content.get("auto_dismiss_minutes", DISMISS_AFTER / 60)) * 60


def _label(stream: Stream, body: Json) -> None:
    """Tags and metadata are kept when left out, and cleared by empty ones."""
    stream.tags = list(dict.fromkeys(body.get("tags", stream.tags)))
    stream.metadata = body.get("metadata", stream.metadata)


def _answer(
    stream: Stream, operation: str, activity: Activity | None, audience: Audience, now: float, more: Json | None = None
) -> Answer:
    facts: Json = {
        "operation": operation,
        "stream_key": stream.key,
        "activity_id": activity.id if activity else None,
        "tags": stream.tags,
        "timestamp": iso(now),
    }
    warned = f" (warning: {more['warning']})" if more and "warning" in more else ""
    title = activity.content["title"] if activity else "nothing is shown until it is resumed in the app"
    return accepted(facts | audience.effective | (more or {}), f"{operation}: {title}{warned}")
