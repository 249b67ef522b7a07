"""How many Live Activities a phone holds at once. Pure."""

from __future__ import annotations

from smithd.simulator.audience import Audience
from smithd.simulator.exchange import Json, Refused
from smithd.simulator.state import Activity, State


def check(state: State, audience: Audience, leaving: Activity | None) -> None:
    """Refuse (429) a start where a targeted phone is full; ``leaving`` makes room by being replaced.

    This 429 carries no Retry-After: waiting does not help, ending an activity does.
    """
    active = [_active(state, name, leaving) for name in audience.names]
    full = [count for count in active if count >= state.device_limit]
    if not full:
        return
    facts: Json = {"limit": state.device_limit, "active": max(full)}
    if len(full) < len(active):
        facts |= {"blocked_devices": len(full), "targeted_devices": len(active)}
    message = f"a phone already shows {max(full)} Live Activities; end one to make room"
    raise Refused(429, "Live Activity limit reached", message, **facts)


def _active(state: State, device: str, leaving: Activity | None) -> int:
    shown = (stream.activity for stream in state.streams.values())
    return sum(activity is not None and activity is not leaving and device in activity.devices for activity in shown)
