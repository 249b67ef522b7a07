"""What stands on a Lock Screen: plain data, whoever it comes from. Times are seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget beneath the clock: the value behind a metric key, and when the phone's account was told it."""

    key: str
    value: str | float
    at: float


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of a ``stats`` activity; ``color`` is one of the service's ten."""

    label: str
    value: str | float
    unit: str = ""
    color: str = "blue"


@dataclass(frozen=True, slots=True)
class Activity:
    """A Live Activity. ``icon`` is the name of an SF Symbol, ``action`` a button's title; ``ended`` ones linger."""

    key: str
    title: str
    subtitle: str = ""
    type: str = "stats"
    rows: tuple[Row, ...] = ()
    icon: str = ""
    icon_color: str = "blue"
    action: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification; ``replaced``: its text was exchanged in place, silently, after it had arrived."""

    id: str
    title: str
    at: float
    subtitle: str = ""
    message: str = ""
    level: str = "active"
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """A Lock Screen at ``now``, in the time zone its owner lives in. Notifications: the newest first."""

    now: float
    zone: tzinfo
    widgets: tuple[Widget, ...] = ()
    activities: tuple[Activity, ...] = ()
    notifications: tuple[Notification, ...] = ()
    badge: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, beside the phone; ``level`` is info, warning or error."""

    at: float
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Note:
    """A caption beside the phone: what a visitor must know to read it right."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page around a Lock Screen: a heading and one sentence, captions, and what just happened (None: not shown)."""

    title: str
    lead: str
    screen: Screen
    notes: tuple[Note, ...] = ()
    happened: tuple[Line, ...] | None = None
