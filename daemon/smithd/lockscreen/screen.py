"""What stands on a Lock Screen: plain data, of the daemon or of the simulator. Times are seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from smithd.lockscreen.formatting import figure
from smithd.lockscreen.view import USUAL, View


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

    ``rows``: of ``stats`` and ``metrics``. ``figure``: the big value of ``value``, a timer's ``4:59``, the ``3/5`` of
    steps. ``bar``: how full it is, 0 to 1, of ``progress`` and a timer. ``frozen``: the timer stands still, ``over``:
    its time has run out. ``steps``: the colour of each step of ``segmented_progress``, empty for those to come.
    ``icon`` is the name of an SF Symbol, ``action`` and ``secondary_action`` are the buttons' titles.
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
    over: bool = False
    ended: bool = False

    @property
    def note(self) -> str:
        """What is special about it, in a word: ended, over, paused; empty while it goes on."""
        if self.ended:
            return "ended"
        return "over" if self.over else "paused" if self.frozen else ""

    @property
    def readout(self) -> str:
        """Its figure as a text; a share in percent."""
        if self.figure is not None:
            return figure(self.figure)
        return f"{figure(round(100 * self.bar, 1))}%" if self.bar is not None else ""

    @property
    def brief(self) -> tuple[str, str]:
        """The one text that fits beside the camera, and its colour: the readout, else the first row, else the badge."""
        if self.readout or not (self.rows or self.badge):
            return self.readout, self.color
        if self.rows:
            return f"{figure(self.rows[0].value)}{self.rows[0].unit}", self.rows[0].color
        return (self.badge.title, self.badge.color) if self.badge else ("", self.color)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification; ``replaced``: its text was exchanged in place, silently, after it had arrived.

    ``media``: the address of a picture, a film or a sound, ``icon``: of a picture in place of the app's icon.
    ``actions``: the buttons' titles, seen on a long press.
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
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Widgets where a Lock Screen has room for them: one in the ``line`` above the clock, the others in a ``row`` below
    it, each with its family (``circular``, ``rectangular``); the ``rest`` finds none.
    """

    line: Widget | None = None
    row: tuple[tuple[str, Widget], ...] = ()
    rest: tuple[Widget, ...] = ()


def place(widgets: tuple[Widget, ...]) -> Arrangement:
    """Where the page puts widgets. A person chooses that in the app, and the service does not say what was chosen.

    The row has room for four circles, and a rectangle takes that of two; the line has room for one. The first of the
    widgets get the larger places.
    """
    match len(widgets):
        case 0 | 1 | 2:
            return Arrangement(None, tuple(("rectangular", widget) for widget in widgets))
        case 3 | 4:
            first, *others, last = widgets
            family = "rectangular" if len(others) == 1 else "circular"
            return Arrangement(last, (("rectangular", first), *((family, widget) for widget in others)))
    return Arrangement(widgets[4], tuple(("circular", widget) for widget in widgets[:4]), widgets[5:])


@dataclass(frozen=True, slots=True)
class Screen:
    """A Lock Screen at ``now``, in the time zone its owner lives in. Notifications: the newest first."""

    now: float
    zone: tzinfo
    widgets: tuple[Widget, ...] = ()
    activities: tuple[Activity, ...] = ()
    notifications: tuple[Notification, ...] = ()
    badge: int | None = None

    @property
    def placed(self) -> Arrangement:
        """The widgets in their places."""
        return place(self.widgets)


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
    ``view``: how it is looked at.
    """

    title: str
    lead: str
    screen: Screen
    notes: tuple[Note, ...] = ()
    happened: tuple[Line, ...] | None = None
    happenings: str = "What just happened"
    empty_text: str = "Nothing yet. The first polls are on their way."
    view: View = USUAL
