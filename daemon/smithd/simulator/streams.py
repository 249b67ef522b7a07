"""Live Activities as streams: what a PUT and a DELETE do to one. No I/O."""

from __future__ import annotations

from smithd.lockscreen.content import DISMISSED_AFTER
from smithd.simulator import activities, contract, slots
from smithd.simulator.audience import Audience, check_scope, holding, is_within, targeted
from smithd.simulator.exchange import Answer, Json, Refused, accepted, iso
from smithd.simulator.request import ServiceRequest, check_billing
from smithd.simulator.state import ServiceState, SimulatedActivity, Stream


def put(state: ServiceState, request: ServiceRequest) -> Answer:
    """``PUT /live-activity/stream/{key}``: started, updated, rotated, noop or paused."""
    # A new stream is kept only when its activity starts: a refused request leaves none behind.
    stream = state.streams.get(request.param) or Stream(request.param)
    given, current = request.needed_body(), stream.activity
    body = activities.completed(given, current)
    contract.check("live-activity-stream-put", body)
    check_billing(state, request.now)
    audience = targeted(state, request.scope, body)
    # A paused stream shows nothing, so of what only a start needs, no more than the type is asked for.
    if stream.paused:
        activities.check_type(given["content_state"])
        return _answer(stream, "paused", None, audience, request.now)
    if current is not None:
        check_scope(request.scope, current.channels)
        other_type = body["content_state"]["type"] != current.content["type"]
        # What iOS has ended by itself takes no update, so a new activity takes its place too.
        rotates = other_type or audience.channels != current.channels or current.outlived(request.now)
        if not rotates:
            if not activities.update(stream, current, body, request.now):
                return _answer(stream, "noop", current, audience, request.now)
            # An update reaches the phones that have the activity, not those that came later.
            notified = holding(state, current.devices, current.channels).counts
            more = notified | {"devices_queued": 0} | activities.warning(current, state.many_updates, request.now)
            return _answer(stream, "updated", current, audience, request.now, more)
    activities.check_start(given["content_state"])
    slots.check(state, audience, request.now, leaving=current)
    # A new activity starts from what was given alone: nothing of the one before stays.
    activity = activities.start(state, stream, given, audience, request.now)
    state.streams[stream.key] = stream
    more = audience.counts | {"devices_queued": 0}
    if current is not None:
        more["previous_activity_id"] = current.id
    return _answer(stream, "rotated" if current else "started", activity, audience, request.now, more)


def delete(state: ServiceState, request: ServiceRequest) -> Answer:
    """``DELETE /live-activity/stream/{key}``: ended and forgotten; unknown ones are 404.

    So are those outside the key's scope: the contract has no 403 here.
    """
    stream = state.streams.get(request.param)
    if stream is not None and stream.activity is not None and not is_within(request.scope, stream.activity.channels):
        stream = None
    # Outside the scope it is as unknown as one that was never there, so nothing is completed from it.
    body = activities.completed(request.body or {}, stream.activity if stream else None)
    contract.check("live-activity-stream-delete", body)
    if stream is None:
        raise Refused(404, "Live Activity stream not found", f"there is no stream {request.param}, or it ended")
    activity, now = stream.activity, request.now
    del state.streams[request.param]
    fields: Json = {"operation": "ended", "stream_key": request.param, "activity_id": None, "timestamp": iso(now)}
    if activity is not None:
        fields |= {"activity_id": activity.id} | ended(state, activity, body, now, DISMISSED_AFTER)
    title = activity.content["title"] if activity else "nothing was shown"
    return accepted(fields, f"ended: {title}")


def ended(state: ServiceState, activity: SimulatedActivity, body: Json, now: float, dismiss_after: float) -> Json:
    """End the activity. Returns what the answer says of the phones, which ignore it where iOS had ended it before."""
    notified = len(holding(state, activity.devices, activity.channels).devices)
    if activities.end(state, activity, body, now, dismiss_after):
        return {"devices_notified": notified, "devices_queued": 0}
    return {"ignored": True, "message": "iOS had ended it already", "devices_notified": 0, "devices_queued": 0}


def _answer(
    stream: Stream,
    operation: str,
    activity: SimulatedActivity | None,
    audience: Audience,
    now: float,
    more: Json | None = None,
) -> Answer:
    fields: Json = {
        "operation": operation,
        "stream_key": stream.key,
        "activity_id": activity.id if activity else None,
        "tags": stream.tags,
        "timestamp": iso(now),
    }
    warned = f" (warning: {more['warning']})" if more and "warning" in more else ""
    title = activity.content["title"] if activity else "nothing is shown until it is resumed in the app"
    return accepted(fields | audience.effective | (more or {}), f"{operation}: {title}{warned}")
