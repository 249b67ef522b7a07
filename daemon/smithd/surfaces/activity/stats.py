"""The type ``stats``: up to eight rows with a label and a value. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from smithd.contract.values import LONGEST_VALUE, MOST_ROWS, clipped
from smithd.formatting import plain
from smithd.lockscreen import widths
from smithd.outbox.message import Json, Value
from smithd.surfaces.activity.options import ITS_TYPE
from smithd.surfaces.activity.parts import NO_VALUE
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
from smithd.surfaces.activity.view import PLAIN, ActivityView, ReadingText
from smithd.surfaces.texts import ShownText
from smithd.surfaces.widget import marked_stale

_MARKS = re.compile(r"( !!?)?( \?)?$")


class StatOptions(RowOptions):
    """A row of ``stats``."""

    format: ReadingText = Field(PLAIN, description="how the number is written; a template; default: as a number")


class StatsOptions(WithRows):
    """A Live Activity with rows."""

    type: Literal["stats"] = Field(description=ITS_TYPE)
    stats: list[StatOptions] = Field(min_length=1, max_length=MOST_ROWS, description="the rows, eight at most")

    @property
    def row_options(self) -> Sequence[RowOptions]:
        """Those of its rows."""
        return self.stats

    def shown_texts(self) -> Iterator[ShownText]:
        """With the rows."""
        yield from super().shown_texts()
        most = most_rows(self.stats, MOST_ROWS)
        for place, row in enumerate(self.stats):
            has_text = "format" in row.model_fields_set
            ending = (row.unit or "") + ("" if has_text else row.longest_mark)
            text = row.format if has_text or row.longest_mark else None
            yield from row.shown_label(("stats", place), widths.row_label(most))
            path = ("stats", place, "format" if has_text else "value" if row.value else "each")
            yield ShownText(path, "value of the row", text, widths.row_value(most), row.metric, ending)

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The rows. What is left out is the last one of the eight."""
        shown, left = laid_out(self.stats, seen.surfaces)
        if len(shown) + bool(left) > MOST_ROWS:
            shown, left = cut(shown, left, MOST_ROWS - 1)
        before = {row["label"]: str(row["value"]) for row in seen.shown_state.get("metrics", ())}
        width = widths.row_value(len(shown) + bool(left))
        rows = [row.fields(row.label, _value(row, before, seen, width)) for row in shown]
        if left:
            label, mark, color = left_out(left, seen.surfaces.language)
            rows.append({"label": label, "value": mark or "…", **color})
        return {"metrics": rows or [{"label": self.stats[0].metric, "value": NO_VALUE}]}

    def own_meaning(self, state: Json) -> Any:
        """That of the rows."""
        return meaning_of_rows(state["metrics"])


def _value(row: SeriesRow, before: Mapping[str, str], seen: ActivityView, width: int) -> Value:
    """A row's value: a number where it can be one (not below zero, contract section 4.2), else a text. ``before``: what
    is shown, by the labels; without a sample it may be from before the start, and is marked as stale. ``width``: how
    many characters of a value the phone shows.
    """
    assert isinstance(row.options, StatOptions)
    sample, has_text = row.sample, "format" in row.options.model_fields_set
    if sample is None:
        known = _MARKS.sub("", before.get(row.label, NO_VALUE))
        return NO_VALUE if known == NO_VALUE else marked_stale(known)
    marks = [row.mark] if row.mark and not has_text else []
    if not seen.surfaces.is_fresh(sample):
        marks.append("?")
    if not has_text and not marks and sample.value >= 0:
        return plain(sample.value)
    # The text is cut, and not its marks.
    ending = "".join(f" {mark}" for mark in marks)
    # A row must have a value; a template's text can be empty.
    text = seen.reading(row.options.format, sample, width - len(ending) - len(row.options.unit or "")) or NO_VALUE
    return clipped(text, LONGEST_VALUE - len(ending)) + ending
