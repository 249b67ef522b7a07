"""The body of each request: the narrow form on which all of the service's descriptions agree. No I/O."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from smithd.contract.addresses import Link, Media
from smithd.contract.parts import Action, AlertTexts, Part, PushAction, Target
from smithd.contract.state import TWO_BUTTONS, ContentState
from smithd.contract.values import Level, Metadata, Moment, Named, Readout, Tags, Whole

MOST_ACTIONS = 4
LARGEST_BADGE = 2**31 - 1


class Replacement(Part):
    """A notification in an older one's place (contract section 7.2)."""

    title: Named
    message: str | None = None
    subtitle: str | None = None
    icon: Media | None = None
    redirection: Link | None = None
    actions: Annotated[list[PushAction], Field(min_length=1, max_length=MOST_ACTIONS)] | None = None
    media: Media | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None

    @field_validator("media")
    @classmethod
    def _without_actions(cls, media: str, info: ValidationInfo) -> str:
        if info.data.get("actions"):
            raise ValueError("expected either media or actions")
        return media


class PushBody(Replacement):
    """A new notification (contract section 7.1)."""

    interruption_level: Level | None = None
    target: Target | None = None


class StreamEnd(Part):
    """A Live Activity leaves the Lock Screen, with a last state or as it is (contract section 5.2)."""

    content_state: ContentState | None = None
    action: Action | None = None
    secondary_action: Action | None = None
    alert: AlertTexts | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None

    @field_validator("secondary_action")
    @classmethod
    def _beside_the_first(cls, second: Action, info: ValidationInfo) -> Action:
        # Where the first button, or the content state, is faulty itself, it is not in ``data``: one fault is enough.
        if info.data.get("action", second) is None:
            raise ValueError("a second button needs a first one, 'action'")
        state = info.data.get("content_state", second)
        if state is None:
            raise ValueError("a second button needs a content_state, whose type says whether there is a place for it")
        if state is not second and state.type not in TWO_BUTTONS:
            raise ValueError(f"a Live Activity of type {state.type} has one button")
        return second


class StreamBody(StreamEnd):
    """A Live Activity's state (contract section 5.1). It is whole every time: any of them may have to start anew."""

    content_state: ContentState
    target: Target | None = None

    @field_validator("content_state")
    @classmethod
    def _goes_on(cls, state: ContentState) -> ContentState:
        for name in ("auto_dismiss_seconds", "auto_dismiss_minutes"):
            if getattr(state, name) is not None:
                # A ValueError would blame the whole content state; ``check`` reads the field's name from ``below``.
                raise PydanticCustomError("misplaced", "it belongs to a stream's end", {"below": name})
        return state


class MetricValue(Part):
    """A widget's value (contract section 10)."""

    value: Readout
    timestamp: Moment | None = None


class AppBadge(Part):
    """The number on the app's icon, 0 for none (contract section 10)."""

    badge: Annotated[Whole, Field(ge=0, le=LARGEST_BADGE)]
    target: Target | None = None
