"""What some types of Live Activities share: a subtitle, a colour, a badge, a second button (contract section 4.3).
No I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.parts import Action
from smithd.contract.values import clipped
from smithd.expression.option import ValueRef
from smithd.lockscreen import widths
from smithd.plugin.sample import Sample
from smithd.references import Path
from smithd.surfaces.activity.colors import ColorOptions
from smithd.surfaces.activity.options import ITS_END, ActivityOptions, End, FinalOptions, check_weight
from smithd.surfaces.activity.view import PLAIN, ActivityView, FinalText, HeadlineText, ReadingText, joined
from smithd.surfaces.texts import ShownText
from smithd.surfaces.widget import STALE_ENDING, marked_stale
from smithd.template import Text

NO_VALUE = "–"


def reading(text: Text, sample: Sample, seen: ActivityView, width: int) -> str:
    """A value as a text, marked where it is too old; "" where its template gave nothing. ``width``: how many characters
    the phone shows.
    """
    if seen.surfaces.is_fresh(sample):
        return clipped(seen.reading(text, sample, width))
    shown = clipped(seen.reading(text, sample, width - len(STALE_ENDING)))
    return marked_stale(shown) if shown else ""


def old(shown: Any) -> str:
    """A value that is shown, where there is no sample any more: it may be from before the start, so it is marked."""
    if shown is None or shown == NO_VALUE:
        return NO_VALUE
    return shown if isinstance(shown, str) and shown.endswith(" ?") else marked_stale(str(shown))


class FinalWithSubtitle(FinalOptions):
    """The texts of a final state with a line below its title."""

    subtitle: FinalText | None = Field(None, description="its line below the title; a template")


class EndWithSubtitle(End):
    """How a stream with a line below its title leaves."""

    final: FinalWithSubtitle = Field(
        FinalWithSubtitle(), description="texts of the final state in place of the usual ones"
    )


class WithSubtitle(ActivityOptions):
    """A type with a line below its title."""

    subtitle: HeadlineText | None = Field(None, description="a line below the title; a template")
    end: EndWithSubtitle = Field(EndWithSubtitle(), description=ITS_END)

    def head(self, seen: ActivityView) -> dict[str, Any]:
        """With the subtitle, where there is one."""
        return super().head(seen) | self.noted(seen)

    def shown_texts(self) -> Iterator[ShownText]:
        """With the subtitle."""
        yield from super().shown_texts()
        if self.subtitle is not None:
            width = widths.SUBTITLE if self.icon is None else widths.SUBTITLE_BESIDE_ICON
            yield ShownText(("subtitle",), "subtitle", self.subtitle, width)

    def noted(self, seen: ActivityView, *notes: str) -> dict[str, Any]:
        """The field ``subtitle``: the text of its own, and what else is to be said there, if anything."""
        text = joined(seen.headline(self.subtitle), *notes)
        return {"subtitle": text} if text else {}

    def marked(self, seen: ActivityView, mark: str) -> dict[str, Any]:
        """The subtitle says it."""
        return self.noted(seen, mark)


class WithColor(ActivityOptions, ColorOptions):
    """A type with a colour of its own."""

    def head(self, seen: ActivityView) -> dict[str, Any]:
        """With the colour, where there is one."""
        return super().head(seen) | self.tint(seen.surfaces)


class ActivityBadgeOptions(ColorOptions):
    """A few words beside the title: a text, or a value."""

    title: HeadlineText | None = Field(None, description="what it says; a template")
    value: ValueRef | None = Field(None, description="the value that it says: a metric, or an expression")
    format: ReadingText = Field(PLAIN, description="how the value is written; a template")

    @model_validator(mode="after")
    def _one_content(self) -> ActivityBadgeOptions:
        if (self.title is None) == (self.value is None):
            raise PydanticCustomError("one_content", "a badge says either a text ('title') or a value ('value')")
        if self.value is None and "format" in self.model_fields_set:
            raise PydanticCustomError("format_only", "'format' belongs to 'value', not to 'title'")
        return self

    def text(self, seen: ActivityView) -> str:
        """What it says; "" where there is nothing to say."""
        if self.value is None:
            return seen.headline(self.title)
        return next(
            (reading(self.format, sample, seen, widths.BADGE) for sample in seen.surfaces.samples(self.value)), ""
        )


class WithBadge(ActivityOptions):
    """A type with a badge."""

    badge: ActivityBadgeOptions | None = Field(None, description="a few words beside the title: {title} or {value}")

    def head(self, seen: ActivityView) -> dict[str, Any]:
        """With the badge, where it has something to say."""
        text = self.badge.text(seen) if self.badge is not None else ""
        if self.badge is None or not text:
            return super().head(seen)
        return super().head(seen) | {"badge": {"title": text, **self.badge.tint(seen.surfaces)}}

    def shown_texts(self) -> Iterator[ShownText]:
        """With the badge's."""
        yield from super().shown_texts()
        if self.badge is not None and self.badge.value is None:
            yield ShownText(("badge", "title"), "badge", self.badge.title, widths.BADGE)
        elif self.badge is not None:
            yield ShownText(("badge", "format"), "badge", self.badge.format, widths.BADGE, self.badge.value)

    @property
    def single_metrics(self) -> dict[Path, str]:
        """With the badge's."""
        value = self.badge.value if self.badge is not None else None
        return super().single_metrics | ({("badge", "value"): value} if value is not None else {})


class WithTwoButtons(ActivityOptions):
    """A type with a second button."""

    secondary_action: Action | None = Field(None, description="a second button, beside that of 'action'")

    @field_validator("secondary_action")
    @classmethod
    def _stands_beside(cls, second: Action | None, info: ValidationInfo) -> Action | None:
        # Where ``action`` is wrong itself, it is not in ``data``.
        if second is not None and "action" in info.data:
            if info.data["action"] is None:
                raise ValueError("a second button stands beside a first one: give 'action', too")
            check_weight(info.data["action"], second)
        return second

    def buttons(self) -> dict[str, Action | None]:
        """With the second one."""
        return super().buttons() | {"secondary_action": self.secondary_action}
