"""Rows: which series are shown, in which order and colour, and what is left out. No I/O.

The types ``stats`` and ``metrics`` have them. A row is one value, or one of the series of ``each``; how many fit is the
type's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.alert import Alert
from smithd.alerts.severity import Severity, rank, worst_of
from smithd.contract.values import MOST_ROWS, Color, Named
from smithd.expression.option import ValueRef
from smithd.locales import Language
from smithd.outbox.message import ActivityContent
from smithd.plugin.sample import Labels, Sample
from smithd.references import Path
from smithd.surfaces.activity.colors import CALM, ColorOptions, severity_color
from smithd.surfaces.activity.parts import NO_VALUE, WithSubtitle
from smithd.surfaces.folding import worst_row
from smithd.surfaces.marks import MARKS
from smithd.surfaces.texts import ShownText
from smithd.surfaces.view import SurfacesView

_LEFT_OUT = re.compile(r"\+[\d\W]+ more")


class RowOrder(StrEnum):
    """Which of the series of ``each`` comes first."""

    WORST = "worst"
    """The one whose alert fires most severely; of equally severe ones, the largest."""
    LARGEST = "largest"
    SMALLEST = "smallest"
    LABEL = "label"
    """In alphabetical order."""


class RowOptions(ColorOptions):
    """A row: one value, or (``each``) one row for every series of a metric."""

    label: Named | None = Field(None, description="the name of a row with one value")
    value: ValueRef | None = Field(None, description="the value that is shown: a metric, or an expression")
    each: ValueRef | None = Field(None, description="a metric, or an expression; one row for each of its series")
    by: str | None = Field(None, description="the label that names the rows of 'each'")
    top: Annotated[int, Field(ge=1, le=MOST_ROWS)] = Field(
        MOST_ROWS,
        description="rows of 'each' at most, the first ones in 'order'; the others are one row, like '+3 more'",
    )
    order: RowOrder | None = Field(
        None,
        description="of the rows of 'each': worst (the default where there is a 'color_by'), largest, smallest, label",
    )
    unit: str | None = Field(None, description="what stands behind the number, like ms")
    mark: bool = Field(
        True, description="whether a row coloured by 'color_by' has ! (warning) or !! (critical), too; default: true"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> RowOptions:
        if (self.value is None) == (self.each is None):
            raise PydanticCustomError("one_kind", "a row shows either one metric ('value') or several series ('each')")
        if self.value is not None and self.label is None:
            raise PydanticCustomError("label", "a row needs a 'label'")
        if self.each is not None and (self.by is None or self.label is not None):
            raise PydanticCustomError("by", "rows of 'each' are named by a label of the series: give 'by', no 'label'")
        if self.value is not None and (names := sorted({"by", "top", "order"} & self.model_fields_set)):
            what = " and ".join(f"'{name}'" for name in names)
            raise PydanticCustomError("each_only", "only rows of 'each' have {what}", {"what": what})
        return self

    @property
    def metric(self) -> str:
        """The metric that the row, or the rows, show."""
        metric = self.value or self.each
        assert metric is not None
        return metric

    @property
    def longest_mark(self) -> str:
        """The mark of a critical row, with the blank before it; "" where it never has one."""
        return f" {MARKS[Severity.CRITICAL]}" if self.color_by is not None and self.mark else ""

    def shown_label(self, path: Path, width: int, ending: str = "") -> Iterator[ShownText]:
        """The label, where it is known. ``path``: where the row stands."""
        if self.label is not None:
            yield ShownText((*path, "label"), "label of the row", self.label, width, ending=ending)

    def rows(self, view: SurfacesView) -> list[SeriesRow]:
        """All of its rows, in their order."""
        samples = view.samples(self.metric)
        if self.label is not None:
            severity = view.severity([self.color_by]) if self.color_by is not None else None
            return [SeriesRow(self, self.label, next(iter(samples), None), severity)]
        assert self.by is not None
        severity_of = _severities(view.firing.get(self.color_by or "", {}))
        found = []
        for sample in samples:
            labels = sample.series.labels
            found.append(SeriesRow(self, dict(labels).get(self.by) or NO_VALUE, sample, severity_of(labels)))
        default = RowOrder.WORST if self.color_by is not None else RowOrder.LARGEST
        return sorted(found, key=lambda row: row.place(self.order or default))


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One row. ``severity``: how severely its alert fires; ``sample``: None where there is none."""

    options: RowOptions
    label: str
    sample: Sample | None
    severity: Severity | None

    @property
    def color(self) -> Color | None:
        """Its colour."""
        return severity_color(self.severity) if self.options.color_by is not None else self.options.color

    @property
    def mark(self) -> str:
        """What says its severity without a colour."""
        return MARKS.get(self.severity, "") if self.severity is not None and self.options.mark else ""

    def place(self, order: RowOrder) -> tuple[Any, ...]:
        """Where it stands among the rows of its metric. Rows that are alike keep one order by their series: they would
        change places otherwise.
        """
        assert self.sample is not None
        value, series = self.sample.value, self.sample.series
        match order:
            case RowOrder.WORST:
                return (-rank(self.severity), -value, series)
            case RowOrder.LARGEST:
                return (-value, series)
            case RowOrder.SMALLEST:
                return (value, series)
            case RowOrder.LABEL:
                return (self.label, series)

    def fields(self, label: str, value: Any) -> dict[str, Any]:
        """The row as the service knows it, with these texts."""
        unit = {"unit": self.options.unit} if self.options.unit is not None else {}
        return {"label": label, "value": value, **unit, **({"color": self.color} if self.color is not None else {})}


class WithRows(WithSubtitle):
    """A type with rows."""

    @property
    def row_options(self) -> Sequence[RowOptions]:
        """The options of its rows."""
        raise NotImplementedError

    @property
    def single_metrics(self) -> dict[Path, str]:
        """A row for one series cannot show several."""
        rows = enumerate(self.row_options)
        return super().single_metrics | {
            (self.type, place, "value"): row.value for place, row in rows if row.value is not None
        }

    def folded_row(self, content: ActivityContent, severity: Severity | None, view: SurfacesView) -> dict[str, Any]:
        """The worst row stands for it, without a mark where that row has ``mark: false``."""
        label = worst_row(content.content_state["metrics"])["label"]
        shown = (row for options in self.row_options for row in options.rows(view))
        unmarked = any(not row.options.mark and row.label == label for row in shown)
        return super().folded_row(content, None if unmarked else severity, view)


def most_rows(options: Sequence[RowOptions], most: int) -> int:
    """How many rows there can be, what says that some are left out with them; ``most``: as many as the type has."""
    return min(most, sum(1 if each.value is not None else each.top + 1 for each in options))


def laid_out(options: Sequence[RowOptions], view: SurfacesView) -> tuple[list[SeriesRow], list[SeriesRow]]:
    """The rows that are to be shown, and those that ``top`` leaves out."""
    shown: list[SeriesRow] = []
    left: list[SeriesRow] = []
    for each in options:
        rows = each.rows(view)
        shown += rows[: each.top]
        left += rows[each.top :]
    return shown, left


def cut(shown: Sequence[SeriesRow], left: Sequence[SeriesRow], most: int) -> tuple[list[SeriesRow], list[SeriesRow]]:
    """The same with no more than ``most`` rows shown. Rows of ``each`` give way before those of one value, mild ones
    before severe ones, the last first.
    """
    places = range(len(shown))
    least = sorted(places, key=lambda at: (shown[at].options.each is None, rank(shown[at].severity), -at))
    kept = sorted(least[max(0, len(shown) - most) :])
    return [shown[at] for at in kept], [shown[at] for at in places if at not in kept] + [*left]


def left_out(rows: Collection[SeriesRow], language: Language) -> tuple[str, str, dict[str, Any]]:
    """What says that rows are left out: the text, their worst mark, and the field ``color``: the worst one, or the one
    that they share.
    """
    severity = worst_of(*(row.severity for row in rows))
    by_rule = any(row.options.color_by is not None for row in rows)
    fixed = {row.options.color for row in rows}
    color = severity_color(severity) if by_rule else fixed.pop() if len(fixed) == 1 else None
    mark = max((row.mark for row in rows), key=len, default="")
    return f"+{language.number(len(rows))} more", mark, {"color": color} if color is not None else {}


def meaning_of_rows(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What of rows is worth an update at once: which there are, with their colours, and which of them have a value; not
    their order. Where rows are left out, which of the others are shown follows from the order: then only those count by
    name whose colour says that something is wrong.
    """
    is_cut = any(_LEFT_OUT.search(row["label"]) for row in rows[-1:])
    found = []
    for row in rows:
        is_calm = row.get("color") in (None, CALM) and not _LEFT_OUT.search(row["label"])
        name = "" if is_cut and is_calm else row["label"]
        found.append([name, row.get("color", ""), row["value"] == NO_VALUE])
    return sorted(found)


def _severities(alerts: Mapping[Labels, Alert]) -> Callable[[Labels], Severity | None]:
    """How severely these alerts fire for a series: those count that have no label with another value than it."""
    by_names: dict[tuple[str, ...], list[tuple[Labels, Severity | None]]] = {}
    for labels, alert in alerts.items():
        by_names.setdefault(_names(labels), []).append((labels, alert.severity))

    # The series of a metric mostly have the same labels, and so have the alerts of a rule: each is looked up once.
    @cache
    def lookups(own: tuple[str, ...]) -> list[tuple[frozenset[str], dict[Labels, Severity | None]]]:
        found = []
        for names, group in by_names.items():
            shared, worst = frozenset(names).intersection(own), dict[Labels, Severity | None]()
            for labels, severity in group:
                part = _part(labels, shared)
                worst[part] = worst_of(worst.get(part), severity)
            found.append((shared, worst))
        return found

    def severity_of(labels: Labels) -> Severity | None:
        return worst_of(*(worst.get(_part(labels, shared)) for shared, worst in lookups(_names(labels))))

    return severity_of


def _names(labels: Labels) -> tuple[str, ...]:
    return tuple([name for name, _ in labels])


def _part(labels: Labels, names: Collection[str]) -> Labels:
    return tuple([pair for pair in labels if pair[0] in names])
