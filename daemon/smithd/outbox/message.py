"""Messages: what one thing on the phone should show, one class a kind. No I/O.

Widgets, Live Activities and the badge are levels: only the newest desired state matters, and what differs from what is
shown is sent. Pushes are edges: each is kept until it was accepted, or a later one of its notification takes its place.

``created``, ``due`` (not to be sent before) and ``expires`` are seconds since 1970. What a message says on the phone is
compared with what was last accepted (see ``differs``); its other fields travel with it, and are kept beside what is
shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from smithd.keys import BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.outbox.update_budget import UPDATES_AT_ONCE

Json = Mapping[str, Any]
Value = str | int | float

LONGEST_REQUEST = 35.0
"""Seconds after which a request has been answered or is cut off."""

LATE_ARRIVAL = 60.0
"""Seconds for which a request that was cut off may still lie in some buffer, and arrive."""


class Priority(IntEnum):
    """The order of sending, the first first."""

    CRITICAL_PUSH = 0
    LATER_CRITICAL_PUSH = 1
    """What follows the first push of its rule, critical."""
    PUSH = 2
    LATER_PUSH = 3
    """What follows the first push of its rule, a reminder included."""
    END = 4
    MEANING = 5
    UPDATE = 6
    """The text of a notification, in place."""
    SEVERITY = 7
    COSMETIC = 8
    ROUTINE = 9


@dataclass(frozen=True, slots=True)
class ActivityContent:
    """What a Live Activity shows, in the words of the API. ``content_state`` may be empty where it ends. ``channels``:
    None is the account's. ``window`` names the window of a timer: another name restarts it. ``ends_at``: when a
    countdown that runs reaches zero (seconds since 1970); its duration is worked out from that when it is sent.
    ``undated``: the content state without the clock time in its texts, where it has one; ``as_of``: the time of its
    oldest value.
    """

    content_state: Json
    action: Json | None = None
    secondary_action: Json | None = None
    channels: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    metadata: Json | None = None
    window: str | None = None
    ends_at: float | None = None
    undated: Json | None = None
    as_of: float | None = None

    def says(self, other: ActivityContent) -> bool:
        """Whether it says the same as another one: a text that differs by a time alone is no change."""
        return self._compared == other._compared

    @property
    def _compared(self) -> ActivityContent:
        state = self.content_state if self.undated is None else self.undated
        return replace(self, content_state=state, undated=None, as_of=None)


@dataclass(frozen=True, slots=True)
class PushContent:
    """What a notification says, in the words of the API; None is left out. ``channels``: None is the account's.
    ``plain``: the least that it can say, which stands in for all of it where the service refuses it.
    """

    title: str
    message: str = ""
    subtitle: str | None = None
    interruption_level: str | None = None
    channels: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    redirection: str | None = None
    icon: str | None = None
    media: str | None = None
    actions: tuple[Json, ...] | None = None
    metadata: Json | None = None
    plain: str = ""

    @property
    def plainest(self) -> PushContent:
        """The least that it can say, to whom and as loudly as it is."""
        title = self.plain or self.title
        return PushContent(title, interruption_level=self.interruption_level, channels=self.channels, plain=self.plain)


@dataclass(frozen=True, slots=True)
class WidgetValue:
    """The value of a widget. A number that differs by less than ``tolerance`` from what is shown is not sent.

    ``time``: when the value was true; ``number``: what a text was made of; ``severity``: the worst that fires on it.
    ``weight``: what an error on the screen weighs; ``send_within``: how many seconds a value that differs from the
    screen may wait while others are worth more. ``created`` is when it began to differ.
    """

    key: WidgetKey
    value: Value
    priority: Priority
    created: float
    due: float = 0.0
    tolerance: float = 0.0
    time: float | None = None
    number: float | None = None
    severity: str | None = None
    weight: int = 5
    send_within: float = 21600.0


@dataclass(frozen=True, slots=True)
class ActivityStage:
    """How far what a Live Activity shows has come: what never waits for iOS' budget of updates.

    ``severities``: the place on the scale of severities of each of its rules that fires, by the rule's name; ``step``:
    the step of what goes in steps.
    """

    severities: Mapping[str, int] = field(default_factory=dict)
    step: int | None = None

    def is_beyond(self, other: ActivityStage) -> bool:
        """Whether a rule fires more severely than at the other stage, or the step is another one."""
        rises = any(severity > other.severities.get(rule, -1) for rule, severity in self.severities.items())
        return rises or self.step != other.step


NO_STAGE = ActivityStage()


@dataclass(frozen=True, slots=True)
class ActivityState:
    """The full state of a Live Activity. ``meaning``: what of it is worth an update at once; ``stage``: what of that
    does not wait for iOS' budget; ``renews``: it is sent though the phone shows it, before iOS ends the activity;
    ``updates_at_once``: how many updates iOS shows in a row.
    """

    key: StreamKey
    content: ActivityContent
    priority: Priority
    created: float
    due: float = 0.0
    meaning: str = ""
    stage: ActivityStage = NO_STAGE
    renews: bool = False
    updates_at_once: int = UPDATES_AT_ONCE


@dataclass(frozen=True, slots=True)
class ActivityEnd:
    """The end of a Live Activity, with its final state."""

    key: StreamKey
    content: ActivityContent
    created: float
    due: float = 0.0
    priority: Priority = Priority.END


@dataclass(frozen=True, slots=True)
class BadgeCount:
    """The number on the app's icon."""

    key: BadgeKey
    count: int
    priority: Priority
    created: float
    due: float = 0.0
    channels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A notification that alerts the person. ``is_open``: a later one of its group will want to replace it.
    ``at_most_once``: it is not sent again where it may have been accepted.
    """

    key: PushKey
    content: PushContent
    priority: Priority
    created: float
    due: float = 0.0
    expires: float | None = None
    is_open: bool = False
    at_most_once: bool = False


@dataclass(frozen=True, slots=True)
class PushUpdate:
    """A notification that silently replaces the one of its key. Where the phone does not have that one, it comes as a
    new one; ``only_in_place``: it is then not worth sending.
    """

    key: PushKey
    content: PushContent
    priority: Priority
    created: float
    due: float = 0.0
    expires: float | None = None
    is_open: bool = False
    only_in_place: bool = False
    at_most_once: bool = False


EdgeMessage = Push | PushUpdate
LevelMessage = WidgetValue | ActivityState | ActivityEnd | BadgeCount
Message = LevelMessage | EdgeMessage
