"""The pages of a daemon in a real browser: they show what is, find, open a story, and nobody is kept out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from browser import browser, errors_of
from node import packages
from smithd.serving import bind, serve
from smithd.web.pages import PAGES
from web.given import FAILURE, HOSTILE, Daemon, daemon

TOKEN = "a-token-of-the-tests"
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
STORIES = ("rule?name=errors", "rule?name=load", "surface?name=activity:trouble@default", "surface?name=badge@team")
ADDRESSES = (*(page.name for page in PAGES if page.is_listed), *STORIES)


@dataclass(frozen=True)
class Site:
    """A daemon in trouble, its page at ``address`` (and ``without_token``), a page of another origin ``elsewhere``, and
    a browser: one of each for all tests.
    """

    runner: asyncio.Runner
    browser: Browser
    daemon: Daemon
    address: str
    without_token: str
    elsewhere: str

    def look(self, scenario: Callable[[Page], Awaitable[None]], expected: str = "", **options: Any) -> None:
        """Run a scenario in a window of its own, in which no error may show but those that are expected."""

        async def main() -> None:
            context = await self.browser.new_context(base_url=self.address, **{"viewport": DESKTOP, **options})
            page = await context.new_page()
            errors = errors_of(page)
            await page.goto(f"?token={TOKEN}")
            await scenario(page)
            await context.close()
            assert [error for error in errors if not (expected and re.search(expected, error))] == []

        self.runner.run(main())


async def _stranger(scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse("<!doctype html><title>elsewhere</title>")(scope, receive, send)


@asynccontextmanager
async def _served(runner: asyncio.Runner, chromium: str, folder: Path) -> AsyncIterator[Site]:
    async with browser(chromium) as started, daemon(folder) as running:
        await running.has_trouble()
        listeners = [bind("127.0.0.1", 0) for _ in range(3)]
        apps: list[ASGIApp] = [running.page(TOKEN), running.page(), _stranger]
        serving = [asyncio.create_task(serve(app, listener)) for app, listener in zip(apps, listeners, strict=True)]
        addresses = [f"http://127.0.0.1:{listener.getsockname()[1]}/" for listener in listeners]
        # The same machine by another name: not the same site, so that its cookies are not sent along.
        addresses[2] = addresses[2].replace("127.0.0.1", "localhost")
        yield Site(runner, started, running, *addresses)
        for task in serving:
            task.cancel()
        await asyncio.wait(serving)


@pytest.fixture(scope="module")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with asyncio.Runner() as runner:
        served = _served(runner, chromium, tmp_path_factory.mktemp("daemon"))
        yield runner.run(served.__aenter__())
        runner.run(served.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def axe() -> Iterator[str]:
    """The script that looks for obstacles."""
    with packages(Path(__file__).parent / "node") as folder:
        yield (folder / "node_modules/axe-core/axe.min.js").read_text()


@pytest.mark.parametrize(("window", "look"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
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
        await expect(page.locator(".sum")).to_contain_text("1 alert firing, 1 source not up. 4 suppressed alerts fire")
        await expect(page.get_by_role("list", name="What fires").get_by_role("listitem").first).to_contain_text(
            "critical"
        )
        await expect(page.get_by_role("list", name="What fails")).to_contain_text(FAILURE)
        await expect(page.get_by_role("link", name="Rules")).to_contain_text("1 alert firing")

    site.look(scenario)


def test_suppressed_alerts_are_told_apart_and_found(site: Site) -> None:
    async def scenario(page: Page) -> None:
        fires = page.get_by_role("list", name="What fires").get_by_role("listitem")
        await expect(fires).to_have_count(1)
        await page.get_by_role("link", name="4 suppressed alerts").click()
        await expect(page.locator(".shown")).to_have_text("1 of 40 rules shown")
        await expect(page.locator("tr.group")).to_contain_text("4 firing, all suppressed")

    site.look(scenario)


def test_without_scripts_all_is_there_and_nothing_is_called_live(site: Site) -> None:
    async def scenario(page: Page) -> None:
        for address in ("", "rules", "sources", "silences"):
            await page.goto(address)
            await expect(page.get_by_role("main")).not_to_be_empty()
            await expect(page.locator(".pill")).to_be_hidden()

    site.look(scenario, java_script_enabled=False)


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
        await expect(page.locator("#found")).to_have_text("10 of 40 rules shown")
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


def test_a_surface_says_which_of_its_data_fails(tmp_path: Path) -> None:
    async def main() -> str:
        async with daemon(tmp_path) as failing:
            failing.answer("shop", failure=FAILURE)
            await failing.components.writer.catch_up()
            transport = httpx.ASGITransport(failing.page())
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return (await client.get("/surface?name=widget:shop.errors@default")).text

    page = asyncio.run(main())
    assert re.search(r"<dt>Its data</dt><dd>.*<p>source shop fails since [^<]*: HTTP 503 from &lt;b&gt;", page), page


def test_hostile_labels_are_texts(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("rules?q=load")
        shown = await page.locator(".alert .labels").all_inner_texts()
        assert [text for text in shown if "\u202e" in text or "\u2067" in text] == []
        assert sorted(label.count("x") > 200 for label in shown) == [False, False, False, True]
        assert any(HOSTILE[0].replace('"', '\\"') in label or HOSTILE[0] in label for label in shown)
        await expect(page).to_have_title("Rules · smithd")

    site.look(scenario)


def test_half_a_character_does_no_harm(site: Site) -> None:
    async def scenario(page: Page) -> None:
        site.daemon.answer("ledger", failure="HTTP 503 \ud800")
        await page.goto("sources")
        await expect(page.get_by_role("row").filter(has_text="ledger")).to_contain_text("HTTP 503 ?")
        site.daemon.answer("ledger", failure=FAILURE)

    site.look(scenario)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("rule?name=erors", "there is no rule 'erors'; did you mean 'errors'?"),
        ("rule", "there is no rule ''"),
        ("rule?name=load&labels=nonsense", "is no matcher"),
        ("surface?name=widget:nothing", "there is no widget 'nothing'"),
        ("rules?rows=many&state=nonsense&span=never", "Nothing matches."),
        ("?account=nobody&phone=nonsense", "1 alert firing"),
    ],
)
def test_an_address_that_makes_no_sense_is_answered_in_a_sentence(site: Site, address: str, says: str) -> None:
    async def scenario(page: Page) -> None:
        await page.goto(address)
        await expect(page.get_by_role("main")).to_contain_text(says)
        await expect(page.get_by_role("heading", level=1)).not_to_be_empty()

    site.look(scenario)


def test_who_looks_sees_what_changes(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("sources")
        row = page.get_by_role("row").filter(has_text="ledger")
        await expect(row).to_contain_text("failing")
        site.daemon.answer("ledger", ("open", 3.0, {}))
        await expect(row).to_contain_text("up")
        site.daemon.answer("ledger", failure=FAILURE)
        await expect(row).to_contain_text("failing")

    site.look(scenario)


def test_the_past_of_a_metric_is_drawn_with_its_thresholds_and_when_the_rule_fired(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("rule?name=errors")
        plot = page.get_by_role("img", name="shop.errors")
        await expect(plot.locator("text.level")).to_have_text(["critical > 8", "warning > 2"])
        await expect(plot.locator(".curve")).to_have_count(1)
        await expect(plot.locator(".fired")).to_have_count(1)
        await expect(page.locator(".legend tbody tr")).to_contain_text("1 time")
        await page.goto("rule?name=load")
        await expect(page.get_by_role("img", name="shop.load").locator(".curve")).to_have_count(4)
        await page.get_by_role("link", name="week").click()
        await expect(page).to_have_url(site.address + "rule?name=load&span=week")
        await expect(page.get_by_role("img", name="shop.load").locator("text.at").first).to_contain_text(" ")

    site.look(scenario)


def test_decisions_are_listed_the_newest_first(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("decisions?q=shop.errors")
        await expect(page.locator("tbody tr").first).to_contain_text("fired")
        await page.locator("tbody tr .name").first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("errors")

    site.look(scenario)


def test_a_silence_is_made_and_ended(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("rules?q=spare-07")
        await page.locator("tbody .name").click()
        await page.get_by_role("link", name="Silence this rule").click()
        await expect(page.get_by_label("Alerts that meet")).to_have_value("rule=spare-07")
        await page.get_by_label("Why").fill("<b>deploying</b>")
        await page.get_by_role("button", name="Silence", exact=True).click()
        await expect(page.locator(".said")).to_contain_text("of rule=spare-07 was made.")
        row = page.get_by_role("row").filter(has_text="spare-07")
        await expect(row).to_contain_text("<b>deploying</b>")
        await row.get_by_role("button", name="End the silence of rule=spare-07 now").click()
        await expect(page.locator(".said")).to_contain_text("was ended.")
        await expect(row).to_have_count(0)

    site.look(scenario)


def test_a_silence_that_makes_no_sense_is_refused_in_a_sentence(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto("silences")
        await page.get_by_label("Alerts that meet").fill("rule=spare-99")
        await page.get_by_role("button", name="Silence", exact=True).click()
        await expect(page.locator(".said")).to_contain_text("there is no rule 'spare-99'")
        await expect(page.get_by_label("Alerts that meet")).to_have_value("rule=spare-99")

    # The browser itself writes of each answer that is an error.
    site.look(scenario, expected="400")


def test_a_page_of_another_origin_can_change_nothing(site: Site) -> None:
    change = """async (address) => {
      const body = JSON.stringify({ matchers: "rule=errors", duration: "2h" });
      const headers = { "Content-Type": "application/json" };
      const asked = [{ mode: "no-cors" }, { headers }];
      const each = (more) => fetch(address, { method: "POST", credentials: "include", body, ...more });
      return await Promise.all(asked.map((more) => each(more).then((answer) => answer.type, (error) => error.name)));
    }"""

    async def scenario(page: Page) -> None:
        await page.goto(site.elsewhere)
        assert await page.evaluate(change, site.address + "api/v1/silences") == ["TypeError", "TypeError"]
        await page.goto(site.address + "silences")
        await expect(page.locator(".shown")).to_have_text("1 silence")

    site.look(scenario, expected="elsewhere|Failed to load|CORS")


def test_without_a_token_silences_can_only_be_looked_at(site: Site) -> None:
    async def scenario(page: Page) -> None:
        await page.goto(site.without_token + "silences")
        await expect(page.get_by_text("Silences can only be looked at here. Set web.token")).to_be_visible()
        await expect(page.get_by_role("button", name="Silence", exact=True)).to_have_count(0)
        made = await page.request.post(site.without_token + "api/v1/silences", data={"matchers": "rule=errors"})
        assert made.status == 403

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
