"""The past of a metric as JSON has it, for a plot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from smithd.journal import Entry
from smithd.past import MetricPast, bounds, spells
from smithd.series.trail import thinned


def plotted(past: MetricPast, entries: Sequence[Entry], zone: tzinfo, now: float) -> dict[str, Any]:
    """A metric's past. ``entries``: what the journal has of the rules on it, of each the oldest first. Points are pairs
    of seconds since 1970 and a value; all other times are written in the zone.
    """

    def time(at: float | None) -> str | None:
        return None if at is None else datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")

    fired = spells(entries, past.since, past.until)
    return {
        "at": time(now),
        "timezone": str(zone),
        "metric": past.metric,
        "from": time(past.since),
        "to": time(past.until),
        "kept_for_seconds": past.kept_for,
        "thresholds": [
            {"rule": rule.name, "severity": severity, "condition": condition, "bounds": numbers}
            for rule in past.rules
            for severity, condition, numbers in bounds(rule)
        ],
        "series": [
            {
                "labels": dict(each.labels),
                "points": [[at, value] for at, value in thinned(each.points)],
                "firing": [
                    {"rule": spell.rule, "from": time(spell.start), "to": time(spell.end)}
                    for spell in fired
                    if spell.labels == each.labels
                ],
            }
            for each in past.series
        ],
        "left_out": past.left_out,
    }
