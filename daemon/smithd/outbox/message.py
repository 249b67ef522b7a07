"""A message: what one thing on the phone should show, how soon, and for how long it is worth saying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

Json = Mapping[str, Any]

LONGEST_REQUEST = 35.0
"""Seconds after which a request has an answer, or was given up."""

LATE_ARRIVAL = 60.0
"""Seconds for which a request that was given up may still lie in some buffer, and arrive."""


ONLY_IN_PLACE = "only"
"""``in_place`` of a push that is worth saying only where the phone still has the one that it takes the place of."""


class Kind(StrEnum):
    """What a message is about. METRIC, STREAM, END and BADGE are levels: only the newest matters. PUSH is an edge."""

    PUSH = "push"
    STREAM = "stream"
    END = "end"
    METRIC = "metric"
    BADGE = "badge"


class Priority(IntEnum):
    """The order of sending, the first first."""

    CRITICAL_PUSH = 0
    PUSH = 1
    END = 2
    MEANING = 3
    SEVERITY = 4
    COSMETIC = 5
    ROUTINE = 6


@dataclass(frozen=True, slots=True)
class Message:
    """What the phone should be told about ``key``.

    ``key`` names the thing on the phone: ``metric:<key>``, ``stream:<key>``, ``badge``, or ``push:<incident>``.
    ``content`` is compared with what was last accepted, ``aside`` travels with it and is not compared.
    ``created``, ``due`` (not to be sent before) and ``expires`` are seconds since 1970.
    ``tolerance``: a number that differs by less than this from what is shown is not worth a request.
    """

    key: str
    kind: Kind
    content: Json
    priority: Priority
    created: float
    due: float = 0.0
    expires: float | None = None
    tolerance: float = 0.0
    aside: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The key without its kind: the API's own metric or stream key."""
        return self.key.partition(":")[2]

    @property
    def is_level(self) -> bool:
        return self.kind is not Kind.PUSH


@dataclass(frozen=True, slots=True)
class Shown:
    """What the phone was last told about ``key`` and the service accepted.

    ``content`` is None while that is unknown (a request's answer was cut off, or never came); unknown differs from
    everything. While a request is on its way, it is taken to be accepted (an end excepted: it frees no slot yet).
    ``ended``: the stream was ended and holds no slot. ``remote_id``: the service's name for it.
    """

    key: str
    kind: Kind
    content: Json | None
    at: float
    ended: bool = False
    remote_id: str | None = None
    aside: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key stands: what was accepted, what waits to be sent, and what is on its way."""

    shown: Shown | None = None
    queued: Message | None = None
    going: Message | None = None

    @property
    def in_flight(self) -> bool:
        """Whether a request is on its way."""
        return self.going is not None

    @property
    def holds_slot(self) -> bool:
        """Whether a stream is on the phone, may be, or is about to be."""
        on_phone = self.shown is not None and not self.shown.ended
        return on_phone or (self.queued is not None and self.queued.kind is Kind.STREAM)


class Wait(StrEnum):
    """What a message that comes back waits for, besides its time."""

    TIME = "time"
    ANSWER = "answer"
    """A sign of life from the service ends the wait early."""
    SLOT = "slot"
    """The end of one of our own streams ends the wait early."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The service took it. ``ended``: the stream is gone from the phone. ``remote_id``: the service's name for it."""

    remote_id: str | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """It was not taken and is tried again, not before ``at`` (seconds since 1970).

    ``sent``: it may have been taken all the same. ``forget``: the service's name for it is no longer good. ``aside``:
    what is to be remembered beside what is shown, for the next try.
    """

    at: float
    reason: str
    sent: bool = False
    wait: Wait = Wait.TIME
    forget: bool = False
    aside: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It was refused and is not tried again: a level not until its content changes, with ``off`` not until the next
    start.
    """

    reason: str
    off: bool = False


Settlement = Delivered | Again | GivenUp


def differs(message: Message, shown: Shown | None) -> bool:
    """Whether the phone must be told: the one place where desired and accepted are compared."""
    if message.kind is Kind.END:
        return shown is not None and not shown.ended
    if shown is None or shown.content is None or shown.ended or not message.is_level:
        return True
    if message.content == shown.content:
        return False
    return not _within(message.tolerance, message.content.get("value"), shown.content.get("value"))


def _within(tolerance: float, wanted: Any, shown: Any) -> bool:
    both_numbers = isinstance(wanted, int | float) and isinstance(shown, int | float)
    return both_numbers and abs(wanted - shown) < tolerance
