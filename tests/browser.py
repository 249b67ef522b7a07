"""A real browser, for the tests that look at pages and for the pictures of the documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, Route, async_playwright

from smithd.web import drawing

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none",
)  # fmt: skip
NOWHERE = "http://lockscreen.invalid/"
"""The address of pages that are served by nobody."""


@asynccontextmanager
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The browser at ``chromium``."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def browsing(chromium: str) -> AsyncIterator[tuple[Page, list[str]]]:
    """A fresh page, and the errors of its console (a broken policy would show there)."""
    async with browser(chromium) as started:
        page = await started.new_page()
        yield page, errors_of(page)


def errors_of(page: Page) -> list[str]:
    """The errors of a page's console from now on."""
    errors = list[str]()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


async def show(page: Page, html: str) -> None:
    """Show a document of the page at ``NOWHERE``, with its files and its policy, without its scripts."""

    async def answer(route: Route) -> None:
        _, _, name = route.request.url.rpartition("/static/")
        if name in drawing.FILES:
            await route.fulfill(body=drawing.static(name), content_type=drawing.FILES[name])
        else:
            policy = {"Content-Security-Policy": drawing.POLICY}
            await route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=policy)

    await page.unroute_all()
    await page.route("**/*", answer)
    await page.route("**/*.js", lambda route: route.fulfill(body=""))
    await page.goto(NOWHERE)
    await page.evaluate("document.fonts.ready")
