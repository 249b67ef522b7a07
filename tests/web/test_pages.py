"""The pages of a daemon in a real browser: they show what is, find, open a story, and nobody is kept out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from browser import browser, errors_of
from node import packages
from smithd.serving import bind, serve
from smithd.web.pages import PAGES
from web.given import HOSTILE, Daemon, daemon

TOKEN = "a-token-of-the-tests"
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
STORIES = ("rule?name=errors", "rule?name=load", "surface?name=activity:trouble@default", "surface?name=badge@team")
ADDRESSES = (*(page.name for page in PAGES if page.is_listed), *STORIES)


class Site:
    """A daemon in trouble, its page at ``address``, and a browser: one of each for all tests."""

    def __init__(self, runner: asyncio.Runner, started: Browser, running: Daemon, address: str) -> None:
        self.daemon = running
        self.address = address
        self._runner = runner
        self._browser = started

    def look(self, scenario: Callable[[Page], Awaitable[None]], **options: Any) -> None:
        """Run a scenario in a window of its own, in which no error may show."""

        async def main() -> None:
            context = await self._browser.new_context(base_url=self.address, **{"viewport": DESKTOP, **options})
            page = await context.new_page()
            errors = errors_of(page)
            await page.goto(f"?token={TOKEN}")
            await scenario(page)
            await context.close()
            assert errors == []

        self._runner.run(main())


@asynccontextmanager
async def _served(chromium: str, folder: Path) -> AsyncIterator[tuple[Browser, Daemon, str]]:
    async with browser(chromium) as started, daemon(folder) as running:
        running.has_trouble()
        listener = bind("127.0.0.1", 0)
        serving = asyncio.create_task(serve(running.page(TOKEN), listener))
        yield started, running, f"http://127.0.0.1:{listener.getsockname()[1]}/"
        serving.cancel()
        await asyncio.wait([serving])


@pytest.fixture(scope="module")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with asyncio.Runner() as runner:
        served = _served(chromium, tmp_path_factory.mktemp("daemon"))
        yield Site(runner, *runner.run(served.__aenter__()))
        runner.run(served.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def axe() -> Iterator[str]:
    """The script that looks for obstacles."""
    with packages(Path(__file__).parent / "node") as folder:
        yield (folder / "node_modules/axe-core/axe.min.js").read_text()


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nobody_is_kept_out_and_all_fits(site: Site, axe: str, window: dict[str, int], look: str) -> None:
    async def scenario(page: Page) -> None:
        found = {}
        for address in ADDRESSES:
            await page.goto(address)
            # A script of ours in their page: their policy would forbid an element, but not what the browser evaluates.
            await page.evaluate(axe)
            rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
            seen = await page.evaluate("(rules) => axe.run(document, rules)", rules)
            broken = [f"{rule['id']}: {node['html'][:200]}" for rule in seen["violations"] for node in rule["nodes"]]
            if broken:
                found[address] = broken
            wide = await page.evaluate("document.documentElement.scrollWidth")
            if wide > window["width"]:
                found.setdefault(address, []).append(f"{wide} wide")
        assert found == {}

    site.look(scenario, viewport=window, color_scheme=look)


def test_the_overview_says_what_fires_and_fails(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await expect(page.locator(".sum")).to_contain_text("5 alerts firing, 1 source not up.")
        await expect(page.get_by_role("list", name="What fires").get_by_role("listitem").first).to_contain_text(
            "critical"
        )
        await expect(page.get_by_role("list", name="What fails")).to_contain_text("HTTP 503 from <b>the ledger</b>")
        await expect(page.get_by_role("link", name="Rules")).to_contain_text("5 alerts firing")

    site.look(scenario)


def test_each_account_has_its_phone(site: Site) -> None:
    async def scenario(page: Page) -> None:
        accounts = page.get_by_role("group", name="Account")
        await expect(accounts.get_by_role("link", name="default")).to_have_attribute("aria-current", "true")
        await accounts.get_by_role("link", name="team").click()
        await expect(accounts.get_by_role("link", name="team")).to_have_attribute("aria-current", "true")
        await expect(page).to_have_url(site.address + "?account=team")

    site.look(scenario)


def test_the_search_finds_rows_by_their_words(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("rules")
        await expect(page.locator(".shown")).to_have_text("40 rules")
        await page.keyboard.press("/")
        await page.keyboard.type("SPARE 3")
        await expect(page.locator(".shown")).to_have_text("10 of 40 rules shown")
        await expect(page.locator("tbody th .name").first).to_have_text("spare-03")
        await expect(page).to_have_url(site.address + "rules?q=SPARE+3")
        await page.get_by_role("searchbox").fill("no such thing")
        await expect(page.get_by_text("Nothing matches.")).to_be_visible()
        await page.get_by_role("link", name="Show all 40 rules").click()
        await page.get_by_role("navigation", name="By state").get_by_role("link", name="critical").click()
        await expect(page.locator("tbody th .name")).to_have_text(["errors"])

    site.look(scenario)


def test_without_a_script_the_search_is_a_form(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("sources?appearance=dark")
        await page.get_by_role("searchbox").fill("ledger")
        await page.keyboard.press("Enter")
        await expect(page.locator("tbody th .name")).to_have_text(["ledger"])
        await expect(page.locator("html")).to_have_class("dark")

    site.look(scenario, java_script_enabled=False)


def test_the_story_of_an_alert_is_one_click_away(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("rules")
        await page.locator(".alert .name", has_text=HOSTILE[0]).click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("<script>document.title")
        await expect(page.locator(".lines")).to_contain_text("warning since")
        await expect(page.locator(".story tbody tr").last).to_contain_text("fired")
        assert HOSTILE[2] not in await page.locator("main").inner_text()
        await page.get_by_role("link", name="All alerts of this rule").click()
        await expect(page.locator(".story")).to_contain_text(HOSTILE[2])

    site.look(scenario)


def test_a_surface_says_why_it_differs(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("surfaces")
        row = page.get_by_role("row").filter(has_text="trouble")
        await expect(row).to_contain_text("waiting")
        await expect(row).to_contain_text("Trouble")
        await row.get_by_role("link").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Live Activity trouble")
        await expect(page.locator(".facts")).to_contain_text("Should showTrouble")

    site.look(scenario)


def test_hostile_labels_are_texts(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("rules?q=load")
        shown = await page.locator(".alert .labels").all_inner_texts()
        assert [text for text in shown if "\u202e" in text or "\u2067" in text] == []
        assert sorted(label.count("x") > 200 for label in shown) == [False, False, False, True]
        assert any(HOSTILE[0].replace('"', '\\"') in label or HOSTILE[0] in label for label in shown)
        await expect(page).to_have_title("Rules · smithd")

    site.look(scenario)


def test_who_looks_sees_what_changes(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("sources")
        row = page.get_by_role("row").filter(has_text="ledger")
        await expect(row).to_contain_text("failing")
        site.daemon.answer("ledger", ("open", 3.0, {}))
        await expect(row).to_contain_text("up")
        site.daemon.answer("ledger", failure="HTTP 503 from <b>the ledger</b>")
        await expect(row).to_contain_text("failing")

    site.look(scenario)


def test_the_keyboard_goes_past_the_bar(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("outbox")
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()

    site.look(scenario)
