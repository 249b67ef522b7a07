"""A timer's window: sent once, and never by mistake a second time, for that would restart it (contract section 4.4).

What is known of it is kept beside what is shown, so that a restart knows it too: once a duration went out, updates
leave it out; where the service turns out not to have the window, what remains of it is sent. A request that would take
it off the phone (an end, another type) carries it as well: it is forgotten once that was accepted, and not before.
No I/O.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from smithd.contract.values import is_number
from smithd.outbox.message import ActivityContent, Json
from smithd.outbox.shown import ShownActivity, TimerWindow

SHORTEST = 1
"""Seconds that are sent where nothing remains: a duration must be above 0, and the phone then shows a timer's end."""


def is_timer(content_state: Any) -> bool:
    """Whether a content state is that of a timer."""
    return isinstance(content_state, dict) and content_state.get("type") == "timer"


def known(shown: ShownActivity | None) -> TimerWindow | None:
    """The window that the phone shows, or may show."""
    if shown is None or shown.ended:
        return None
    if shown.content is not None and not is_timer(shown.content.content_state):
        # A Live Activity of another type took the timer's place.
        return None
    return shown.window


def placed(
    content: ActivityContent, content_state: Json, shown: ShownActivity | None, now: float
) -> tuple[dict[str, Any], TimerWindow | None]:
    """The content state to send for a timer's, and the window that the phone has if it is accepted.

    ``content.window`` names the window: another name restarts it. Without a name, another duration does. A countdown
    that ends at a time (``content.ends_at``) has the duration that is left when it is sent.
    """
    # Left out, the service might take a frozen timer to run again.
    state: dict[str, Any] = {"counts_down": True, "is_running": True, **content_state}
    if content.ends_at is not None:
        state["duration_seconds"] = max(SHORTEST, round(content.ends_at - now))
    duration, before, runs = state.get("duration_seconds"), known(shown), state["is_running"] is not False
    name = json.dumps([duration, None]) if content.window is None else content.window
    if duration is not None and (before is None or before.name != name):
        return state, TimerWindow(name, duration, now, runs) if is_number(duration) else None
    state.pop("duration_seconds", None)
    if before is None:
        return state, None
    window = replace(before, left=before.remaining(now), at=now, runs=runs, lost=False)
    # What iOS has ended is started anew, with a window of its own.
    if before.lost or (shown is not None and shown.has_lived(now)):
        state["duration_seconds"] = max(SHORTEST, round(window.left))
    return state, window
