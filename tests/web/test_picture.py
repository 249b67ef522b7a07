"""The picture is what the phone was sent: no more, no less, and it does not flicker."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import ActivityContent, PushContent
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget
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
