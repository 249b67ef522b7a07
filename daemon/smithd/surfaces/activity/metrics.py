"""The type ``metrics``: one or two numbers, drawn as gauges. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field

from smithd.contract.state import MOST_GAUGES
from smithd.formatting import plain
from smithd.keys import StreamKey
from smithd.lockscreen import widths
from smithd.outbox.message import Json
from smithd.surfaces.activity.options import ITS_TYPE
from smithd.surfaces.activity.parts import WithColor
from smithd.surfaces.activity.rows import (
    RowOptions,
    SeriesRow,
    WithRows,
    cut,
    laid_out,
    left_out,
    meaning_of_rows,
    most_rows,
)
from smithd.surfaces.activity.view import ActivityView
from smithd.surfaces.surface import NotRenderable, Obstacle
from smithd.surfaces.texts import ShownText
from smithd.surfaces.view import SurfacesView


class MetricsOptions(WithRows, WithColor):
    """A Live Activity with gauges.

    A gauge shows a number from 0 on, and nothing else; so a mark stands at the label, and what is stale or left out, in
    the subtitle.
    """

    type: Literal["metrics"] = Field(description=ITS_TYPE)
    metrics: list[RowOptions] = Field(min_length=1, max_length=MOST_GAUGES, description="the rows, two at most")

    @property
    def row_options(self) -> Sequence[RowOptions]:
        """Those of its rows."""
        return self.metrics

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """A value that no gauge can show, or none at all."""
        if (found := super().obstacle(key, view)) is not None:
            return found
        rows, _ = self._rows(view)
        if not rows:
            return NotRenderable(key, Obstacle.NO_VALUE)
        for row in rows:
            if row.sample is None:
                return NotRenderable(key, Obstacle.NO_VALUE)
            if row.sample.value < 0:
                detail = "is below 0, and the type 'metrics' shows numbers from 0 on"
                return NotRenderable(key, Obstacle.UNSUITABLE, (row.options.metric,), detail=detail)
        return None

    def shown_texts(self) -> Iterator[ShownText]:
        """With the rows; a mark stands at the label."""
        yield from super().shown_texts()
        most = most_rows(self.metrics, MOST_GAUGES)
        for place, row in enumerate(self.metrics):
            yield from row.shown_label(("metrics", place), widths.row_label(most), row.longest_mark)
            path = ("metrics", place, "value" if row.value else "each")
            yield ShownText(path, "value of the row", None, widths.row_value(most), row.metric, row.unit or "")

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The rows, and what the subtitle says of those that are left out, and of values that are too old."""
        rows, left = self._rows(seen.surfaces)
        gauges = [
            row.fields(f"{row.label} {row.mark}".strip(), plain(row.sample.value))
            for row in rows
            if row.sample is not None
        ]
        label, mark, _ = left_out(left, seen.surfaces.language)
        rest = f"{label} {mark}".strip() if left else ""
        return {"metrics": gauges, **self.noted(seen, rest, seen.stale_mark)}

    def own_meaning(self, state: Json) -> Any:
        """That of the rows."""
        return meaning_of_rows(state["metrics"])

    def _rows(self, view: SurfacesView) -> tuple[list[SeriesRow], list[SeriesRow]]:
        """The rows that are shown, and those that are left out."""
        return cut(*laid_out(self.metrics, view), MOST_GAUGES)
