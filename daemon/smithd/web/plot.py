"""Where everything of a plot stands: lines, thresholds, the times in which an alert fired, and the axes. No I/O.

Lengths are in the units of its view box, which is as high as the plot and made as wide as there is room; the template
draws them, and the style sheet colours them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from smithd.formatting import number

WIDE, HIGH = 1000.0, 200.0
TOP, BOTTOM = 18.0, 22.0
"""What the labels need above and below the lines; those of the values stand within."""
LEAST_APART = 13.0
"""How far apart two labels of thresholds stand at least."""
TICKS = 6
_STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400)

Point = tuple[float, float]
"""A time (seconds since 1970) and a value."""


class Curve(NamedTuple):
    """A series: its name, and its points in the order of time; the line breaks at one whose value is NaN."""

    name: str
    points: Sequence[Point]


class Level(NamedTuple):
    """A value from which a rule fires, and what is written beside it."""

    severity: str
    value: float
    text: str


class Span(NamedTuple):
    """A time in which an alert fired."""

    start: float
    end: float


class AxisTick(NamedTuple):
    """A mark on an axis, and what is written there."""

    at: float
    text: str


class DrawnCurve(NamedTuple):
    """A line: the commands of its path, its last value, its lowest and its highest; None: it has no points."""

    name: str
    path: str
    last: float | None
    lowest: float | None
    highest: float | None


class DrawnLevel(NamedTuple):
    """A threshold at ``y``, with its text at ``text_y``."""

    severity: str
    y: float
    text_y: float
    text: str


class Shade(NamedTuple):
    """A shaded part, from ``x`` on."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything that is drawn."""

    lines: Sequence[DrawnCurve]
    thresholds: Sequence[DrawnLevel]
    shades: Sequence[Shade]
    values: Sequence[AxisTick]
    times: Sequence[AxisTick]
    wide: float = WIDE
    high: float = HIGH
    bottom: float = HIGH - BOTTOM


def plot(
    lines: Sequence[Curve],
    thresholds: Sequence[Level],
    spans: Sequence[Span],
    since: float,
    until: float,
    zone: tzinfo,
) -> Plot | None:
    """What is drawn of lines between two times; None where there is no point to draw."""
    values = [value for line in lines for _, value in line.points if math.isfinite(value)]
    if not values:
        return None
    ticks = _value_ticks([*values, *(each.value for each in thresholds)])
    low, high = ticks[0], ticks[-1]

    def x(at: float) -> float:
        return round((min(max(at, since), until) - since) / (until - since) * WIDE, 1)

    def y(value: float) -> float:
        return round(HIGH - BOTTOM - (value - low) / (high - low) * (HIGH - BOTTOM - TOP), 1)

    shades = [Shade(x(span.start), max(1.0, round(x(span.end) - x(span.start), 1))) for span in united(spans)]
    times = [AxisTick(x(at), text) for at, text in _time_ticks(since, until, zone)]
    return Plot(
        [_drawn(line, x, y) for line in lines],
        list(_labelled([(each, y(each.value)) for each in thresholds])),
        shades,
        [AxisTick(y(value), number(value)) for value in ticks],
        times,
    )


def united(spans: Iterable[Span]) -> list[Span]:
    """The same time, in spans of which no two meet."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _drawn(line: Curve, x: Callable[[float], float], y: Callable[[float], float]) -> DrawnCurve:
    pieces = [[*each] for is_known, each in groupby(line.points, lambda point: math.isfinite(point[1])) if is_known]
    values = [value for piece in pieces for _, value in piece]
    if not values:
        return DrawnCurve(line.name, "", None, None, None)
    path = "".join(_piece([f"{x(at):g} {y(value):g}" for at, value in piece]) for piece in pieces)
    return DrawnCurve(line.name, path, values[-1], min(values), max(values))


def _piece(places: Sequence[str]) -> str:
    """The commands of a line through these places. One alone is a dot: a line of no length, whose ends are round."""
    return f"M{'L'.join(places)}" if len(places) > 1 else f"M{places[0]}h0"


def _labelled(found: Sequence[tuple[Level, float]]) -> Iterator[DrawnLevel]:
    """Thresholds with their texts, from the top; a text that would meet the one above it stands below that."""
    free = TOP + LEAST_APART - 3
    for threshold, y in sorted(found, key=itemgetter(1)):
        text_y = max(y - 4, free)
        free = text_y + LEAST_APART
        yield DrawnLevel(threshold.severity, y, text_y, threshold.text)


def _value_ticks(values: Sequence[float]) -> list[float]:
    """Round values, three to six, of which the first and the last enclose all that are given."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    rough = (high - low) / 4
    size: float = 10.0 ** math.floor(math.log10(rough))
    step = next((size * each for each in (1, 2, 2.5, 5) if size * each >= rough), size * 10)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [each * step for each in range(first, last + 1)]


def _time_ticks(since: float, until: float, zone: tzinfo) -> Iterator[tuple[float, str]]:
    """Round times by the clocks of the zone."""
    step = next((each for each in _STEPS if (until - since) / each <= TICKS), _STEPS[-1])
    offset = datetime.fromtimestamp(since, zone).utcoffset()
    ahead = offset.total_seconds() if offset is not None else 0.0
    at = math.ceil((since + ahead) / step) * step - ahead
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%a %d %b"
    margin = (until - since) / 20
    while at <= until:
        # A label at the very edge would be cut.
        if since + margin <= at <= until - margin:
            yield at, datetime.fromtimestamp(at, zone).strftime(form)
        at += step
