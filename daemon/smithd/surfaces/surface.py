"""What every surface is: a key, what it depends on, and what it should show now. No I/O.

A widget, a Live Activity and the badge differ in their options and in what they show. What is done with them is the
same: a change of something that a surface depends on has it rendered, and its desired state becomes a message. So
code that renders, indexes or sends uses only what stands here, and never asks which type a surface is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from smithd.alerts.severity import Severity
from smithd.keys import BadgeKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import NO_STAGE, ActivityContent, ActivityStage, Value
from smithd.series.state import SeriesState
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.view import SurfacesView


class Dependencies(NamedTuple):
    """What a surface shows, directly or by its colours. ``all_rules``: it says which rules fire. ``all_sources``: it
    says so only while every source of a rule answers. ``windows``: the time windows that decide whether it is wanted.
    """

    metrics: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    all_rules: bool = False
    all_sources: bool = False
    windows: frozenset[str] = frozenset()


class Obstacle(StrEnum):
    """Why a surface has no desired state now."""

    UNSEEN = "unseen"
    """A first answer since the start is still expected: what is shown stays."""
    NO_VALUE = "no_value"
    """There is no sample, and none was ever shown."""
    SEVERAL_SERIES = "several_series"
    """A metric has several series where one is needed."""
    EMPTY_TEXT = "empty_text"
    """A template gave an empty text, or failed on these values."""
    UNSUITABLE = "unsuitable"
    """A value that the type of a Live Activity cannot show."""
    NO_SLOT = "no_slot"
    """The phone has as many Live Activities as it may."""

    @property
    def is_expected(self) -> bool:
        """Whether it passes by itself, so that no event is published."""
        return self in (Obstacle.UNSEEN, Obstacle.NO_VALUE)


@dataclass(frozen=True, slots=True)
class NotRenderable:
    """A surface that has no desired state now, and why. ``about``: the metric with several series, or with a value that
    cannot be shown, or the streams that have the slots; ``count``: how many series there are; ``detail``: what is wrong
    with the value.
    """

    key: SurfaceKey
    obstacle: Obstacle
    about: tuple[str, ...] = ()
    count: int = 0
    detail: str = ""

    def __str__(self) -> str:
        """The reason for a person."""
        match self.obstacle:
            case Obstacle.UNSEEN:
                return "waits for its first values"
            case Obstacle.NO_VALUE:
                return "has no value yet"
            case Obstacle.SEVERAL_SERIES:
                what = f"{', '.join(self.about)} has {self.count} series where one is needed"
                return f"{what}: aggregate them in the source (a widget can 'pick' one, or their sum)"
            case Obstacle.EMPTY_TEXT:
                return "its template gave an empty text"
            case Obstacle.UNSUITABLE:
                return f"{', '.join(self.about)} {self.detail}"
            case Obstacle.NO_SLOT:
                return f"waits for a slot; {', '.join(self.about)} hold them"


@dataclass(frozen=True, slots=True)
class DesiredValue:
    """What a widget should show.

    ``severity``: the worst that fires on its metric. That is a widget's meaning: a value with another one is sent at
    once, any other change ``interval`` seconds after the last update. ``tolerance``: the least change of a number that
    is worth an update. ``time`` and ``number``: those of the sample.
    """

    key: WidgetKey
    value: Value
    severity: Severity | None
    interval: float
    tolerance: float = 0.0
    time: float | None = None
    number: float | None = None


@dataclass(frozen=True, slots=True)
class DesiredActivity:
    """What a Live Activity should show. One with another ``meaning`` is sent at once, any other change ``interval``
    seconds after the last update, both as far as iOS' budget goes; one at a ``stage`` beyond the one that is shown is
    sent whatever that says. ``renews``: it is sent though it is shown, before iOS ends the activity. ``problem``: why
    its values cannot be shown; it keeps those that are, marked.
    """

    key: StreamKey
    content: ActivityContent
    meaning: str
    interval: float
    stage: ActivityStage = NO_STAGE
    renews: bool = False
    problem: NotRenderable | None = None


@dataclass(frozen=True, slots=True)
class DesiredBadge:
    """What the badge should show, and whose it is (None: everybody's)."""

    key: BadgeKey
    count: int
    channels: tuple[str, ...] | None = None


DesiredState = DesiredValue | DesiredActivity | DesiredBadge


class Surface(Protocol):
    """What the phone shows from us."""

    @property
    def key(self) -> SurfaceKey:
        """What it is called."""

    @property
    def dependencies(self) -> Dependencies:
        """What it shows: with none of it changed, it looks the same."""

    def render(self, view: SurfacesView) -> DesiredState | NotRenderable:
        """What it should show now."""


class SlotSurface(Protocol):
    """A surface that is not always there: it is on the phone while it is wanted and has a slot."""

    @property
    def key(self) -> StreamKey:
        """What it is called."""

    @property
    def dependencies(self) -> Dependencies:
        """What it shows, and what decides whether it is wanted."""

    @property
    def cool_down(self) -> float:
        """For how many seconds it must be unwanted before it ends."""

    def is_wanted(self, view: SurfacesView) -> bool:
        """Whether it has a reason to be on the phone now."""

    def is_done(self, view: SurfacesView) -> bool:
        """Whether it has come to its end by itself; it is unwanted then."""

    def look_for_data_at(self, series: SeriesState, now: float) -> float | None:
        """When it may have had no data for too long, at the earliest; None: it needs none."""

    def countdown(self, view: SurfacesView) -> Countdown | None:
        """What its timer counts down from now on; None where it has none."""

    def render(self, view: SurfacesView) -> DesiredState | NotRenderable:
        """What it should show now."""

    def final_content(self, view: SurfacesView) -> ActivityContent:
        """What it shows last, with the time after which the phone takes it away."""
