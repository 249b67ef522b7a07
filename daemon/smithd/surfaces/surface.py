"""What every surface is: a key, what it depends on, and what it should show now. No I/O.

A widget, a Live Activity and the badge differ in their options and in what they show. What is done with them is the
same: a change of something that a surface depends on has it rendered, and its desired state becomes a message. So
code that renders, indexes or sends uses only what stands here, and never asks which type a surface is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from smithd.alerts.severity import Severity
from smithd.keys import BadgeKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import NO_STAGE, ActivityContent, ActivityStage, Value
from smithd.series.state import SeriesState
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.slots.decision import SlotDecision
from smithd.surfaces.slots.demand import FOLD_KEY, SlotOptions
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
    SWIPED = "swiped"
    """A person has swiped it away, and it stays away."""
    NO_SLOT = "no_slot"
    """It waits for a slot, or for its next start (see ``SlotWait``)."""

    @property
    def is_expected(self) -> bool:
        """Whether it passes by itself, so that no event is published."""
        return self in (Obstacle.UNSEEN, Obstacle.NO_VALUE)


@dataclass(frozen=True, slots=True)
class SlotWait:
    """Why a stream waits, and until when at least (None: until something changes). ``holders``: the streams that have
    the slots, with their ranks.
    """

    decision: SlotDecision
    holders: tuple[str, ...]
    until: float | None = None

    @property
    def is_news(self) -> bool:
        """Whether it is worth an event. A row of the common stream is shown, and slots are kept for others for a moment
        only.
        """
        is_kept = self.decision is SlotDecision.NO_SLOT and not self.holders
        return self.decision is not SlotDecision.FOLDED and not is_kept

    def __str__(self) -> str:
        """The reason for a person."""
        held, several = ", ".join(self.holders), len(self.holders) > 1
        match self.decision:
            case SlotDecision.FOLDED:
                return f"a row of {FOLD_KEY}, since {held} {'hold' if several else 'holds'} the slots"
            case SlotDecision.NEXT:
                return "takes the next slot, which is being freed"
            case SlotDecision.RESTING:
                return "ended not long ago, and stays away for min_hold"
            case SlotDecision.NO_STARTS:
                return "waits, since the starts of this hour are used up"
            case SlotDecision.RETURNING:
                return "made room for another, and returns when a slot has been free for return_after"
            case SlotDecision.REFUSED:
                return "waits, since the service refused its start"
            case SlotDecision.NOT_READY:
                return "waits, since the service refuses it as it is"
        if not held:
            return "waits for a slot; those that are free, or about to be, are kept for others"
        return f"waits for a slot; {held} {'hold them' if several else 'holds it'}"


def rank_text(severity: Severity | None, priority: int) -> str:
    """A rank for a person."""
    return f"{severity or 'routine'}, priority {priority}"


@dataclass(frozen=True, slots=True)
class NotRenderable:
    """A surface that has no desired state now, and why. ``about``: the metric with several series, or with a value that
    cannot be shown; ``count``: how many series there are; ``detail``: what is wrong with the value; ``wait``: what a
    stream waits for.
    """

    key: SurfaceKey
    obstacle: Obstacle
    about: tuple[str, ...] = ()
    count: int = 0
    detail: str = ""
    wait: SlotWait | None = None

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
            case Obstacle.SWIPED:
                return "was swiped away; it returns once its 'show' has been false, or a rule fires more severely"
            case Obstacle.NO_SLOT:
                return str(self.wait)

    def is_news(self, before: NotRenderable | None) -> bool:
        """Whether it is worth an event after what was known before; how a stream's wait goes on is not."""
        if self.obstacle.is_expected or before == self:
            return False
        if self.wait is None:
            return True
        waited = before.wait if before is not None and before.wait is not None and before.wait.is_news else None
        return self.wait.is_news and (waited is None or waited.decision is not self.wait.decision)


@dataclass(frozen=True, slots=True)
class DesiredValue:
    """What a widget should show.

    ``severity``: the worst that fires on its metric. That is a widget's meaning: a value with another one is sent at
    once, any other change ``interval`` seconds after the last update. ``tolerance``: the least change of a number that
    is worth an update. ``time`` and ``number``: those of the sample.
    ``weight`` and ``send_within``: see ``WidgetValue``.
    """

    key: WidgetKey
    value: Value
    severity: Severity | None
    interval: float
    tolerance: float = 0.0
    time: float | None = None
    number: float | None = None
    weight: int = 5
    send_within: float = 21600.0


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
    def slot(self) -> SlotOptions:
        """What its options say of its slot."""

    def incident_severity(self, view: SurfacesView) -> Severity | None:
        """How badly the rules fire that it is shown for or coloured by, from warning on; None: it is no incident."""

    def has_reason(self, view: SurfacesView) -> bool | None:
        """Whether its options want it shown; None: that is not known now."""

    def stays_away(self, *, is_incident: bool) -> bool:
        """Whether it does not return by itself once a person has swiped it away."""

    def is_wanted(self, view: SurfacesView) -> bool:
        """Whether it has a reason to be on the phone now."""

    def is_done(self, view: SurfacesView) -> bool:
        """Whether it has come to its end by itself; it is unwanted then."""

    def look_for_data_at(self, series: SeriesState, now: float) -> float | None:
        """When it may have had no data for too long, at the earliest; None: it needs none."""

    def countdown(self, view: SurfacesView) -> Countdown | None:
        """What its timer counts down from now on; None where it has none."""

    def render(self, view: SurfacesView) -> DesiredActivity | NotRenderable:
        """What it should show now."""

    def final_content(self, view: SurfacesView) -> ActivityContent:
        """What it shows last, with the time after which the phone takes it away."""

    def folded_row(
        self, desired: DesiredActivity | NotRenderable, shown: Mapping[str, Mapping[str, Any]], view: SurfacesView
    ) -> Mapping[str, Any] | None:
        """The row that stands for it where it is folded, with the label and the value of a row; None: it has none.
        ``shown``: the rows that the phone has, by their labels.
        """
