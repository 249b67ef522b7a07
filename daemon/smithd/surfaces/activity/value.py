"""The type ``value``: one number or text, large. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from smithd.expression.option import ValueRef
from smithd.formatting import plain
from smithd.lockscreen import widths
from smithd.outbox.message import Json, Value
from smithd.plugin.sample import Sample
from smithd.references import Path
from smithd.surfaces.activity.options import ITS_TYPE
from smithd.surfaces.activity.parts import NO_VALUE, WithBadge, WithColor, WithSubtitle, WithTwoButtons, old, reading
from smithd.surfaces.activity.view import PLAIN, ActivityView, ReadingText
from smithd.surfaces.texts import ShownText


class ValueOptions(WithSubtitle, WithColor, WithBadge, WithTwoButtons):
    """A Live Activity with one value."""

    type: Literal["value"] = Field(description=ITS_TYPE)
    value: ValueRef = Field(description="the value that is shown: a metric, or an expression")
    format: ReadingText = Field(PLAIN, description="how the number is written; a template; default: as a number")

    @property
    def single_metrics(self) -> dict[Path, str]:
        """It shows one value."""
        return {("value",): self.value} | super().single_metrics

    def shown_texts(self) -> Iterator[ShownText]:
        """With the value."""
        yield from super().shown_texts()
        given = self.format if "format" in self.model_fields_set else None
        yield ShownText(("format" if given else "value",), "value", given, widths.READOUT, self.value)

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The value."""
        sample = next(iter(seen.surfaces.samples(self.value)), None)
        return {"value": self._value(sample, seen) if sample is not None else old(seen.shown_state.get("value"))}

    def own_meaning(self, state: Json) -> Any:
        """The colours, whether there is a value, and whether there is a badge."""
        badge = state.get("badge", {})
        return [state.get("color"), badge.get("color"), "badge" in state, state["value"] == NO_VALUE]

    def _value(self, sample: Sample, seen: ActivityView) -> Value:
        if "format" not in self.model_fields_set and seen.surfaces.is_fresh(sample):
            return plain(sample.value)
        return reading(self.format, sample, seen, widths.READOUT) or NO_VALUE
