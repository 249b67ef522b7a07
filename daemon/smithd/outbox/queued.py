"""What the outbox holds of a message that waits or is in flight, and of the requests that were sent. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass

from smithd.outbox.message import LATE_ARRIVAL, Message, Priority, Push, PushUpdate, WidgetValue
from smithd.outbox.settlement import DeliveryReason, Wait
from smithd.outbox.shown import Shown


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits. ``id`` is its age: lower is older. ``retry_at``: the sender's own wait (seconds since
    1970), apart from the message's ``due``.

    ``wait``: what may end it early; ``attempts``: tries without an answer; ``refusals``: how often a push was refused
    as it is; ``reason`` and ``detail``: why the last try failed.
    """

    id: int
    message: Message
    retry_at: float = 0.0
    wait: Wait = Wait.TIME
    attempts: int = 0
    refusals: int = 0
    reason: DeliveryReason | None = None
    detail: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is sent as its plainest text: it was refused as it is."""
        return self.refusals > 0

    @property
    def is_refused(self) -> bool:
        """Whether its plainest text was refused, too."""
        return self.refusals > 1

    @property
    def ready_at(self) -> float:
        """When it may be sent, as far as the message and its last try say."""
        return max(self.message.due, self.retry_at)

    @property
    def can_expire(self) -> bool:
        """Whether it will be too old to be worth sending."""
        return self.expires < math.inf

    @property
    def expires(self) -> float:
        """When it is too old to be worth sending; infinite where it never is."""
        expires = self.message.expires if isinstance(self.message, Push | PushUpdate) else None
        return math.inf if expires is None else expires

    @property
    def late_at(self) -> float:
        """When a routine value has waited for so long that it goes whatever it is worth; infinite for what does not
        compete.
        """
        message = self.message
        if isinstance(message, WidgetValue) and message.priority is Priority.ROUTINE:
            return message.created + message.send_within
        return math.inf


@dataclass(frozen=True, slots=True)
class Claim:
    """A message whose request is in flight.

    ``before``: what was shown; ``presumed``: what a level will show if it is accepted; ``sent``: the id of its
    request.
    """

    queued: Queued
    before: Shown | None
    presumed: Shown | None
    sent: int

    @property
    def is_repeated(self) -> bool:
        """Whether it is a level that the phone shows already: nothing changes, however its request ends."""
        return not isinstance(self.queued.message, Push | PushUpdate) and self.presumed is self.before


@dataclass(frozen=True, slots=True)
class Boot:
    """A moment of the machine's own clock, which goes on while it is suspended; ``id``: the boot it counts from."""

    id: str
    time: float


@dataclass(frozen=True, slots=True)
class WallClock:
    """How the wall clock stands to the machine's own: when ``boot`` began by it, in seconds since 1970. Where that
    changes, the wall clock was set.
    """

    boot: str
    began: float


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request that counts for an account's limits. ``at``: the latest moment at which it can have reached the
    service, in seconds since 1970; ``boot``: that moment by the machine's own clock, where there is one.
    """

    id: int
    account: str
    family: str
    at: float
    boot: Boot | None = None

    def age(self, now: float, boot: Boot | None) -> float:
        """The seconds since then, below 0 for a moment to come. ``boot``: now, by the machine's own clock.

        In the same boot that clock alone decides. In another one nothing was sent since it began, and whether the
        wall clock was set is not known: the younger of the two counts.
        """
        if boot is None:
            # No request arrives later than this: a moment beyond it was written before the clock was set back.
            return max(now - self.at, -LATE_ARRIVAL)
        if self.boot is not None and self.boot.id == boot.id:
            return boot.time - self.boot.time
        return min(max(0.0, now - self.at), boot.time)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Which service an account's shown state belongs to. ``fingerprint`` tells its key from another one."""

    address: str
    fingerprint: str
