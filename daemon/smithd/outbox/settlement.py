"""Settlements: how the request of a message ended, for the outbox. No I/O.

The reasons are stable identifiers; ``detail`` is what the service, or the system, said. Sentences are made where they
are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smithd.outbox.shown import TimerWindow


class DeliveryReason(StrEnum):
    """Why a message was not accepted."""

    NOT_CONNECTED = "not_connected"
    NO_ANSWER = "no_answer"
    NOT_CONFIRMED = "not_confirmed"
    STREAM_PAUSED = "stream_paused"
    NO_EFFECT = "no_effect"
    TIMER_RESTARTED = "timer_restarted"
    KEY_REFUSED = "key_refused"
    BILLING = "billing"
    RATE_LIMITED = "rate_limited"
    SLOTS_FULL = "slots_full"
    NO_RECIPIENTS = "no_recipients"
    FORBIDDEN = "forbidden"
    METRIC_MISSING = "metric_missing"
    REFUSED = "refused"
    NOT_REPEATED = "not_repeated"
    INVALID = "invalid"
    EXPIRED = "expired"


class Wait(StrEnum):
    """What a message that is tried again waits for, besides its time."""

    TIME = "time"
    ANSWER = "answer"
    """The end of an outage of the service ends the wait early."""
    PROBE = "probe"
    """It was a probe, and waits for the next one, or for the end of the outage."""
    DEVICES = "devices"
    """A badge, for a device that must open the app again: a request of the account that reaches devices ends the wait
    early.
    """


@dataclass(frozen=True, slots=True)
class Accept:
    """The service accepted it. ``ended``: the stream is gone from the phone. ``started``: it had no activity of the
    stream, and started one; ``rotated``: it put a new one in place of the old. ``warned``: it warns that iOS may drop
    updates. ``notification_id``: its name for a notification.
    """

    notification_id: str | None = None
    ended: bool = False
    started: bool = False
    rotated: bool = False
    warned: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """It was not accepted and is tried again, not before ``at`` (seconds since 1970).

    ``sent``: it may have been accepted all the same. ``forget_id``: the service's name for the notification is no
    longer good. ``window``, ``bare_end``: what the next try must know of a Live Activity (see ``ShownActivity``).
    ``refused``: the service does not take this push as it is.
    """

    at: float
    reason: DeliveryReason
    detail: str = ""
    sent: bool = False
    wait: Wait = Wait.TIME
    forget_id: bool = False
    window: TimerWindow | None = None
    bare_end: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """A level was refused and is not tried again until its content changes, with ``off`` not until the next start."""

    reason: DeliveryReason
    detail: str = ""
    off: bool = False


Settlement = Accept | Retry | Drop
