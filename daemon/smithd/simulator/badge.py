"""The number on the app's icon. No I/O."""

from __future__ import annotations

from smithd.simulator import contract
from smithd.simulator.audience import targeted, users
from smithd.simulator.exchange import Answer, Json, Refused, accepted, iso
from smithd.simulator.request import ServiceRequest, check_billing
from smithd.simulator.state import ServiceState


def update(state: ServiceState, request: ServiceRequest) -> Answer:
    """``POST /badge``: the number on every targeted phone, or 422 and 502 where one did not take it."""
    body = request.needed_body()
    contract.check("badge", body)
    check_billing(state, request.now)
    audience = targeted(state, request.scope, body)
    badge = int(body["badge"])
    connected = [] if state.failing else [device for device in audience.devices if device.connected]
    for device in connected:
        device.badge = badge

    # The phones that took the number keep it, though the answer is a refusal.
    if len(connected) < len(audience.devices):
        if state.failing:
            status, code, message = 502, "badge_update_failed", "Apple did not take the update"
        else:
            status, code = 422, "badge_device_disconnected"
            message = "a phone must open the app again before its badge can be set"
        more = {"badge": badge, "devices_targeted": len(audience.devices), "devices_updated": len(connected)}
        raise Refused(status, "Badge update failed", message, code=code, **more, **audience.effective)

    fields: Json = {"badge": badge, "devices_updated": len(connected), "users_updated": users(connected)}
    fields |= audience.counts | audience.effective | {"devices_targeted": len(connected), "timestamp": iso(request.now)}
    return accepted(fields, f"badge {badge}")
