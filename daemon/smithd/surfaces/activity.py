"""Live Activities: which streams should be on the Lock Screen, and what they should say. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.severity import Severity
from smithd.contract.parts import Action, Icon
from smithd.contract.values import MOST_ROWS, Channels, Color, Named, Tags, clipped, size
from smithd.formatting import number
from smithd.keys import DEFAULT_ACCOUNT, StreamKey
from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, Priority
from smithd.outbox.shown import ShownActivity
from smithd.plugin.options import Duration, Options
from smithd.plugin.sample import Sample
from smithd.references import MetricRef, RuleRef
from smithd.surfaces.view import Held, Number, View, names_of, plain, summary_names
from smithd.surfaces.widget import SUMMARY_NAMES, ValueText, marked_stale
from smithd.template import Text, template

COSMETIC_INTERVAL = 120.0
"""Seconds between two updates that change nothing but numbers: oftener, iOS throttles (contract section 9.3)."""

LARGEST_BUTTON = 2500
"""Bytes; of the 3500 that a Live Activity may have, the rest is for its texts (contract section 9.4)."""

NO_VALUE = "–"

HeadlineText = Annotated[Text, template(SUMMARY_NAMES)]

_COLORS: dict[Severity | None, Color] = {None: "green", Severity.WARNING: "orange", Severity.CRITICAL: "red"}


class WhileFiring(Options):
    """Shown while one of these rules fires."""

    while_firing: list[RuleRef] = Field(
        min_length=1, description="rules; the activity is shown while one of them fires"
    )


class Stat(Options):
    """A row: one metric, or (``each``) one row for every series of a metric."""

    label: Named | None = None
    value: MetricRef | None = Field(None, description="the metric whose value is shown, as source.metric")
    each: MetricRef | None = Field(None, description="a metric; one row for each of its series")
    by: str | None = Field(None, description="the label that names the rows of 'each'")
    top: Annotated[int, Field(ge=1, le=MOST_ROWS)] = Field(MOST_ROWS, description="rows of 'each', the largest first")
    format: ValueText | None = Field(None, description="how the number is written; a template")
    unit: str | None = None
    color: Color | None = None
    color_by: RuleRef | None = Field(None, description="a rule: green, orange while it warns, red while it is critical")

    @model_validator(mode="after")
    def _one_kind(self) -> Stat:
        if (self.value is None) == (self.each is None):
            raise PydanticCustomError("one_kind", "a row shows either one metric ('value') or several series ('each')")
        if self.value is not None and self.label is None:
            raise PydanticCustomError("label", "a row needs a 'label'")
        if self.each is not None and (self.by is None or self.label is not None):
            raise PydanticCustomError("by", "rows of 'each' are named by a label of the series: give 'by', no 'label'")
        return self

    @property
    def metric(self) -> str:
        """The metric that the row, or the rows, show."""
        metric = self.value or self.each
        assert metric is not None
        return metric


class End(Options):
    """How a stream leaves the Lock Screen."""

    dismiss_after: Duration = Field(120.0, description="how long the final state stays on the Lock Screen")
    cool_down: Duration = Field(60.0, description="how long it must be unwanted before it ends (flapping updates it)")


class ActivityOptions(Options):
    """A Live Activity's keys."""

    type: Literal["stats"]
    title: HeadlineText
    subtitle: HeadlineText | None = None
    show: Literal["always"] | WhileFiring = Field("always", description="'always', or {while_firing: [rules]}")
    stats: list[Stat] = Field(min_length=1, max_length=MOST_ROWS, description="the rows, eight at most")
    icon: Icon | None = None
    action: Action | None = None
    channels: Channels | None = Field(None, description="default: activitysmith.channels")
    tags: Tags | None = None
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
    def metrics(self) -> frozenset[str]:
        """The metrics that its rows show."""
        return frozenset(stat.metric for stat in self.stats)

    @property
    def rules(self) -> frozenset[str]:
        """The rules that decide whether it is shown, and in which colours."""
        shown_by = self.show.while_firing if isinstance(self.show, WhileFiring) else []
        return frozenset(shown_by) | {stat.color_by for stat in self.stats if stat.color_by is not None}

    @property
    def speaks_of_all(self) -> bool:
        """Whether its headline tells of every rule's alerts."""
        headline = self.title.names | (self.subtitle.names if self.subtitle is not None else frozenset())
        return self.show == "always" and bool(headline)


def key(name: str) -> StreamKey:
    """The key of a stream's messages."""
    return StreamKey(DEFAULT_ACCOUNT, name)


def wanted(options: ActivityOptions, view: View) -> bool:
    """Whether the activity has a reason to be on the phone now."""
    return options.show == "always" or view.severity(options.show.while_firing) is not None


def word(
    name: str, options: ActivityOptions, channels: Sequence[str] | None, view: View
) -> ActivityState | Held | None:
    """What the stream ``name`` should show; Held where a row is unclear, None while first readings may still come."""
    for stat in options.stats:
        if stat.value is not None and (complaint := view.ambiguity(stat.value)):
            return Held(key(name), complaint)
    if any(view.awaits(metric) for metric in options.metrics):
        return None
    state = _state(name, options, view)
    content = ActivityContent(
        state,
        action=options.action.model_dump(exclude_none=True) if options.action is not None else None,
        channels=tuple(options.channels or channels or ()) or None,
        tags=tuple(options.tags or ()) or None,
    )
    meaning = _meaning(content, options, view)
    priority, due = _pace(view.standing(key(name)).activity, meaning, view.now)
    return ActivityState(key(name), content, priority, view.now, due=due, meaning=meaning)


def end(name: str, options: ActivityOptions | None, view: View) -> ActivityEnd:
    """The end of a stream: its final state, and when the phone takes it away. Without options (it was taken out of
    the configuration) what was last shown is final, and goes at once.
    """
    dismissal = {"auto_dismiss_seconds": round(options.end.dismiss_after) if options else 0}
    shown = view.standing(key(name)).activity
    state: dict[str, Any] = {}
    if options is not None:
        state = _state(name, options, view) | dismissal
    elif shown is not None and shown.content is not None and shown.content.content_state:
        state = {**shown.content.content_state, **dismissal}
    return ActivityEnd(key(name), ActivityContent(state), view.now)


def _pace(shown: ShownActivity | None, meaning: str, now: float) -> tuple[Priority, float]:
    """A change of meaning goes at once; a cosmetic one waits for its time."""
    if shown is None or shown.ended or shown.content is None or shown.meaning != meaning:
        return Priority.MEANING, now
    return Priority.COSMETIC, min(now, shown.at) + COSMETIC_INTERVAL


def _meaning(content: ActivityContent, options: ActivityOptions, view: View) -> str:
    """What of a state is worth an update at once: its headline, its colours, its rows, which rules fire how badly."""
    state = content.content_state
    rows = [[row["label"], row.get("color"), row["value"] == NO_VALUE] for row in state["metrics"]]
    severities = [[rule, view.severity([rule])] for rule in sorted(options.rules)]
    headline = [state.get(part) for part in ("title", "subtitle")]
    return json.dumps([headline, rows, severities, content.channels])


def _state(name: str, options: ActivityOptions, view: View) -> dict[str, Any]:
    names = summary_names(view)
    if isinstance(options.show, WhileFiring):
        firing = [rule for rule in options.show.while_firing if rule in view.firing]
        names = {"firing": firing, "count": sum(len(view.firing[rule]) for rule in firing)}
    state: dict[str, Any] = {"title": options.title.render(names) or "smithd", "type": "stats"}
    subtitle = options.subtitle.render(names) if options.subtitle is not None else ""
    if subtitle:
        state["subtitle"] = subtitle
    told = _told_rows(view.standing(key(name)).activity)
    state["metrics"] = [row for stat in options.stats for row in _rows(stat, told, view)][:MOST_ROWS] or [
        {"label": options.stats[0].metric, "value": NO_VALUE}
    ]
    if options.icon is not None:
        state["icon"] = options.icon.model_dump(exclude_none=True)
    return state


def _told_rows(shown: ShownActivity | None) -> dict[str, str]:
    """What the phone shows under each label, as texts that say that they are old: from before the start, maybe."""
    state = shown.content.content_state if shown is not None and shown.content is not None else {}
    rows = state.get("metrics", ())
    values = {row["label"]: str(row["value"]) for row in rows if row["value"] != NO_VALUE}
    return {label: value if value.endswith(" ?") else marked_stale(value) for label, value in values.items()}


def _rows(stat: Stat, told: Mapping[str, str], view: View) -> list[dict[str, Any]]:
    samples = sorted(view.samples(stat.metric), key=lambda sample: (-sample.value, sample.series))
    if stat.each is None:
        assert stat.label is not None
        value = _shown(stat, samples[0], view) if samples else told.get(stat.label, NO_VALUE)
        return [_row(stat, stat.label, value, view)]
    assert stat.by is not None
    rows = [(dict(sample.series.labels).get(stat.by) or NO_VALUE, sample) for sample in samples[: stat.top]]
    return [_row(stat, label, _shown(stat, sample, view), view) for label, sample in rows]


def _row(stat: Stat, label: str, value: str | Number, view: View) -> dict[str, Any]:
    row: dict[str, Any] = {"label": label, "value": value}
    if stat.unit is not None:
        row["unit"] = stat.unit
    color = _COLORS[view.severity([stat.color_by])] if stat.color_by is not None else stat.color
    return row | ({"color": color} if color else {})


def _shown(stat: Stat, sample: Sample, view: View) -> str | Number:
    """A row's value: a number where it can be one (not below zero, contract section 4.2), else a text."""
    fresh = view.is_fresh(sample)
    if stat.format is None and fresh and sample.value >= 0:
        return plain(sample.value)
    text = stat.format.render(names_of(sample, view.now)) if stat.format is not None else number(sample.value)
    text = clipped(text) or NO_VALUE
    return text if fresh else marked_stale(text)
