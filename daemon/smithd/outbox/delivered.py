"""What became of a request, or of a message that was given up: an entry of the journal of deliveries. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeliveryOutcome(StrEnum):
    """What became of a request; the last two are of messages that no request is made of any more."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"
    EXPIRED = "expired"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Delivered:
    """``at`` (seconds since 1970) the end of a request, or of a message that was given up, was known.

    ``key``: the text of the message's; ``endpoint``: where the request went ("": there was none), ``seconds`` how long
    it took; ``operation``: the service's own word where it accepted; ``status``: that of an answer which did not.
    ``detail``: why it was not accepted, for a person; ``is_final``: it is not tried again.
    """

    at: float
    account: str
    key: str
    endpoint: str
    outcome: str
    operation: str
    status: int | None
    seconds: float | None
    detail: str
    is_final: bool
