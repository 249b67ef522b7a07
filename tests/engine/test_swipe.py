"""What follows when a person swipes a Live Activity away: the service starts it anew with the next update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.harness import Harness
from smithd.events import StreamWasGone
from smithd.outbox.message import ActivityEnd, ActivityState
from smithd.outbox.settlement import Accept

T = 1_800_000_000.0
CONFIG = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5"}
live_activities:
  shop:
    type: stats
    title: Shop
    update_every: 5s
    stats: [{label: Orders, value: shop.orders}]
    end: {cool_down: 0s}
    %s
"""
ALWAYS = CONFIG % "show: always"
INCIDENT = CONFIG % "show: {while_firing: [errors]}"


def send(harness: Harness, swiped: bool = False) -> list[str]:
    """Send all that may go; returns what, and whether a start or an update of it was taken for one."""
    sent = []
    while (queued := next(harness.outbox.ready(harness.now), None)) is not None:
        message: Any = queued.message
        was_there = harness.outbox.status(message.key).activity
        claim = harness.outbox.claim(queued, "any", harness.now)
        is_end, is_state = isinstance(message, ActivityEnd), isinstance(message, ActivityState)
        is_start = is_state and (was_there is None or was_there.ended or swiped)
        swiped = swiped and not is_state
        harness.outbox.settle(claim, Accept(ended=is_end, started=is_start), harness.now)
        sent.append("end" if is_end else "state" if is_state else "other")
    return sent


def poll(harness: Harness, at: float, swiped: bool = False, **values: float) -> list[str]:
    harness.pass_time(T + at)
    harness.poll(T + at, **values)
    return send(harness, swiped)


def was_gone(harness: Harness) -> int:
    return sum(isinstance(event, StreamWasGone) for event in harness.events)


def test_a_routine_activity_ends_and_stays_away_until_a_rule_fires_more_severely(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        assert poll(harness, 0, orders=1, errors=0) == ["state"]
        assert poll(harness, 60, orders=2, errors=0) == ["state"]
        assert poll(harness, 120, swiped=True, orders=3, errors=0) == ["state", "end"]
        assert was_gone(harness) == 1
        assert poll(harness, 180, orders=4, errors=0) == []
        assert "shop" in harness.not_renderable()[-1]


def test_it_returns_once_it_has_had_no_reason_to_be_shown(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG % "show: {when: shop.stock}", T) as harness:
        assert poll(harness, 0, orders=1, stock=1) == ["state"]
        assert poll(harness, 60, swiped=True, orders=2, stock=1) == ["state", "end"]
        assert poll(harness, 120, orders=3, stock=1) == []
        assert poll(harness, 180, orders=4, stock=0) == []
        # A routine activity starts again after its min_hold of ten minutes.
        assert poll(harness, 700, orders=5, stock=1) == ["state"]


def test_it_stays_away_over_a_restart(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        poll(harness, 0, orders=1)
        assert poll(harness, 60, swiped=True, orders=2) == ["state", "end"]
    with Harness(tmp_path, ALWAYS, T + 3600) as harness:
        assert poll(harness, 3600, orders=3) == []


def test_an_incident_returns(tmp_path: Path) -> None:
    with Harness(tmp_path, INCIDENT, T) as harness:
        assert poll(harness, 0, orders=1, errors=3) == ["state"]
        assert poll(harness, 60, swiped=True, orders=2, errors=3) == ["state"]
        assert poll(harness, 120, orders=3, errors=3) == ["state"]
        assert was_gone(harness) == 1


def test_an_incident_that_is_to_stay_away_returns_when_it_gets_worse(tmp_path: Path) -> None:
    with Harness(tmp_path, INCIDENT.rstrip() + "\n    after_swipe: stay_away\n", T) as harness:
        assert poll(harness, 0, orders=1, errors=3) == ["state"]
        assert poll(harness, 60, swiped=True, orders=2, errors=3) == ["state", "end"]
        assert poll(harness, 120, orders=3, errors=4) == []
        assert poll(harness, 180, orders=4, errors=9) == ["state"]


def test_one_that_stays_away_returns_with_the_next_incident(tmp_path: Path) -> None:
    coloured = ALWAYS.replace("value: shop.orders}", "value: shop.orders, color_by: errors}")
    config = coloured.rstrip() + "\n    after_swipe: stay_away\n"
    assert "color_by" in config
    with Harness(tmp_path, config, T) as harness:
        poll(harness, 0, orders=1, errors=9)
        assert poll(harness, 60, swiped=True, orders=2, errors=9) == ["state", "end"]
        assert poll(harness, 120, orders=3, errors=0) == []
    with Harness(tmp_path, config, T + 180) as harness:
        assert poll(harness, 180, orders=4, errors=0) == []
        assert poll(harness, 900, orders=5, errors=9) == ["state"]


def test_a_routine_activity_that_is_to_return_does(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS.rstrip() + "\n    after_swipe: return\n", T) as harness:
        poll(harness, 0, orders=1)
        assert poll(harness, 60, swiped=True, orders=2) == ["state"]
        assert poll(harness, 120, orders=3) == ["state"]


@pytest.mark.parametrize("config", [ALWAYS, INCIDENT])
def test_each_swipe_counts_as_a_start(tmp_path: Path, config: str) -> None:
    with Harness(tmp_path, config, T) as harness:
        poll(harness, 0, orders=1, errors=3)
        poll(harness, 60, swiped=True, orders=2, errors=3)
        assert len(harness.engine.engine.state.slots["default"].started) == 2


def test_a_renewal_after_eight_hours_is_no_swipe(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        for minute in range(8 * 60 + 5):
            poll(harness, minute * 60, swiped=minute > 8 * 60, orders=1)
        assert was_gone(harness) == 0
