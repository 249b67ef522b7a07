"""What every handler is given: a request that was let in, read, and whose path is sound. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from smithd.simulator.exchange import Json, Refused, iso
from smithd.simulator.state import Billing, ServiceState


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """``param``: the decoded path parameter; ``body``: None where there was none; ``scope``: the channels that the
    key is confined to (None: no limits); ``now``: seconds since 1970."""

    param: str
    body: Json | None
    scope: tuple[str, ...] | None
    now: float

    def needed_body(self) -> Json:
        """The body of an endpoint that must have one. Raises Refused (400)."""
        if self.body is None:
            raise Refused(400, "Invalid request body", "the body must be a JSON object")
        return self.body


_REASONS = {
    Billing.TRIAL_EXPIRED: "the trial is over",
    Billing.TRIAL_EXHAUSTED: "the allowance of the trial is used up",
    Billing.OVERAGE_CAP_REACHED: "the cap on overage is reached",
}


_TRIAL = 14 * 86400


def check_billing(state: ServiceState, now: float) -> None:
    """Refuse (402) what costs money while the account may not send. A trial is over just now, or halfway."""
    if state.billing is None:
        return
    more: Json = {"upgrade_url": "https://activitysmith.com/billing"}
    if state.billing is not Billing.OVERAGE_CAP_REACHED:
        ends = now if state.billing is Billing.TRIAL_EXPIRED else now + _TRIAL / 2
        more["trial_period"] = {"started_at": iso(ends - _TRIAL), "ends_at": iso(ends)}
    raise Refused(402, state.billing, _REASONS[state.billing], **more)
