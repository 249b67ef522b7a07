"""What a Live Activity is rendered from, and what its texts may say. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, cast

from pydantic import Field

from smithd.alerts.severity import Severity
from smithd.outbox.message import ActivityContent, Json
from smithd.plugin.sample import Sample
from smithd.references import ReferenceKind, RefersTo
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.view import SurfacesView, sample_names
from smithd.surfaces.widget import SUMMARY_NAMES, VALUE_NAMES
from smithd.template import Text, template

_OWN_NAMES = {"severity": "warning", "at": "14:05"}


def _everything(text: Any) -> list[tuple[str, None]]:
    """A text that names rules which fire depends on all of them."""
    is_about_rules = isinstance(text, Text) and not text.names.isdisjoint(SUMMARY_NAMES)
    return [("", None)] if is_about_rules else []


HeadlineText = Annotated[Text, template(SUMMARY_NAMES | _OWN_NAMES), RefersTo(ReferenceKind.EVERYTHING, _everything)]
"""A text that may say which rules fire, how badly, and how old what is shown is."""

FinalText = Annotated[
    Text,
    template(SUMMARY_NAMES | _OWN_NAMES | {"now": "14:05"}),
    RefersTo(ReferenceKind.EVERYTHING, _everything),
]
"""A text of a final state, which may also say when it was left."""

ReadingText = Annotated[Text, template(VALUE_NAMES | _OWN_NAMES), Field(validate_default=True)]
"""How a value is written."""

PLAIN = cast("Text", "{{ value | number }}")
"""How it is written by default: a template, too, since it follows the locale of the file."""


@dataclass(frozen=True)
class ActivityView:
    """What a Live Activity may know when it is rendered.

    ``samples``: those of the metrics that it shows; ``summary``: the names of a text about what fires; ``severity``:
    how badly the rules fire that it names. ``shown``: what the phone shows of it, None where that is not known;
    ``since``: when that was started, None where it is not on the phone; ``step``: the step that it has come to there,
    which is known though an answer was cut off. ``countdown``: what its timer counts down.
    """

    surfaces: SurfacesView
    samples: Collection[Sample]
    summary: Mapping[str, Any]
    severity: Severity | None
    shown: ActivityContent | None
    since: float | None
    step: int | None
    countdown: Countdown | None

    @property
    def shown_state(self) -> Json:
        """The content state that is shown; empty where it is not known."""
        return self.shown.content_state if self.shown is not None else {}

    @property
    def of_shown(self) -> ActivityView:
        """The same for a state that keeps the values which are shown, whatever newer ones there are."""
        return replace(self, samples=())

    # Each text may ask for it, and there may be a thousand samples.
    @cached_property
    def as_of(self) -> float | None:
        """The time of the oldest value that it shows; while there is none, of the oldest that is shown already."""
        known = self.shown.as_of if self.shown is not None else None
        return min((sample.time for sample in self.samples), default=known)

    @property
    def at(self) -> str:
        """The same as a clock time; "" where it is not known."""
        return self.clock(self.as_of)

    @property
    def stale_mark(self) -> str:
        """What says that a value which it shows is too old: ``as of 14:05``; "" where all are fresh."""
        stale = not self.samples or any(not self.surfaces.is_fresh(sample) for sample in self.samples)
        return self.mark(self.as_of) if stale else ""

    def clock(self, at: float | None) -> str:
        """A moment as the time of day; "" where it is not known."""
        return self.surfaces.clock(at) if at is not None else ""

    def mark(self, at: float | None) -> str:
        """What says that values are from that time."""
        return f"as of {self.clock(at)}" if at is not None else ""

    def headline(self, text: Text | None) -> str:
        """A text about what fires; "" where there is none."""
        return (
            ""
            if text is None
            else text.render({**self.summary, **self._own_names, "now": self.clock(self.surfaces.now)})
        )

    def reading(self, text: Text, sample: Sample, width: int) -> str:
        """A value, as a text writes it where there is room for ``width`` characters."""
        return text.fitted(sample_names(sample, self.surfaces.now) | self._own_names, width)

    @property
    def _own_names(self) -> dict[str, str]:
        return {"severity": str(self.severity or ""), "at": self.at}


def joined(*parts: str) -> str:
    """What a line says, one after another; what is empty is left out."""
    return " · ".join(part for part in parts if part)


def undated(state: Json, at: str) -> Json | None:
    """A content state without this clock time in its texts; None where none of them has it."""
    without = _without(state, at) if at else state
    return without if without != state else None


def _without(value: Any, at: str) -> Any:
    match value:
        case str():
            return value.replace(at, "")
        case dict():
            return {name: _without(part, at) for name, part in value.items()}
        case list():
            return [_without(part, at) for part in value]
    return value
