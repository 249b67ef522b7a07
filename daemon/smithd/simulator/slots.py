"""How many Live Activities a phone holds at once. No I/O."""

from __future__ import annotations

from smithd.simulator.audience import Audience
from smithd.simulator.exchange import Json, Refused
from smithd.simulator.state import ServiceState, SimulatedActivity, Stream


def check(state: ServiceState, audience: Audience, now: float, leaving: SimulatedActivity | None = None) -> None:
    """Refuse (429) a start where a targeted phone is full; ``leaving`` makes room by being replaced.

    This 429 carries no Retry-After: waiting does not help, ending an activity does.
    """
    active = [len(_on(state, name, now, leaving)) for name in audience.names]
    full = [count for count in active if count >= state.device_limit]
    if not full:
        return
    fields: Json = {"limit": state.device_limit, "active": max(full)}
    # The service says how many phones are full only where it is not all of them.
    if len(full) < len(active):
        fields |= {"blocked_devices": len(full), "targeted_devices": len(active)}
    message = f"a phone already shows {max(full)} Live Activities; end one to make room"
    raise Refused(429, "Live Activity limit reached", message, **fields)


def evict(state: ServiceState, audience: Audience, now: float) -> str | None:
    """Take the oldest activities off full phones. Returns the id of the last one (None: there was room)."""
    evicted = None
    for name in audience.names:
        # More than one has to go where the limit was lowered meanwhile.
        while len(active := _on(state, name, now)) >= state.device_limit:
            stream, oldest = min(active, key=lambda pair: pair[1].started)
            stream.activity = None
            state.legacy.pop(oldest.id, None)
            state.leave(oldest, now, dismiss_at=now)
            evicted = oldest.id
    return evicted


def _on(
    state: ServiceState, device: str, now: float, leaving: SimulatedActivity | None = None
) -> list[tuple[Stream, SimulatedActivity]]:
    """What takes a slot on this phone."""
    return [
        (stream, activity)
        for stream, activity in state.shown()
        if activity is not leaving and device in activity.devices and not activity.outlived(now)
    ]
