"""One Live Activity: what a request to start, update or end it must say, and what it does to it. No I/O.

Its content is replaced as a whole: no source says that a field which is left out stays. Two things are known to stay,
the type and (of segmented progress) the number of steps.
"""

from __future__ import annotations

from typing import Any

from smithd.lockscreen.content import lingers
from smithd.simulator import timer
from smithd.simulator.audience import Audience
from smithd.simulator.exchange import Json, Refused
from smithd.simulator.state import ServiceState, SimulatedActivity, Stream

# The service warns of an activity that got many updates, and more than one in so many seconds on average (contract
# section 9.3).
CALM_INTERVAL = 120

_STAYS = ("type", "number_of_steps")


def completed(body: Json, running: SimulatedActivity | None) -> Json:
    """The body with what the service knows of the running activity and the request leaves out."""
    content = body.get("content_state")
    if running is None or not isinstance(content, dict):
        return body
    before = running.content
    # Another type makes a new activity, for which nothing of the old one is known.
    if content.get("type", before["type"]) != before["type"]:
        return body
    known = {name: before[name] for name in _STAYS if name in before}
    return body | {"content_state": known | content}


def check_type(content: Json) -> None:
    """Refuse (400) content without a type, where the service knows of none."""
    if "type" not in content:
        raise _lacking("type")


def _lacking(name: str) -> Refused:
    return Refused(400, "Invalid content_state", f"content_state.{name} is required to start a Live Activity")


def check_start(content: Json) -> None:
    """Refuse (400) content that lacks what only a start needs; afterwards the service knows it."""
    check_type(content)
    missing = None
    match content["type"]:
        case "segmented_progress" if "number_of_steps" not in content:
            missing = "number_of_steps"
        # Only a timer that counts down, as it does by default, needs a length.
        case "timer" if "duration_seconds" not in content and content.get("counts_down", True):
            missing = "duration_seconds"
    if missing:
        raise _lacking(missing)


def start(state: ServiceState, stream: Stream, body: Json, audience: Audience, now: float) -> SimulatedActivity:
    """A new activity in the stream, on the audience's phones."""
    stream.activity = SimulatedActivity(
        id=state.new_id("la"),
        content=body["content_state"],
        devices=audience.names,
        channels=audience.channels,
        started=now,
        changed=now,
        action=body.get("action"),
        secondary_action=body.get("secondary_action"),
        alert=body.get("alert"),
        timer=timer.moved(None, body["content_state"], now),
    )
    label(stream, body)
    return stream.activity


def update(stream: Stream, activity: SimulatedActivity, body: Json, now: float) -> bool:
    """Show other content; False where nothing would change, and nothing is sent then."""
    # Tags and metadata stay on the server, so they change also where nothing is sent to a phone.
    label(stream, body)
    content = body["content_state"]
    shown = [activity.content, activity.action, activity.secondary_action]
    is_same = _is_same(shown, [content, body.get("action"), body.get("secondary_action")])
    # A duration restarts the timer's window, so it always changes something.
    if is_same and "duration_seconds" not in content and body.get("alert") in (None, activity.alert):
        return False

    activity.content = content
    activity.action, activity.secondary_action = body.get("action"), body.get("secondary_action")
    activity.alert = body.get("alert")
    activity.timer = timer.moved(activity.timer, activity.content, now)
    activity.updates += 1
    activity.changed = now
    return True


def warning(activity: SimulatedActivity, many: int, now: float) -> Json:
    """What an answer warns of: nothing, or that iOS may hold back an activity that is updated all the time. ``many``:
    how many updates are none too many.
    """
    # A control order may have set the clock back.
    passed = max(0.0, now - activity.started)
    if activity.updates <= many or activity.updates * CALM_INTERVAL <= passed:
        return {}
    text = (
        f"{activity.updates} updates in {passed:.0f} s: iOS may show fewer of them; "
        f"for long, send at most one in {CALM_INTERVAL} s"
    )
    return {"warning": text}


def end(state: ServiceState, activity: SimulatedActivity, body: Json, now: float, dismiss_after: float) -> bool:
    """The phone keeps the last state until it is dismissed; what the end leaves out stays as it was.

    ``dismiss_after``: seconds, where the content does not say. Returns False where iOS had ended it by itself: the
    phone ignores it then.
    """
    if activity.outlived(now):
        state.leave(activity, now)
        return False
    if "content_state" in body:
        activity.content = body["content_state"]
        activity.timer = timer.moved(activity.timer, activity.content, now)
    activity.action = body.get("action", activity.action)
    activity.secondary_action = body.get("secondary_action", activity.secondary_action)
    state.leave(activity, now, dismiss_at=now + lingers(activity.content, dismiss_after))
    return True


def label(stream: Stream, body: Json) -> None:
    """Tags and metadata are kept when left out, and cleared by empty ones."""
    stream.tags = list(dict.fromkeys(body.get("tags", stream.tags)))
    stream.metadata = body.get("metadata", stream.metadata)


def _is_same(one: Any, other: Any) -> bool:
    """Whether this is the same JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
