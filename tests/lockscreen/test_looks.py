"""How the page looks in a real browser: nothing leaves its place and all can be read, on the smallest phone too."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page

from browser import browser, errors_of, show
from servers import installed
from smithd.lockscreen import content, page
from smithd.lockscreen import screen as drawn
from smithd.lockscreen.gallery import EXAMPLES, PUSHES, WIDGETS, gallery
from smithd.lockscreen.measures import ACTIVITY_LOWEST, PHONES
from smithd.lockscreen.measures import ACTIVITY_TALLEST as TALLEST
from smithd.lockscreen.view import View

NOW = 1_795_425_660.0
ZONE = ZoneInfo("Europe/Berlin")
LOOKS = (Path(__file__).parent / "looks.js").read_text()
VIEWS = [
    View("dark"),
    View("light"),
    View("dark", "large", "xxxlarge"),
    View("light", "small", "ax5", "grey"),
]
EVIL = '<img src=x onerror="document.title=1"></title><script>document.title = 2</script>'
OVERRIDE = "\u202e\u2067\u0000"
WITHOUT_TEXTS = "* { -webkit-text-fill-color: transparent !important; }"


@pytest.fixture(autouse=True, scope="module")
def _face() -> None:
    """What fits is measured in the face that comes nearest to Apple's."""
    fonts = subprocess.run([installed("fc-list", "fontconfig"), "Inter"], capture_output=True, text=True, check=True)
    if not fonts.stdout.strip():
        pytest.skip("needs the font Inter: apt-get install fonts-inter")


async def look(page: Page, function: str, argument: object = None) -> Any:
    """The result of one of the functions of looks.js."""
    return await page.evaluate(f"(argument) => {LOOKS}.{function}(argument)", argument)


async def faint_texts(started: Browser, page: Page) -> Any:
    """The texts with too little contrast."""
    texts = await look(page, "texts")
    await page.evaluate("(rule) => document.styleSheets[0].insertRule(rule)", WITHOUT_TEXTS)
    picture = await page.screenshot(full_page=True)
    # The page's own policy forbids it to fetch the picture.
    reader = await started.new_page()
    return await look(reader, "faint", [texts, base64.b64encode(picture).decode()])


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.query)
def test_all_examples_fit_and_can_be_read(chromium: str, view: View) -> None:
    async def scenario() -> None:
        async with browser(chromium) as started:
            sheet = await started.new_page(viewport={"width": 1360, "height": 900})
            errors = errors_of(sheet)
            await show(sheet, page.gallery(gallery(NOW, ZONE, view)))
            cards = await sheet.locator("section[aria-label='Live Activities'] .activity").all_inner_texts()
            for (_, body), card in zip(EXAMPLES, cards, strict=True):
                assert [text for text in _texts(body) if text not in card] == []
            heights = await sheet.evaluate("[...document.querySelectorAll('.activity')].map((one) => one.offsetHeight)")
            assert min(heights) >= ACTIVITY_LOWEST
            assert max(heights) <= TALLEST
            assert await look(sheet, "overflows") == []
            assert await look(sheet, "unreadable") == []
            assert await faint_texts(started, sheet) == []
            assert errors == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "view", [View("dark", "small", "ax5"), View("light", "standard", "large", "grey")], ids=lambda view: view.query
)
def test_a_whole_phone_can_be_read(chromium: str, view: View) -> None:
    async def scenario() -> None:
        async with browser(chromium) as started:
            sheet = await started.new_page(viewport={"width": 1280, "height": 900})
            await show(sheet, page.document(_page(_screen(), view)))
            phone = await sheet.locator(".glass").bounding_box()
            assert phone is not None
            model = PHONES[view.phone]
            assert phone["width"] / phone["height"] == pytest.approx(model.width / model.height, rel=0.01)
            assert await look(sheet, "unreadable") == []
            assert await faint_texts(started, sheet) == []

    asyncio.run(scenario())


def test_hostile_texts_are_harmless(chromium: str) -> None:
    async def scenario() -> None:
        async with browser(chromium) as started:
            sheet = await started.new_page(viewport={"width": 400, "height": 900})
            errors = errors_of(sheet)
            for text in (EVIL, OVERRIDE + "abc", "x" * 10_000, "long words " * 1_000):
                await show(sheet, page.document(_page(_hostile(text), View("dark", "small", "ax5"))))
                assert await sheet.title() == "smithd"
                assert await sheet.locator(".stack .activity").count() == len(content.KINDS)
                assert await look(sheet, "overflows") == []
                assert await look(sheet, "unreadable") == []
                activities = "[...document.querySelectorAll('.stack .activity')]"
                assert await sheet.evaluate(f"Math.max(...{activities}.map((one) => one.offsetHeight))") <= TALLEST
                assert await look(sheet, "turned") == []
            assert errors == []

    asyncio.run(scenario())


def _hostile(text: str) -> drawn.Screen:
    """A phone that was sent this text everywhere."""
    state = {
        "title": text, "subtitle": text, "message": text, "value": text, "badge": {"title": text, "color": text},
        "icon": {"symbol": text}, "metrics": [{"label": text, "value": 12, "unit": text}] * 8,
        "percentage": 50, "number_of_steps": 3, "current_step": 2,
    }  # fmt: skip
    buttons = {"action": {"title": text}, "secondary_action": {"title": text}}
    names = ("title", "subtitle", "message", "media", "icon")
    push = dict.fromkeys(names, text) | {"actions": [{"title": text}] * 4}
    activities = [
        content.activity(kind + text, {**buttons, "content_state": {**state, "type": kind}}, at=NOW, now=NOW)
        for kind in sorted(content.KINDS)
    ]
    return replace(
        _screen(),
        widgets=tuple(drawn.Widget(f"{number}{text}", text, NOW) for number in range(7)),
        activities=tuple(one for one in activities if one),
        notifications=tuple(content.notification(f"{number}{text}", push, at=NOW) for number in range(2)),
    )


def _texts(body: dict[str, Any]) -> list[str]:
    """The texts of a stream request."""
    state = body["content_state"]
    texts = [state[name] for name in ("title", "subtitle", "message") if name in state]
    texts += [body[name]["title"] for name in ("action", "secondary_action") if name in body]
    texts += [metric["label"] for metric in state.get("metrics", ())]
    texts += [metric["value"] for metric in state.get("metrics", ()) if isinstance(metric["value"], str)]
    return texts + ([state["badge"]["title"]] if "badge" in state else [])


def _screen() -> drawn.Screen:
    """A phone with something in each of its places."""
    activities = [
        content.activity(caption, body, at=NOW, now=NOW)
        for caption, body in EXAMPLES
        if caption in ("value", "alert", "timer")
    ]
    return drawn.Screen(
        NOW,
        ZONE,
        widgets=tuple(drawn.Widget(key, value, NOW) for key, value in WIDGETS),
        activities=tuple(one for one in activities if one),
        notifications=tuple(content.notification(push["title"], push, at=NOW) for push in PUSHES),
        badge=12_345,
    )


def _page(screen: drawn.Screen, view: View) -> drawn.Page:
    return drawn.Page("smithd", "A lead.", screen, happened=(drawn.Line(NOW, "it fired", "error"),), view=view)
