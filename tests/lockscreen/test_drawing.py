"""A Lock Screen is drawn from plain data: truthful, escaped, and without anything from elsewhere."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.contract.check import faults
from smithd.contract.endpoint import Endpoint
from smithd.lockscreen import content, formatting, page, view
from smithd.lockscreen.gallery import EXAMPLES, PUSHES
from smithd.lockscreen.glyphs import glyph
from smithd.lockscreen.screen import (
    Activity,
    ActivityRow,
    Line,
    Note,
    Notification,
    Page,
    Screen,
    TitleBadge,
    Widget,
    place,
)
from smithd.lockscreen.view import View

NOW = 1_795_425_660.0  # Monday, 23 November 2026, 10:21 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
texts = st.text(max_size=40)


def _page(screen: Screen) -> Page:
    return Page("smithd", "A lead.", screen, (Note("Note", "Text"),), (Line(NOW, "it happened", "warning"),))


def _html(**stands: Any) -> str:
    return page.fragment(_page(Screen(NOW, BERLIN, **stands)))


def test_everything_that_was_sent_can_be_read() -> None:
    html = _html(
        widgets=(Widget("shop.open_orders", 1234.5, NOW),),
        activities=(
            Activity(
                "prod", "Production", "1 firing", rows=(ActivityRow("Errors", "9.4", "%", "red"),), action="Dashboard"
            ),
        ),
        notifications=(Notification("a", "Errors at 9 %", NOW - 125, "shop", "It began at 10:19.", "time-sensitive"),),
        badge=3,
    )
    texts = ("Open orders", "1,234.5", "Production", "1 firing", "Errors", "9.4", "Dashboard", "Errors at 9 %",
                  "shop", "It began at 10:19.", "2m ago", "Time Sensitive", "Monday, 23 November", "it happened",
                  "The app icon&#39;s badge" if "icon&#39;s" in html else "The app icon's badge")  # fmt: skip
    for text in texts:
        assert text in html
    assert ">10:21<" in html
    assert 'class="c-red' in html


def test_an_empty_screen_says_so_kindly() -> None:
    html = _html()
    assert "Widgets appear here" in html
    assert "No notifications" in html


def test_an_ended_activity_is_marked_and_loses_its_button() -> None:
    html = _html(activities=(Activity("a", "Deploy", action="Dashboard", ended=True),))
    assert "ended" in html
    assert "Dashboard" not in html


def test_the_newest_notification_is_in_front_and_the_others_are_counted() -> None:
    many = tuple(Notification(str(number), f"alert {number}", NOW) for number in range(9))
    front, _, behind = _html(notifications=many).partition("<details")
    assert "alert 0" in front
    assert "alert 1" not in front
    assert "alert 8" in behind
    assert "8 more" in behind


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)


@given(texts, texts)
def test_no_text_becomes_markup(text: str, other: str) -> None:
    hostile = f'{text}"><script>alert(1)</script><img onerror={other}>'
    elements = _Elements()
    elements.feed(
        _html(
            widgets=(Widget(hostile, hostile, NOW),),
            activities=(
                Activity(
                    hostile, hostile, hostile, hostile, (ActivityRow(hostile, hostile, hostile),), hostile,
                    badge=TitleBadge(hostile), icon=hostile, action=hostile, secondary_action=hostile,
                ),
            ),
            notifications=(
                Notification(hostile, hostile, NOW, hostile, hostile, hostile, media=hostile, actions=(hostile,)),
            ),
        )
    )  # fmt: skip
    assert not {"script", "img", "style", "iframe"} & set(elements.tags)
    assert not [name for name, _ in elements.attributes if name.startswith("on") or name == "style"]


def test_nothing_comes_from_elsewhere() -> None:
    everything = page.document(_page(Screen(NOW, BERLIN))) + "".join(
        page.static(name).decode() for name, kind in page.FILES.items()
    )
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", everything)) - {"http://www.w3.org"}
    assert not addresses


def test_only_the_pages_own_files_are_served() -> None:
    with pytest.raises(KeyError):
        page.static("../page.py")


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
KINDS = ["value", "stats", "metrics", "segmented_progress", "progress", "alert", "timer"]
NAMES = ["title", "subtitle", "message", "metrics", "icon", "badge", "auto_dismiss_seconds", "value", "percentage"]
NAMES += ["upper_limit", "number_of_steps", "current_step", "step_colors", "duration_seconds", "is_running", "color"]
states = st.builds(
    lambda state, kind: {**state, "type": kind},
    st.dictionaries(st.sampled_from(NAMES), anything),
    st.sampled_from(KINDS) | anything,
)
windows = st.none() | st.builds(
    content.DrawnTimer, st.just(NOW - 5), st.none() | st.floats(0, 1e9), st.none() | st.just(NOW)
)


@given(
    st.dictionaries(st.sampled_from(["content_state", "action", "title", "message", "actions"]), anything | states),
    windows,
)
def test_any_content_can_be_drawn(body: dict[str, object], window: content.DrawnTimer | None) -> None:
    activity = content.activity("key", body, at=NOW, now=NOW, window=window)
    assert _html(
        activities=(activity,) if activity else (),
        notifications=(content.notification("id", body, at=NOW),),
        widgets=(Widget("key", content.value(body.get("title")), NOW),),
    )


def test_a_content_state_becomes_an_activity() -> None:
    body = {
        "content_state": {
            "type": "stats",
            "title": "Production",
            "metrics": [{"label": "CPU", "value": 12.5, "unit": "%", "color": "lime"}, {"label": "Up", "value": "yes"}],
            "icon": {"symbol": "server.rack", "color": "cyan"},
        },
        "action": {"title": "Open", "type": "open_url", "url": "https://example.com"},
    }
    assert content.activity("prod", body, at=NOW, now=NOW) == Activity(
        "prod", "Production", rows=(ActivityRow("CPU", 12.5, "%", "lime"), ActivityRow("Up", "yes", "", "blue")),
        icon="server.rack", icon_color="cyan", action="Open",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "drawn"),
    [
        ({"type": "value", "value": -4.5}, {"figure": -4.5}),
        ({"type": "progress", "percentage": 62.5}, {"bar": 0.625}),
        ({"type": "progress", "value": 30, "upper_limit": 120}, {"bar": 0.25}),
        ({"type": "progress", "percentage": 50, "value": 30, "upper_limit": 120}, {"bar": 0.5}),
        ({"type": "timer", "duration_seconds": 300}, {"figure": "4:00", "bar": 0.8, "frozen": False}),
        ({"type": "timer", "duration_seconds": 30}, {"figure": "0:00", "bar": 0.0}),
        ({"type": "timer", "counts_down": False}, {"figure": "1:00", "bar": None}),
        ({"type": "timer", "duration_seconds": 300, "is_running": False}, {"figure": "5:00", "frozen": True}),
        ({"type": "segmented_progress", "number_of_steps": 3, "current_step": 1}, {"steps": ("blue", "", "")}),
        (
            {"type": "segmented_progress", "number_of_steps": 2, "current_step": 2, "step_color": "red"},
            {"steps": ("red", "red")},
        ),
        (
            {"type": "segmented_progress", "number_of_steps": 3, "current_step": 2, "step_colors": ["lime", "gray"]},
            {"steps": ("lime", "gray", "")},
        ),
        ({"type": "alert", "message": "m", "badge": {"title": "Ops"}}, {"subtitle": "m", "badge": TitleBadge("Ops")}),
        (
            {"type": "metrics", "metrics": [{"label": "CPU", "value": 9, "unit": "%"}], "color": "cyan"},
            {"rows": (ActivityRow("CPU", 9, "%", "cyan", 0.09),)},
        ),
        (
            {
                "type": "stats",
                "metrics": [{"label": "A", "value": 9, "unit": unit} for unit in ("ms", "°C", "x", "up")],
            },
            {"rows": tuple(ActivityRow("A", 9, unit, "blue") for unit in (" ms", "°C", "x", " up"))},
        ),
    ],
)
def test_each_type_has_its_parts(state: dict[str, Any], drawn: dict[str, Any]) -> None:
    activity = content.activity("key", {"content_state": {"title": "T", **state}}, at=NOW, now=NOW + 60)
    assert {name: getattr(activity, name) for name in drawn} == drawn


@pytest.mark.parametrize(
    ("state", "lingers"), [({}, 120), ({"auto_dismiss_seconds": 20}, 20), ({"auto_dismiss_minutes": 1}, 60)]
)
def test_an_ended_activity_stays_until_it_is_dismissed(state: dict[str, int], lingers: int) -> None:
    body = {"content_state": {"title": "Deploy", **state}}
    last = content.activity("a", body, at=NOW, now=NOW + lingers - 1, ended=True)
    assert last is not None
    assert last.ended
    assert content.activity("a", body, at=NOW, now=NOW + lingers, ended=True) is None


@pytest.mark.parametrize(
    ("passed", "text"), [(-5, "now"), (59, "now"), (60, "1m ago"), (3599, "59m ago"), (7200, "2h ago"), (2e5, "2d ago")]
)
def test_times_read_as_on_a_phone(passed: float, text: str) -> None:
    assert formatting.ago(NOW - passed, NOW) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.0, "1,234,567"), (0.126, "0.13"), (-0.001, "0"), (100.0, "100"), ("text", "text"), (1e20, "1e+20")],
)  # fmt: skip
def test_numbers_are_readable(value: str | float, text: str) -> None:
    assert formatting.figure(value) == text


def test_a_symbol_nobody_drew_still_has_a_glyph() -> None:
    assert glyph("some.unheard-of.symbol") == glyph("")
    assert glyph("server.rack") != glyph("cart.fill")


def test_a_timer_stands_still_from_its_end_on() -> None:
    body = {"content_state": {"title": "T", "type": "timer", "duration_seconds": 300, "counts_down": False}}
    running = content.activity("a", body, at=NOW, now=NOW + 60)
    ended = content.activity("a", body, at=NOW, now=NOW + 60, ended=True)
    assert running is not None
    assert ended is not None
    assert [(one.figure, one.frozen) for one in (running, ended)] == [("1:00", False), ("0:00", True)]


@pytest.mark.parametrize(
    ("activity", "note", "readout", "brief"),
    [
        (Activity("a", "T", figure=-4.5), "", "-4.5", ("-4.5", "blue")),
        (Activity("a", "T", bar=0.625, color="red"), "", "62.5%", ("62.5%", "red")),
        (Activity("a", "T", figure="5:00", bar=1.0, frozen=True), "paused", "5:00", ("5:00", "blue")),
        (Activity("a", "T", figure="0:00", bar=0.0, over=True), "over", "0:00", ("0:00", "blue")),
        (Activity("a", "T", figure="0:00", over=True, frozen=True, ended=True), "ended", "0:00", ("0:00", "blue")),
        (Activity("a", "T", rows=(ActivityRow("E", 9, " ms", "red"),)), "", "", ("9 ms", "red")),
        (Activity("a", "T", badge=TitleBadge("Ops", "lime")), "", "", ("Ops", "lime")),
        (Activity("a", "T"), "", "", ("", "blue")),
    ],
)
def test_what_an_activity_says_in_a_word(activity: Activity, note: str, readout: str, brief: tuple[str, str]) -> None:
    assert (activity.note, activity.readout, activity.brief) == (note, readout, brief)


@pytest.mark.parametrize(
    ("count", "line", "row", "rest"),
    [
        (0, None, [], 0),
        (1, None, ["rectangular"], 0),
        (2, None, ["rectangular", "rectangular"], 0),
        (3, "2", ["rectangular", "rectangular"], 0),
        (4, "3", ["rectangular", "circular", "circular"], 0),
        (5, "4", ["circular"] * 4, 0),
        (9, "4", ["circular"] * 4, 4),
    ],
)
def test_widgets_take_the_places_that_a_lock_screen_has(
    count: int, line: str | None, row: list[str], rest: int
) -> None:
    widgets = tuple(Widget(str(number), number, NOW) for number in range(count))
    placed = place(widgets)
    assert (placed.line.key if placed.line else None, [family for family, _ in placed.row]) == (line, row)
    assert len(placed.rest) == rest
    # Each of them stands in exactly one place.
    everywhere = [widget for _, widget in placed.row] + ([placed.line] if placed.line else []) + list(placed.rest)
    assert sorted(everywhere, key=widgets.index) == list(widgets)


@pytest.mark.parametrize(
    ("address", "kind"),
    [("https://a.example/x.PNG", "photo"), ("https://a.example/x.mp4?y=1.png", "film"), ("x.m4a#t", "speaker")],
)
def test_media_is_told_by_its_ending(address: str, kind: str) -> None:
    assert formatting.media_kind(address) == kind


def test_a_view_is_read_from_an_address_and_written_into_one() -> None:
    read = view.read({"phone": "small", "text": "huge", "device": "i pad", "appearance": "light"})
    assert read == View("light", "small", "large", "all", "i pad")
    assert read.query == "?appearance=light&phone=small&device=i%20pad"
    assert read.having("appearance", "auto").having("phone", "standard").query == "?device=i%20pad"
    assert View().query == ""


def test_every_measure_that_the_styles_use_is_defined() -> None:
    styles = page.static("measures.css").decode() + page.static("lockscreen.css").decode()
    used, defined = set(re.findall(r"var\(--([\w-]+)", styles)), set(re.findall(r"--([\w-]+):", styles))
    assert used <= defined


@pytest.mark.parametrize("body", [body for _, body in EXAMPLES], ids=[caption for caption, _ in EXAMPLES])
def test_what_the_gallery_shows_can_be_sent(body: dict[str, Any]) -> None:
    assert not faults(Endpoint.STREAM_PUT, body, "example")


@pytest.mark.parametrize("push", PUSHES, ids=lambda push: push["title"])
def test_the_notifications_of_the_gallery_can_be_sent(push: dict[str, Any]) -> None:
    assert not faults(Endpoint.SEND, push)


def _accepted_states() -> list[dict[str, Any]]:
    """The content states of the contract's cases."""
    cases = json.loads((Path(__file__).parents[1] / "contract" / "cases.json").read_text())["cases"]
    puts = [case for case in cases if case["endpoint"] == "live-activity-stream-put" and case["expected"] == "accepted"]
    return [case["body"] for case in puts if "title" in case["body"].get("content_state", {})]


def test_every_case_of_the_contract_is_drawn_with_its_texts() -> None:
    for body in _accepted_states():
        state = body["content_state"]
        activity = content.activity("key", body, at=NOW, now=NOW)
        assert activity is not None
        texts = [state["title"], *(metric["label"] for metric in state.get("metrics", ()))]
        texts += [state[name] for name in ("subtitle", "message") if state.get(name)]
        texts += [body[name]["title"] for name in ("action", "secondary_action") if name in body]
        texts += [state["badge"]["title"]] if state.get("badge") else []
        html = unescape(_html(activities=(activity,)))
        assert [text for text in texts if text not in html] == []
