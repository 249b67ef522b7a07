"""Folding: what stands for a Live Activity in one row, and the common Live Activity that such rows make. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from smithd.alerts.severity import Severity
from smithd.contract.values import MOST_ROWS, clipped
from smithd.keys import StreamKey
from smithd.locales import ENGLISH, fitted, language
from smithd.lockscreen.widths import row_value
from smithd.outbox.message import ActivityContent, ActivityStage
from smithd.surfaces.marks import MARKS
from smithd.surfaces.surface import DesiredActivity
from smithd.surfaces.widget import STALE_ENDING, marked_stale

TITLE = "More"
NO_VALUE = "–"
UPDATE_EVERY = 120.0
"""Seconds between two updates that change only values: iOS throttles what is updated more often."""

_WORST_FIRST = ("red", "orange", "yellow")
_BY_SEVERITY = {Severity.WARNING: "orange", Severity.CRITICAL: "red"}

Row = Mapping[str, Any]


def folded_value(state: Mapping[str, Any], severity: Severity | None, locale: str = ENGLISH) -> dict[str, Any]:
    """What says most of a content state of any type, as the value of a row: its worst row, its value, "2/4", "42 %",
    the time that is left, or its message. ``severity``: of the incident that the activity shows.
    """
    color = {"color": state["color"]} if "color" in state else {}
    own = language(locale)
    match state:
        case {"metrics": [*rows]} if rows:
            worst = worst_row(rows)
            row = {name: worst[name] for name in ("value", "unit", "color") if name in worst}
            # A text has its mark already, or is one of its own.
            return row if isinstance(row["value"], str) else row | {"value": with_mark(row["value"], severity, locale)}
        case {"current_step": step, "number_of_steps": steps}:
            return {"value": with_mark(f"{step}/{steps}", severity, locale), **color}
        case {"percentage": percentage}:
            return {"value": with_mark(f"{own.number(percentage, 0)} %", severity, locale), **color}
        case {"value": int() | float() as value, "upper_limit": limit} if limit > 0:
            return {"value": with_mark(f"{own.number(100 * value / limit, 0)} %", severity, locale), **color}
        case {"value": int() | float() as value}:
            return {"value": with_mark(value, severity, locale), **color}
        case {"value": text}:
            return {"value": text, **color}
        case {"duration_seconds": seconds}:
            return {"value": with_mark(own.duration(seconds), severity, locale), **color}
        case {"message": message}:
            return {"value": clipped(message) or NO_VALUE, **color}
    return {"value": NO_VALUE, **color}


def with_mark(value: float | str, severity: Severity | None, locale: str = ENGLISH) -> float | str:
    """A value that only the colour of its row would tell from others, with what says that without a colour."""
    mark = MARKS.get(severity, "") if severity is not None else ""
    if isinstance(value, str):
        return value if value.endswith(mark) else f"{value} {mark}"
    # Below zero a row has only texts (contract section 4.2).
    if not mark and value >= 0:
        return value
    ending = f" {mark}" if mark else ""
    return fitted(value, row_value(MOST_ROWS) - len(ending), locale) + ending


def aged(row: Row, locale: str = ENGLISH) -> Row:
    """A row whose value is too old, with the mark of that."""
    value = row["value"]
    text = value if isinstance(value, str) else fitted(value, row_value(MOST_ROWS) - len(STALE_ENDING), locale)
    return row if text == NO_VALUE or text.endswith(STALE_ENDING) else {**row, "value": marked_stale(text)}


def worst_row(rows: Sequence[Row]) -> Row:
    """The row that stands for all of them: of equally bad ones, the first."""
    return min(rows, key=_badness)


def _badness(row: Row) -> int:
    """The place of a row by its colour, the worst first."""
    color = row.get("color")
    return _WORST_FIRST.index(color) if color in _WORST_FIRST else len(_WORST_FIRST)


def common_activity(
    key: StreamKey, rows: Sequence[tuple[Severity | None, Row]], channels: tuple[str, ...] | None
) -> DesiredActivity:
    """The common Live Activity of folded ones: a row for each, the worst first. Of more than fit, the last row says how
    many.
    """
    # What is as bad keeps the order in which it came.
    ordered = sorted(rows, key=lambda each: -_BY_RANK[each[0]])
    shown = [_coloured(severity, row) for severity, row in ordered]
    if len(shown) > MOST_ROWS:
        rest = ordered[MOST_ROWS - 1 :]
        worst = rest[0][0]
        more = {"label": f"+{len(rest)} more", "value": MARKS.get(worst, "…") if worst is not None else "…"}
        shown = [*shown[: MOST_ROWS - 1], _coloured(worst, more)]
    # Which rows there are, and how severe; their order is no change of meaning.
    meaning = json.dumps(sorted([row["label"], row.get("color", "")] for row in shown))
    state = {"title": TITLE, "type": "stats", "metrics": shown}
    stage = ActivityStage({str(row["label"]): _BY_RANK[severity] for severity, row in ordered})
    return DesiredActivity(key, ActivityContent(state, channels=channels), meaning, UPDATE_EVERY, stage)


_BY_RANK: dict[Severity | None, int] = {None: 0, Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def _coloured(severity: Severity | None, row: Row) -> dict[str, Any]:
    """A row in the colour of the incident that it stands for, where it stands for one."""
    color = _BY_SEVERITY.get(severity) if severity is not None else None
    return {**row, "color": color} if color is not None else dict(row)
