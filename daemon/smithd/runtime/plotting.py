"""The past of a metric as JSON has it, for a plot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from smithd.formatting import iso_time
from smithd.journal import Entry
from smithd.past import MetricPast, bounds, spells
from smithd.series.trail import PlotPoint, thinned

MOST_POINTS = 500
"""How many points of a series are told of."""


def plotted(past: MetricPast, entries: Sequence[Entry], zone: tzinfo, now: float) -> dict[str, Any]:
    """A metric's past. ``entries``: what the journal has of the rules on it, of each the oldest first. Points are pairs
    of seconds since 1970 and a value, or null in a gap; all other times are written in the zone.
    """
    fired = spells(entries, past.since, past.until)
    return {
        "at": iso_time(now, zone),
        "timezone": str(zone),
        "metric": past.metric,
        "from": iso_time(past.since, zone),
        "to": iso_time(past.until, zone),
        "kept_for_seconds": past.kept_for,
        "remembered_since": iso_time(past.remembered_since, zone),
        "started_at": iso_time(past.started, zone),
        "thresholds": [
            {"rule": rule.name, "severity": severity, "condition": condition, "bounds": numbers}
            for rule in past.rules
            for severity, condition, numbers in bounds(rule)
        ],
        "series": [
            {
                "labels": dict(each.labels),
                "points": _pairs(thinned(each.points, MOST_POINTS)),
                "firing": [
                    {"rule": spell.rule, "from": iso_time(spell.start, zone), "to": iso_time(spell.end, zone)}
                    for spell in fired
                    if spell.labels == each.labels
                ],
            }
            for each in past.series
        ],
        "left_out": past.left_out,
        "no_room": past.no_room,
    }


def _pairs(points: Sequence[PlotPoint]) -> list[tuple[float, float | None]]:
    """Points as pairs; one without a value stands in each gap."""
    found: list[tuple[float, float | None]] = []
    for at, value, after_gap in points:
        if after_gap and found:
            found.append(((found[-1][0] + at) / 2, None))
        found.append((at, value))
    return found
