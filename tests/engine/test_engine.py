"""The one line, as stories: polls come in, time passes, and the outbox holds what the phone should be told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.harness import HEAD, Harness, commits
from smithd.errors import DatabaseError
from smithd.outbox.message import ActivityEnd, ActivityState, Push, PushUpdate, WidgetValue
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll

T = 1_763_906_400.0
"""Some Sunday, 14:00 UTC."""

RULE = """
rules:
  errors:
    metric: shop.errors
    warning: "> 1"
    critical: "> 5"
    for: 90s
    push: true
"""
WIDGET = """
widgets:
  shop.orders: shop.orders
"""
ACTIVITY = """
live_activities:
  shop:
    type: stats
    title: Shop
    show: {while_firing: [errors]}
    end: {cool_down: 30s, dismiss_after: 10s}
    stats:
      - {label: Errors, value: shop.errors, color_by: errors}
"""


def test_an_alert_fires_when_its_time_is_full_and_not_at_the_next_poll(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        harness.poll(T + 1, errors=7)
        harness.poll(T + 61, errors=7)
        assert harness.take() == []
        harness.pass_time(T + 91)
        (push,) = harness.take()
        assert push.content.title == "errors is critical"
        assert push.created == T + 91


def test_time_moves_nothing_that_is_no_longer_fresh(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE.replace("90s", "10m"), T) as harness:
        harness.poll(T + 1, errors=7)
        harness.pass_time(T + 3600)
        assert harness.take() == []
        # Nobody knows what was in between: the hold begins anew.
        harness.poll(T + 3601, errors=7)
        assert harness.take() == []
        for minute in range(1, 11):
            harness.pass_time(T + 3601 + 60 * minute)
            harness.poll(T + 3601 + 60 * minute, errors=7)
        assert [type(message) for message in harness.take()] == [Push]


def test_a_whole_story(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0") + WIDGET + ACTIVITY
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, errors=0, orders=10)
        assert [(str(message.key), message.value) for message in harness.take()] == [("widget shop.orders", 10)]
        harness.poll(T + 61, errors=2, orders=10)
        assert [message.key.subject for message in harness.take()] == ["push errors", "Live Activity shop"]
        harness.poll(T + 121, errors=7, orders=12)
        taken = harness.take()
        assert [message.key.subject for message in taken] == [
            "push errors",
            "Live Activity shop",
            "push errors",
            "widget shop.orders",
        ]
        assert taken[0].content.title == "errors is critical"
        assert taken[2].content.title == "Earlier: errors is warning"
        assert taken[1].content.content_state["metrics"][0]["color"] == "red"
        harness.poll(T + 181, errors=3, orders=12)
        activity, fallen = harness.take()
        assert str(activity.key) == "Live Activity shop"
        assert isinstance(fallen, PushUpdate)
        assert (fallen.content.title, fallen.content.interruption_level) == ("errors is warning", "passive")
        harness.poll(T + 241, errors=0, orders=12)
        cooling, resolved = harness.take()
        assert isinstance(resolved, PushUpdate)
        assert isinstance(cooling, ActivityState)
        harness.pass_time(T + 280)
        (ended,) = harness.take()
        assert isinstance(ended, ActivityEnd)
        assert ended.content.content_state["auto_dismiss_seconds"] == 10
        harness.pass_time(T + 300)
        assert harness.take() == []
        assert [change for _, change in harness.changes()] == ["fired", "raised", "lowered", "resolved"]


def test_every_series_has_an_alert_of_its_own(tmp_path: Path) -> None:
    rule = RULE.replace("shop.errors", "shop.stock").replace("for: 90s", "for: 0")
    rule = rule.replace("push: true", "push: {group_by: ['...']}")
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, stock={"a": 2, "b": 0, "c": 9})
        titles = [message.content.title for message in harness.take()]
        assert titles == ["errors (c) is critical", "errors (a) is warning"]
        harness.poll(T + 60, stock={"a": 0, "b": 2, "c": 9})
        titles = [message.content.title for message in harness.take()]
        assert titles == ["errors (b) is warning", "Resolved: errors (a)"]


def test_a_poll_that_changes_nothing_that_lasts_costs_no_commit(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE + WIDGET + ACTIVITY, T) as harness:
        harness.poll(T + 1, errors=0, orders=10)
        harness.take()
        with commits(harness) as opened:
            for minute in range(1, 30):
                harness.poll(T + 1 + 60 * minute, errors=0, orders=10)
                harness.pass_time(T + 30 + 60 * minute)
        assert opened == []


def test_a_value_that_came_and_went_while_nothing_could_be_sent_is_withdrawn(tmp_path: Path) -> None:
    with Harness(tmp_path, WIDGET, T) as harness:
        harness.poll(T + 1, orders=10)
        harness.take()
        harness.poll(T + 61, orders=11)
        harness.poll(T + 121, orders=10)
        assert harness.take() == []
        assert harness.outbox.waiting() == 0


def test_a_restart_with_nothing_changed_sends_nothing(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0") + WIDGET + ACTIVITY
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, errors=7, orders=10)
        assert len(harness.take()) == 3
    with Harness(tmp_path, config, T + 100) as harness:
        harness.poll(T + 101, errors=7, orders=10)
        harness.pass_time(T + 150)
        assert harness.take() == []
        assert harness.changes() == []


def test_what_ended_while_the_daemon_was_away_is_told_once(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, errors=7)
        harness.take()
    with Harness(tmp_path, config, T + 7200) as harness:
        harness.poll(T + 7201, errors=0)
        (resolved,) = harness.take()
        assert isinstance(resolved, PushUpdate)
        harness.poll(T + 7261, errors=0)
        assert harness.take() == []


def test_a_pending_alert_goes_on_after_a_short_outage_and_begins_anew_after_a_long_one(tmp_path: Path) -> None:
    rule = RULE.replace("90s", "10m")
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, errors=7)
    with Harness(tmp_path, rule, T + 3500) as harness:
        harness.poll(T + 3501, errors=7)
        assert len(harness.take()) == 1
        harness.poll(T + 3502, errors=0)
        harness.take()
        harness.poll(T + 3503, errors=7)
    with Harness(tmp_path, rule, T + 7200) as harness:
        harness.poll(T + 7201, errors=7)
        assert harness.take() == []


def test_an_edited_threshold_neither_forgets_nor_repeats_an_open_alert(tmp_path: Path) -> None:
    rule = RULE.replace("for: 90s", "for: 0")
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, errors=7)
        harness.take()
    with Harness(tmp_path, rule.replace('critical: "> 5"', 'critical: "> 6"'), T + 60) as harness:
        harness.poll(T + 61, errors=7)
        assert harness.take() == []
    with Harness(tmp_path, rule.replace('    critical: "> 5"\n', ""), T + 120) as harness:
        harness.poll(T + 121, errors=7)
        assert harness.take() == []
        harness.poll(T + 181, errors=0)
        assert [isinstance(message, PushUpdate) for message in harness.take()] == [True]


ERRORS = "rules: {errors: {metric: shop.errors, push: true, %s}}\n"
BOTH = ERRORS % "warning: '> 1', critical: '> 5', keep_firing_for: 10m"
SEVERE = ERRORS % "critical: '> 5', keep_firing_for: 10m"


def test_a_warning_that_is_not_asked_for_any_more_ends_and_is_not_told_as_critical(tmp_path: Path) -> None:
    with Harness(tmp_path, BOTH, T) as harness:
        harness.poll(T, errors=2)
        harness.take()
    for life in (1, 2):
        with Harness(tmp_path, SEVERE, T + 3600 * life) as harness:
            assert [alert.severity for alert in harness.engine.alerts] == ["warning"]
            assert harness.take() == []
    with Harness(tmp_path, SEVERE, T + 10800) as harness:
        harness.poll(T + 10801, errors=2)
        (resolved,) = harness.take()
        assert resolved.content.title == "Resolved: errors"
        assert resolved.content.message.startswith("shop.errors is 2 (normal: 5 or less). It was warning")
        assert harness.engine.alerts == []


def test_a_warning_that_is_not_asked_for_any_more_rises_where_its_value_is_critical(tmp_path: Path) -> None:
    config = (ERRORS % "warning: '> 1', critical: '> 5'").replace("push", "for: 2m, push")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=2)
        harness.poll(T + 120, errors=2)
        harness.take()
    with Harness(tmp_path, config.replace("warning: '> 1',", ""), T + 130) as harness:
        harness.poll(T + 131, errors=9)
        assert (harness.take(), harness.severity_changes()) == ([], [])
        harness.poll(T + 260, errors=9)
        assert harness.severity_changes() == [("errors", "raised")]
        assert next(message.content.title for message in harness.take()) == "errors is critical"


def test_a_warning_that_is_added_below_an_open_alert_is_open_too(tmp_path: Path) -> None:
    with Harness(tmp_path, SEVERE.replace("10m", "0s"), T) as harness:
        harness.poll(T, errors=9)
        harness.take()
    with Harness(tmp_path, BOTH.replace("10m", "0s, for: 5m"), T + 60) as harness:
        harness.poll(T + 61, errors=2)
        assert harness.severity_changes() == [("errors", "lowered")]
        harness.poll(T + 121, errors=1)
        assert harness.severity_changes()[1:] == [("errors", "resolved")]


def test_what_the_configuration_no_longer_has_is_closed_once(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE.replace("for: 90s", "for: 0") + ACTIVITY, T) as harness:
        harness.poll(T, errors=7)
        harness.take()
    for life in (1, 2):
        with Harness(tmp_path, WIDGET, T + 100 * life) as harness:
            closed = {type(message): message for message in harness.take()}
            if life == 1:
                assert closed[PushUpdate].content.title == "Closed: errors"
                assert ActivityEnd in closed
            else:
                assert closed == {}


def test_what_waits_for_a_surface_that_was_removed_is_withdrawn(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE.replace("for: 90s", "for: 0") + WIDGET + ACTIVITY, T) as harness:
        harness.poll(T, errors=7, orders=3)
        assert harness.outbox.waiting() == 3
    with Harness(tmp_path, "", T + 60) as harness:
        assert [message.content.title for message in harness.take()] == ["Closed: errors"]


def test_levels_that_were_not_sent_before_a_restart_are_worded_anew(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0") + ACTIVITY
    config += 'widgets: {shop.text: {value: shop.orders, format: "{{ value }} orders"}, shop.orders: shop.orders}\n'
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=7, orders=12)
        assert harness.outbox.waiting() == 4
    with Harness(tmp_path, config, T + 8 * 3600) as harness:
        assert [message.key.subject for message in harness.take()] == ["push errors", "widget shop.orders"]
        harness.poll(T + 8 * 3600 + 1, errors=0, orders=13)
        keys = [message.key.subject for message in harness.take()]
        assert keys == ["push errors", "widget shop.text"]


def test_a_slow_source_does_not_hold_back_the_activity_of_an_alert(tmp_path: Path) -> None:
    activity = ACTIVITY.replace(
        "      - {label: Errors", "      - {label: Orders, value: shop.orders}\n      - {label: Errors"
    )
    with Harness(tmp_path, RULE.replace("for: 90s", "for: 0") + activity, T) as harness:
        harness.poll(T + 1, errors=7)
        values = [
            message.content.content_state["metrics"] for message in harness.take() if isinstance(message, ActivityState)
        ]
        assert [row["value"] for row in values[0]] == ["–", "7 !!"]


def test_a_headline_about_all_alerts_follows_them_at_once(tmp_path: Path) -> None:
    streams = (
        "live_activities:\n  all: {type: stats, title: '{{ count }} firing', "
        "stats: [{label: Orders, value: shop.orders}]}\n"
    )
    with Harness(tmp_path, RULE.replace("for: 90s", "for: 0") + streams, T) as harness:
        harness.poll(T + 1, orders=1, errors=0)
        harness.take()
        harness.poll(T + 2, orders=1, errors=7)
        (update,) = [message for message in harness.take() if isinstance(message, ActivityState)]
        assert update.content.content_state["title"] == "1 firing"


def test_after_a_restart_a_row_without_a_reading_keeps_what_it_showed_marked_as_old(tmp_path: Path) -> None:
    activity = ACTIVITY.replace("{while_firing: [errors]}", "always").replace(
        "      - {label: Errors", "      - {label: Orders, value: shop.orders}\n      - {label: Errors"
    )
    with Harness(tmp_path, RULE + activity, T) as harness:
        harness.poll(T + 1, errors=0, orders=5)
        harness.take()
    with Harness(tmp_path, RULE + activity, T + 1000) as harness:
        harness.poll(T + 1001, errors=0)
        (updated,) = harness.take()
        assert [row["value"] for row in updated.content.content_state["metrics"]] == ["5 ?", 0]


def test_a_rule_that_watches_another_metric_closes_its_old_alert(tmp_path: Path) -> None:
    rule = RULE.replace("for: 90s", "for: 0")
    with Harness(tmp_path, rule.replace("shop.errors", "shop.stock"), T) as harness:
        harness.poll(T, stock={"a": 7})
        harness.take()
    with Harness(tmp_path, rule, T + 60) as harness:
        assert [message.content.title for message in harness.take()] == ["Closed: errors (a)"]
        assert harness.engine.alerts == []


def test_a_clock_that_is_set_back_leaves_nothing_waiting_for_hours(tmp_path: Path) -> None:
    config = (
        RULE.replace("for: 90s", "for: 0")
        + ACTIVITY
        + WIDGET.replace("shop.orders: shop.orders", 'shop.orders: {value: shop.orders, format: "{{ value }}"}')
    )
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=7, orders=3)
        harness.poll(T + 60, errors=0, orders=3)
        harness.take()
        back = T - 3600
        harness.now = back
        harness.engine.replan(back)
        harness.pass_time(back + 300)
        assert [message.value for message in harness.take() if isinstance(message, WidgetValue)] == ["3 ?"]


def test_a_clock_that_is_set_back_leaves_no_alert_in_the_future(tmp_path: Path) -> None:
    with Harness(tmp_path, BOTH.replace("10m", "0s"), T) as harness:
        harness.poll(T, errors=2)
        harness.take()
        harness.now = T - 3600
        harness.engine.replan(harness.now)
        harness.poll(T - 2700, errors=9)
        assert harness.take()[0].content.message.endswith(", since 13:15.")
    with Harness(tmp_path, BOTH.replace("10m", "0s"), T - 7200) as harness:
        harness.poll(T - 6900, errors=0)
        (resolved,) = harness.take()
        assert resolved.content.message.endswith("It was critical for 5m, 12:00 to 12:05.")


def test_the_clock_of_an_alert_runs_on_after_the_time_was_set(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        harness.poll(T, errors=7)
        harness.now = T - 3600
        harness.engine.replan(harness.now)
        harness.poll(T - 3599, errors=7)
        harness.pass_time(T - 3508)
        assert [alert.severity for alert in harness.engine.alerts] == ["critical"]


def test_an_alert_and_its_push_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = RULE.replace("for: 90s", "for: 0")
    with Harness(tmp_path, rule, T) as harness:

        def fail(*_: object) -> None:
            raise OSError("the power went")

        with monkeypatch.context() as patched:
            patched.setattr("smithd.state.outbox_rows.write", fail)
            with pytest.raises(OSError, match="power"):
                harness.poll(T, errors=7)
    with Harness(tmp_path, rule, T + 10) as harness:
        assert harness.engine.alerts == []
        harness.poll(T + 11, errors=7)
        assert [message.content.title for message in harness.take()] == ["errors is critical"]


def test_the_clock_of_a_pending_severity_does_not_run_through_a_long_outage(tmp_path: Path) -> None:
    rule = RULE.replace("90s", "30m")
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, errors=2)
        harness.poll(T + 1800, errors=2)
        harness.poll(T + 1860, errors=7)
        assert [message.content.title for message in harness.take()] == ["errors is warning"]
    with Harness(tmp_path, rule, T + 36000) as harness:
        harness.poll(T + 36001, errors=7)
        assert harness.take() == []


def test_an_outage_is_counted_from_when_the_daemon_was_last_alive(tmp_path: Path) -> None:
    rule = RULE.replace("90s", "3h")
    with Harness(tmp_path, rule, T) as harness:
        for minute in range(170):
            harness.poll(T + 60 * minute, errors=7)
    with Harness(tmp_path, rule, T + 171 * 60) as harness:
        harness.poll(T + 171 * 60, errors=7)
        harness.poll(T + 3 * 3600, errors=7)
        assert [message.content.title for message in harness.take()] == ["errors is critical"]


def test_after_a_restart_time_still_moves_an_alert_at_its_moment(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE, T) as harness:
        harness.poll(T, errors=7)
    with Harness(tmp_path, RULE, T + 10) as harness:
        harness.poll(T + 11, errors=7)
        harness.pass_time(T + 90)
        assert [message.created for message in harness.take()] == [T + 90]


def test_the_story_names_the_worst_and_is_told_however_long_it_lasted(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0") + "  stock: {metric: shop.stock, warning: '> 1', push: true}\n"
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=7)
        harness.poll(T + 60, errors=2)
        harness.take()
        harness.poll(T + 8 * 86400, errors=2, stock=3)
        harness.take()
        harness.poll(T + 8 * 86400 + 60, errors=0, stock=3)
        (resolved,) = harness.take()
        assert isinstance(resolved, PushUpdate)
        text = "It was warning for 8d, Sun 14:00 to 14:01, of that critical 1m, Sun 14:00 to Sun 14:01."
        assert resolved.content.message.endswith(text)


def test_a_reading_that_is_old_by_its_own_time_fires_nothing(tmp_path: Path) -> None:
    with Harness(tmp_path, RULE.replace("for: 90s", "for: 0"), T) as harness:
        old = Sample(Series("shop.errors"), 9.0, T - 86400)
        harness.engine.ingest(Poll("shop", T + 1, 160.0, (old,)))
        harness.now = T + 1
        assert harness.take() == []


def test_a_change_smaller_than_min_change_is_not_sent(tmp_path: Path) -> None:
    widget = "widgets: {shop.orders: {value: shop.orders, min_change: 5, min_interval: 0}}\n"
    with Harness(tmp_path, widget, T) as harness:
        sent = []
        for minute, orders in enumerate([10, 14, 6, 15, 15]):
            harness.poll(T + 60 * minute, orders=orders)
            sent += [message.value for message in harness.take()]
        assert sent == [10, 15]


def test_a_text_is_marked_when_its_source_falls_silent(tmp_path: Path) -> None:
    widget = 'widgets: {shop.orders: {value: shop.orders, format: "{{ value }} orders"}}\n'
    with Harness(tmp_path, widget, T) as harness:
        harness.poll(T + 1, orders=10)
        assert [message.value for message in harness.take()] == ["10 orders"]
        harness.pass_time(T + 155)
        assert harness.take() == []
        harness.pass_time(T + 165)
        assert [message.value for message in harness.take()] == ["10 orders ?"]
        harness.poll(T + 241, orders=10)
        assert [message.value for message in harness.take()] == ["10 orders"]


def test_an_old_text_of_the_last_life_is_marked_too(tmp_path: Path) -> None:
    widget = 'widgets: {shop.orders: {value: shop.orders, format: "{{ value }} orders"}}\n'
    with Harness(tmp_path, widget, T) as harness:
        harness.poll(T + 1, orders=10)
        harness.take()
    with Harness(tmp_path, widget, T + 1000) as harness:
        harness.pass_time(T + 1015)
        assert harness.take() == []
        harness.pass_time(T + 1030)
        assert [message.value for message in harness.take()] == ["10 orders ?"]


def test_five_activities_share_four_slots_and_the_fifth_takes_the_first_that_is_free(tmp_path: Path) -> None:
    streams = "live_activities:\n"
    rules = "rules:\n  errors: {metric: shop.errors, warning: '> 1'}\n"
    for name in "abcde":
        show = "{while_firing: [errors]}" if name == "b" else "always"
        streams += (
            f"  {name}: {{type: stats, title: {name}, show: {show}, end: {{cool_down: 0}}, "
            "stats: [{label: Orders, value: shop.orders}]}\n"
        )
    with Harness(tmp_path, rules + streams, T) as harness:
        harness.poll(T + 1, errors=7, orders=1)
        assert [str(message.key) for message in harness.take()] == [f"Live Activity {name}" for name in "abcd"]
        assert harness.not_renderable() == ["Live Activity e"]
        # Four have started within an hour, and the two starts that are left are for criticals.
        harness.poll(T + 3601, errors=7, orders=1)
        harness.take()
        harness.poll(T + 3661, errors=0, orders=1)
        assert [(message.key.name, type(message)) for message in harness.take()] == [
            ("b", ActivityEnd),
            ("e", ActivityState),
        ]


def test_a_cool_down_goes_on_through_a_restart(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0").replace("push: true", "push: false") + ACTIVITY.replace("30s", "5m")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, errors=7)
        harness.take()
        harness.poll(T + 61, errors=0)
        assert [type(message) for message in harness.take()] == [ActivityState]
    with Harness(tmp_path, config, T + 200) as harness:
        harness.poll(T + 201, errors=0)
        harness.pass_time(T + 360)
        assert ActivityEnd not in map(type, harness.take())
        harness.pass_time(T + 361)
        assert [type(message) for message in harness.take()] == [ActivityEnd]


def test_a_cool_down_that_ended_while_nothing_ran_is_over_at_the_start(tmp_path: Path) -> None:
    config = RULE.replace("for: 90s", "for: 0").replace("push: true", "push: false") + ACTIVITY
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, errors=7)
        harness.take()
        harness.poll(T + 61, errors=0)
        harness.take()
    with Harness(tmp_path, config, T + 100) as harness:
        assert [type(message) for message in harness.take()] == [ActivityEnd]


def test_a_start_that_was_not_sent_is_withdrawn_and_its_slot_is_another_ones(tmp_path: Path) -> None:
    """Nothing answers, so no end is ever accepted."""
    streams = "live_activities:\n"
    for name in "abcde":
        show = "{while_firing: [errors]}" if name == "b" else "always"
        streams += (
            f"  {name}: {{type: stats, title: {name}, show: {show}, end: {{cool_down: 0}}, "
            "stats: [{label: Orders, value: shop.orders}]}\n"
        )
    with Harness(tmp_path, "rules:\n  errors: {metric: shop.errors, warning: '> 1'}\n" + streams, T) as harness:
        harness.poll(T + 1, errors=7, orders=1)
        assert [message.key.subject.split()[-1] for message in harness.outbox.messages()] == ["a", "b", "c", "d"]
        harness.poll(T + 61, errors=0, orders=1)
        harness.pass_time(T + 62)
        assert [message.key.subject.split()[-1] for message in harness.outbox.messages()] == ["a", "c", "d", "e"]


def test_several_series_where_one_is_needed_are_complained_about_once(tmp_path: Path) -> None:
    with Harness(tmp_path, WIDGET, T) as harness:
        for minute in range(3):
            harness.poll(T + 60 * minute, orders={"a": minute, "b": 2})
        assert harness.take() == []
        assert harness.not_renderable() == ["widget shop.orders"]


def test_a_text_about_everything_follows_what_the_sources_say(tmp_path: Path) -> None:
    config = (
        RULE.replace("for: 90s", "for: 0") + "widgets: {status: {text: \"{{ firing | join(',') or 'all well' }}\"}}\n"
    )
    with Harness(tmp_path, config, T) as harness:
        assert harness.take() == []
        harness.poll(T + 1, errors=0)
        assert [message.value for message in harness.take()] == ["all well"]
        harness.pass_time(T + 165)
        assert [message.value for message in harness.take()] == ["all well ?"]
        harness.poll(T + 300, errors=7)
        assert [getattr(message, "value", None) for message in harness.take()] == [None, "errors"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE alerts SET state = '{bad'",
        "UPDATE alerts SET state = '{}'",
        "UPDATE alerts SET labels = 'null'",
        "UPDATE shown SET content = '{'",
        "UPDATE shown SET surface = 'nope'",
        "UPDATE outbox SET content = '[1'",
        "UPDATE outbox SET priority = 99",
        "DROP TABLE sent",
        "ALTER TABLE alerts RENAME COLUMN state TO st",
    ],
)
def test_a_state_that_makes_no_sense_is_refused_in_words(tmp_path: Path, damage: str) -> None:
    config = RULE.replace("for: 90s", "for: 0") + WIDGET
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=7, orders=1)
        harness.take()
        harness.poll(T + 100, errors=7, orders=2)
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        state.execute(damage)
        state.commit()
    with pytest.raises(DatabaseError, match="state"):
        live_on(tmp_path, config)


def live_on(folder: Path, config: str) -> None:
    with Harness(folder, config, T + 200) as harness:
        harness.poll(T + 201, errors=7, orders=3)
        harness.take()


def elsewhere(account: str) -> str:
    """The configuration with another account."""
    return HEAD.replace("{api_key: ask_test}", account)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the next lives use another account."""
    return lambda given: monkeypatch.setattr("engine.harness.HEAD", elsewhere(given))


SURFACES = "widgets: {shop.orders: shop.orders}\n"


def test_at_another_address_nothing_is_shown_and_what_fires_is_notified_there(
    tmp_path: Path, account: Callable[[str], None]
) -> None:
    rule = RULE.replace("for: 90s", "for: 0") + SURFACES
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, errors=7, orders=3)
        assert len(harness.take()) == 2
    account("{api_key: ask_test, base_url: 'https://other.example/api'}")
    with Harness(tmp_path, rule, T + 60) as harness:
        harness.poll(T + 61, errors=7, orders=3)
        harness.pass_time(T + 100)  # by then its source has confirmed that it still fires
        sent = harness.take()
        assert [type(message) for message in sent] == [Push, WidgetValue]
        assert sent[0].content.title == "errors is critical"
    with Harness(tmp_path, rule, T + 120) as harness:
        harness.poll(T + 121, errors=7, orders=3)
        assert harness.take() == []
        harness.poll(T + 181, errors=0, orders=3)
        assert [type(message) for message in harness.take()] == [PushUpdate]


def test_with_another_key_levels_are_sent_once_more_and_notifications_are_not(
    tmp_path: Path, account: Callable[[str], None]
) -> None:
    rule = RULE.replace("for: 90s", "for: 0") + SURFACES
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, errors=7, orders=3)
        assert len(harness.take()) == 2
    account("{api_key: ask_another}")
    with Harness(tmp_path, rule, T + 60) as harness:
        harness.poll(T + 61, errors=7, orders=3)
        assert [type(message) for message in harness.take()] == [WidgetValue]
        harness.poll(T + 121, errors=0, orders=3)
        assert [type(message) for message in harness.take()] == [PushUpdate]


def test_a_push_that_waits_when_the_address_changes_is_sent_once_to_the_new_one(
    tmp_path: Path, account: Callable[[str], None]
) -> None:
    rule = RULE.replace("for: 90s", "for: 0")
    with Harness(tmp_path, rule, T) as harness:
        harness.poll(T, errors=7)
        assert len(harness.outbox.messages()) == 1
    account("{api_key: ask_test, base_url: 'https://other.example/api'}")
    with Harness(tmp_path, rule, T + 60) as harness:
        harness.poll(T + 61, errors=7)
        harness.pass_time(T + 100)
        assert [message.content.title for message in harness.take()] == ["errors is critical"]


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_where_only_the_wall_clock_is_there_what_was_sent_is_as_old_after_it_was_set(
    tmp_path: Path, seconds: float
) -> None:
    with Harness(tmp_path, "rules: {errors: {metric: shop.errors, critical: '> 5', push: true}}\n", T) as harness:
        harness.poll(T + 1, errors=9)
        harness.take()
        harness.engine.replan(T + 2 + seconds, seconds)
    with Harness(tmp_path, "", T + 3 + seconds) as harness:
        assert [request.at for request in harness.outbox.value.sent.values()] == [T + 1 + seconds]
