"""The page in a real browser: it changes by itself, says when the daemon is gone, and runs nobody else's script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from playwright.async_api import expect

from browser import browsing
from smithd.keys import DEFAULT_ACCOUNT, Key, PushKey, StreamKey, WidgetKey
from smithd.lockscreen.screen import Line
from smithd.outbox.message import ActivityContent, PushContent
from smithd.outbox.shown import Shown, ShownActivity, ShownPush, ShownWidget
from smithd.serving import bind, serve
from smithd.web.app import build
from smithd.web.reads import Reads
from web.given import NOW, quiet

HOSTILE = '<script>document.title = "owned"</script><img src=x onerror="document.title=1">'


class Daemon:
    """A page with something to look at, on a port of its own."""

    def __init__(self) -> None:
        self.shown: dict[Key, Shown] = {}
        self.lines: list[Line] = []
        self._listener = bind("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"

    def show_widget(self, name: str, value: float | str) -> None:
        key = WidgetKey(DEFAULT_ACCOUNT, name)
        self.shown[key] = ShownWidget(key, value, NOW)

    def show_activity(self, name: str, **state: Any) -> None:
        key = StreamKey(DEFAULT_ACCOUNT, name)
        self.shown[key] = ShownActivity(key, ActivityContent(state), NOW)

    def show_push(self, name: str, title: str, message: str = "", *, replaced: bool = False) -> None:
        key = PushKey(DEFAULT_ACCOUNT, name, NOW, 1)
        self.shown[key] = ShownPush(key, PushContent(title, message), NOW, replaced=replaced)

    @asynccontextmanager
    async def running(self, token: str | None = None) -> AsyncIterator[asyncio.Task[None]]:
        reads = Reads(lambda: NOW, UTC, lambda: self.shown, lambda: self.lines, commands=quiet())
        task = asyncio.create_task(serve(build(reads, host="127.0.0.1", token=token), self._listener))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


def test_the_page_changes_without_being_loaded_again(chromium: str) -> None:
    async def scenario() -> None:
        daemon = Daemon()
        async with daemon.running(), browsing(chromium) as (page, errors):
            daemon.show_widget("shop.orders", 12.0)
            await page.goto(daemon.address)
            await page.evaluate("document.body.dataset.marker = 'same document'")
            await expect(page.locator(".widget .figure")).to_have_text("12")

            daemon.show_widget("shop.orders", 13.0)
            rows = [{"label": "Errors", "value": "9%", "color": "red"}]
            daemon.show_activity("checkout", title="Trouble", metrics=rows)
            daemon.show_push("errors", "Errors at 9 %")
            daemon.lines.append(Line(NOW, "alert fired", "error"))
            await expect(page.locator(".widget .figure")).to_have_text("13")
            await expect(page.locator(".stack .activity dd.c-red")).to_have_text("9%")
            await expect(page.locator(".notification h3")).to_have_text("Errors at 9 %")
            await expect(page.locator(".happened li")).to_contain_text("alert fired")

            daemon.show_push("errors", "Resolved", replaced=True)
            del daemon.shown[StreamKey(DEFAULT_ACCOUNT, "checkout")]
            await expect(page.locator(".notification h3")).to_have_text("Resolved")
            await expect(page.locator(".activity")).to_have_count(0)
            await expect(page.locator("body")).to_have_attribute("data-marker", "same document")
            assert errors == []

    asyncio.run(scenario())


def test_hostile_texts_are_shown_as_text(chromium: str) -> None:
    async def scenario() -> None:
        daemon = Daemon()
        daemon.show_push("first", HOSTILE, HOSTILE)
        async with daemon.running(), browsing(chromium) as (page, errors):
            await page.goto(daemon.address)
            await expect(page.locator(".notification h3")).to_have_text(HOSTILE)
            daemon.show_widget(HOSTILE, HOSTILE)
            daemon.lines.append(Line(NOW, HOSTILE))
            await expect(page.locator(".widget .figure")).to_have_text(HOSTILE)
            await expect(page.locator(".happened li span")).to_have_text(HOSTILE)
            await expect(page).to_have_title("smithd")
            assert errors == []

    asyncio.run(scenario())


def test_the_page_says_when_the_daemon_is_gone(chromium: str) -> None:
    async def scenario() -> None:
        daemon = Daemon()
        async with daemon.running() as task, browsing(chromium) as (page, _):
            await page.goto(daemon.address)
            await expect(page.get_by_text("Connection lost")).to_be_hidden()
            task.cancel()
            await expect(page.get_by_text("Connection lost")).to_be_visible()

    asyncio.run(scenario())


def test_what_a_person_opened_stays_open(chromium: str) -> None:
    async def scenario() -> None:
        daemon = Daemon()
        daemon.show_push("a", "First")
        daemon.show_push("b", "Second")
        async with daemon.running(), browsing(chromium) as (page, errors):
            await page.goto(daemon.address + "?phone=small&appearance=light")
            second = page.locator(".rest .notification h3")
            await expect(second).to_be_hidden()
            await page.locator(".rest summary").click()
            daemon.show_widget("shop.orders", 13.0)
            await expect(page.locator(".widget .figure")).to_have_text("13")
            await expect(second).to_be_visible()
            await expect(page.locator(".phone.phone-small.light")).to_be_visible()
            assert errors == []

    asyncio.run(scenario())


def test_a_token_in_the_address_opens_the_page_and_leaves_the_address(chromium: str) -> None:
    async def scenario() -> None:
        daemon = Daemon()
        async with daemon.running("a-long-token"), browsing(chromium) as (page, errors):
            await page.goto(daemon.address + "?token=a-long-token")
            await expect(page).to_have_url(daemon.address)
            daemon.show_widget("shop.orders", 13.0)
            await expect(page.locator(".widget .figure")).to_have_text("13")
            assert errors == []

    asyncio.run(scenario())
