"""What stands on a Lock Screen: plain data, of the daemon or of the simulator. Times are seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget beneath the clock: the value behind a metric key, and when the service accepted it.

    ``label``: what the app calls it, where that is known.
    """

    key: str
    value: str | float
    at: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One cell of a ``stats`` or ``metrics`` activity; ``color`` is one of the service's ten.

    ``bar``: how full it is, 0 to 1, of a percentage in ``metrics``.
    """

    label: str
    value: str | float
    unit: str = ""
    color: str = "blue"
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class TitleBadge:
    """A few words in a coloured capsule beside a title."""

    title: str
    color: str = "blue"


@dataclass(frozen=True, slots=True)
class Activity:
    """A Live Activity of one of the seven types; ``ended`` ones linger.

    ``rows``: of ``stats`` and ``metrics``. ``figure``: the big value of ``value``, or a timer's ``4:59``. ``bar``: how
    full it is, 0 to 1, of ``progress`` and of a timer that counts down; ``frozen``: the timer stands still.
    ``steps``: the colour of each step of ``segmented_progress``, empty for those to come. ``icon`` is the name of an
    SF Symbol, ``action`` and ``secondary_action`` are the buttons' titles.
    """

    key: str
    title: str
    subtitle: str = ""
    type: str = "stats"
    rows: tuple[ActivityRow, ...] = ()
    figure: str | float | None = None
    bar: float | None = None
    steps: tuple[str, ...] = ()
    color: str = "blue"
    badge: TitleBadge | None = None
    icon: str = ""
    icon_color: str = "blue"
    action: str = ""
    secondary_action: str = ""
    frozen: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification; ``replaced``: its text was exchanged in place, silently, after it had arrived.

    ``media``: the address of a picture, a film or a sound. ``actions``: the buttons' titles, seen on a long press.
    """

    id: str
    title: str
    at: float
    subtitle: str = ""
    message: str = ""
    level: str = "active"
    replaced: bool = False
    media: str = ""
    actions: tuple[str, ...] = ()


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
    """Something that happened, beside the phone; ``level`` is good, info, warning or error.

    ``mark`` stands before the text, ``detail`` under it.
    """

    at: float
    text: str
    level: str = "info"
    mark: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A caption beside the phone: what a reader of the page has to know."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page around a Lock Screen: a heading and one sentence, captions, and what just happened (None: not shown).

    ``happenings`` is the heading over what happened, ``empty_text`` what stands there before anything has happened.
    """

    title: str
    lead: str
    screen: Screen
    notes: tuple[Note, ...] = ()
    happened: tuple[Line, ...] | None = None
    happenings: str = "What just happened"
    empty_text: str = "Nothing yet. The first polls are on their way."
