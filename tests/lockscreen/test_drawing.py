"""A Lock Screen is drawn from plain data: truthful, escaped, and without anything from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.lockscreen import content, formatting, page
from smithd.lockscreen.clockface import clockface
from smithd.lockscreen.glyphs import glyph
from smithd.lockscreen.screen import Activity, ActivityRow, Line, Note, Notification, Page, Screen, TitleBadge, Widget

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
    assert 'aria-label="10:21"' in html
    assert 'class="c-red' in html


def test_an_empty_screen_says_so_kindly() -> None:
    html = _html()
    assert "Widgets appear here" in html
    assert "No notifications" in html


def test_an_ended_activity_is_marked_and_loses_its_button() -> None:
    html = _html(activities=(Activity("a", "Deploy", action="Dashboard", ended=True),))
    assert "ended" in html
    assert "Dashboard" not in html


def test_older_notifications_are_counted() -> None:
    many = tuple(Notification(str(number), f"alert {number}", NOW) for number in range(9))
    html = _html(notifications=many)
    assert "alert 3" in html
    assert "alert 4" not in html
    assert "5 more" in html


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
    everything = page.document(_page(Screen(NOW, BERLIN))) + "".join(page.static(name).decode() for name in page.FILES)
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


def test_every_minute_has_a_clock_face() -> None:
    for minute in range(24 * 60):
        assert clockface(formatting.clock(NOW + 60 * minute, BERLIN))


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
