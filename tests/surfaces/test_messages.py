"""How soon a change of a surface is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smithd.alerts.severity import Severity
from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, Priority, WidgetValue
from smithd.outbox.shown import ShownActivity, ShownWidget
from smithd.surfaces import messages
from smithd.surfaces.surface import DesiredActivity, DesiredValue
from surfaces.views import NOW, shown_state, shown_value, stream, widget

VALUE = DesiredValue(widget("shop"), 7, None, 60.0, tolerance=2.0, time=NOW - 5, number=7.0)
STATE = DesiredActivity(stream("shop"), ActivityContent({"title": "Shop"}), "calm", 120.0)
WARNS = replace(VALUE, severity=Severity.WARNING)
WARNED = shown_value("shop", 3, NOW - 10, "warning")
CALM = shown_state("shop", {"title": "Shop"}, NOW - 10, "calm")


@pytest.mark.parametrize(
    ("desired", "shown", "priority", "due"),
    [
        (VALUE, None, Priority.ROUTINE, NOW),
        (VALUE, shown_value("shop", 3, NOW - 10), Priority.ROUTINE, NOW + 50),
        (VALUE, shown_value("shop", 3, NOW + 500), Priority.ROUTINE, NOW + 60),  # the clock was set back
        (WARNS, shown_value("shop", 3, NOW - 10), Priority.SEVERITY, NOW),
        (VALUE, WARNED, Priority.SEVERITY, NOW),
        (WARNS, WARNED, Priority.ROUTINE, NOW + 50),
        (replace(VALUE, severity=Severity.CRITICAL), WARNED, Priority.SEVERITY, NOW),
    ],
)
def test_a_widget_whose_severity_changed_is_sent_at_once(
    desired: DesiredValue, shown: ShownWidget | None, priority: Priority, due: float
) -> None:
    message = messages.message(desired, shown, NOW)
    assert isinstance(message, WidgetValue)
    assert (message.priority, message.due) == (priority, due)
    assert (message.key, message.value, message.tolerance) == (VALUE.key, VALUE.value, VALUE.tolerance)
    assert (message.time, message.number, message.severity) == (VALUE.time, 7.0, desired.severity)


@pytest.mark.parametrize(
    ("shown", "priority", "due"),
    [
        (None, Priority.MEANING, NOW),
        (CALM, Priority.COSMETIC, NOW + 110),
        (replace(CALM, at=NOW + 500), Priority.COSMETIC, NOW + 120),
        (replace(CALM, meaning="other"), Priority.MEANING, NOW),
        (replace(CALM, ended=True), Priority.MEANING, NOW),
        (replace(CALM, content=None), Priority.MEANING, NOW),
    ],
)
def test_a_live_activity_whose_meaning_changed_is_sent_at_once(
    shown: ShownActivity | None, priority: Priority, due: float
) -> None:
    message = messages.message(STATE, shown, NOW)
    assert message == ActivityState(STATE.key, STATE.content, priority, NOW, due, "calm")


def test_a_removed_live_activity_ends_as_it_is_at_once() -> None:
    gone = ActivityContent({"title": "Shop", "auto_dismiss_seconds": 0})
    assert messages.end_of_removed(CALM.key, CALM, NOW) == ActivityEnd(CALM.key, gone, NOW)
    unknown = replace(CALM, content=None)
    assert messages.end_of_removed(CALM.key, unknown, NOW) == ActivityEnd(CALM.key, ActivityContent({}), NOW)
