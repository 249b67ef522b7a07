"""The type ``stats``: up to eight rows with a label and a value. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.values import MOST_ROWS, Named
from smithd.expression.option import ValueRef
from smithd.formatting import plain
from smithd.outbox.message import Json
from smithd.plugin.sample import Sample
from smithd.surfaces.activity.colors import ColorOptions
from smithd.surfaces.activity.parts import NO_VALUE, WithSubtitle, old, reading
from smithd.surfaces.activity.view import ActivityView, ReadingText


class StatOptions(ColorOptions):
    """A row: one metric, or (``each``) one row for every series of a metric."""

    label: Named | None = None
    value: ValueRef | None = Field(None, description="the value that is shown: a metric, or an expression")
    each: ValueRef | None = Field(None, description="a metric; one row for each of its series")
    by: str | None = Field(None, description="the label that names the rows of 'each'")
    top: Annotated[int, Field(ge=1, le=MOST_ROWS)] = Field(MOST_ROWS, description="rows of 'each', the largest first")
    format: ReadingText | None = Field(None, description="how the number is written; a template")
    unit: str | None = None

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


class StatsOptions(WithSubtitle):
    """A Live Activity's keys."""

    type: Literal["stats"]
    stats: list[StatOptions] = Field(min_length=1, max_length=MOST_ROWS, description="the rows, eight at most")

    @property
    def single_metrics(self) -> tuple[str, ...]:
        """A row for one series cannot show several."""
        return tuple(stat.value for stat in self.stats if stat.value is not None)

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The rows."""
        known = {row["label"]: old(row["value"]) for row in seen.shown_state.get("metrics", ())}
        rows = [row for stat in self.stats for row in _rows(stat, known, seen)][:MOST_ROWS]
        return {"metrics": rows or [{"label": self.stats[0].metric, "value": NO_VALUE}]}

    def own_meaning(self, state: Json) -> Any:
        """Which rows there are, with their colours, and which of them have a value; not their order."""
        return sorted([row["label"], row.get("color", ""), row["value"] == NO_VALUE] for row in state["metrics"])


def _rows(stat: StatOptions, known: Mapping[str, str], seen: ActivityView) -> list[dict[str, Any]]:
    # The second key keeps rows with equal values in one order: they would change places otherwise.
    samples = sorted(seen.surfaces.samples(stat.metric), key=lambda sample: (-sample.value, sample.series))
    labelled: list[tuple[str, str | float]]
    if stat.each is None:
        assert stat.label is not None
        labelled = [(stat.label, _value(stat, samples[0], seen) if samples else known.get(stat.label, NO_VALUE))]
    else:
        assert stat.by is not None
        names = [dict(sample.series.labels).get(stat.by) or NO_VALUE for sample in samples[: stat.top]]
        labelled = [(name, _value(stat, sample, seen)) for name, sample in zip(names, samples, strict=False)]
    unit = {"unit": stat.unit} if stat.unit is not None else {}
    return [{"label": label, "value": value, **unit, **stat.tint(seen.surfaces)} for label, value in labelled]


def _value(stat: StatOptions, sample: Sample, seen: ActivityView) -> str | float:
    """A row's value: a number where it can be one (not below zero, contract section 4.2), else a text."""
    if stat.format is None and sample.value >= 0 and seen.surfaces.is_fresh(sample):
        return plain(sample.value)
    # A row must have a value; a template's text can be empty.
    return reading(stat.format, sample, seen) or NO_VALUE
