"""What all types of Live Activities share: when they are shown, their headline, how they end. No I/O.

A type is one module of this package with a subclass of ``ActivityOptions``: the keys that it has besides the shared
ones, and what it makes of them. ``registry`` finds it there; nothing else knows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from smithd.alerts.severity import Severity
from smithd.contract.parts import Action, Icon
from smithd.contract.values import Channels, Tags, size
from smithd.keys import StreamKey
from smithd.plugin.options import Duration, Options
from smithd.references import ReferenceKind, RefersTo, RuleRef, references
from smithd.surfaces.surface import Dependencies, NotRenderable
from smithd.surfaces.view import SurfacesView, summary_names
from smithd.surfaces.widget import SUMMARY_NAMES, IncludeSuppressed
from smithd.template import Text, template

LARGEST_BUTTON = 2500
"""Bytes; of the 3500 that a Live Activity may have, the rest is for its texts (contract section 9.4)."""

STAND_IN_TITLE = "smithd"
"""A title must not be empty; a template's text can be."""


SHORTEST_UPDATES = 5.0
THROTTLED_UPDATES = 120.0
"""Seconds. Where an activity is updated more often than this for long, iOS shows none of its updates for about an hour
(contract section 9.3).
"""


def _not_too_often(seconds: float) -> float:
    if seconds < SHORTEST_UPDATES:
        raise ValueError("expected 5s or more: iOS does not show faster updates (the default is 120s)")
    return seconds


def _everything(text: Any) -> list[tuple[str, None]]:
    """A text that names rules which fire depends on all of them."""
    return [("", None)] if isinstance(text, Text) and text.names else []


HeadlineText = Annotated[Text, template(SUMMARY_NAMES), RefersTo(ReferenceKind.EVERYTHING, _everything)]
"""A text that may say which rules fire."""


class WhileFiring(Options):
    """Shown while one of these rules fires."""

    while_firing: list[RuleRef] = Field(
        min_length=1, description="rules; the activity is shown while one of them fires"
    )


class End(Options):
    """How a stream leaves the Lock Screen."""

    dismiss_after: Duration = Field(120.0, description="how long the final state stays on the Lock Screen")
    cool_down: Duration = Field(60.0, description="how long it must be unwanted before it ends (flapping updates it)")


class ActivityOptions(Options):
    """The keys that a Live Activity of any type has."""

    type: str
    title: HeadlineText
    show: Literal["always"] | WhileFiring = Field("always", description="'always', or {while_firing: [rules]}")
    include_suppressed: IncludeSuppressed = False
    icon: Icon | None = None
    action: Action | None = None
    channels: Channels | None = Field(None, description="default: activitysmith.channels")
    tags: Tags | None = None
    update_every: Annotated[Duration, AfterValidator(_not_too_often)] = Field(
        THROTTLED_UPDATES,
        description="the least time between two updates that change only numbers (5s or more); what a rule changes is "
        "sent at once. iOS throttles an activity that is updated more often than every two minutes for long",
    )
    end: End = End()

    @field_validator("action")
    @classmethod
    def _leaves_room(cls, action: Action | None) -> Action | None:
        if action is not None and (weight := size(action.model_dump(exclude_none=True))) > LARGEST_BUTTON:
            raise ValueError(
                f"a button of {weight} bytes leaves too little room for the texts: {LARGEST_BUTTON} at most"
            )
        return action

    @property
    def is_always_shown(self) -> bool:
        """Whether it is on the phone as long as it has a slot."""
        return self.show == "always"

    @property
    def dependencies(self) -> Dependencies:
        """What its options name. A headline is about all rules, or about those that it is shown for."""
        named = [(each.kind, each.name) for each in references(self)]
        return Dependencies(
            frozenset(name for kind, name in named if kind is ReferenceKind.METRIC),
            frozenset(name for kind, name in named if kind is ReferenceKind.RULE),
            all_rules=self.is_always_shown and any(kind is ReferenceKind.EVERYTHING for kind, _ in named),
        )

    def is_wanted(self, view: SurfacesView) -> bool | None:
        """Whether it has a reason to be on the phone now; None: what is there stays, and nothing starts. That is so
        while only suppressed alerts fire.
        """
        if not isinstance(self.show, WhileFiring) or self.counted_severity(self.show.while_firing, view) is not None:
            return True
        return False if view.severity(self.show.while_firing) is None else None

    def counted_severity(self, rules: Iterable[str], view: SurfacesView) -> Severity | None:
        """The worst severity that fires among these rules, suppressed alerts apart unless they are included."""
        return view.severity(rules) if self.include_suppressed else view.unsuppressed_severity(rules)

    def headline(self, text: Text | None, view: SurfacesView) -> str:
        """A text of its headline; "" where it has none."""
        if text is None:
            return ""
        rules = self.show.while_firing if isinstance(self.show, WhileFiring) else None
        return text.render(summary_names(view.counted(rules, include_suppressed=self.include_suppressed)))

    def content_state(self, shown: Mapping[str, Any], view: SurfacesView) -> dict[str, Any]:
        """The whole content state. ``shown``: the one that is shown, empty where that is unknown."""
        state = {"title": self.headline(self.title, view) or STAND_IN_TITLE, "type": self.type}
        icon = {"icon": self.icon.model_dump(exclude_none=True)} if self.icon is not None else {}
        return {**state, **self.own_state(shown, view), **icon}

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:  # noqa: ARG002 - for the types
        """What of its own fields cannot be shown as it should, if anything."""
        return None

    def own_state(self, shown: Mapping[str, Any], view: SurfacesView) -> dict[str, Any]:
        """The fields of the content state that this type has besides the title and the icon."""
        raise NotImplementedError

    def own_meaning(self, state: Mapping[str, Any]) -> Any:
        """What of its own fields is worth an update at once when it changes; as plain JSON."""
        raise NotImplementedError
