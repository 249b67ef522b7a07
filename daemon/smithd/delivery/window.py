"""A timer's window: sent once, and never by mistake a second time, for that would restart it (contract section 4.4).

What is known of it is kept beside what is shown, so that a restart knows it too: once a duration went out, updates
leave it out; where the service turns out not to have the window, what remains of it is sent. What would take it off the
phone (an end, another type) travels with it as well: it is forgotten once that was taken, and not before. Pure.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from smithd.contract.values import is_number
from smithd.outbox.message import Json, Shown

ASIDE = "window"
"""Where a window is kept in what travels aside."""

SHORTEST = 1
"""Seconds that are sent where nothing remains: a duration must be above 0, and the phone then shows a timer's end."""


@dataclass(frozen=True, slots=True)
class Window:
    """A timer's window. ``name`` tells it from an earlier one, ``left`` seconds were left ``at`` (since 1970), and they
    run out if it ``runs``. ``lost``: the service does not have it.
    """

    name: str
    left: float
    at: float
    runs: bool
    lost: bool = False

    def remaining(self, now: float) -> float:
        """The seconds that are left."""
        ran = max(0.0, now - self.at) if self.runs else 0.0
        return max(0.0, self.left - ran)

    def aside(self) -> Json:
        """As it is kept."""
        return {ASIDE: asdict(self)}


def is_timer(body: Json) -> bool:
    """Whether a body, or a message's content, is that of a timer."""
    state = body.get("content_state")
    return isinstance(state, dict) and state.get("type") == "timer"


def known(shown: Shown | None) -> Window | None:
    """The window that the phone shows, or may show."""
    if shown is None or shown.ended or ASIDE not in shown.aside:
        return None
    if shown.content is not None and not is_timer(shown.content):
        return None  # another type took the timer's place
    try:
        return Window(**shown.aside[ASIDE])
    except TypeError:  # another version wrote it
        return None


def kept(shown: Shown | None) -> Json:
    """What travels aside of a request that says nothing of the window: the one there is, which it may fail to end."""
    window = known(shown)
    return {} if window is None else window.aside()


def placed(content: Json, shown: Shown | None, now: float) -> tuple[dict[str, Any], Window | None]:
    """The content state to send for a timer's content, and the window that the phone has if it is taken.

    ``content["window"]``, if there is one, names the window: another name, or duration, restarts it.
    """
    # Unsaid, the service might take a frozen timer to run again.
    state: dict[str, Any] = {"counts_down": True, "is_running": True, **content["content_state"]}
    duration, before, runs = state.get("duration_seconds"), known(shown), state["is_running"] is not False
    name = json.dumps([duration, content.get("window")])
    if duration is not None and (before is None or before.name != name):
        return state, Window(name, duration, now, runs) if is_number(duration) else None
    state.pop("duration_seconds", None)
    if before is None:
        return state, None
    window = replace(before, left=before.remaining(now), at=now, runs=runs, lost=False)
    if before.lost:
        state["duration_seconds"] = max(SHORTEST, round(window.left))
    return state, window


def is_left_out(body: Json, aside: Json) -> bool:
    """Whether a timer's request leaves out the window that the phone is taken to have."""
    return ASIDE in aside and is_timer(body) and not is_sent(body, aside)


def is_sent(body: Json, aside: Json) -> bool:
    """Whether a request sets a window."""
    return ASIDE in aside and "duration_seconds" in body["content_state"]


def lost(aside: Json) -> Json:
    """What to remember where the service turns out not to have the window of a request with this aside."""
    return {ASIDE: {**aside[ASIDE], "lost": True}}
