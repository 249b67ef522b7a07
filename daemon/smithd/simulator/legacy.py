"""Live Activities by the legacy calls, which name them by their ids: start, update, end. No I/O."""

from __future__ import annotations

from smithd.simulator import activities, contract, slots, streams
from smithd.simulator.audience import Audience, check_scope, holding, targeted
from smithd.simulator.exchange import Answer, Json, Refused, accepted, iso
from smithd.simulator.request import ServiceRequest, check_billing
from smithd.simulator.state import ServiceState, SimulatedActivity, Stream, WhenFull

DISMISS_AFTER = 180.0


def start(state: ServiceState, request: ServiceRequest) -> Answer:
    """``POST /live-activity/start``: a new activity, however often the same is sent."""
    body = request.needed_body()
    contract.check("live-activity-start", body)
    check_billing(state, request.now)
    activities.check_start(body["content_state"])
    audience = targeted(state, request.scope, body)
    evicted = slots.evict(state, audience, request.now) if state.when_full is WhenFull.EVICT else None
    slots.check(state, audience, request.now)
    stream = Stream("")
    activity = activities.start(state, stream, body, audience, request.now)
    state.legacy[activity.id] = stream
    fields: Json = {"activity_id": activity.id, "tags": stream.tags, "timestamp": iso(request.now)}
    if evicted is not None:
        fields["ended_activity_id"] = evicted
    room = "" if evicted is None else f" ({evicted} was ended to make room)"
    return accepted(fields | audience.counts | audience.effective, f"started: {activity.content['title']}{room}")


def update(state: ServiceState, request: ServiceRequest) -> Answer:
    """``POST /live-activity/update``: other content. A stream's activity can be named too; another type rotates it."""
    stream, activity, body = _named(state, request, "live-activity-update")
    now = request.now
    fields: Json = {}
    operation = "updated"
    other_type = body["content_state"]["type"] != activity.content["type"]
    begins_anew = other_type or activity.outlived(now)
    if begins_anew:
        activities.check_start(request.needed_body()["content_state"])
    # Only a stream rotates: its key stays, and names the new activity. The legacy calls have nothing but the old id.
    if begins_anew and stream.key:
        slots.check(state, _audience(state, activity), now, leaving=activity)
        operation, fields["previous_activity_id"] = "rotated", activity.id
        activity = activities.start(state, stream, body, _audience(state, activity), now)
    else:
        activities.update(stream, activity, body, now)
    if stream.key:
        fields |= {"operation": operation, "stream_key": stream.key}
    fields |= {"activity_id": activity.id, "tags": stream.tags, "devices_queued": 0, "timestamp": iso(now)}
    audience = _audience(state, activity)
    return accepted(fields | audience.counts | audience.effective, f"{operation}: {activity.content['title']}")


def end(state: ServiceState, request: ServiceRequest) -> Answer:
    """``POST /live-activity/end``: ended, or ignored where it already was."""
    named = (request.body or {}).get("activity_id")
    # The body is not checked yet, so ``activity_id`` may be anything.
    if isinstance(named, str) and named in state.ended:
        contract.check("live-activity-end", activities.completed(request.needed_body(), state.ended[named]))
        check_scope(request.scope, state.ended[named].channels)
        fields: Json = {"activity_id": named, "ignored": True, "message": "it had already ended"}
        return accepted(fields | {"timestamp": iso(request.now)}, "ignored: it had already ended")
    stream, activity, body = _named(state, request, "live-activity-end")
    fields = {"activity_id": activity.id, "timestamp": iso(request.now)}
    fields |= streams.ended(state, activity, body, request.now, DISMISS_AFTER)
    activities.label(stream, body)
    state.legacy.pop(activity.id, None)
    stream.activity = None
    return accepted(fields, f"ended: {activity.content['title']}")


def _named(state: ServiceState, request: ServiceRequest, endpoint: str) -> tuple[Stream, SimulatedActivity, Json]:
    """The activity that a sound body names, with its stream, and the body completed.

    Raises Refused: 400 for the body, 403 for another account's activity or one outside the key's scope. For an unknown
    one neither 400 nor 404 is documented, and one of them must come.
    """
    body = request.needed_body()
    named = body.get("activity_id")
    stream, activity = next((pair for pair in state.shown() if pair[1].id == named), (None, None))
    body = activities.completed(body, activity)
    contract.check(endpoint, body)
    # After the body's own faults: the documented 403 and our 404 are answers to a sound request.
    if named in state.of_other_accounts:
        raise Refused(403, "Forbidden", f"{named} is an activity of another account")
    if stream is None or activity is None:
        raise Refused(404, "Live Activity not found", f"there is no activity {named}, or it ended")
    check_scope(request.scope, activity.channels)
    return stream, activity, body


def _audience(state: ServiceState, activity: SimulatedActivity) -> Audience:
    """The phones that the activity is on."""
    return holding(state, activity.devices, activity.channels and sorted(activity.channels))
