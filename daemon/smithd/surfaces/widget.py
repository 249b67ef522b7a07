"""Widgets: what the value behind each ActivitySmith metric key should be. Pure."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.values import LONGEST_VALUE, clipped
from smithd.keys import DEFAULT_ACCOUNT, WidgetKey
from smithd.outbox.message import Priority, WidgetValue
from smithd.outbox.shown import ShownWidget
from smithd.plugin.options import Duration, Options
from smithd.plugin.sample import Sample, Series
from smithd.references import MetricRef
from smithd.series.expected import source_of
from smithd.surfaces.view import Held, Number, View, names_of, plain, summary_names
from smithd.template import AnyLabels, Text, template

VALUE_NAMES: dict[str, Any] = {"value": 1234.5, "labels": AnyLabels(), "age": 30.0}
SUMMARY_NAMES: dict[str, Any] = {"firing": ["a-rule"], "count": 1}

ValueText = Annotated[Text, template(VALUE_NAMES)]
SummaryText = Annotated[Text, template(SUMMARY_NAMES)]


class WidgetOptions(Options):
    """A widget's keys; ``key: source.metric`` is short for ``key: {value: source.metric}``."""

    short_form: ClassVar = {"type": "string"}
    short_form_of: ClassVar = "value"

    value: MetricRef | None = Field(None, description="the metric whose value is shown, as source.metric")
    format: ValueText | None = Field(None, description="makes the number a text of 1 to 64 characters")
    stale: ValueText | None = Field(None, description="the text once the value is too old; default: the format and ?")
    text: SummaryText | None = Field(None, description="a text about everything, instead of one metric's value")
    min_interval: Duration = Field(60.0, description="the least time between two routine updates")
    min_change: float = Field(0.0, ge=0, description="a number that changed by less than this is not sent")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"value": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_content(self) -> WidgetOptions:
        if (self.value is None) == (self.text is None):
            raise PydanticCustomError("one_content", "a widget shows either a metric ('value') or a 'text'")
        if self.text is not None and (self.format is not None or self.stale is not None):
            raise PydanticCustomError("text_only", "'format' and 'stale' belong to 'value', not to 'text'")
        if self.stale is not None and self.format is None:
            raise PydanticCustomError("stale_text", "'stale' marks a text: it needs 'format' (a number has no mark)")
        return self


def key(name: str) -> WidgetKey:
    """The key of a widget's messages."""
    return WidgetKey(DEFAULT_ACCOUNT, name)


def word(name: str, options: WidgetOptions, view: View) -> WidgetValue | Held | None:
    """What the widget ``name`` should show; Held where that is unclear, None where all is well as it is."""
    if options.text is not None:
        return _summary(name, options, options.text, view)
    assert options.value is not None
    if complaint := view.ambiguity(options.value):
        return Held(key(name), complaint)
    sample = _sample(options.value, view, view.standing(key(name)).widget)
    if sample is None:
        return None
    if options.format is None:
        return _message(name, options, view, plain(sample.value), sample)
    text = _text(options, sample, view)
    return _message(name, options, view, text, sample) if text else Held(key(name), "its template gave an empty text")


def _summary(name: str, options: WidgetOptions, text: Text, view: View) -> WidgetValue | Held | None:
    """A text about everything; while nothing fires it says nothing before all that rules look at was asked, and it
    is marked where one of these sources has not been heard, or has fallen silent.
    """
    sources = {source_of(metric) for metric in view.watchers if "." in metric}
    unheard = any(view.awaits(source) for source in sources)
    if unheard and not view.firing:
        return None
    said = text.render(summary_names(view))
    if not said:
        return Held(key(name), "its template gave an empty text")
    is_whole = not unheard and not any(view.is_silent(source) for source in sources)
    marked = clipped(said) if is_whole else marked_stale(said)
    return _message(name, options, view, marked, None)


def _sample(metric: str, view: View, shown: ShownWidget | None) -> Sample | None:
    for sample in view.samples(metric):
        return sample
    if view.awaits(metric) or shown is None or shown.number is None or shown.time is None:
        return None
    # Nothing came since the start: what the phone shows is from the last run, and must be marked as old.
    return Sample(Series(metric), shown.number, shown.time)


def _text(options: WidgetOptions, sample: Sample, view: View) -> str:
    assert options.format is not None
    names = names_of(sample, view.now)
    if view.is_fresh(sample):
        return clipped(options.format.render(names))
    if options.stale is not None:
        return clipped(options.stale.render(names))
    return marked_stale(options.format.render(names))


def marked_stale(text: str) -> str:
    """A text that says that it is not fresh."""
    return f"{clipped(text, LONGEST_VALUE - 2)} ?"


def _message(name: str, options: WidgetOptions, view: View, value: str | Number, sample: Sample | None) -> WidgetValue:
    """The message; a change of severity goes at once, anything else keeps its distance from the last update."""
    shown = view.standing(key(name)).widget
    severity = view.severity(view.watchers.get(options.value or "", ()))
    urgent = shown is not None and shown.severity != severity
    return WidgetValue(
        key(name),
        value,
        Priority.SEVERITY if urgent else Priority.ROUTINE,
        view.now,
        due=view.now if urgent or shown is None else min(view.now, shown.at) + options.min_interval,
        tolerance=options.min_change,
        time=sample.time if sample is not None else None,
        number=sample.value if sample is not None else None,
        severity=severity,
    )
