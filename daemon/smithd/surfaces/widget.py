"""Widgets: the value behind each ActivitySmith metric key. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.severity import Severity
from smithd.contract.values import LONGEST_VALUE, clipped
from smithd.expression.arithmetic import sum_of
from smithd.formatting import plain
from smithd.keys import WidgetKey
from smithd.lockscreen import widths
from smithd.outbox.message import Value
from smithd.outbox.shown import ShownWidget
from smithd.plugin.options import Duration, Options
from smithd.plugin.sample import Sample, Series
from smithd.references import ITS_DEFAULT, AccountNames, MetricRef, ReferenceKind, RefersTo
from smithd.surfaces.surface import Dependencies, DesiredValue, NotRenderable, Obstacle, Surface
from smithd.surfaces.texts import ShownText
from smithd.surfaces.view import FiringRules, SurfacesView, sample_names, summary_names
from smithd.template import AnyLabels, Text, template

VALUE_NAMES: dict[str, Any] = {"value": 1234.5, "labels": AnyLabels(), "age": 30.0}
SUMMARY_NAMES: dict[str, Any] = {"firing": FiringRules({"a-rule": Severity.CRITICAL}), "count": 1}

STALE_ENDING = " ?"

WIDEST = max(widths.INLINE, widths.RECTANGULAR, widths.CIRCULAR)
"""Where a widget stands is chosen on the phone, and the service does not say it: a number is shortened where it is too
long for all places.
"""


def _not_blank(text: Text) -> Text:
    if not text.source.strip():
        raise ValueError("expected a text that is not blank")
    return text


ValueText = Annotated[Text, template(VALUE_NAMES), AfterValidator(_not_blank)]
SummaryText = Annotated[
    Text,
    template(SUMMARY_NAMES),
    AfterValidator(_not_blank),
    RefersTo(ReferenceKind.EVERYTHING, lambda text: [("", None)] if text else []),
]
"""A text about all rules: even one that names none of them is marked where a source does not answer."""


IncludeSuppressed = Annotated[
    bool,
    Field(description="whether alerts that are muted, silenced or inhibited count as all others; default: false"),
]


class WidgetOptions(Options):
    """A widget's keys; ``key: source.metric`` is short for ``key: {value: source.metric}``."""

    short_form: ClassVar = {"type": "string"}
    short_form_of: ClassVar = "value"

    value: MetricRef | None = Field(None, description="the metric whose value is shown, as source.metric")
    text: SummaryText | None = Field(None, description="a text about everything, instead of one metric's value")
    format: ValueText | None = Field(None, description="makes the number a text of 1 to 64 characters")
    stale: ValueText | None = Field(None, description="the text once the value is too old; default: the format and ?")
    min_interval: Duration = Field(60.0, description="the least time between two routine updates")
    min_change: float = Field(0.0, ge=0, description="a number that changed by less than this is not sent")
    pick: Literal["max", "min", "sum", "first"] | None = Field(
        None,
        description="which of several series is shown: the largest, the smallest, their sum, "
        "or the first by labels in alphabetical order",
    )
    priority: int = Field(5, ge=1, le=10, description="how much an error on the screen weighs when the budget is short")
    send_within: Duration = Field(
        21600.0, description="the longest that a value which differs from the screen waits when the budget is short"
    )
    include_suppressed: IncludeSuppressed = False
    account: AccountNames | None = Field(None, description="whose widget it is: an account, or several; " + ITS_DEFAULT)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"value": given} if isinstance(given, str) else given

    @field_validator("format", "stale", "pick", "min_change")
    @classmethod
    def _of_value(cls, given: Any, info: ValidationInfo) -> Any:
        # Where ``value`` is wrong itself, it is not in ``data``.
        if info.data.get("value", "") is None and info.data.get("text") is not None:
            key = {"key": info.field_name}
            raise PydanticCustomError("text_only", "'{key}' belongs to 'value', not to 'text'", key)
        return given

    @model_validator(mode="after")
    def _one_content(self) -> WidgetOptions:
        if (self.value is None) == (self.text is None):
            raise PydanticCustomError("one_content", "a widget shows either a metric ('value') or a 'text'")
        if self.value is not None and self.include_suppressed:
            raise PydanticCustomError("counts", "'include_suppressed' belongs to 'text': a value counts no alerts")
        if self.stale is not None and self.format is None:
            raise PydanticCustomError("stale_text", "'stale' marks a text: it needs 'format' (a number has no mark)")
        return self

    @property
    def is_text(self) -> bool:
        """Whether the widget shows a text; a number cannot be marked as stale."""
        return self.text is not None or self.format is not None

    def shown_texts(self) -> Iterator[ShownText]:
        """Its text, in the widest place that it may have; a number is written by the app."""
        if self.text is not None:
            yield ShownText(("text",), "text", self.text, WIDEST)
        elif self.format is not None:
            yield ShownText(("format",), "text", self.format, WIDEST, self.value)


def widget_surface(
    key: WidgetKey, options: WidgetOptions, watchers: Mapping[str, Collection[str]], sources: frozenset[str]
) -> Surface:
    """The widget that these options describe. ``watchers``: the rules on each metric; ``sources``: those of all rules'
    metrics.
    """
    if options.text is not None:
        return SummaryWidget(key, options, options.text, sources)
    assert options.value is not None
    return MetricWidget(key, options, options.value, frozenset(watchers.get(options.value, ())))


@dataclass(frozen=True, slots=True)
class MetricWidget:
    """A widget with the value of one metric. ``rules``: those on the metric; how badly they fire is its meaning."""

    key: WidgetKey
    options: WidgetOptions
    metric: str
    rules: frozenset[str]

    @property
    def dependencies(self) -> Dependencies:
        """Its metric, and the rules on that."""
        return Dependencies(frozenset([self.metric]), self.rules)

    def render(self, view: SurfacesView) -> DesiredValue | NotRenderable:
        """The newest sample, as a number or as a text."""
        samples = view.samples(self.metric)
        if len(samples) > 1 and self.options.pick is None:
            return NotRenderable(self.key, Obstacle.SEVERAL_SERIES, (self.metric,), len(samples))
        sample = self._picked(samples, view) or self._last_shown(view)
        if sample is None:
            return NotRenderable(self.key, Obstacle.UNSEEN if view.is_unseen(self.metric) else Obstacle.NO_VALUE)
        value: Value
        if self.options.format is None:
            value = plain(sample.value)
        elif view.is_fresh(sample):
            value = clipped(self.options.format.fitted(sample_names(sample, view.now), WIDEST))
        elif self.options.stale is not None:
            value = clipped(self.options.stale.fitted(sample_names(sample, view.now), WIDEST))
        else:
            width = WIDEST - len(STALE_ENDING)
            value = marked_stale(self.options.format.fitted(sample_names(sample, view.now), width))
        # Compared with "", since 0 is a value.
        if value == "":
            return NotRenderable(self.key, Obstacle.EMPTY_TEXT)
        return DesiredValue(
            self.key,
            value,
            severity=view.severity(self.rules),
            interval=self.options.min_interval,
            tolerance=self.options.min_change,
            time=sample.time,
            number=sample.value,
            weight=self.options.priority,
            send_within=self.options.send_within,
        )

    def _picked(self, samples: Collection[Sample], view: SurfacesView) -> Sample | None:
        """The sample to show. A stale one is shown only where none is fresh; a sum needs all of them to be fresh, and
        is as old as the oldest.
        """
        fresh = [sample for sample in samples if view.is_fresh(sample)]
        match self.options.pick:
            case _ if not samples:
                return None
            case "sum":
                total, oldest = sum_of(sample.value for sample in fresh), min(sample.time for sample in samples)
                is_known = len(fresh) == len(samples) and not isnan(total)
                return Sample(Series(self.metric), total, oldest) if is_known else None
            case "max":
                return max(fresh or samples, key=attrgetter("value"))
            case "min":
                return min(fresh or samples, key=attrgetter("value"))
            case _:
                return min(fresh or samples, key=attrgetter("series.labels"))

    def _last_shown(self, view: SurfacesView) -> Sample | None:
        """The sample that is shown, where there is no other: from before the start with a source that is dead, or of a
        sum that is missing. It must be marked as stale.
        """
        shown = view.shown(self.key)
        if view.is_unseen(self.metric) or not isinstance(shown, ShownWidget):
            return None
        if shown.number is None or shown.time is None:
            return None
        return Sample(Series(self.metric), shown.number, shown.time)


@dataclass(frozen=True, slots=True)
class SummaryWidget:
    """A widget with a text about all rules. ``sources``: those that rules look at.

    While nothing fires it says nothing before all of them answered, and it is marked as stale where one of them has not
    answered yet, or has fallen silent.
    """

    key: WidgetKey
    options: WidgetOptions
    text: Text
    sources: frozenset[str]

    @property
    def dependencies(self) -> Dependencies:
        """Everything."""
        return Dependencies(all_rules=True, all_sources=True)

    def render(self, view: SurfacesView) -> DesiredValue | NotRenderable:
        """The text."""
        unseen = any(view.is_unseen(source) for source in self.sources)
        counted = view.counted(include_suppressed=self.options.include_suppressed)
        if unseen and not counted:
            return NotRenderable(self.key, Obstacle.UNSEEN)
        text = self.text.render(summary_names(counted))
        if not text:
            return NotRenderable(self.key, Obstacle.EMPTY_TEXT)
        # While something fires, that is said though a source is silent; the mark says that there may be more.
        is_whole = not unseen and not any(view.is_silent(source) for source in self.sources)
        value = clipped(text) if is_whole else marked_stale(text)
        return DesiredValue(
            self.key,
            value,
            None,
            self.options.min_interval,
            self.options.min_change,
            weight=self.options.priority,
            send_within=self.options.send_within,
        )


def marked_stale(text: str) -> str:
    """A text with the mark of what is stale."""
    # The text is cut, and not its mark.
    return clipped(text, LONGEST_VALUE - len(STALE_ENDING)) + STALE_ENDING
