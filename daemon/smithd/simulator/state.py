"""What the service knows: the account, its phones and channels, what they were sent. Plain data that tests set up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from smithd.simulator.exchange import Json
from smithd.simulator.limits import RateMode, Windows

DEVICE_LIMIT = 5
KEPT = 1000
LIFETIME = 8 * 3600
MANY_UPDATES = 12
"""Seconds after which iOS ends a Live Activity by itself."""
LONGEST_ON_SCREEN = 4 * 3600
"""Seconds after its end at which iOS removes one at the latest."""


class Billing(StrEnum):
    """Why the account may not send; the names are the contract's."""

    TRIAL_EXPIRED = "trial_expired"
    TRIAL_EXHAUSTED = "trial_exhausted"
    OVERAGE_CAP_REACHED = "billing_overage_cap_reached"


class Format(StrEnum):
    """How the app shows a metric; all but STRING take numbers."""

    NUMBER = "number"
    CURRENCY = "currency"
    PERCENT = "percent"
    UNIT = "unit"
    STRING = "string"


class WhenFull(StrEnum):
    """What a legacy start does where a phone holds all the Live Activities it can; a stream is always refused."""

    REFUSE = "refuse"
    EVICT = "evict"


@dataclass(slots=True)
class Device:
    """A phone. ``connected`` is False where the app must be opened again before its badge can be set."""

    name: str
    user: str
    connected: bool = True
    badge: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """The window of a timer activity: when it began, its length (None: without an end), when it was frozen.

    ``counts_down``: whether it shows what is left of its length, or what has passed.
    """

    began: float
    duration: float | None
    frozen_at: float | None = None
    counts_down: bool = True

    def frozen(self, at: float) -> Timer:
        """Standing still from then on; one that does already stays as it is."""
        return self if self.frozen_at is not None else replace(self, frozen_at=at)


@dataclass(slots=True)
class SimulatedActivity:
    """A Live Activity on some phones. ``updates`` does not count the start; ``dismiss_at`` is set once it ended."""

    id: str
    content: Json
    devices: tuple[str, ...]
    channels: frozenset[str] | None
    started: float
    changed: float
    action: Json | None = None
    secondary_action: Json | None = None
    alert: Json | None = None
    updates: int = 0
    timer: Timer | None = None
    ended: float | None = None
    dismiss_at: float | None = None

    @property
    def lives_until(self) -> float:
        """When iOS ends it by itself."""
        return self.started + LIFETIME

    def outlived(self, now: float) -> bool:
        """Whether iOS has ended it by itself."""
        return now >= self.lives_until

    def end(self, at: float, dismiss_at: float = math.inf) -> None:
        """Be ended, and on the phone until it is dismissed: by iOS itself, where that comes first."""
        self.ended = self.changed = min(at, self.lives_until)
        self.dismiss_at = min(dismiss_at, self.ended + LONGEST_ON_SCREEN)
        self.timer = self.timer and self.timer.frozen(self.ended)


@dataclass(slots=True)
class Stream:
    """A stream key in use; without an activity it is known, and shows nothing. Pausing happens in the app only.

    ``key`` is empty where a legacy start made it: it then has this one activity only.
    """

    key: str
    activity: SimulatedActivity | None = None
    paused: bool = False
    tags: list[str] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)

    def is_idle(self, now: float) -> bool:
        """Whether it is neither on a phone nor paused, so that it can be forgotten."""
        gone = self.activity is None or now >= self.activity.lives_until + LONGEST_ON_SCREEN
        return gone and not self.paused


@dataclass(slots=True)
class SimulatedNotification:
    """A push that was sent; ``content`` is what the phone shows of it."""

    id: str
    content: Json
    devices: tuple[str, ...]
    channels: tuple[str, ...] | None
    sent: float
    replaced: float | None = None
    replaceable: bool = True
    interruption_level: str = "active"
    tags: list[str] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)


@dataclass(slots=True)
class Metric:
    """A metric of the app, and the value it was last given.

    ``label``: what the widget is called. ``currency``: a code such as EUR. ``unit``: what stands behind the number,
    ``spaced`` with a space between them.
    """

    key: str
    format: Format = Format.NUMBER
    label: str = ""
    currency: str = ""
    unit: str = ""
    spaced: bool = True
    value: float | str | None = None
    timestamp: str | None = None
    received: float | None = None


@dataclass(slots=True)
class ServiceState:
    """One account.

    ``keys``: each API key with the channels it is confined to (None: no limits). ``channels``: the users in each; where
    there are none, every slug is a channel that reaches every phone. ``failing``: Apple refuses badges and pushes.
    ``creates_metrics``: a value for an unknown metric creates it, where the real service answers 404.
    ``null_channels``: an answer about the whole account names its channels as null, as the service's examples do;
    otherwise as an empty list. ``many_updates``: of an activity with more of them the service warns. ``legacy``:
    activities of the legacy calls, by their ids. ``of_other_accounts``: ids of activities of other accounts.
    """

    keys: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=lambda: [Device("phone", "owner")])
    channels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    billing: Billing | None = None
    failing: bool = False
    creates_metrics: bool = False
    null_channels: bool = True
    device_limit: int = DEVICE_LIMIT
    when_full: WhenFull = WhenFull.REFUSE
    many_updates: int = MANY_UPDATES
    rate_mode: RateMode = RateMode.SEPARATE
    windows: Windows = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    legacy: dict[str, Stream] = field(default_factory=dict)
    of_other_accounts: set[str] = field(default_factory=set)
    ended: dict[str, SimulatedActivity] = field(default_factory=dict)
    notifications: dict[str, SimulatedNotification] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    ids_given: int = 0

    def new_id(self, kind: str) -> str:
        """A name that nothing in the account has."""
        while True:
            self.ids_given += 1
            name = f"{kind}_{self.ids_given:06d}"
            # The control API can give such names too, so the next number may be taken.
            if not any(name in kept for kept in (self.notifications, self.legacy, self.ended, self.of_other_accounts)):
                return name

    def shown(self) -> Iterator[tuple[Stream, SimulatedActivity]]:
        """Every activity that was not ended, with its stream."""
        for stream in (*self.streams.values(), *self.legacy.values()):
            if stream.activity is not None:
                yield stream, stream.activity

    def remember(self, notification: SimulatedNotification) -> None:
        """Keep a notification, and forget the oldest beyond a thousand."""
        self.notifications[notification.id] = notification
        _forget_oldest(self.notifications)

    def leave(self, activity: SimulatedActivity, at: float, dismiss_at: float = math.inf) -> None:
        """End an activity, and remember it among the ended ones."""
        activity.end(at, dismiss_at)
        self.ended[activity.id] = activity
        _forget_oldest(self.ended)

    def settle(self, now: float) -> None:
        """What time does: iOS ends the legacy calls' activities by itself, and stream keys out of use are forgotten.

        A stream's activity that iOS ended stays the stream's, for the next PUT names it as the one before.
        """
        for name, stream in list(self.legacy.items()):
            if stream.activity is not None and stream.activity.outlived(now):
                del self.legacy[name]
                self.leave(stream.activity, now)
        # A stream that is still shown or paused is kept, however many there are.
        if len(self.streams) > KEPT:
            idle = {key: stream for key, stream in self.streams.items() if stream.is_idle(now)}
            for key in list(idle)[:-KEPT]:
                del self.streams[key]


def _forget_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
