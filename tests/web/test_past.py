"""What is drawn of a metric's past, and what is said of its beginning."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from smithd.web.past import drawn

NOW = datetime(2026, 11, 28, 15, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def found(first: float, since: float, begins: float | None, **others: Any) -> dict[str, Any]:
    """A metric whose samples begin at ``first``, and whose memory ``begins``."""
    series = {"labels": {}, "points": [[first, 1.0], [first + 60, None], [NOW, 2.0]], "firing": []}
    return {
        "timezone": "UTC",
        "metric": "shop.load",
        "from": iso(since),
        "to": iso(NOW),
        "remembered_since": None if begins is None else iso(begins),
        "started_at": iso(NOW - 2 * HOUR),
        "thresholds": [],
        "series": [series],
        "left_out": 0,
        "no_room": 0,
        **others,
    }


@pytest.mark.parametrize(
    ("first", "since", "begins", "said"),
    [
        (NOW - 2 * HOUR, NOW - 24 * HOUR, NOW - 2 * HOUR, "Since 13:00, when smithd started."),
        (NOW - HOUR, NOW - 24 * HOUR, NOW - HOUR, "Since 14:00, when the configuration began to use it."),
        (NOW - 20 * HOUR, NOW - 24 * HOUR, NOW - 20 * HOUR, "Since Fri 19:00, when the configuration began to use it."),
        # All that was asked for is known; the history goes further back; nothing is remembered.
        (NOW - HOUR, NOW - HOUR, NOW - 2 * HOUR, ""),
        (NOW - 5 * HOUR, NOW - 24 * HOUR, NOW - 2 * HOUR, ""),
        (NOW - HOUR, NOW - 24 * HOUR, None, ""),
    ],
)
def test_it_is_said_since_when_a_metric_is_remembered(
    first: float, since: float, begins: float | None, said: str
) -> None:
    assert drawn(found(first, since, begins), "load", "day").begins == said


def test_a_line_breaks_in_a_gap() -> None:
    plot = drawn(found(NOW - HOUR, NOW - HOUR, NOW - HOUR), "load", "day").plot
    assert plot is not None
    assert plot.lines[0].path.count("M") == 2
    assert not math.isnan(plot.lines[0].last or math.nan)
