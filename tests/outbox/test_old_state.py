"""What an older smithd left waiting and shown is taken over, with its reasons and its keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from outbox.stored import StoredOutbox
from smithd import journal
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    BadgeCount,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.shown import ShownActivity, ShownPush, ShownWidget, TimerWindow
from smithd.storage.database import Database

STATE = Path(__file__).parent.parent / "storage" / "states" / "0003.sql"
FIRED, ROSE = 1_790_000_060.0, 1_790_000_120.5
BEFORE = PushKey(DEFAULT_ACCOUNT, "errors", FIRED, 1)
ERRORS = PushKey(DEFAULT_ACCOUNT, "errors", FIRED, 2)
STOCK = PushKey(DEFAULT_ACCOUNT, "stock", ROSE, 1)
TIMER = StreamKey(DEFAULT_ACCOUNT, "timer")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(STATE.read_text())
    return Database.open(path)


def test_messages_and_what_is_shown_are_taken_over(database: Database) -> None:
    outbox = StoredOutbox(database)
    waiting = {message.key: message for message in outbox.messages()}
    assert set(waiting) == {
        BEFORE,
        ERRORS,
        STOCK,
        TIMER,
        BadgeKey(DEFAULT_ACCOUNT),
        WidgetKey(DEFAULT_ACCOUNT, "shop.orders"),
        WidgetKey(DEFAULT_ACCOUNT, "shop.text"),
        StreamKey(DEFAULT_ACCOUNT, "shop"),
    }
    assert waiting[BEFORE] == PushUpdate(
        BEFORE,
        PushContent(
            "Earlier: errors is warning",
            "As told 14:14. It rose to critical at 14:15.",
            interruption_level="passive",
            tags=("shop",),
        ),
        Priority.COSMETIC,
        ROSE,
        expires=ROSE + 86400,
        only_in_place=True,
    )
    rose = waiting[ERRORS]
    assert isinstance(rose, Push)
    assert rose.is_open
    assert waiting[WidgetKey(DEFAULT_ACCOUNT, "shop.text")] == WidgetValue(
        WidgetKey(DEFAULT_ACCOUNT, "shop.text"),
        "9 bad",
        Priority.SEVERITY,
        ROSE,
        due=ROSE,
        time=ROSE,
        number=9.0,
        severity="critical",
    )
    assert isinstance(waiting[TIMER], ActivityEnd)
    assert waiting[BadgeKey(DEFAULT_ACCOUNT)] == BadgeCount(BadgeKey(DEFAULT_ACCOUNT), 2, Priority.ROUTINE, FIRED - 60)
    shown = outbox.shown()
    before = shown[BEFORE]
    assert isinstance(before, ShownPush)
    assert before.notification_id is not None
    assert ERRORS not in shown
    widget = WidgetKey(DEFAULT_ACCOUNT, "shop.text")
    assert shown[widget] == ShownWidget(widget, "3 bad", FIRED, time=FIRED, number=3.0, severity="warning")
    assert shown[TIMER] == ShownActivity(
        TIMER,
        ActivityContent({"title": "T", "type": "timer", "counts_down": True}),
        FIRED - 30,
        meaning="m",
        window=TimerWindow("[300, null]", 300, FIRED - 30, runs=True),
        bare_end=True,
        since=FIRED - 30,
    )
    assert outbox.streams_on_phone() == {TIMER, StreamKey(DEFAULT_ACCOUNT, "shop")}
    assert len(outbox.value.sent) == 8
    database.close()


def test_decisions_name_the_notifications_as_the_outbox_does_now(database: Database) -> None:
    with database.transaction() as connection:
        entries = journal.read(connection, "errors")
    assert [entry.notification for entry in entries] == [str(BEFORE), str(ERRORS)]
    assert set(StoredOutbox(database).pushes()) == {str(BEFORE), str(ERRORS), str(STOCK)}
    database.close()
