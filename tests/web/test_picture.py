"""The picture is what the phone was told: no more, no less, and it does not flicker."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from smithd.outbox.message import Kind, Shown
from smithd.web.picture import Picture

NOW = 1_700_000_000.0


def _shown(*rows: Shown) -> dict[str, Shown]:
    return {row.key: row for row in rows}


def _stream(content: dict[str, Any] | None, *, ended: bool = False) -> Shown:
    return Shown("stream:prod", Kind.END if ended else Kind.STREAM, content, NOW, ended=ended)


STATE = {"content_state": {"type": "stats", "title": "Production", "metrics": []}}


def test_each_kind_has_its_place() -> None:
    screen = Picture(UTC).draw(
        _shown(
            Shown("metric:shop.orders", Kind.METRIC, {"value": 12.0}, NOW),
            _stream(STATE),
            Shown("push:old", Kind.PUSH, {"title": "Old"}, NOW - 60),
            Shown("push:new", Kind.PUSH, {"title": "New", "in_place": True}, NOW),
            Shown("badge", Kind.BADGE, {"badge": 2}, NOW),
        ),
        NOW,
    )
    assert [(widget.key, widget.value) for widget in screen.widgets] == [("shop.orders", 12.0)]
    assert [activity.title for activity in screen.activities] == ["Production"]
    assert [(one.title, one.replaced) for one in screen.notifications] == [("New", True), ("Old", False)]
    assert screen.badge == 2


def test_widgets_stand_in_the_configurations_order() -> None:
    rows = [Shown(f"metric:{key}", Kind.METRIC, {"value": 1}, NOW) for key in ("removed", "b", "a")]
    screen = Picture(UTC, ["metric:a", "metric:b"]).draw(_shown(*rows), NOW)
    assert [widget.key for widget in screen.widgets] == ["a", "b", "removed"]


def test_while_a_request_is_on_its_way_the_last_picture_stays() -> None:
    picture = Picture(UTC)
    before = picture.draw(_shown(_stream(STATE)), NOW)
    assert picture.draw(_shown(_stream(None)), NOW) == before


def test_what_was_never_known_is_not_drawn() -> None:
    screen = Picture(UTC).draw(_shown(_stream(None), Shown("metric:a", Kind.METRIC, None, NOW)), NOW)
    assert screen.activities == ()
    assert screen.widgets == ()


def test_what_is_no_longer_shown_is_forgotten() -> None:
    picture = Picture(UTC)
    picture.draw(_shown(_stream(STATE)), NOW)
    picture.draw({}, NOW)
    assert picture.draw(_shown(_stream(None)), NOW).activities == ()


def test_an_ended_activity_leaves_and_an_old_notification_too() -> None:
    final = {"content_state": {"title": "Production", "auto_dismiss_seconds": 20}}
    shown = _shown(_stream(final, ended=True), Shown("push:a", Kind.PUSH, {"title": "Old"}, NOW))
    soon = Picture(UTC).draw(shown, NOW + 10)
    assert [activity.ended for activity in soon.activities] == [True]
    later = Picture(UTC).draw(shown, NOW + 25 * 3600)
    assert later.activities == ()
    assert later.notifications == ()
