"""The past of a metric on the page of a rule: from what the daemon remembers to what is drawn. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smithd.formatting import labels_text
from smithd.web.plot import Curve, Level, Plot, Span, plot
from smithd.web.rows import Found

SPANS = {"hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0, "month": 31 * 86400.0}
"""How much of the past may be asked for."""
USUAL = "day"
"""Where nothing is asked for: as much of it as there are samples of."""
SHORTEST = 60.0
MOST_CURVES = 8
"""How many series are drawn, those on which the rule fires first."""


class DrawnPast(NamedTuple):
    """A metric's plot (None: nothing is remembered of it); how often the rule fired on each series in it; how many
    series there are beside them; how many had no room for their past; since when the metric is remembered (""
    where all that was asked for is known).
    """

    metric: str
    plot: Plot | None
    fired: Sequence[int]
    left_out: int
    no_room: int
    begins: str


def wanted(span: str, now: str) -> dict[str, float]:
    """What to ask of the past, which ends now."""
    until = datetime.fromisoformat(now).timestamp()
    return {"from": until - SPANS.get(span, SPANS[USUAL]), "to": until}


def drawn(found: Found, rule: str, span: str) -> DrawnPast:
    """The past of a metric as the daemon knows it, with the thresholds of a rule, and when that fired."""
    zone = ZoneInfo(found["timezone"])
    since, until = (_moment(found[name]) for name in ("from", "to"))
    shown = sorted(found["series"], key=lambda series: not _fires(series, rule))[:MOST_CURVES]
    first = min((at for series in shown for at, _ in series["points"][:1]), default=until)
    begins = _begins(found, first, since, zone)
    if span not in SPANS:
        since = max(since, min(first, until - SHORTEST))
    firings = [[each for each in series["firing"] if each["rule"] == rule] for series in shown]
    spans = [Span(_moment(each["from"], since), _moment(each["to"], until)) for each in chain.from_iterable(firings)]
    levels = [
        Level(each["severity"], bound, f"{each['severity']} {each['condition']}")
        for each in found["thresholds"]
        if each["rule"] == rule
        for bound in each["bounds"]
    ]
    curves = [_curve(series) for series in shown]
    left = len(found["series"]) - len(shown) + found["left_out"]
    drawn_plot = plot(curves, levels, spans, since, until, zone)
    return DrawnPast(found["metric"], drawn_plot, [len(each) for each in firings], left, found["no_room"], begins)


def _fires(series: Found, rule: str) -> bool:
    return any(each["rule"] == rule and each["to"] is None for each in series["firing"])


def _curve(series: Found) -> Curve:
    points = [(float(at), math.nan if value is None else float(value)) for at, value in series["points"]]
    return Curve(labels_text(series["labels"].items()), points)


def _begins(found: Found, first: float, since: float, zone: tzinfo) -> str:
    """From when on the metric is remembered, and why not for longer; "" where all that was asked for is known."""
    begins = _moment(found["remembered_since"])
    if begins <= since or first < begins:
        return ""
    at, until = (datetime.fromtimestamp(each, zone) for each in (begins, _moment(found["to"])))
    why = "smithd started" if found["remembered_since"] == found["started_at"] else "the configuration began to use it"
    return f"Since {at.strftime('%H:%M' if at.date() == until.date() else '%a %H:%M')}, when {why}."


def _moment(at: str | None, unknown: float = 0.0) -> float:
    return unknown if at is None else datetime.fromisoformat(at).timestamp()
