"""A state of an earlier version opens, migrates, and everything in it is found again.

``earlier.sql`` was written by that version: a rule that rose to critical, one that dropped against its baseline, one
that was notified before its mute began, one that is silenced, a pending series and one that was resolved; values
that wait to be sent, and a notification whose answer never came.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.harness import Harness
from smithd.notify.reason import Reason
from smithd.outbox.message import ActivityEnd, ActivityState, Push, PushUpdate, WidgetValue

CONFIG = """
history: 2d
time_windows: {nights: {from: '22:00', to: '07:00'}}
rules:
  errors: {metric: shop.errors, warning: '> 1', critical: '> 5', push: true}
  stock: {metric: shop.stock, critical: '< 3', for: 10m, push: {title: '{{ labels.house }} runs out'}}
  drop:
    metric: shop.orders
    warning: drops > 30% over 10m
    push: true
  night: {metric: depot.errors, warning: '> 1', push: true, mute: [nights]}
  quiet: {metric: depot.orders, warning: '> 1', push: true}
  source: {metric: depot.stock, warning: '< 1', no_data: warning, push: true}
derived: {error_rate: 100 * shop.errors / shop.orders}
widgets:
  shop.orders: shop.orders
  shop.text: {text: '{{ firing | length }} firing', min_interval: 0}
live_activities:
  shop:
    type: stats
    title: Shop
    show: always
    stats: [{label: Orders, value: shop.orders, color_by: errors, mark: false}]
  trouble: {type: stats, title: Trouble, show: {while_firing: [errors]}, stats: [{label: Errors, value: shop.errors}]}
"""
WRITTEN = 1795472105.0
NOW = WRITTEN + 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        state.executescript(Path(__file__).with_name("earlier.sql").read_text())
    return tmp_path


def test_alerts_silences_and_the_journal_are_found_again(folder: Path) -> None:
    with Harness(folder, CONFIG, NOW) as harness:
        alerts = {(alert.rule, alert.severity, alert.fired_at) for alert in harness.engine.alerts}
        assert alerts == {
            ("errors", "critical", 1795470000.0),
            ("drop", "warning", 1795471200.0),
            ("night", "warning", 1795470000.0),
            ("quiet", "warning", 1795470000.0),
            ("stock", None, None),
        }
        (silence,) = harness.engine.silences(NOW)
        assert (silence.id, silence.text, silence.comment) == (1, "rule=quiet", "deploying")
        assert harness.engine.add_silence("rule=night", 60, "", "ann", NOW).id == 2
        entries = harness.engine.entries("errors")
        assert [entry.change for entry in entries] == ["fired", "raised"]
        assert [entry.reason for entry in entries] == [Reason.NOTIFIED, Reason.NOTIFIED]
        (entry,) = [entry for entry in harness.engine.entries("drop") if entry.reason != Reason.INTERMEDIATE]
        assert entry.reason == Reason.NOTIFIED


def test_what_was_notified_is_not_notified_again_and_resolves_in_place(folder: Path) -> None:
    with Harness(folder, CONFIG, NOW) as harness:
        harness.poll(NOW, errors=9, orders=50, stock={"north": 2, "south": 8})
        harness.poll(NOW, "depot", errors=4, orders=3, stock=5)
        harness.pass_time(NOW + 20)
        pushes = [message for message in harness.take() if isinstance(message, Push | PushUpdate)]
        assert [push.content.title for push in pushes] == ["Resolved: stock (south)"]  # whose answer never came
        harness.poll(NOW + 60, errors=0, orders=100, stock={"north": 9, "south": 8})
        ends = [message for message in harness.take() if isinstance(message, Push | PushUpdate)]
        assert {(end.content.title, type(end)) for end in ends} == {
            ("Resolved: errors", PushUpdate),
            ("Resolved: drop", PushUpdate),
        }
        assert {str(end.key) for end in ends} == {"push errors@1795470000.000.2", "push drop@1795471200.000"}


def test_a_pending_alert_goes_on_from_where_it_was(folder: Path) -> None:
    with Harness(folder, CONFIG, NOW) as harness:
        for minute in range(12):
            harness.pass_time(NOW + 60 * minute)
            harness.poll(NOW + 60 * minute, errors=9, orders=50, stock={"north": 2, "south": 8})
        assert ('stock{house="north"}', "fired") in harness.changes()
        (alert,) = [alert for alert in harness.engine.alerts if alert.rule == "stock"]
        assert alert.since == 1795472100.0
        assert alert.fired_at is not None
        assert alert.fired_at <= 1795472100.0 + 660


def test_levels_are_sent_where_they_differ_from_what_is_shown(folder: Path) -> None:
    with Harness(folder, CONFIG, NOW) as harness:
        harness.poll(NOW, errors=7, orders=50, stock={"north": 2, "south": 8})
        harness.poll(NOW, "depot", errors=4, orders=3, stock=5)
        levels = [message for message in harness.take() if isinstance(message, ActivityState | ActivityEnd)]
        assert levels == []  # both show this already
        harness.poll(NOW + 120, errors=7, orders=55, stock={"north": 2, "south": 8})
        values = {message.key.name: message.value for message in harness.take() if isinstance(message, WidgetValue)}
        assert values == {"shop.orders": 55}
