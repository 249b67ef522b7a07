"""What all types of Live Activities share: when they are shown, their headline, how they end. No I/O.

A type is one module of this package with a subclass of ``ActivityOptions``: the keys that it has besides the shared
ones, and what it makes of them. What some types share, like a subtitle or a second button, stands in ``parts``.
``registry`` finds a type; nothing else knows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, Field, field_validator

from smithd.alerts.severity import Severity
from smithd.contract.parts import Action, Icon
from smithd.contract.values import Channels, Tags, size
from smithd.keys import StreamKey
from smithd.lockscreen import widths
from smithd.outbox.message import ActivityContent, Json
from smithd.plugin.options import Duration, Options, PositiveDuration
from smithd.plugin.sample import Sample
from smithd.references import ITS_DEFAULT, AccountNames, Path, ReferenceKind, TimeWindowRef, references
from smithd.surfaces.activity.show import Show, ShowOptions
from smithd.surfaces.activity.view import ActivityView, FinalText, HeadlineText
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.folding import folded_value
from smithd.surfaces.surface import Dependencies, NotRenderable, Obstacle
from smithd.surfaces.texts import ShownText
from smithd.surfaces.view import SurfacesView
from smithd.surfaces.widget import IncludeSuppressed

LARGEST_BUTTONS = 2500
"""Bytes; of the 3500 that a Live Activity may have, the rest is for its texts (contract section 9.4)."""

ITS_TYPE = "the type of the Live Activity"
ITS_END = "how it leaves the phone"

STAND_IN_TITLE = "smithd"
"""A title must not be empty; a template's text can be."""


SHORTEST_UPDATES = 5.0
THROTTLED_UPDATES = 120.0
"""Seconds. Where an activity is updated more often than this for long, iOS shows none of its updates for about an hour
(contract section 9.3).
"""


LONGEST_FINAL_STATE = 4 * 3600.0
"""Seconds after which iOS removes an activity that has ended (contract section 4.5)."""


def _not_too_often(seconds: float) -> float:
    if seconds < SHORTEST_UPDATES:
        raise ValueError("expected 5s or more: iOS does not show faster updates (the default is 120s)")
    return seconds


def check_weight(*buttons: Action | None) -> None:
    """ValueError where buttons are too large."""
    # A field with a mistake of its own, or a secret that is not set, stands in it as what no JSON is: it was reported.
    weight = sum(size(button.model_dump(exclude_none=True, warnings=False)) for button in buttons if button is not None)
    if weight > LARGEST_BUTTONS:
        what = "a button of" if len(buttons) == 1 else "two buttons of together"
        raise ValueError(f"{what} {weight} bytes leave too little room for the texts: {LARGEST_BUTTONS} at most")


def _not_too_long(seconds: float) -> float:
    if seconds > LONGEST_FINAL_STATE:
        raise ValueError("expected 4h or less: iOS removes an activity that has ended then")
    return seconds


class FinalOptions(Options):
    """The texts that a final state has in place of the usual ones. A type with more texts inherits from it."""

    title: FinalText | None = Field(None, description="its title; a template that also knows now: the clock time")

    def texts(self, seen: ActivityView) -> dict[str, str]:
        """The fields of the content state. A text that comes out empty takes the place of none."""
        texts = {name: seen.headline(getattr(self, name)) for name in type(self).model_fields}
        return {name: text for name, text in texts.items() if text}


class End(Options):
    """How a stream leaves the Lock Screen. A type with more texts than a title has a ``final`` with these."""

    final: FinalOptions = Field(FinalOptions(), description="texts of the final state in place of the usual ones")
    dismiss_after: Annotated[Duration, AfterValidator(_not_too_long)] = Field(
        120.0, description="how long the final state stays on the Lock Screen; at most 4h"
    )
    when_no_data: PositiveDuration = Field(
        3600.0, description="it ends when all sources of what it shows have been failing or silent for this long"
    )
    cool_down: Duration = Field(60.0, description="how long it must be unwanted before it ends (flapping updates it)")


class ActivityClock(Protocol):
    """What a type has that shows a clock."""

    def countdown(self, known: Countdown | None, key: StreamKey, view: SurfacesView) -> Countdown | None:
        """What it counts down from now on. ``known``: until now."""

    def is_over(self, countdown: Countdown | None, now: float) -> bool:
        """Whether the activity has come to its end by that, whatever ``show`` says."""

    def timing(self, seen: ActivityView) -> dict[str, Any]:
        """Which window the phone counts: ``window`` and ``ends_at`` of the content."""


class ActivityOptions(Options):
    """The keys that a Live Activity of any type has."""

    type: str = Field(description=ITS_TYPE)
    title: HeadlineText = Field(description="the first line; a template")
    show: Show = Field(
        "always",
        description="'always', or one of while_firing (rules), when (an expression), between (a time window), "
        "and all or any of these",
    )
    include_suppressed: IncludeSuppressed = False
    mute: list[TimeWindowRef] = Field(
        [], description="time windows in which it starts only while a rule of it fires, at warning or above"
    )
    icon: Icon | None = Field(None, description="a symbol beside the title: {symbol, color}")
    action: Action | None = Field(None, description="a button: it opens an address, or calls a webhook")
    channels: Channels | None = Field(None, description="default: those of the account")
    account: AccountNames | None = Field(None, description="who sees it: an account, or several; " + ITS_DEFAULT)
    tags: Tags | None = Field(None, description="words that the service stores with it")
    update_every: Annotated[Duration, AfterValidator(_not_too_often)] = Field(
        THROTTLED_UPDATES,
        description="the least time between two updates that change only numbers (5s or more); what a rule changes is "
        "sent at once. iOS throttles an activity that is updated more often than every two minutes for long",
    )
    end: End = Field(End(), description=ITS_END)
    after_swipe: Literal["return", "stay_away"] | None = Field(
        None,
        description="what it does once a person has swiped it away: return with the next change, or stay away until "
        "its 'show' has been false, or a rule fires more severely; default: an incident returns, any other stays away",
    )
    priority: int = Field(
        5,
        ge=1,
        le=10,
        description="which goes first where slots are short and as bad an incident is shown, 10 before 1",
    )
    min_hold: Duration = Field(
        600.0,
        description="how long it keeps its slot against others that show no worse incident (against those that do 2m), "
        "and stays away after its end",
    )
    fold: bool = Field(
        False, description="where it finds no slot, it becomes a row of one common activity with others that do not"
    )
    on_shutdown: Literal["keep", "end"] = Field(
        "keep", description="when smithd is stopped, it stays as it is (keep), or ends (end)"
    )

    @field_validator("action")
    @classmethod
    def _leaves_room(cls, action: Action | None) -> Action | None:
        check_weight(action)
        return action

    @property
    def goes_in_steps(self) -> bool:
        """Whether a change of its value is a step, which never waits."""
        return False

    def shown_texts(self) -> Iterator[ShownText]:
        """The texts that it shows, with the width that each has; those of a final state apart."""
        width = widths.TITLE if self.icon is None else widths.TITLE_BESIDE_ICON
        yield ShownText(("title",), "title", self.title, width)
        buttons = {name: button for name, button in self.buttons().items() if button is not None}
        for name, button in buttons.items():
            width = widths.BUTTON if len(buttons) == 1 else widths.BUTTON_OF_TWO
            yield ShownText((name, "title"), "title of the button", button.title, width)

    @cached_property
    def dependencies(self) -> Dependencies:
        """What its options name. A headline is about all rules, or about those that it is shown for."""
        named = [(each.kind, each.name) for each in references(self)]
        show = self.show if isinstance(self.show, ShowOptions) else None
        return Dependencies(
            frozenset(name for kind, name in named if kind is ReferenceKind.METRIC),
            frozenset(name for kind, name in named if kind is ReferenceKind.RULE),
            all_rules=self.headline_rules is None and any(kind is ReferenceKind.EVERYTHING for kind, _ in named),
            windows=frozenset(self.mute).union(show.windows if show is not None else ()),
        )

    @cached_property
    def shown_metrics(self) -> frozenset[str]:
        """The metrics whose values it shows; not those that only decide when it is shown."""
        named = [each for each in references(self) if each.kind is ReferenceKind.METRIC]
        return frozenset(each.name for each in named if each.path[0] != "show")

    @property
    def says_what_fires(self) -> bool:
        """Whether it says how the metrics of its rules are."""
        return False

    def samples(self, view: SurfacesView) -> list[Sample]:
        """The samples that it shows: the oldest of them says how old it is."""
        return [sample for metric in self.shown_metrics for sample in view.samples(metric)]

    @property
    def single_metrics(self) -> dict[Path, str]:
        """The metrics of which it can show one series only, by where its options name them."""
        return {}

    @cached_property
    def headline_rules(self) -> list[str] | None:
        """The rules that its headline is about; None: all."""
        return self.show.rules or None if isinstance(self.show, ShowOptions) else None

    def is_wanted(self, view: SurfacesView) -> bool | None:
        """Whether it has a reason to be on the phone now; None: what is there stays, and nothing starts."""
        if not isinstance(self.show, ShowOptions):
            return True
        return self.show.is_true(view, include_suppressed=self.include_suppressed)

    def counted_severity(self, rules: Iterable[str], view: SurfacesView) -> Severity | None:
        """The worst severity that fires among these rules, suppressed alerts apart unless they are included."""
        return view.severity(rules) if self.include_suppressed else view.unsuppressed_severity(rules)

    @property
    def clock(self) -> ActivityClock | None:
        """The clock that it has, if any."""
        return None

    def buttons(self) -> dict[str, Action | None]:
        """Its buttons, by the names of their fields."""
        return {"action": self.action}

    def folded_row(
        self,
        content: ActivityContent,
        severity: Severity | None,
        view: SurfacesView,
    ) -> dict[str, Any]:
        """The row that stands for it where it is folded, while it shows an incident of this severity: its title, and
        what says most of its content state.
        """
        state = content.content_state
        return {"label": state["title"], **folded_value(state, severity, view.locale)}

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """What of its own fields cannot be shown as it should, if anything."""
        for metric in self.single_metrics.values():
            if (count := len(view.samples(metric))) > 1:
                return NotRenderable(key, Obstacle.SEVERAL_SERIES, (metric,), count)
        return None

    def head(self, seen: ActivityView) -> dict[str, Any]:
        """The fields that say what it is about, whatever its values are."""
        icon = {"icon": self.icon.model_dump(exclude_none=True)} if self.icon is not None else {}
        return {"title": seen.headline(self.title) or STAND_IN_TITLE, "type": self.type, **icon}

    def marked(self, seen: ActivityView, mark: str) -> dict[str, Any]:  # noqa: ARG002 - for the types
        """The fields that say that what is shown is old, with ``mark`` (``as of 14:05``)."""
        return {}

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The fields of the content state that this type has besides its head; they take the place of the head's."""
        raise NotImplementedError

    def own_meaning(self, state: Json) -> Any:
        """What of its own fields is worth an update at once when it changes; as plain JSON."""
        raise NotImplementedError

    def final_texts(self, seen: ActivityView, state: Json) -> dict[str, str]:  # noqa: ARG002 - for the types
        """The texts of ``end.final``, which take the place of those in this state."""
        return self.end.final.texts(seen)

    def step(self, state: Json) -> int | None:  # noqa: ARG002 - for the types
        """The step that it shows, of what goes in steps."""
        return None
