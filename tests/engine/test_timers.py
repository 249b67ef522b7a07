"""Timers of Live Activities over restarts, and without their source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.harness import Harness
from smithd.outbox.message import ActivityEnd, ActivityState

T = 1_795_000_000.0
UNTIL = """
live_activities:
  backup: {type: timer, title: Backup, until: shop.orders}
"""
FOR = """
rules:
  frozen: {metric: shop.errors, warning: "> 1"}
live_activities:
  freeze: {type: timer, title: Freeze, for: 10m, show: {while_firing: [frozen]}}
"""


def kinds(found: list[Any]) -> list[type[Any]]:
    return [type(message) for message in found]


def test_a_countdown_ends_at_its_second_though_its_source_is_dead(tmp_path: Path) -> None:
    with Harness(tmp_path, UNTIL, T) as harness:
        harness.poll(T, orders=T + 100)
        assert kinds(harness.take()) == [ActivityState]
        harness.pass_time(T + 99.9)
        assert harness.take() == []
        harness.pass_time(T + 100)
        assert kinds(harness.take()) == [ActivityEnd]


def test_it_does_so_after_a_restart_too_and_the_window_is_not_another(tmp_path: Path) -> None:
    with Harness(tmp_path, UNTIL, T) as harness:
        harness.poll(T, orders=T + 150)
        (first,) = harness.take()
    with Harness(tmp_path, UNTIL, T + 50) as harness:
        harness.poll(T + 60, orders=T + 155)
        assert harness.take() == []
        harness.pass_time(T + 149.9)
        assert harness.take() == []
        harness.pass_time(T + 150)
        (last,) = harness.take()
    assert isinstance(first, ActivityState)
    assert (first.content.window, first.content.ends_at) == (f"until {T + 150:.3f} from {T:.3f}", T + 150)
    assert isinstance(last, ActivityEnd)


def test_an_end_that_moved_by_little_is_set_right_when_that_is_much_of_what_is_left(tmp_path: Path) -> None:
    with Harness(tmp_path, UNTIL, T) as harness:
        harness.poll(T, orders=T + 10_000)
        harness.take()
        sent = []
        for number in range(1, 170):
            harness.pass_time(T + 60 * number)
            harness.poll(harness.now, orders=T + 9_900)
            sent += [(harness.now, message.content.ends_at) for message in harness.take() if number < 165]
    # 100 seconds are 5 % of 2,000.
    assert sent == [(T + 8_040, T + 9_900)]


@pytest.mark.parametrize("is_over_before", [False, True])
def test_a_duration_counts_once_whatever_is_restarted(tmp_path: Path, is_over_before: bool) -> None:
    with Harness(tmp_path, FOR, T) as harness:
        harness.poll(T, errors=5)
        assert kinds(harness.take()) == [ActivityState]
        if is_over_before:
            harness.poll(T + 300, errors=5)
            harness.pass_time(T + 600)
            assert kinds(harness.take()) == [ActivityEnd]
    with Harness(tmp_path, FOR, T + 650) as harness:
        harness.poll(T + 651, errors=5)
        assert kinds(harness.take()) == ([] if is_over_before else [ActivityEnd])
        harness.poll(T + 700, errors=5)
        assert harness.take() == []
        # It is wanted anew once its rule was silent.
        harness.poll(T + 760, errors=0)
        harness.poll(T + 820, errors=5)
        (again,) = harness.take()
        assert again.content.ends_at == T + 1420


def test_the_clock_of_the_machine_is_set_and_the_countdown_goes_on(tmp_path: Path) -> None:
    with Harness(tmp_path, FOR, T) as harness:
        harness.poll(T, errors=5)
        (first,) = harness.take()
        harness.now = T + 60 - 3600
        harness.engine.replan(harness.now, -3600)
        countdown = harness.engine.engine.state.countdowns[first.key]
        assert countdown.remaining(harness.now) == 540


def test_after_a_restart_with_a_dead_source_a_countdown_stands_and_is_over_at_its_time(tmp_path: Path) -> None:
    config = UNTIL.replace("shop.orders}", "shop.orders, when_over: {subtitle: running}}")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, orders=T + 1000)
        harness.take()
    with Harness(tmp_path, config, T + 50) as harness:
        harness.fail(T + 60)
        harness.pass_time(T + 500)
        (stands,) = harness.take()
        assert (stands.content.content_state["is_running"], stands.content.content_state["subtitle"]) == (
            False,
            "as of 11:06",
        )
        harness.pass_time(T + 1000)
        (over,) = harness.take()
        assert (over.content.content_state["is_running"], over.content.content_state["subtitle"]) == (True, "running")
        assert over.content.window != stands.content.window
