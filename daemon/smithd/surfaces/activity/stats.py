"""The type ``stats``: up to eight rows with a label and a value. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.values import MOST_ROWS, Color, Named, clipped
from smithd.formatting import number, plain
from smithd.keys import StreamKey
from smithd.plugin.options import Options
from smithd.plugin.sample import Sample
from smithd.references import MetricRef, RuleRef
from smithd.surfaces.activity.options import ActivityOptions, HeadlineText
from smithd.surfaces.surface import NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView, sample_names
from smithd.surfaces.widget import ValueText, marked_stale

NO_VALUE = "–"

_COLORS: dict[str | None, Color] = {None: "green", "info": "blue", "warning": "orange", "critical": "red"}


class StatOptions(Options):
    """A row: one metric, or (``each``) one row for every series of a metric."""

    label: Named | None = None
    value: MetricRef | None = Field(None, description="the metric whose value is shown, as source.metric")
    each: MetricRef | None = Field(None, description="a metric; one row for each of its series")
    by: str | None = Field(None, description="the label that names the rows of 'each'")
    top: Annotated[int, Field(ge=1, le=MOST_ROWS)] = Field(MOST_ROWS, description="rows of 'each', the largest first")
    format: ValueText | None = Field(None, description="how the number is written; a template")
    unit: str | None = None
    color: Color | None = None
    color_by: RuleRef | None = Field(None, description="a rule: green, blue (info), orange (warning) or red (critical)")

    @model_validator(mode="after")
    def _one_kind(self) -> StatOptions:
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


class StatsOptions(ActivityOptions):
    """A Live Activity's keys."""

    type: Literal["stats"]
    subtitle: HeadlineText | None = None
    stats: list[StatOptions] = Field(min_length=1, max_length=MOST_ROWS, description="the rows, eight at most")

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """A row for one series cannot show several."""
        for stat in self.stats:
            if stat.value is not None and (count := len(view.samples(stat.value))) > 1:
                return NotRenderable(key, Obstacle.SEVERAL_SERIES, (stat.value,), count)
        return None

    def own_state(self, shown: Mapping[str, Any], view: SurfacesView) -> dict[str, Any]:
        """The subtitle and the rows."""
        subtitle = self.headline(self.subtitle, view)
        # What is shown may be from before the start, so it is marked as stale until there is a sample.
        values = {row["label"]: str(row["value"]) for row in shown.get("metrics", ()) if row["value"] != NO_VALUE}
        known = {label: value if value.endswith(" ?") else marked_stale(value) for label, value in values.items()}
        rows = [row for stat in self.stats for row in _rows(stat, known, view)][:MOST_ROWS]
        head = {"subtitle": subtitle} if subtitle else {}
        return {**head, "metrics": rows or [{"label": self.stats[0].metric, "value": NO_VALUE}]}

    def own_meaning(self, state: Mapping[str, Any]) -> Any:
        """The subtitle; which rows there are, with their colours, and which of them have a value."""
        rows = [[row["label"], row.get("color"), row["value"] == NO_VALUE] for row in state["metrics"]]
        return [state.get("subtitle"), rows]


def _rows(stat: StatOptions, known: Mapping[str, str], view: SurfacesView) -> list[dict[str, Any]]:
    # The second key keeps rows with equal values in one order: they would change places otherwise.
    samples = sorted(view.samples(stat.metric), key=lambda sample: (-sample.value, sample.series))
    labelled: list[tuple[str, str | float]]
    if stat.each is None:
        assert stat.label is not None
        labelled = [(stat.label, _value(stat, samples[0], view) if samples else known.get(stat.label, NO_VALUE))]
    else:
        assert stat.by is not None
        names = [dict(sample.series.labels).get(stat.by) or NO_VALUE for sample in samples[: stat.top]]
        labelled = [(name, _value(stat, sample, view)) for name, sample in zip(names, samples, strict=False)]
    unit = {"unit": stat.unit} if stat.unit is not None else {}
    color = _COLORS[view.severity([stat.color_by])] if stat.color_by is not None else stat.color
    tint = {"color": color} if color else {}
    return [{"label": label, "value": value, **unit, **tint} for label, value in labelled]


def _value(stat: StatOptions, sample: Sample, view: SurfacesView) -> str | float:
    """A row's value: a number where it can be one (not below zero, contract section 4.2), else a text."""
    fresh = view.is_fresh(sample)
    if stat.format is None and fresh and sample.value >= 0:
        return plain(sample.value)
    text = stat.format.render(sample_names(sample, view.now)) if stat.format is not None else number(sample.value)
    # A row must have a value; a template's text can be empty.
    text = clipped(text) or NO_VALUE
    return text if fresh else marked_stale(text)
