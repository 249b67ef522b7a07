"""How soon a change of a surface is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smithd.alerts.severity import Severity
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityStage,
    ActivityState,
    Priority,
    WidgetValue,
)
from smithd.outbox.shown import LIFETIME, ShownActivity, ShownWidget
from smithd.outbox.update_budget import UpdateBudget
from smithd.surfaces import messages
from smithd.surfaces.renewal import IN_ORDER
from smithd.surfaces.surface import DesiredActivity, DesiredValue
from surfaces.views import NOW, shown_state, shown_value, stream, widget

VALUE = DesiredValue(widget("shop"), 7, None, 60.0, tolerance=2.0, time=NOW - 5, number=7.0)
STATE = DesiredActivity(stream("shop"), ActivityContent({"title": "Shop"}), "calm", 120.0)
WARNS = replace(VALUE, severity=Severity.WARNING)
WARNED = shown_value("shop", 3, NOW - 10, "warning")
CALM = shown_state("shop", {"title": "Shop"}, NOW - 10, "calm")


def used(updates: int) -> ShownActivity:
    return replace(CALM, updates=UpdateBudget(updates, NOW))


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
    message = messages.message(desired, shown, 12, NOW)
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
        # It would start what iOS has ended, or will have by then: that is for its renewal.
        (replace(CALM, since=NOW - LIFETIME), Priority.COSMETIC, NOW + IN_ORDER),
        (replace(CALM, since=NOW - LIFETIME + 60), Priority.COSMETIC, NOW + IN_ORDER),
        (replace(CALM, since=NOW - LIFETIME, meaning="other"), Priority.MEANING, NOW + IN_ORDER),
        (replace(CALM, ended=True), Priority.MEANING, NOW),
        (replace(CALM, content=None), Priority.MEANING, NOW),
    ],
)
def test_a_live_activity_whose_meaning_changed_is_sent_at_once(
    shown: ShownActivity | None, priority: Priority, due: float
) -> None:
    message = messages.message(STATE, shown, 12, NOW)
    assert message == ActivityState(STATE.key, STATE.content, priority, NOW, due, "calm")


@pytest.mark.parametrize(
    ("shown", "stage", "due"),
    [
        (used(5), ActivityStage(), NOW + 110),  # half of twelve is left with this one
        (used(6), ActivityStage(), NOW + 300),
        (used(12), ActivityStage(), NOW + 300 * 7),
        (used(12), ActivityStage({"errors": 1}), NOW),  # a rise
        (replace(used(12), stage=ActivityStage({"errors": 2})), ActivityStage({"errors": 1}), NOW + 300 * 7),
        (replace(used(12), stage=ActivityStage({"errors": 2})), ActivityStage({"errors": 2, "stock": 0}), NOW),
        (replace(used(12), stage=ActivityStage(step=1)), ActivityStage(step=2), NOW),
        (replace(used(12), stage=ActivityStage(step=4)), ActivityStage(step=1), NOW),
        (replace(used(11), meaning="other"), ActivityStage(), NOW),
        (replace(used(12), meaning="other"), ActivityStage(), NOW + 300),
        (replace(used(0), updates=UpdateBudget(0, NOW, NOW + 3600)), ActivityStage(), NOW + 3600),
        (replace(used(0), updates=UpdateBudget(0, NOW, NOW + 3600)), ActivityStage({"errors": 1}), NOW),
        (replace(used(0), updates=UpdateBudget(0, NOW, NOW + 3600), meaning="other"), ActivityStage(), NOW + 3600),
        (replace(used(12), ended=True), ActivityStage(), NOW),
        (replace(used(12), content=None), ActivityStage(), NOW),
    ],
)
def test_updates_keep_to_the_budget_of_ios(shown: ShownActivity, stage: ActivityStage, due: float) -> None:
    message = messages.message(replace(STATE, stage=stage), shown, 12, NOW)
    assert isinstance(message, ActivityState)
    assert message.due == due


def test_a_renewal_is_sent_at_once() -> None:
    message = messages.message(replace(STATE, renews=True), used(12), 12, NOW)
    assert message == ActivityState(STATE.key, STATE.content, Priority.COSMETIC, NOW, NOW, "calm", renews=True)


def test_a_removed_live_activity_ends_as_it_is_at_once() -> None:
    gone = ActivityContent({"title": "Shop", "auto_dismiss_seconds": 0})
    assert messages.end_of_removed(CALM, NOW) == ActivityEnd(CALM.key, gone, NOW)
    unknown = replace(CALM, content=None)
    assert messages.end_of_removed(unknown, NOW) == ActivityEnd(CALM.key, ActivityContent({}), NOW)
