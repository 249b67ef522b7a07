"""The page of the stand-in: the phone with every type of Live Activity, and each request with its verdict."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from simulator.given import NOW
from simulator.lives import CONTENTS
from simulator.loopback import Wire
from smithd.lockscreen import page
from smithd.lockscreen.screen import Page
from smithd.simulator import picture
from smithd.simulator.screen import WidgetDocument


def fragment(wire: Wire) -> str:
    return bytes(wire.send("GET", "/screen", headers={"Host": "localhost"}).body).decode()


@pytest.mark.parametrize("kind", CONTENTS)
def test_each_type_is_drawn(wire: Wire, kind: str) -> None:
    for content in CONTENTS[kind]:
        state = {"title": "The title", "type": kind, **content}
        put = wire.ask("PUT", "/live-activity/stream/job", {"content_state": state})
        assert put.status == 200
        shown = fragment(wire)
        texts = [metric["label"] for metric in content.get("metrics", ())]
        texts += [
            str(content[name]) for name in ("value", "message", "subtitle") if name in content and kind != "progress"
        ]
        assert all(text in shown for text in ["The title", f"t-{kind}", *texts])


def test_the_parts_of_each_type(wire: Wire) -> None:
    contents: dict[str, dict[str, Any]] = {
        "progress": {"percentage": 62.5},
        "segmented_progress": {"number_of_steps": 4, "current_step": 2, "step_colors": ["lime", "red"]},
        "timer": {"duration_seconds": 300},
    }
    for key, content in contents.items():
        wire.ask("PUT", f"/live-activity/stream/{key}", {"content_state": {"title": "T", "type": key, **content}})
    wire.clock.time += 61
    screen = picture.draw(wire.service.screen(wire.clock.time), wire.clock.time, UTC)
    drawn = {activity.key: activity for activity in screen.activities}
    assert drawn["progress"].bar == 0.625
    assert drawn["segmented_progress"].steps == ("lime", "red", "", "")
    assert drawn["timer"].figure == "3:59"
    assert drawn["timer"].bar == pytest.approx(239 / 300)
    assert ">62.5%<" in page.fragment(Page("", "", screen))


TIMER = {"title": "T", "type": "timer"}


@pytest.mark.parametrize(
    ("contents", "figure", "bar"),
    [
        ([{"duration_seconds": 300}], "3:59", 239 / 300),
        ([{"duration_seconds": 300, "counts_down": False}], "1:01", 61 / 300),
        ([{"duration_seconds": 30, "counts_down": False}], "0:30", 1),
        ([{"counts_down": False}], "1:01", None),
        ([{"duration_seconds": 300}, {"counts_down": False}], "1:01", 61 / 300),
        ([{"duration_seconds": 300, "counts_down": False}, {"subtitle": "s"}], "1:01", 61 / 300),
        ([{"counts_down": False}, {"counts_down": True}], "1:01", None),
        ([{"counts_down": False}, {"duration_seconds": 300}], "3:59", 239 / 300),
    ],
)
def test_a_timer_goes_the_way_it_was_sent(
    contents: list[dict[str, Any]], figure: str, bar: float | None, wire: Wire
) -> None:
    for content in contents:
        assert wire.ask("PUT", "/live-activity/stream/job", {"content_state": TIMER | content}).status == 200
    wire.clock.time += 61
    (drawn,) = picture.draw(wire.service.screen(wire.clock.time), wire.clock.time, UTC).activities
    assert (drawn.figure, drawn.bar) == (figure, bar if bar is None else pytest.approx(bar))


@pytest.mark.parametrize("kind", ["timer", "progress"])
def test_an_ended_timer_stands_still(kind: str, wire: Wire) -> None:
    content = {"title": "T", "type": kind, **CONTENTS[kind][0]}
    wire.ask("PUT", "/live-activity/stream/job", {"content_state": content})
    end = {"content_state": TIMER | {"duration_seconds": 300, "auto_dismiss_minutes": 10}}
    assert wire.ask("DELETE", "/live-activity/stream/job", end).status == 200
    wire.clock.time += 61
    (drawn,) = picture.draw(wire.service.screen(wire.clock.time), wire.clock.time, UTC).activities
    assert (drawn.figure, drawn.frozen, drawn.ended) == ("5:00", True, True)


def test_a_timer_stands_still_once_ios_ended_it(wire: Wire) -> None:
    wire.ask("PUT", "/live-activity/stream/job", {"content_state": TIMER | {"counts_down": False}})
    wire.clock.time += 9 * 3600
    (drawn,) = picture.draw(wire.service.screen(wire.clock.time), wire.clock.time, UTC).activities
    assert (drawn.figure, drawn.frozen) == ("8:00:00", True)


def test_the_gallery_has_every_type(wire: Wire) -> None:
    shown = bytes(wire.send("GET", "/gallery?text=ax5&phone=small").body).decode()
    assert all(f" t-{kind}" in shown for kind in CONTENTS)
    assert "phone-small text-ax5" in shown


def test_requests_with_their_verdicts_and_nothing_that_could_run(wire: Wire) -> None:
    wire.ask("POST", "/badge", {"badge": 3})
    wire.ask("POST", "/push-notification", {"title": "<script>alert(1)</script>"})
    wire.ask("POST", "/push-notification", {"title": ""})
    shown = fragment(wire)
    assert "<script>" not in shown
    for text in ("POST /api/badge", "badge 3", ">400<", "title: is blank", "badge shows 3"):
        assert text in shown


def test_the_page_and_its_files(wire: Wire) -> None:
    whole = wire.send("GET", "/", headers={"Host": "localhost"})
    assert b"ActivitySmith simulator" in whole.body
    assert "default-src 'none'" in whole.headers["content-security-policy"]
    for name, kind in page.FILES.items():
        file = wire.send("GET", f"/static/{name}")
        assert (file.status, file.headers["content-type"]) == (200, kind)
    assert wire.send("GET", "/static/secrets").status == 404


def test_each_phone_has_its_page(wire: Wire) -> None:
    devices = {"phone": {"user": "ann"}, "i pad": {"user": "ben", "badge": 7}}
    assert wire.order("PATCH", "/account", {"devices": devices}).status == 200
    first, second = (bytes(wire.send("GET", path).body).decode() for path in ("/", "/?device=i%20pad"))
    assert "badge is clear" in first
    assert "/?device=i%20pad" in first
    assert "badge shows 7" in second
    assert 'data-fragment="screen?device=i%20pad"' in second
    assert b"badge shows 7" in wire.send("GET", "/screen?device=i%20pad").body
    missing = wire.send("GET", "/?device=watch")
    assert (missing.status, b"no device watch" in missing.body) == (404, True)


def test_a_value_that_finds_no_room_can_be_read_all_the_same(wire: Wire) -> None:
    wire.order("PATCH", "/account", {"metrics": {f"m{n}": "number" for n in range(6)}})
    for n in range(6):
        wire.ask("POST", f"/metrics/m{n}/value", {"value": 123456789012})
    assert 'title="M5: 123,456,789,012 (m5)"' in fragment(wire)


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ({"format": "number", "value": 1234.5}, 1234.5),
        ({"format": "percent", "value": 99.9}, "99.9%"),
        ({"format": "currency", "currency": "EUR", "value": -1234.5}, "-€1,234.5"),
        ({"format": "currency", "currency": "CHF", "value": 5}, "CHF 5"),
        ({"format": "currency", "value": 5}, "5"),
        ({"format": "unit", "unit": "ms", "value": 5}, "5 ms"),
        ({"format": "unit", "unit": "ms", "spaced": False, "value": 5}, "5ms"),
        ({"format": "string", "value": "fine"}, "fine"),
    ],
)
def test_a_widget_reads_as_its_format_says(metric: dict[str, object], shown: object) -> None:
    usual: WidgetDocument = {
        "key": "m", "format": "number", "label": "", "currency": "", "unit": "", "spaced": True, "value": None,
        "timestamp": None, "received": NOW,
    }  # fmt: skip
    assert picture.formatted({**usual, **metric}) == shown  # type: ignore[typeddict-item] # each case has fitting ones
