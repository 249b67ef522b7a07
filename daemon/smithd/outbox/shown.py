"""Shown: what the service last accepted, by key; and the one comparison of a message with it. No I/O.

While a request is in flight, a level is taken to be accepted (an end excepted: it frees no slot yet). Where a request's
answer was cut off or never came, it is not known what is shown: the value, or content, is then None, and differs from
everything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from smithd.keys import BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    NO_STAGE,
    ActivityContent,
    ActivityEnd,
    ActivityStage,
    ActivityState,
    BadgeCount,
    Message,
    PushContent,
    Value,
    WidgetValue,
)
from smithd.outbox.update_budget import UNUSED, UpdateBudget


@dataclass(frozen=True, slots=True)
class TimerWindow:
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


@dataclass(frozen=True, slots=True)
class ShownWidget:
    """A widget since ``at``; the other fields are those of the message."""

    key: WidgetKey
    value: Value | None
    at: float
    time: float | None = None
    number: float | None = None
    severity: str | None = None


LIFETIME = 8 * 3600.0
"""Seconds after which iOS ends an activity that was not started anew (contract section 5.1)."""

RENEWAL_MARGIN = 60.0
"""Seconds by which we count longer: a renewal that comes too early is an update, and starts nothing anew."""


@dataclass(frozen=True, slots=True)
class ShownActivity:
    """A Live Activity since ``at``. ``ended``: it holds no slot. ``window``: that of its timer. ``bare_end``: its end
    was refused with a final state, and is asked for without one.

    ``since``: when the service last started it, or was asked to renew it; ``stage``: what it has come to; ``updates``:
    what is used of iOS' budget of updates, which belongs to the stream and outlives its activities.
    """

    key: StreamKey
    content: ActivityContent | None
    at: float
    ended: bool = False
    meaning: str = ""
    window: TimerWindow | None = None
    bare_end: bool = False
    since: float = 0.0
    stage: ActivityStage = NO_STAGE
    updates: UpdateBudget = UNUSED

    @property
    def is_there(self) -> bool:
        """Whether the phone shows it, or may."""
        return not self.ended

    @property
    def renewal_at(self) -> float:
        """When iOS ends it, if it is not renewed, in seconds since 1970."""
        return self.since + LIFETIME + RENEWAL_MARGIN

    def has_lived(self, now: float) -> bool:
        """Whether iOS has ended it by now."""
        return now >= self.since + LIFETIME

    def is_known_to_live(self, now: float) -> bool:
        """Whether the phone has it, unless a person swiped it away or its end was lost."""
        return self.is_there and self.content is not None and not self.has_lived(now)

    def shifted(self, seconds: float) -> ShownActivity:
        """The same by a wall clock that was set by ``seconds``: its activity is as old as it was."""
        return replace(self, since=self.since + seconds, updates=self.updates.shifted(seconds))


@dataclass(frozen=True, slots=True)
class ShownBadge:
    """The badge since ``at``."""

    key: BadgeKey
    count: int | None
    at: float
    channels: tuple[str, ...] | None = None

    @property
    def is_there(self) -> bool:
        """Whether the phone shows one, or may."""
        return self.count != 0


@dataclass(frozen=True, slots=True)
class ShownPush:
    """A notification since ``at``. ``notification_id``: the service's name for it, while it is good. ``replaced``: it
    took the place of an earlier text.
    """

    key: PushKey
    content: PushContent
    at: float
    notification_id: str | None = None
    replaced: bool = False
    is_open: bool = False


Shown = ShownWidget | ShownActivity | ShownBadge | ShownPush


def unknown(shown: Shown) -> Shown:
    """What remains known where it is not known whether this is shown."""
    match shown:
        case ShownWidget():
            return replace(shown, value=None)
        case ShownActivity():
            return replace(shown, content=None)
        case ShownBadge():
            return replace(shown, count=None)
    # Nothing is compared with what a push shows.
    return shown


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The status of a key: what was accepted, what waits to be sent, and what is in flight. ``refusal``: why the
    service refuses what waits, even as its plainest text.
    """

    shown: Shown | None = None
    queued: Message | None = None
    claimed: Message | None = None
    refusal: str = ""

    @property
    def in_flight(self) -> bool:
        """Whether a request is in flight."""
        return self.claimed is not None

    @property
    def holds_slot(self) -> bool:
        """Whether a stream is on the phone, may be, or is about to be."""
        on_phone = isinstance(self.shown, ShownActivity) and not self.shown.ended
        return on_phone or isinstance(self.queued, ActivityState)

    @property
    def widget(self) -> ShownWidget | None:
        """What is shown, of a widget."""
        return self.shown if isinstance(self.shown, ShownWidget) else None

    @property
    def activity(self) -> ShownActivity | None:
        """What is shown, of a Live Activity."""
        return self.shown if isinstance(self.shown, ShownActivity) else None

    @property
    def push(self) -> ShownPush | None:
        """What is shown, of a notification."""
        return self.shown if isinstance(self.shown, ShownPush) else None


def differs(message: Message, shown: Shown | None) -> bool:
    """Whether the phone must be sent a message: the one place where desired and shown state are compared."""
    match message, shown:
        case ActivityEnd(), ShownActivity():
            return not shown.ended
        case ActivityEnd(), _:
            return False
        case ActivityState(), ShownActivity():
            is_renewal = message.renews and message.created >= shown.renewal_at
            return shown.ended or is_renewal or shown.content is None or not shown.content.says(message.content)
        case BadgeCount(), ShownBadge():
            return (shown.count, shown.channels) != (message.count, message.channels)
        case WidgetValue(), ShownWidget():
            return _value_differs(message, shown.value)
    # Each push is worth sending, and so is a level of whose key nothing was shown yet.
    return True


def is_like(message: Message, other: Message) -> bool:
    """Whether two messages of a key say the same, so that the second is not worth a place of its own."""
    match message, other:
        case WidgetValue(), WidgetValue():
            return not _value_differs(message, other.value)
        case ActivityState(), ActivityState():
            return message.content.says(other.content)
        case ActivityEnd(), ActivityEnd():
            return message.content.says(other.content)
        case BadgeCount(), BadgeCount():
            return (message.count, message.channels) == (other.count, other.channels)
    return message == other


def says_same(message: Message, other: Message) -> bool:
    """Whether two messages of a key have the very same content."""
    if isinstance(message, WidgetValue) and isinstance(other, WidgetValue):
        return message.value == other.value
    return is_like(message, other)


def _value_differs(message: WidgetValue, value: Value | None) -> bool:
    # Tolerance is for the noise of numbers; a text that differs is another text.
    if isinstance(message.value, int | float) and isinstance(value, int | float):
        return message.value != value and abs(message.value - value) >= message.tolerance
    return message.value != value
