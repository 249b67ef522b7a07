"""The picture is what the phone was sent: no more, no less, and it does not flicker."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import ActivityContent, PushContent
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget, TimerWindow
from smithd.web.picture import Picture

NOW = 1_700_000_000.0


def _shown(*rows: Shown) -> dict[Key, Shown]:
    return {row.key: row for row in rows}


def _stream(state: dict[str, Any] | None, *, ended: bool = False) -> Shown:
    content = ActivityContent(state) if state is not None else None
    return ShownActivity(StreamKey(DEFAULT_ACCOUNT, "prod"), content, NOW, ended=ended)


def _widget(name: str, value: float | None = 1) -> ShownWidget:
    return ShownWidget(WidgetKey(DEFAULT_ACCOUNT, name), value, NOW)


def _push(title: str, at: float, *, replaced: bool = False) -> ShownPush:
    return ShownPush(PushKey(DEFAULT_ACCOUNT, title, at, 1), PushContent(title), at, replaced=replaced)


STATE = {"type": "stats", "title": "Production", "metrics": []}


def test_each_kind_has_its_place() -> None:
    screen = Picture(UTC).draw(
        _shown(
            _widget("shop.orders", 12.0),
            _stream(STATE),
            _push("Old", NOW - 60),
            _push("New", NOW, replaced=True),
            ShownBadge(BadgeKey(DEFAULT_ACCOUNT), 2, NOW),
        ),
        NOW,
    )
    assert [(widget.key, widget.value) for widget in screen.widgets] == [("shop.orders", 12.0)]
    assert [activity.title for activity in screen.activities] == ["Production"]
    assert [(one.title, one.replaced) for one in screen.notifications] == [("New", True), ("Old", False)]
    assert screen.badge == 2


def test_widgets_stand_in_the_configurations_order() -> None:
    rows = [_widget(name) for name in ("removed", "b", "a")]
    screen = Picture(UTC, [WidgetKey(DEFAULT_ACCOUNT, name) for name in "ab"]).draw(_shown(*rows), NOW)
    assert [widget.key for widget in screen.widgets] == ["a", "b", "removed"]


def test_while_a_request_is_on_its_way_the_last_picture_stays() -> None:
    picture = Picture(UTC)
    before = picture.draw(_shown(_stream(STATE)), NOW)
    assert picture.draw(_shown(_stream(None)), NOW) == before


def test_what_was_never_known_is_not_drawn() -> None:
    screen = Picture(UTC).draw(_shown(_stream(None), _widget("a", None)), NOW)
    assert screen.activities == ()
    assert screen.widgets == ()


def test_what_is_no_longer_shown_is_forgotten() -> None:
    picture = Picture(UTC)
    picture.draw(_shown(_stream(STATE)), NOW)
    picture.draw({}, NOW)
    assert picture.draw(_shown(_stream(None)), NOW).activities == ()


def test_an_ended_activity_leaves_and_an_old_notification_too() -> None:
    final = {"title": "Production", "auto_dismiss_seconds": 20}
    shown = _shown(_stream(final, ended=True), _push("Old", NOW))
    soon = Picture(UTC).draw(shown, NOW + 10)
    assert [activity.ended for activity in soon.activities] == [True]
    later = Picture(UTC).draw(shown, NOW + 25 * 3600)
    assert later.activities == ()
    assert later.notifications == ()


def _timer(at: float, window: TimerWindow | None = None, *, ended: bool = False, **state: Any) -> ShownActivity:
    key = StreamKey(DEFAULT_ACCOUNT, "clock")
    content = ActivityContent({"type": "timer", "title": "T", **state})
    return ShownActivity(key, content, NOW + at, ended=ended, window=window, since=NOW)


def _left(left: float, at: float, *, name: str = "w", runs: bool = True) -> TimerWindow:
    return TimerWindow(name, left, NOW + at, runs)


STOPPED: dict[str, Any] = {"is_running": False}
UP: dict[str, Any] = {"counts_down": False}


@pytest.mark.parametrize(
    ("rows", "drawn"),
    [
        # A countdown goes on through updates, stands while it is stopped, and a new window starts it again.
        ([_timer(0, _left(300, 0))], ("4:00", 0.8, "")),
        ([_timer(0, _left(300, 0)), _timer(30, _left(270, 30))], ("4:00", 0.8, "")),
        ([_timer(0, _left(300, 0)), _timer(30, _left(270, 30, runs=False), **STOPPED)], ("4:30", 0.9, "paused")),
        ([_timer(0, _left(300, 0)), _timer(30, _left(60, 30, name="next"))], ("0:30", 0.5, "")),
        ([_timer(0, _left(60, 0))], ("0:00", 0.0, "over")),
        # A clock counts from the start of its activity, not from the last update, less the time that it stood.
        ([_timer(0, **UP), _timer(30, **UP)], ("1:00", None, "")),
        ([_timer(0, **UP), _timer(20, **UP, **STOPPED), _timer(40, **UP, **STOPPED)], ("0:20", None, "paused")),
        ([_timer(0, **UP), _timer(20, **UP, **STOPPED), _timer(50, **UP)], ("0:30", None, "")),
        # An ended one stands where it was.
        ([_timer(0, _left(300, 0)), _timer(40, ended=True)], ("4:20", pytest.approx(260 / 300), "ended")),
    ],
)
def test_a_timer_shows_what_the_phone_counts(rows: list[ShownActivity], drawn: tuple[Any, ...]) -> None:
    picture = Picture(UTC)
    for row in rows:
        screen = picture.draw(_shown(row), NOW + 60)
    (activity,) = screen.activities
    assert (activity.figure, activity.bar, activity.note) == drawn
