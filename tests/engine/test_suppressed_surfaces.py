"""Suppressed alerts on the phone: they start no activity and count in no text, end none, and colours stay true."""

from __future__ import annotations

from pathlib import Path

from engine.harness import Harness
from smithd.engine.entries import ClockSet
from smithd.outbox.message import ActivityEnd, ActivityState, WidgetValue

T = 1_800_000_000.0
CONFIG = """
rules:
  errors: {metric: shop.errors, warning: '> 1', critical: '> 5'}
widgets:
  status: {text: "{{ count }} of {{ firing | length }}", min_interval: 0s}
live_activities:
  shop:
    type: stats
    title: Shop
    show: {while_firing: [errors]}
    stats: [{label: Errors, value: shop.errors, color_by: errors}]
    end: {cool_down: 0s}
"""


def sent(harness: Harness) -> list[str]:
    """What is sent: the text of the widget, and the colour of the row, "" at the end."""
    found: list[str] = []
    for message in harness.take():
        match message:
            case WidgetValue():
                found.append(str(message.value))
            case ActivityState():
                found.append(message.content.content_state["metrics"][0]["color"])
            case ActivityEnd():
                found.append("")
    return sorted(found)


def begin(harness: Harness, errors: float = 0.0) -> None:
    """All sources have answered, and what that shows is sent."""
    harness.poll(harness.now, "depot", stock=1)
    harness.poll(harness.now, errors=errors)
    harness.take()


def test_a_silenced_alert_starts_nothing_until_the_silence_ends_by_itself(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        begin(harness)
        harness.engine.add_silence("rule=errors", 100, "", "ann", T)
        harness.poll(T + 60, errors=2)
        assert sent(harness) == []
        harness.pass_time(T + 99)
        assert sent(harness) == []
        harness.pass_time(T + 100)
        assert sent(harness) == ["1 of 1", "orange"]


def test_a_silence_that_is_made_and_expired_by_hand_counts_at_once(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        begin(harness)
        silence = harness.engine.add_silence("rule=errors", 600, "", "ann", T)
        harness.poll(T + 60, errors=2)
        harness.pass_time(T + 70)
        harness.engine.expire_silence(silence.id, T + 70)
        assert sent(harness) == ["1 of 1", "orange"]
        harness.pass_time(T + 80)
        harness.engine.add_silence("rule=errors", 600, "", "ann", T + 80)
        assert sent(harness) == ["0 of 0"]  # the activity is on the phone, and stays


def test_what_is_shown_stays_in_true_colours_until_its_rule_is_clear(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        begin(harness, errors=2)
        harness.engine.add_silence("rule=errors", 600, "", "ann", T + 10)
        harness.poll(T + 60, errors=7)
        assert sent(harness) == ["0 of 0", "red"]
        harness.poll(T + 120, errors=0)
        assert sent(harness) == [""]
        harness.poll(T + 180, errors=7)
        assert sent(harness) == []


def test_a_start_that_waits_is_withdrawn_where_its_alert_is_silenced(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        begin(harness)
        harness.poll(T + 60, errors=2)
        harness.engine.add_silence("rule=errors", 600, "", "ann", T + 61)
        harness.pass_time(T + 62)
        assert sent(harness) == []


def test_what_is_unconfirmed_after_a_start_counts_as_before_it(tmp_path: Path) -> None:
    pushed = CONFIG.replace("'> 5'", "'> 5', push: true")
    with Harness(tmp_path, pushed, T) as harness:
        begin(harness)
        harness.engine.add_silence("rule=errors", 100, "", "ann", T)
        harness.poll(T + 60, errors=2)
    with Harness(tmp_path, pushed, T + 61) as harness:
        assert sent(harness) == []
        harness.pass_time(T + 100)
        assert sent(harness) == ["1 of 1", "orange"]
    with Harness(tmp_path, pushed, T + 110) as harness:
        harness.pass_time(T + 125)
        assert sent(harness) == ["1 of 1 ?"]  # no source has answered yet


def test_the_timers_survive_that_the_clock_is_set(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        begin(harness)
        harness.engine.add_silence("rule=errors", 100, "", "ann", T)
        harness.poll(T + 60, errors=2)
        harness.engine.step(ClockSet(T + 65, 4.0))
        harness.pass_time(T + 100)
        assert sent(harness) == ["1 of 1", "orange"]
