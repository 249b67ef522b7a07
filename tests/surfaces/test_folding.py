"""Folding: what stands for a Live Activity in a row, and the rows of the common one."""

from __future__ import annotations

from typing import Any

import pytest

from smithd.alerts.severity import Severity
from smithd.outbox.message import ActivityContent
from smithd.surfaces.folding import common_activity, folded_value
from surfaces.views import stream

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
ROWS = [{"label": "a", "value": 1}, {"label": "b", "value": "9 !!", "unit": "ms", "color": "red"}]


@pytest.mark.parametrize(
    ("state", "severity", "expected"),
    [
        ({"metrics": ROWS}, CRITICAL, {"value": "9 !!", "unit": "ms", "color": "red"}),
        ({"metrics": ROWS[:1]}, None, {"value": 1}),
        ({"metrics": ROWS[:1]}, WARNING, {"value": "1 !"}),
        ({"metrics": [{"label": "a", "value": "down"}]}, WARNING, {"value": "down"}),
        ({"current_step": 2, "number_of_steps": 4, "color": "blue"}, None, {"value": "2/4", "color": "blue"}),
        ({"current_step": 2, "number_of_steps": 4}, CRITICAL, {"value": "2/4 !!"}),
        ({"percentage": 41.6}, WARNING, {"value": "42 % !"}),
        ({"value": 12, "upper_limit": 30}, WARNING, {"value": "40 % !"}),
        ({"value": 1234}, None, {"value": 1234}),
        ({"value": 1234}, CRITICAL, {"value": "1,234 !!"}),
        ({"value": -3}, None, {"value": "-3"}),
        ({"value": -3}, WARNING, {"value": "-3 !"}),
        ({"duration_seconds": 7500}, WARNING, {"value": "2h 5m !"}),
        # A text of its own says it.
        ({"value": "down"}, CRITICAL, {"value": "down"}),
        ({"message": "the disk is full"}, CRITICAL, {"value": "the disk is full"}),
    ],
)
def test_what_says_most_of_a_content_state(
    state: dict[str, Any], severity: Severity | None, expected: dict[str, Any]
) -> None:
    assert folded_value(state, severity) == expected


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        (None, {"label": "+3 more", "value": "…"}),
        (WARNING, {"label": "+3 more", "value": "!", "color": "orange"}),
        (CRITICAL, {"label": "+3 more", "value": "!!", "color": "red"}),
    ],
)
def test_the_last_of_eight_rows_says_how_many_are_left_out_and_how_bad_they_are(
    left_out: Severity | None, expected: dict[str, Any]
) -> None:
    worse = [(CRITICAL, {"label": f"c{number}", "value": "9 !!"}) for number in range(7)]
    rest = [(None, {"label": f"r{number}", "value": 1}) for number in range(2)]
    desired = common_activity(stream("smithd-more"), [*rest, *worse, (left_out, {"label": "x", "value": "1"})], None)
    assert isinstance(desired.content, ActivityContent)
    shown = desired.content.content_state["metrics"]
    assert [row["label"] for row in shown[:7]] == [f"c{number}" for number in range(7)], "the worst first"
    assert shown[7:] == [expected]
